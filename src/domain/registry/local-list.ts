/**
 * The local authorization list of a charger, out of the registry: what it should hold, and what of that it lacks. Pure.
 *
 * **The version of a list is a time**: whole seconds since 2020 of the state of the registry that it was made from. The
 * charger tells its version when it is asked, and keeps it through reboots; so it is known of each charger what it lacks,
 * and nothing about lists is stored here. Versions below `OLDEST_VERSION` are parts of a list that was not sent to its
 * end, or somebody else's numbers: then the whole list is due, as it is when the version lies in the future.
 *
 * What has changed since is found by comparing what the list was then with what it is now, token by token, so a change
 * that makes no difference to the charger sends nothing. OCPP 1.6 section 5.15; 2.0.1 Part 2, D01.
 */
import type { AuthStatus } from '../ocpp/auth-status.js';
import type { Point } from './point.js';
import {
  type Entity,
  isLive,
  isNeverListed,
  lookUp,
  mapOf,
  parseRef,
  type RegistryState,
  refOf,
} from './state.js';
import { type Around, standingAt, type Token, tokenIdOf } from './token.js';

/** 2020-01-01T00:00:00Z, epoch milliseconds. A signed 32-bit version lasts until 2088. */
const BEGIN = 1_577_836_800_000;
/** April 2020. Nobody sends a list in so many parts. */
export const OLDEST_VERSION = 10_000_000;

export const listVersionAt = (ms: number): number => Math.floor((ms - BEGIN) / 1_000);
/** Epoch milliseconds. */
export const timeOfListVersion = (version: number): number => BEGIN + version * 1_000;

export interface ListEntry {
  readonly uid: string;
  readonly type: Token['type'];
  /** Of the token, its account and its parent group together; of time alone Expired. */
  readonly status: AuthStatus;
  /** The earlier one of its own and its group's. */
  readonly expiresAt?: string;
  readonly group?: string;
}

/** Without an entry: take the token off the list. */
export interface ListChange {
  readonly uid: string;
  readonly type: Token['type'];
  readonly entry: ListEntry | undefined;
}

export interface ListScope {
  readonly mode: 'account' | 'all';
  /** `account`: whose tokens. Without one: nobody's. */
  readonly account: string | undefined;
}

/** undefined: it gets no list. */
export const scopeOf = ({
  localList,
  account,
}: Pick<Point, 'localList' | 'account'>): ListScope | undefined =>
  localList === undefined || localList === 'none'
    ? undefined
    : { mode: localList, account: localList === 'account' ? account : undefined };

const isSame = (a: ListScope | undefined, b: ListScope | undefined): boolean =>
  a?.mode === b?.mode && a?.account === b?.account;

/** It gets a list, or had one that may have to be taken away. */
export const hasHadList = ({ state, past }: Entity<'point'>): boolean =>
  [state, ...past.map((one) => one.state)].some((one) => one != null && scopeOf(one) !== undefined);

/** What a charger can be told and can hold. */
export interface ListLimits {
  /** Entries it can hold. */
  readonly entries: number;
  /** Characters of a token: 20 in OCPP 1.6, 36 in 2.0.1, 255 in 2.1. */
  readonly tokenLength: number;
}

export interface WantedList {
  /** In the order of their upper-case uid. */
  readonly entries: readonly ListEntry[];
  /** Tokens for which there is no room: those that are not Accepted first, then the last ones in that order. */
  readonly left: number;
  /** Tokens that are too long for the charger's version. */
  readonly tooLong: number;
}

