/**
 * One event of a login more, judged at its place in the log.
 *
 *   login.begun --> version 1 --login.turned (current + 1)--> 2 --> 3 ... --login.ended--> over
 *
 * - `begun` applies once: an id that goes on, or was ended, begins no second time.
 * - `turned` applies when its version is the current one + 1. Of two who come with the same refresh token one is first.
 * - `ended` applies whatever the version is: nobody who refreshes can outrun a logout, and ending twice is ending once.
 *
 * The log forgets its beginning, and its readers began at different places. They agree on every login that can still hold,
 * because all that decides about one lies behind its own beginning, and that is kept for longer than it lives:
 * - its versions and its end name its id;
 * - it gives way to newer logins of its account: those that began after it, and of these only those that had not passed
 *   by the time that the newest says (`at`). What a reader has not seen, or has forgotten, began before.
 * Nothing here may depend on a clock, or on what began earlier.
 */
import type { LoginEvent } from '../messages/login-events.js';
import { addLogin, LOGINS_KEPT, type Login, type LoginsState, removeLogin } from './state.js';

export const LOGIN_VOID_REASONS = [
  /** It has begun already, or was ended. */
  'DUPLICATE',
  /** Somebody else was first with this turn. */
  'VERSION',
  /** No such login: it was ended, has passed, or its beginning is forgotten, and then it has passed too. */
  'UNKNOWN',
] as const;
export type LoginVoidReason = (typeof LOGIN_VOID_REASONS)[number];

export type LoginVerdict =
  | { readonly verdict: 'applied'; readonly login: Login }
  | { readonly verdict: 'void'; readonly reason: LoginVoidReason };

/**
 * A `begun` that was sent twice may lie behind the end of its login, and must not open it again. So many ended ones are
 * remembered at most: for a resend to come after so many others is beyond what happens.
 */
const ENDED_KEPT = 100_000;

/** How late an event may come into the log, and how much the clocks of processes may differ, with nothing forgotten. */
export const SLACK_MS = 86_400_000;

/** Judges and, when it applies, takes the event in: `state` is changed in place, logins are replaced. */
export function evolveLogins(state: LoginsState, event: LoginEvent, offset: number): LoginVerdict {
  if (event.type === 'login.begun') return begin(state, event, offset);
  const login = state.logins.get(event.loginId);
  if (login === undefined || login.accountId !== event.accountId)
    return { verdict: 'void', reason: 'UNKNOWN' };
  if (event.type === 'login.ended') {
    end(state, login);
    return { verdict: 'applied', login };
  }
  if (event.version !== login.version + 1) return { verdict: 'void', reason: 'VERSION' };
  const { version, presented = version - 1, at } = event;
  // The first time counts: whoever comes again and again with the same token does not make it last.
  const isNewer = presented > login.presented;
  const turned = {
    ...login,
    version,
    ...(isNewer ? { presented, presentedAt: Date.parse(at) } : {}),
  };
  state.logins.set(login.id, turned);
  return { verdict: 'applied', login: turned };
}

function begin(
  state: LoginsState,
  { loginId, accountId, at, endsAt, credential }: Extract<LoginEvent, { type: 'login.begun' }>,
  offset: number,
): LoginVerdict {
  if (state.logins.has(loginId) || state.ended.has(loginId)) return { verdict: 'void', reason: 'DUPLICATE' };
  const since = Date.parse(at);
  const login: Login = {
    id: loginId,
    accountId,
    version: 1,
    presented: 0,
    presentedAt: since,
    since,
    endsAt: Date.parse(endsAt),
    credential,
    offset,
  };
  addLogin(state, login);
  const going: Login[] = [];
  for (const id of state.byAccount.get(accountId) ?? []) {
    const other = state.logins.get(id) as Login;
    if (other.endsAt > since || other === login) going.push(other);
    else end(state, other);
  }
  for (const oldest of going.slice(0, Math.max(0, going.length - LOGINS_KEPT))) end(state, oldest);
  return { verdict: 'applied', login };
}

function end(state: LoginsState, login: Login): void {
  removeLogin(state, login);
  state.ended.set(login.id, login.endsAt);
  if (state.ended.size > ENDED_KEPT)
    for (const oldest of state.ended.keys()) return void state.ended.delete(oldest);
}

/**
 * Forgets what can decide about nothing any more, so that memory holds as much as there are logins: what passed more than
 * `SLACK_MS` before `now`, and what began before `first`, the first offset that the log keeps. The latter is what a process
 * that starts now would not know: so all agree, also where somebody has given the log a shorter memory.
 */
export function forget(
  state: LoginsState,
  { now, first }: { readonly now: number; readonly first: number },
): void {
  for (const login of state.logins.values())
    if (login.endsAt + SLACK_MS <= now || login.offset < first) removeLogin(state, login);
  for (const [id, endsAt] of state.ended) if (endsAt + SLACK_MS <= now) state.ended.delete(id);
}
