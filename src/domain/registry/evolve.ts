/**
 * One event more. An event of the log is a proposal: it applies when its version is the current one + 1 and the rules
 * hold at its place in the log; else it is void and changes nothing. Every process judges the same log in the same
 * way, so who won is never asked, only computed.
 *
 * The first occurrence of an event id counts. One that applied cannot apply again: versions only grow, also over a
 * deletion. One that was void might, when what it lacked has come meanwhile, though its writer was told no: so the
 * ids of void events are kept (the newest 100 000 of those that could still come into question).
 *
 * Deleted entities stay, but for the tokens of single starts: there would be no end of them. They go by the time of later
 * events, never by a clock.
 */
import { z } from 'zod';
import { type CmsEvent, ENTITY_KINDS, type EntityKind } from '../messages/cms-events.js';
import { KINDS, type Kind, type StateOf } from './kinds.js';
import { isErased, KEY_BOOK, scrubbed } from './personal.js';
import {
  changeOf,
  type Entity,
  forgetEnded,
  isLive,
  lookUp,
  mapOf,
  type Past,
  parseRef,
  put,
  type RegistryState,
  refOf,
} from './state.js';

export const VOID_REASONS = [
  /** This event id was judged before. */
  'DUPLICATE',
  /** Somebody else changed the entity first; or it was created twice, or is not there. */
  'VERSION',
  /** Not as the shape of its kind says. */
  'SHAPE',
  /** It refers to something that is not there. */
  'REFERENCE_MISSING',
  /** Something else refers to it. */
  'REFERENCED',
  /** A value that only one may have is another's. */
  'TAKEN',
  /** Its personal data are sealed under a key of another key book than the current one. */
  'KEY_BOOK',
  /** The account was erased: nothing changes any more. */
  'ERASED',
  /** Nobody would be left who can log in and let others in. */
  'LAST_ADMIN',
] as const;
export type VoidReason = (typeof VOID_REASONS)[number];

/**
 * The newest rules, by number. An event says by which it was written (`rules`), and a rule that came later does not judge it:
 * what applied once applies at every replay. 1: LAST_ADMIN.
 */
export const EVENT_RULES = 1;

export interface Complaint {
  readonly reason: VoidReason;
  readonly detail: string;
  /** What is wrong, field by field, where it is one. */
  readonly errors: readonly { readonly field: string; readonly message: string }[];
}

export type Verdict =
  | { readonly verdict: 'applied'; readonly entity: Entity }
  | ({ readonly verdict: 'void' } & Complaint);

/** Compiled: a log of a hundred thousand events is judged at every start. */
const SHAPES = Object.fromEntries(
  ENTITY_KINDS.map((kind) => [kind, z.compile(KINDS[kind].shape as z.ZodType)]),
) as Record<EntityKind, z.ZodType>;

const VOIDED_KEPT = 100_000;
const PAST_KEPT = 100;

/** Judges and, when it applies, takes the event in: `state` is changed in place, entities are replaced. */
export function evolve(state: RegistryState, event: CmsEvent): Verdict {
  const verdict = take(state, event);
  // After the judgement, so that `judge` says before the event what becomes of it.
  forgetEnded(state, event.at);
  return verdict;
}

function take(state: RegistryState, event: CmsEvent): Verdict {
  const complaint = judge(state, event);
  if (complaint !== undefined) {
    if (event.version > (lookUp(state, event.kind, event.entityId)?.version ?? 0)) remember(state, event.id);
    return { verdict: 'void', ...complaint };
  }
  const entity = entityAfter(lookUp(state, event.kind, event.entityId), event);
  put(state, entity);
  return { verdict: 'applied', entity };
}

/** Why the event would be void; undefined: it would apply. Changes nothing. */
export function judge(state: RegistryState, event: CmsEvent): Complaint | undefined {
  if (state.voided.has(event.id)) return complain('DUPLICATE', 'It was judged before.');
  const current = lookUp(state, event.kind, event.entityId);
  const version = (current?.version ?? 0) + 1;
  if (event.version !== version)
    return current?.eventId === event.id
      ? complain('DUPLICATE', 'It was judged before.')
      : complain('VERSION', `The version to come is ${version}, not ${event.version}.`);
  const change = changeOf(event);
  if (isLive(current) !== (change !== 'created'))
    return complain('VERSION', isLive(current) ? 'It is there already.' : 'It is not there.');
  if (event.type !== `cms.${event.kind}.${change}` || (change === 'deleted') !== (event.state === null))
    return complain('SHAPE', `${event.type} of a ${event.kind} does not go with its state.`);
  if (event.kind === 'account' && isErased(state, event.entityId))
    return complain('ERASED', 'It was erased, and stays so.');
  const complaint =
    event.state === null ? judgeDeletion(state, event) : judgeState(state, event, event.state);
  return complaint ?? judgeLastAdmin(state, event);
}

/** Judged here, at the event's place: of two admins who demote each other at once, one stays. */
function judgeLastAdmin(state: RegistryState, event: CmsEvent): Complaint | undefined {
  if (event.kind !== 'account' || (event.rules ?? 0) < 1) return undefined;
  if (!letsIn(lookUp(state, 'account', event.entityId)?.state)) return undefined;
  if (letsIn(event.state as StateOf['account'] | null)) return undefined;
  for (const { id, state: other } of mapOf(state, 'account').values())
    if (id !== event.entityId && letsIn(other)) return undefined;
  return complain('LAST_ADMIN', 'Nobody else could log in and let anybody in.');
}

