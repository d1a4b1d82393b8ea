/**
 * Logins: begun, continued, ended, and whether one still holds.
 *
 * Continuing one (`refresh`) is a turn under the version that was read. Of two who come with the same refresh token, in
 * whatever process, one turns it first; the other then finds a turn that has passed. Within the leeway that is somebody whose
 * answer got lost, and the login is turned once more. After it, or when a newer token has been seen, two have had the same
 * token, and nobody can say which of them is the thief: the login ends, for both.
 *
 * Where the log cannot be read on, what is not known here is not over: REGISTRY_NOT_READY.
 */
import { createHash } from 'node:crypto';
import type { Login } from '../../domain/logins/state.js';
import type { Live } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { LoginStore } from '../../registry/logins.js';
import { type Known, ReadingOn, refuseUnready, unlessUnread } from './known.js';
import { Leeway } from './leeway.js';

export interface LoginsOptions {
  readonly store: LoginStore;
  readonly known: Known;
  /** Longest life of a login, however often it is refreshed. */
  readonly days: number;
  /** For a refresh token that comes again; 0: none. */
  readonly leewayMs: number;
  readonly now: () => number;
}

export class Logins {
  private readonly reading: ReadingOn;
  private readonly leeway: Leeway;

  constructor(private readonly options: LoginsOptions) {
    const { store, leewayMs, now } = options;
    this.reading = new ReadingOn(store.replica);
    this.leeway = new Leeway({ replica: store.replica, ms: leewayMs, now });
  }

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

  /**
   * Rejects with TOKEN_REUSED when its turn has passed (the login is ended then), TOKEN_INVALID when it is over,
   * REGISTRY_NOT_READY when that cannot be known, REGISTRY_UNANSWERED.
   */
  async refresh(accountId: string, loginId: string, turn: number): Promise<Login> {
    const { store } = this.options;
    // Behind: another process has turned it further, and its token has come here first.
    let login = await this.lookTwice(loginId, () => {
      const held = this.held(accountId, loginId);
      return held !== undefined && held.version >= turn ? held : undefined;
    });
    while (login !== undefined && (login.version === turn || this.leeway.holds(login, turn))) {
      const turned = await store.turn(login, turn);
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

  /**
   * Whether it went on until now. It need not be known here: what was begun elsewhere is ended too. Rejects with
   * REGISTRY_UNANSWERED: then it may go on.
   */
  async end(accountId: string, loginId: string): Promise<boolean> {
    this.refuseUnready();
    return !this.wasEnded(loginId) && (await this.options.store.end({ id: loginId, accountId }));
  }

  /** The login, as long as it, its password and its account hold. */
  held(accountId: string, loginId: string): Login | undefined {
    const { known, store, now } = this.options;
    const account = known.openAccount(accountId);
    const login = store.replica.get(loginId);
    if (account === undefined || login === undefined || login.accountId !== accountId) return undefined;
    return login.endsAt > now() && login.credential === credentialOf(account) ? login : undefined;
  }

  /** For ever: nothing that is unread here can open it again. */
  private wasEnded(loginId: string): boolean {
    return this.options.store.replica.state.ended.has(loginId);
  }

  /**
   * `find`, and once more when has been read what other processes have written of accounts and logins. Only for who holds
   * something that we have signed: strangers would make us ask the broker each time. Rejects with REGISTRY_NOT_READY, also
   * where that could not be read.
   */
  async lookTwice<T>(loginId: string, find: () => T | undefined): Promise<T | undefined> {
    this.refuseUnready();
    const here = find();
    if (here !== undefined || this.wasEnded(loginId)) return here;
    const isAll = await Promise.all([this.options.known.readOn(), this.reading.toTheEnd()]);
    const found = find();
    if (found !== undefined || this.wasEnded(loginId)) return found;
    return unlessUnread(isAll.every(Boolean));
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
