/** What the registry holds after some events of its log. Entities are replaced, never changed: handing one out is safe. */
import { type CmsEvent, ENTITY_KINDS, type EntityKind } from '../messages/cms-events.js';
import { KINDS, type StateOf } from './kinds.js';
import { isOneTime, type Token } from './token.js';

export type Change = 'created' | 'updated' | 'deleted';

/** A former version. */
export interface Past<K extends EntityKind = EntityKind> {
  readonly version: number;
  readonly change: Change;
  /** Of the event: ISO 8601. */
  readonly at: string;
  readonly actor: string;
  readonly eventId: string;
  /** Top-level fields that differ from the version before; of a first version none is named. */
  readonly changed: readonly string[];
  /** null: deleted. Absent: not kept. */
  readonly state?: StateOf[K] | null;
}

export interface Entity<K extends EntityKind = EntityKind> extends Past<K> {
  readonly kind: K;
  readonly id: string;
  readonly state: StateOf[K] | null;
  readonly createdAt: string;
  /** Oldest first. Of those whose states are not kept the newest hundred. */
  readonly past: readonly Past<K>[];
}

/** One that is there. */
export type Live<K extends EntityKind = EntityKind> = Entity<K> & { readonly state: StateOf[K] };

export interface RegistryState {
  /** Deleted ones too: their version goes on when they are created again. One-time tokens alone are forgotten. */
  readonly entities: { readonly [K in EntityKind]: Map<string, Entity<K>> };
  /** Who refers to an entity, by `refOf`. */
  readonly referrers: Map<string, Set<string>>;
  /** Who has a value that only one may have. */
  readonly claims: Map<string, string>;
  /** Ids of void events that might apply if they came again, oldest first. */
  readonly voided: Set<string>;
  /** Ids of the tokens that are there and that somebody keeps: not those that were made for one start. */
  readonly keptTokens: Set<string>;
  /** Ids of one-time tokens that are deleted, by the day of their deletion (whole days since 1970, UTC). */
  readonly ended: Map<number, Set<string>>;
}

export const emptyState = (): RegistryState => ({
  entities: Object.fromEntries(
    ENTITY_KINDS.map((kind) => [kind, new Map()]),
  ) as unknown as RegistryState['entities'],
  referrers: new Map(),
  claims: new Map(),
  voided: new Set(),
  keptTokens: new Set(),
  ended: new Map(),
});

/** Another one to try changes on; entities are shared, since they are never changed. */
export const copyOf = (state: RegistryState): RegistryState => ({
  entities: Object.fromEntries(
    Object.entries(state.entities).map(([kind, entities]) => [
      kind,
      new Map(entities as Map<string, Entity>),
    ]),
  ) as unknown as RegistryState['entities'],
  referrers: new Map([...state.referrers].map(([ref, others]) => [ref, new Set(others)])),
  claims: new Map(state.claims),
  voided: new Set(state.voided),
  keptTokens: new Set(state.keptTokens),
  ended: new Map([...state.ended].map(([day, ids]) => [day, new Set(ids)])),
});

/** An entity as one word; kinds have no '/'. */
export const refOf = (kind: EntityKind, id: string): string => `${kind}/${id}`;
export function parseRef(ref: string): { kind: EntityKind; id: string } {
  const slash = ref.indexOf('/');
  return { kind: ref.slice(0, slash) as EntityKind, id: ref.slice(slash + 1) };
}

export const mapOf = <K extends EntityKind>(state: RegistryState, kind: K): Map<string, Entity<K>> =>
  state.entities[kind] as Map<string, Entity<K>>;

/** The entity, deleted ones included. */
export const lookUp = <K extends EntityKind>(
  state: RegistryState,
  kind: K,
  id: string,
): Entity<K> | undefined => mapOf(state, kind).get(id);

export const isLive = <K extends EntityKind>(entity: Entity<K> | undefined): entity is Live<K> =>
  entity !== undefined && entity.state !== null;