/** `at`: epoch milliseconds; what has expired by then is said to be Expired. */
export function wantedList(
  state: RegistryState,
  scope: ListScope | undefined,
  limits: ListLimits,
  at: number,
): WantedList {
  const all: { readonly id: string; readonly entry: ListEntry }[] = [];
  let tooLong = 0;
  for (const token of tokensIn(state, scope)) {
    const entry = entryNow(state, token, scope, at);
    if (entry === undefined) continue;
    if (entry.uid.length > limits.tokenLength) tooLong++;
    else all.push({ id: token.id, entry: sayable(entry, limits) });
  }
  all.sort(byId);
  if (all.length <= limits.entries) return { entries: all.map(({ entry }) => entry), left: 0, tooLong };
  const isGood = ({ entry }: { entry: ListEntry }): boolean => entry.status === 'Accepted';
  const kept = [...all.filter(isGood), ...all.filter((one) => !isGood(one))].slice(0, limits.entries);
  return {
    entries: kept.sort(byId).map(({ entry }) => entry),
    left: all.length - limits.entries,
    tooLong,
  };
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0;

export type ListPlan =
  | { readonly kind: 'up-to-date' }
  | ({ readonly kind: 'full' } & WantedList)
  | { readonly kind: 'differential'; readonly changes: readonly ListChange[] };

export interface PlanOptions {
  /** What the charger said; undefined: nothing that can be used. */
  readonly version: number | undefined;
  readonly limits: ListLimits;
  /** Epoch milliseconds of the new version. */
  readonly at: number;
  readonly touched: TouchedTokens;
}

/** What has to be sent so that the charger's list is the one it should hold. */
export function planList(
  state: RegistryState,
  point: Entity<'point'>,
  { version, limits, at, touched }: PlanOptions,
): ListPlan {
  const scope = point.state === null ? undefined : scopeOf(point.state);
  const known =
    version !== undefined && version >= OLDEST_VERSION && timeOfListVersion(version) <= at + 60_000;
  const since = known ? timeOfListVersion(version) : undefined;
  const then = since === undefined ? undefined : stateThen(point, since);
  const scopeThen = then?.state ? scopeOf(then.state) : undefined;
  if (scope === undefined)
    // What it holds is somebody else's, unless it had its list from here then.
    return scopeThen === undefined
      ? { kind: 'up-to-date' }
      : { kind: 'full', entries: [], left: 0, tooLong: 0 };
  const whole = (): ListPlan => ({ kind: 'full', ...touched.wanted(state, scope, limits, at) });
  if (since === undefined || then === undefined || !isSame(scope, scopeThen)) return whole();
  // Where there was room for fewer, what was left out has not changed, and is missing all the same.
  if (then.state?.localListEntries !== point.state?.localListEntries) return whole();
  const found = touched.since(since).flatMap((id) => changeSince(state, id, scope, { since, at, limits }));
  const changes = found
    .flatMap((one) => one.changes)
    .sort((a, b) => byId({ id: tokenIdOf(a.uid) }, { id: tokenIdOf(b.uid) }));
  if (changes.length === 0) return { kind: 'up-to-date' };
  const length = touched.lengthOf(state, scope, limits, at);
  const lengthThen = found.reduce((sum, { grown }) => sum - grown, length);
  // Where there is, or was, no room for all, who comes and who goes depends on all the others.
  return length <= limits.entries && lengthThen <= limits.entries
    ? { kind: 'differential', changes }
    : whole();
}

interface Change {
  readonly changes: readonly ListChange[];
  /** By so many entries the list has grown; NaN: that cannot be told. */
  readonly grown: number;
}

function changeSince(
  state: RegistryState,
  id: string,
  scope: ListScope,
  { since, at, limits }: { since: number; at: number; limits: ListLimits },
): Change[] {
  const token = lookUp(state, 'token', id);
  if (token === undefined) return [];
  const says = (entry: ListEntry | undefined): ListEntry | undefined =>
    entry === undefined || entry.uid.length > limits.tokenLength ? undefined : sayable(entry, limits);
  const now = says(entryNow(state, token, scope, at));
  const before = entryThen(state, token, scope, since);
  if (before === 'unknown') {
    // A home charger is not told of other people's tokens.
    const last = now ?? token.state ?? token.past.findLast((one) => one.state != null)?.state;
    const isIts =
      now !== undefined || (last && last.uid.length <= limits.tokenLength && isOf(last as Token, scope));
    return last && isIts
      ? [{ changes: [{ uid: last.uid, type: last.type, entry: now }], grown: Number.NaN }]
      : [];
  }
  const was = says(before);
  if (JSON.stringify(was) === JSON.stringify(now)) return [];
  const grown = (now === undefined ? 0 : 1) - (was === undefined ? 0 : 1);
  // One that was written otherwise (upper case, lower case) or was of another type is another one to some chargers.
  const isAnother = was !== undefined && (was.uid !== now?.uid || was.type !== now.type);
  const gone = isAnother ? [{ uid: was.uid, type: was.type, entry: undefined }] : [];
  const come = now === undefined ? [] : [{ uid: now.uid, type: now.type, entry: now }];
  return [{ changes: [...gone, ...come], grown }];
}

/**
 * Tokens by when something last changed that their entries are made of; those that never were on a list are passed over,
 * as every start of a customer makes one. To be made anew when the registry has changed; what is computed for one charger
 * serves all the others of the same kind.
 */
export class TouchedTokens {
  private readonly lengths = new Map<string, number>();
  private last: { readonly key: string; readonly list: WantedList } | undefined;
  /** Newest first. */
  private readonly tokens: readonly { readonly id: string; readonly at: number }[];

  constructor(state: RegistryState) {
    const times = new Map<Entity, number>();
    const timeOf = (entity: Entity | undefined): number => {
      if (entity === undefined) return Number.NEGATIVE_INFINITY;
      const at = times.get(entity) ?? Date.parse(entity.at);
      times.set(entity, at);
      return at;
    };
    this.tokens = [...mapOf(state, 'token').values()]
      .filter((token) => !isNeverListed(token))
      .map((token) => {
        // Those of a former state too: what they said then went into its entry.
        const states = [token.state, ...token.past.map((one) => one.state)];
        const others = states.flatMap((one) => [
          one?.account === undefined ? undefined : lookUp(state, 'account', one.account),
          one?.group_id === undefined ? undefined : lookUp(state, 'token', tokenIdOf(one.group_id)),
        ]);
        return {
          id: token.id,
          at: Math.max(timeOf(token), ...others.map((other) => timeOf(other as Entity))),
        };
      })
      .sort((a, b) => b.at - a.at);
  }

  /** As `wantedList`; the newest one is kept. */
  wanted(state: RegistryState, scope: ListScope, limits: ListLimits, at: number): WantedList {
    const key = JSON.stringify([scope, limits, at]);
    if (this.last?.key !== key) this.last = { key, list: wantedList(state, scope, limits, at) };
    return this.last.list;
  }

  /** Entries of the whole list, were there room for all. */
  lengthOf(state: RegistryState, scope: ListScope, limits: ListLimits, at: number): number {
    const key = JSON.stringify([scope, limits]);
    let length = this.lengths.get(key);
    if (length === undefined) {
      const { entries, left } = this.wanted(state, scope, limits, at);
      length = entries.length + left;
      this.lengths.set(key, length);
    }
    return length;
  }

  /** When the newest change was made that a list of this scope is made of, epoch milliseconds; undefined: none ever. */
  newest(state: RegistryState, scope: ListScope): number | undefined {
    return this.tokens.find(({ id }) => {
      const token = lookUp(state, 'token', id);
      return [token?.state, ...(token?.past ?? []).map((one) => one.state)].some(
        (one) => one && isOf(one, scope),
      );
    })?.at;
  }

  since(ms: number): string[] {
    const ids: string[] = [];
    for (const { id, at } of this.tokens) {
      if (at <= ms) break;
      ids.push(id);
    }
    return ids;
  }
}

// ---- entries ----

function tokensIn(state: RegistryState, scope: ListScope | undefined): Entity<'token'>[] {
  if (scope === undefined) return [];
  if (scope.mode === 'all') return [...mapOf(state, 'token').values()];
  if (scope.account === undefined) return [];
  return [...(state.referrers.get(refOf('account', scope.account)) ?? [])].flatMap((ref) => {
    const { kind, id } = parseRef(ref);
    const token = kind === 'token' ? lookUp(state, 'token', id) : undefined;
    return token === undefined ? [] : [token];
  });
}

const isOf = ({ account }: Token, scope: ListScope): boolean =>
  scope.mode === 'all' || (scope.account !== undefined && account === scope.account);

function entryNow(
  state: RegistryState,
  { state: token }: Entity<'token'>,
  scope: ListScope | undefined,
  at: number,
): ListEntry | undefined {
  if (token === null || scope === undefined || token.whitelist === 'NEVER') return undefined;
  const account = token.account === undefined ? undefined : lookUp(state, 'account', token.account);
  const group = token.group_id === undefined ? undefined : lookUp(state, 'token', tokenIdOf(token.group_id));
  return entryOf(
    token,
    scope,
    {
      isDisabled: account !== undefined && (account.state?.disabled ?? true),
      group: isLive(group) ? group.state : undefined,
    },
    at,
  );
}

function entryThen(
  state: RegistryState,
  entity: Entity<'token'>,
  scope: ListScope,
  at: number,
): ListEntry | undefined | 'unknown' {
  const then = stateThen(entity, at);
  if (then === undefined) return 'unknown';
  const token = then.state;
  if (token === null) return undefined;
  const account = token.account === undefined ? undefined : lookUp(state, 'account', token.account);
  const group = token.group_id === undefined ? undefined : lookUp(state, 'token', tokenIdOf(token.group_id));
  const accountThen = account && stateThen(account, at);
  const groupThen = group && stateThen(group, at);
  if ((account && !accountThen) || (group && !groupThen)) return 'unknown';
  return entryOf(
    token,
    scope,
    {
      isDisabled: accountThen !== undefined && (accountThen.state?.disabled ?? true),
      group: groupThen?.state ?? undefined,
    },
    at,
  );
}

function entryOf(token: Token, scope: ListScope, around: Around, at: number): ListEntry | undefined {
  if (token.whitelist === 'NEVER' || !isOf(token, scope)) return undefined;
  const { status, expiresAt } = standingAt(token, around, at);
  return {
    uid: token.uid,
    type: token.type,
    status,
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
    ...(token.group_id === undefined ? {} : { group: token.group_id }),
  };
}

function sayable({ group, ...entry }: ListEntry, { tokenLength }: ListLimits): ListEntry {
  return group === undefined || group.length > tokenLength ? entry : { ...entry, group };
}

/** As it stood then, which is not there before its first version; undefined: it is not remembered so far back. */
function stateThen<K extends 'token' | 'account' | 'point'>(
  entity: Entity<K>,
  at: number,
): { readonly state: Entity<K>['state'] } | undefined {
  if (Date.parse(entity.at) <= at) return { state: entity.state };
  for (let index = entity.past.length - 1; index >= 0; index--) {
    const former = entity.past[index];
    if (former === undefined || Date.parse(former.at) > at) continue;
    return former.state === undefined ? undefined : { state: former.state };
  }
  return (entity.past[0]?.version ?? entity.version) === 1 ? { state: null } : undefined;
}