/** Can log in, and may change every account. */
const letsIn = (account: StateOf['account'] | null | undefined): boolean =>
  account != null &&
  account.role === 'admin' &&
  !account.disabled &&
  account.stations === undefined &&
  account.passwordHash !== undefined &&
  // It claims its e-mail address, and has nothing else to claim.
  KINDS.account.claims(account).length > 0;

/** Whether a state has the shape of its kind. */
export function complaintsOfShape(
  kind: EntityKind,
  state: unknown,
): readonly { field: string; message: string }[] {
  const parsed = SHAPES[kind].safeParse(state);
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
}

function judgeState(state: RegistryState, event: CmsEvent, proposed: object): Complaint | undefined {
  const kind = KINDS[event.kind] as Kind<EntityKind>;
  const errors = complaintsOfShape(event.kind, proposed);
  if (errors.length > 0) return { reason: 'SHAPE', detail: `It is no ${event.kind}.`, errors };
  const typed = proposed as StateOf[EntityKind];
  if (kind.idOf(typed) !== event.entityId)
    return complain('SHAPE', `The id in it is ${kind.idOf(typed)}, not ${event.entityId}.`);
  const sealedUnder = (proposed as { sealed?: { book: number } }).sealed?.book;
  const book = lookUp(state, 'key-book', KEY_BOOK)?.state?.book;
  if (sealedUnder !== undefined && sealedUnder !== book)
    return complain(
      'KEY_BOOK',
      `Sealed under key book ${sealedUnder}; the current one is ${book ?? 'none'}.`,
    );
  const missing = kind
    .references(typed)
    .filter((reference) => !isLive(lookUp(state, reference.kind, reference.id)))
    .map((reference) => ({
      field: reference.field,
      message: `there is no ${reference.kind} ${reference.id}`,
    }));
  if (missing.length > 0)
    return { reason: 'REFERENCE_MISSING', detail: 'It refers to what is not there.', errors: missing };
  const ref = refOf(event.kind, event.entityId);
  const claims = kind.claims(typed);
  const taken = claims
    .filter(({ value }) => (state.claims.get(value) ?? ref) !== ref)
    .map(({ field, value }) => ({ field, message: `${nameOf(state.claims.get(value) as string)} has it` }));
  if (new Set(claims.map(({ value }) => value)).size < claims.length)
    taken.push({ field: claims[0]?.field ?? '', message: 'occurs twice in it' });
  if (taken.length > 0)
    return { reason: 'TAKEN', detail: 'Something that only one may have is taken.', errors: taken };
  return undefined;
}

function judgeDeletion(state: RegistryState, event: CmsEvent): Complaint | undefined {
  const ref = refOf(event.kind, event.entityId);
  const holders: string[] = [];
  let others = 0;
  for (const referrer of state.referrers.get(ref) ?? []) {
    if (referrer === ref || !holds(state, referrer, ref)) continue;
    if (holders.length < 3) holders.push(nameOf(referrer));
    else others++;
  }
  if (holders.length === 0) return undefined;
  const more = others === 0 ? '' : ` and ${others} more`;
  return complain('REFERENCED', `${holders.join(', ')}${more} refer to it.`);
}

function holds(state: RegistryState, referrer: string, ref: string): boolean {
  const { kind, id } = parseRef(referrer);
  const other = lookUp(state, kind, id);
  return (
    isLive(other) &&
    (KINDS[kind] as Kind<EntityKind>)
      .references(other.state)
      .some((reference) => reference.holds && refOf(reference.kind, reference.id) === ref)
  );
}

function entityAfter(before: Entity | undefined, event: CmsEvent): Entity {
  const change = changeOf(event);
  const state = event.state as Entity['state'];
  const past = before === undefined ? [] : pastAfter(before);
  const isErasure = event.kind === 'account' && (state as StateOf['account'] | null)?.erased !== undefined;
  return {
    kind: event.kind,
    id: event.entityId,
    version: event.version,
    change,
    at: event.at,
    actor: event.actor,
    eventId: event.id,
    createdAt: change === 'created' || before === undefined ? event.at : before.createdAt,
    changed: before?.state && state ? changedFields(before.state, state) : [],
    state,
    past: isErasure ? scrubbed(past) : past,
  };
}

function pastAfter(before: Entity): Past[] {
  const { keptStates } = KINDS[before.kind] as Kind<EntityKind>;
  const { version, change, at, actor, eventId, changed, state } = before;
  const last: Past = { version, change, at, actor, eventId, changed, ...(keptStates > 0 ? { state } : {}) };
  const past = [...before.past, last];
  const kept = Math.max(PAST_KEPT, keptStates);
  if (past.length > kept) past.splice(0, past.length - kept);
  const bare = past.length - keptStates - 1;
  const old = past[bare];
  if (old?.state !== undefined) {
    const { state: _, ...rest } = old;
    past[bare] = rest;
  }
  return past;
}

function changedFields(before: object, after: object): string[] {
  const old = before as Record<string, unknown>;
  const now = after as Record<string, unknown>;
  const fields = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...fields].filter((field) => canonical(old[field]) !== canonical(now[field])).sort();
}

/** Equal for equal content, whatever the order of its members. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  ) ?? '';

function remember(state: RegistryState, eventId: string): void {
  state.voided.add(eventId);
  if (state.voided.size <= VOIDED_KEPT) return;
  for (const oldest of state.voided) {
    state.voided.delete(oldest);
    return;
  }
}

const nameOf = (ref: string): string => {
  const { kind, id } = parseRef(ref);
  return `${kind} ${id}`;
};

const complain = (reason: VoidReason, detail: string): Complaint => ({ reason, detail, errors: [] });