/** Its state, or of a deleted one the last that is still kept. */
export const lastState = <K extends EntityKind>(entity: Entity<K> | undefined): StateOf[K] | undefined =>
  entity?.state ?? entity?.past.findLast(({ state }) => state)?.state ?? undefined;

/** One that never was anything but a one-time token, as far as is remembered. */
export const isOneTimeOnly = ({ state, past }: Entity<'token'>): boolean => {
  let known = 0;
  for (const one of [state, ...past.map((former) => former.state)]) {
    if (one == null) continue;
    if (!isOneTime(one)) return false;
    known++;
  }
  return known > 0;
};

/** It was on no list of accepted tokens at any time: each of its versions is remembered, with whitelist NEVER. */
export const isNeverListed = ({ state, past, version }: Entity<'token'>): boolean => {
  const isOff = (one: Token | null | undefined): boolean =>
    one === null || (one !== undefined && one.whitelist === 'NEVER');
  return (past[0]?.version ?? version) === 1 && isOff(state) && past.every((one) => isOff(one.state));
};

const DAY_MS = 86_400_000;
const dayOf = (at: string): number => Math.floor(Date.parse(at) / DAY_MS);

/**
 * A deleted one-time token is kept for so many days after the day of its deletion: what a charger did offline with it is
 * judged as of then. A later frame finds it unknown.
 */
export const ENDED_KEPT_DAYS = 7;

/**
 * Forgets what has been kept long enough at this time, which is that of an event of the log: so every process forgets the same
 * at the same place.
 */
export function forgetEnded(state: RegistryState, at: string): void {
  const until = dayOf(at) - ENDED_KEPT_DAYS;
  const tokens = mapOf(state, 'token');
  for (const [day, ids] of state.ended) {
    if (day >= until) continue;
    for (const id of ids) tokens.delete(id);
    state.ended.delete(day);
  }
}

function index(state: RegistryState, before: Entity<'token'> | undefined, after: Entity<'token'>): void {
  if (before?.state === null) {
    const day = dayOf(before.at);
    const ids = state.ended.get(day);
    ids?.delete(before.id);
    if (ids?.size === 0) state.ended.delete(day);
  }
  if (after.state !== null || !isOneTimeOnly(after)) return;
  const day = dayOf(after.at);
  const ids = state.ended.get(day);
  if (ids === undefined) state.ended.set(day, new Set([after.id]));
  else ids.add(after.id);
}

/** Puts an entity in the place of what was there, indexes included. `judge` has found that it fits. */
export function put(state: RegistryState, entity: Entity): void {
  const ref = refOf(entity.kind, entity.id);
  const before = mapOf(state, entity.kind).get(entity.id);
  const kind = KINDS[entity.kind] as (typeof KINDS)['station'];
  if (before?.state) {
    for (const { kind: to, id } of kind.references(before.state as never)) {
      const others = state.referrers.get(refOf(to, id));
      others?.delete(ref);
      if (others?.size === 0) state.referrers.delete(refOf(to, id));
    }
    for (const { value } of kind.claims(before.state as never)) state.claims.delete(value);
  }
  if (entity.state) {
    for (const { kind: to, id } of kind.references(entity.state as never)) {
      const target = refOf(to, id);
      const others = state.referrers.get(target);
      if (others === undefined) state.referrers.set(target, new Set([ref]));
      else others.add(ref);
    }
    for (const { value } of kind.claims(entity.state as never)) state.claims.set(value, ref);
  }
  if (entity.kind === 'token')
    index(state, before as Entity<'token'> | undefined, entity as Entity as Entity<'token'>);
  mapOf(state, entity.kind).set(entity.id, entity);
  if (entity.kind !== 'token') return;
  const token = entity.state as StateOf['token'] | null;
  if (token !== null && !isOneTime(token)) state.keptTokens.add(entity.id);
  else state.keptTokens.delete(entity.id);
}

export const changeOf = (event: CmsEvent): Change =>
  event.type.slice(event.type.lastIndexOf('.') + 1) as Change;
