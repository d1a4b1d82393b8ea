/**
 * The logins that go on, after some events of their log. A login is a family of refresh tokens, of which the newest is good:
 * `version` counts them. For how long the one that it was got with is good beside it, is for who answers to say.
 */

/** Newest logins of an account that stay; one more ends the oldest. */
export const LOGINS_KEPT = 20;

export interface Login {
  readonly id: string;
  readonly accountId: string;
  /** 1 when it begins, one more with each refresh. */
  readonly version: number;
  /**
   * Turn of the newest refresh token that somebody has come with, and when (by the clock of who wrote it); 0 before the
   * first. What lies between it and `version` was answered, and may never have arrived.
   */
  readonly presented: number;
  readonly presentedAt: number;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly endsAt: number;
  /** Fingerprint of the password hash it began with. */
  readonly credential: string;
  /** Where in the log it began. */
  readonly offset: number;
}

export interface LoginsState {
  /** Replaced, never changed: one that was handed out stays true. */
  readonly logins: Map<string, Login>;
  /** Ids of the account's logins, in the order in which they began. Never empty. */
  readonly byAccount: Map<string, Set<string>>;
  /** Logins that were ended before their time, and until when they would have gone on. Oldest first. */
  readonly ended: Map<string, number>;
}

export const emptyLogins = (): LoginsState => ({
  logins: new Map(),
  byAccount: new Map(),
  ended: new Map(),
});

export function addLogin(state: LoginsState, login: Login): void {
  state.logins.set(login.id, login);
  const others = state.byAccount.get(login.accountId);
  if (others === undefined) state.byAccount.set(login.accountId, new Set([login.id]));
  else others.add(login.id);
}

export function removeLogin(state: LoginsState, { id, accountId }: Login): void {
  state.logins.delete(id);
  const others = state.byAccount.get(accountId);
  others?.delete(id);
  if (others?.size === 0) state.byAccount.delete(accountId);
}
