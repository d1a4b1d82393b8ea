/**
 * Logins: begun, continued, ended, and whether one still holds.
 *
 * Continuing one (`refresh`) is a turn under the version that was read. Of two who come with the same refresh token, in
 * whatever process, one turns it first; the other then finds a turn that has passed. A turn that has passed means that two
 * have had the same token, and nobody can say which of them is the thief: the login ends, for both.
 */
import { createHash } from 'node:crypto';
import type { Login } from '../../domain/logins/state.js';
import type { Live } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { LoginStore } from '../../registry/logins.js';
import { caughtUp, type Known, refuseUnready } from './known.js';

export interface LoginsOptions {
  readonly store: LoginStore;
  readonly known: Known;
  /** Longest life of a login, however often it is refreshed. */
  readonly days: number;
  readonly now: () => number;
}

export class Logins {
  constructor(private readonly options: LoginsOptions) {}

  /** Rejects with REGISTRY_NOT_READY. */
  refuseUnready(): void {
    this.options.known.refuseUnready();
    refuseUnready(this.options.store.replica);
  }

  async begin(account: Live<'account'>): Promise<Login> {
    this.refuseUnready();
    const { store, days } = this.options;
    return store.begin({
      accountId: account.id,
      lifeMs: days * 86_400_000,
      credential: credentialOf(account),
    });
  }

  /** Rejects with TOKEN_REUSED when its turn has passed (the login is ended then), TOKEN_INVALID when it is over. */
  async refresh(accountId: string, loginId: string, turn: number): Promise<Login> {
    const { store } = this.options;
    // Behind: another process has turned it further, and its token has come here first.
    let login = await this.lookTwice(() => {
      const held = this.held(accountId, loginId);
      return held !== undefined && held.version >= turn ? held : undefined;
    });
    if (login?.version === turn) {
      const turned = await store.turn(login);
      if (turned !== undefined) return turned;
      // What was before us has been read by now.
      login = this.held(accountId, loginId);
    }
    if (login === undefined) throw over();
    await store.end(login);
    throw new WattstreamError(
      'TOKEN_REUSED',
      'This refresh token has been used before: the login is ended, for whoever has the newer one too.',
      { remedy: 'Log in again. If it was not you who used it, change the password.' },
    );
  }

  /** Whether it went on until now. */
  async end(accountId: string, loginId: string): Promise<boolean> {
    const login = await this.lookTwice(() => this.held(accountId, loginId));
    return login !== undefined && (await this.options.store.end(login));
  }

  /** The login, as long as it, its password and its account hold. */
  held(accountId: string, loginId: string): Login | undefined {
    const { known, store, now } = this.options;
    const account = known.openAccount(accountId);
    const login = store.replica.get(loginId);
    if (account === undefined || login === undefined || login.accountId !== accountId) return undefined;
    return login.endsAt > now() && login.credential === credentialOf(account) ? login : undefined;
  }

  /**
   * `find`, and once more when has been read what other processes have written of accounts and logins. Only for who holds
   * something that we have signed: strangers would make us ask the broker each time. Rejects with REGISTRY_NOT_READY.
   */
  async lookTwice<T>(find: () => T | undefined): Promise<T | undefined> {
    this.refuseUnready();
    const here = find();
    if (here !== undefined) return here;
    const { known, store } = this.options;
    await Promise.all([known.caughtUp(), caughtUp(store.replica)]);
    return find();
  }
}

/** Changes with the password, by whatever way it was changed: one write ends all logins under the former one. */
export const credentialOf = ({ state }: Live<'account'>): string =>
  createHash('sha256')
    .update(state.passwordHash ?? '')
    .digest('base64url')
    .slice(0, 16);

const over = (): WattstreamError =>
  new WattstreamError('TOKEN_INVALID', 'This login is over.', { remedy: 'Log in again.' });
