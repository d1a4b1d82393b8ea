/**
 * Logins as the registry keeps them: begun, continued, ended.
 *
 * Continuing one (`refresh`) is a change of the account's `logins` under the version that was read. Of two who come with
 * the same refresh token, in whatever process, one changes it first; the other then finds a turn that has passed. A
 * turn that has passed means that two have had the same token, and nobody can say which of them is the thief: the login
 * ends, for both.
 */
import { createHash, randomBytes } from 'node:crypto';
import { LOGINS_KEPT, type Login } from '../../domain/registry/logins.js';
import { isLive, type Live, lookUp } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { RegistryStore } from '../../registry/store.js';
import type { Known } from './known.js';

/** Devices of one account that refresh at the same moment; each round at least one of them gets through. */
const ROUNDS = 20;
const PROVEN = { proven: true };

export interface LoginsOptions {
  readonly store: RegistryStore;
  readonly known: Known;
  /** Longest life of a login, however often it is refreshed. */
  readonly days: number;
  readonly now: () => number;
}

export class Logins {
  constructor(private readonly options: LoginsOptions) {}

  async begin(account: Live<'account'>): Promise<Login> {
    const { days, now } = this.options;
    const login: Login = {
      id: randomBytes(9).toString('base64url'),
      turn: 1,
      since: new Date(now()).toISOString(),
      endsAt: new Date(now() + days * 86_400_000).toISOString(),
      credential: credentialOf(account),
    };
    await this.change(account.id, (logins) => [...logins, login].slice(-LOGINS_KEPT));
    return login;
  }

  /** Rejects with TOKEN_REUSED when its turn has passed (the login is ended then), TOKEN_INVALID when it is over. */
  async refresh(accountId: string, loginId: string, turn: number): Promise<Login> {
    const { known } = this.options;
    // Behind: another process has turned it further, and its token has come here first.
    const here = await known.lookTwice(() => {
      const login = this.held(accountId, loginId);
      return login !== undefined && login.turn >= turn ? login : undefined;
    }, PROVEN);
    if (here === undefined) throw over();
    let next: Login | undefined;
    let reused = false;
    await this.change(accountId, (logins) => {
      const login = logins.find(({ id }) => id === loginId);
      next = undefined;
      reused = login !== undefined && turn < login.turn;
      if (login === undefined || turn > login.turn) return undefined;
      if (reused) return logins.filter((one) => one !== login);
      const renewed = { ...login, turn: login.turn + 1 };
      next = renewed;
      return logins.map((one) => (one === login ? renewed : one));
    });
    if (reused)
      throw new WattstreamError(
        'TOKEN_REUSED',
        'This refresh token has been used before: the login is ended, for whoever has the newer one too.',
        { remedy: 'Log in again. If it was not you who used it, change the password.' },
      );
    if (next === undefined) throw over();
    return next;
  }

  /** Whether it was there. */
  async end(accountId: string, loginId: string): Promise<boolean> {
    let found = false;
    await this.change(accountId, (logins) => {
      found = logins.some(({ id }) => id === loginId);
      return found ? logins.filter(({ id }) => id !== loginId) : undefined;
    });
    return found;
  }

  /** The login, as long as it, its password and its account hold. */
  held(accountId: string, loginId: string): Login | undefined {
    const { known, now } = this.options;
    const account = known.openAccount(accountId);
    const login = known.get('logins', accountId)?.state.families.find(({ id }) => id === loginId);
    if (account === undefined || login === undefined) return undefined;
    return holds(login, account, now()) ? login : undefined;
  }

  /** `to` returns what is to be there; undefined: nothing is to change. It may be asked several times. */
  private async change(
    accountId: string,
    to: (logins: readonly Login[]) => readonly Login[] | undefined,
  ): Promise<void> {
    const { store, known, now } = this.options;
    for (let round = 1; ; round++) {
      known.refuseUnready();
      const account = known.openAccount(accountId);
      if (account === undefined) throw over();
      const current = lookUp(store.replica.state, 'logins', accountId);
      const before = isLive(current) ? current.state.families : [];
      const after = to(before.filter((login) => holds(login, account, now())));
      if (after === undefined) return;
      try {
        await store.propose({
          kind: 'logins',
          id: accountId,
          change: isLive(current) ? 'updated' : 'created',
          state: { id: accountId, families: [...after] },
          version: current?.version ?? 0,
          actor: accountId,
        });
        return;
      } catch (error) {
        const lost = error instanceof WattstreamError && error.code === 'CONFLICT';
        if (!lost || round === ROUNDS) throw error;
        // What refused us has been read by now: the next round sees it.
      }
    }
  }
}

const holds = (login: Login, account: Live<'account'>, now: number): boolean =>
  Date.parse(login.endsAt) > now && login.credential === credentialOf(account);

/** Changes with the password, by whatever way it was changed: one write ends all logins under the former one. */
export const credentialOf = ({ state }: Live<'account'>): string =>
  createHash('sha256')
    .update(state.passwordHash ?? '')
    .digest('base64url')
    .slice(0, 16);

const over = (): WattstreamError =>
  new WattstreamError('TOKEN_INVALID', 'This login is over.', { remedy: 'Log in again.' });
