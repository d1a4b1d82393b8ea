/**
 * Logging in, going on, logging out, another password. Whoever fails is told that something was wrong, never what, and
 * after the same time: an address without an account costs a scrypt too.
 */
import type { Live } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import { hashPersonsPassword, type PersonsPasswords } from '../../registry/people.js';
import type { RegistryStore } from '../../registry/store.js';
import { TooMany } from '../too-many.js';
import type { Attempts } from './attempts.js';
import type { Audit } from './audit.js';
import type { Known } from './known.js';
import type { LoginTokenMaker, LoginTokens } from './login-tokens.js';
import { credentialOf, type Logins } from './logins.js';
import type { Principal } from './principal.js';

export interface LoginServiceOptions {
  readonly store: RegistryStore;
  readonly known: Known;
  readonly logins: Logins;
  readonly tokens: LoginTokenMaker;
  readonly passwords: PersonsPasswords;
  readonly attempts: Attempts;
  readonly audit: Audit;
  readonly hashEmail: (email: string) => string;
  readonly now: () => number;
}

export class LoginService {
  constructor(private readonly options: LoginServiceOptions) {}

  /** Rejects with LOGIN_FAILED, LOGIN_LOCKED; with KEY_BOOK_LOST where addresses cannot be looked for. */
  async login(email: string, password: string, address: string): Promise<LoginTokens> {
    const { store, known, logins, passwords, audit, hashEmail } = this.options;
    logins.refuseUnready();
    const emailHash = hashEmail(email);
    const account = await store.people.accountByEmail(email);
    const who = {
      address,
      emailHash,
      ...(account === undefined ? {} : { actor: account.id, accountId: account.id }),
    };
    // Of another password the count begins anew: who was given one is not kept waiting for the former one's sake.
    const attempt = this.attempt(`${emailHash} ${account === undefined ? '' : credentialOf(account)}`, who);
    const isRight = await passwords.matches(password, await store.people.passwordHash(account));
    const open = account === undefined ? undefined : known.openAccount(account.id);
    if (!isRight || open === undefined) {
      const detail = account === undefined ? 'unknown' : isRight ? 'closed' : 'password';
      audit({ type: 'ops.login.failed', ...who, detail });
      throw new WattstreamError('LOGIN_FAILED', 'With this address and this password nobody can log in.', {
        remedy: 'See whether both are right. Who has lost the password asks an admin for another one.',
      });
    }
    attempt.succeeded();
    return this.begin(open, { ...who, type: 'ops.login.succeeded' });
  }

  /** Rejects with TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_REUSED; REGISTRY_NOT_READY, REGISTRY_UNANSWERED (come again). */
  async refresh(refreshToken: string, address: string): Promise<LoginTokens> {
    const { tokens, logins, audit, now } = this.options;
    const { accountId, loginId, turn } = await tokens.readRefresh(refreshToken);
    const who = { address, actor: accountId, accountId, loginId };
    try {
      const login = await logins.refresh(accountId, loginId, turn);
      const made = await tokens.make({
        accountId,
        loginId,
        turn: login.version,
        endsAt: login.endsAt,
        now: now(),
      });
      const isAgain = login.version > turn + 1;
      audit({
        type: 'ops.login.refreshed',
        ...who,
        ...(isAgain ? { detail: 'the same refresh token again, within the leeway' } : {}),
      });
      return made;
    } catch (error) {
      if (error instanceof WattstreamError && error.code === 'TOKEN_REUSED')
        audit({
          type: 'ops.login.reused',
          ...who,
          detail: 'a refresh token came a second time: the login was ended',
        });
      throw error;
    }
  }

  /**
   * With any refresh token of the login, also one that has been used, and where the login is not known. Ends nothing twice.
   * Rejects with REGISTRY_UNANSWERED when it may go on.
   */
  async logout(refreshToken: string, address: string): Promise<void> {
    const { tokens, logins, audit } = this.options;
    const { accountId, loginId } = await tokens.readRefresh(refreshToken);
    if (await logins.end(accountId, loginId))
      audit({ type: 'ops.login.ended', address, actor: accountId, accountId, loginId, detail: 'logout' });
  }

  /**
   * Ends every login of the account, and begins one under the new password. Rejects with LOGIN_NEEDED (a key, or a token
   * that stands for itself: neither shows that the person is there), PASSWORD_WRONG, LOGIN_LOCKED.
   */
  async changePassword(
    principal: Principal,
    given: { readonly current: string; readonly next: string },
    address: string,
  ): Promise<LoginTokens> {
    const { store, logins, passwords, audit, hashEmail } = this.options;
    logins.refuseUnready();
    const account = this.ownAccount(principal);
    const [
      {
        state: { email },
      } = account,
    ] = await store.seen([account]);
    const emailHash = email === undefined ? '' : hashEmail(email);
    const who = { address, emailHash, actor: account.id, accountId: account.id };
    const attempt = this.attempt(`${emailHash || account.id} ${credentialOf(account)}`, who);
    if (!(await passwords.matches(given.current, await store.people.passwordHash(account)))) {
      audit({ type: 'ops.login.failed', ...who, detail: 'present password' });
      throw new WattstreamError('PASSWORD_WRONG', 'The present password is another one.');
    }
    attempt.succeeded();
    const changed = await store.propose({
      kind: 'account',
      id: account.id,
      change: 'updated',
      state: { ...account.state, passwordHash: await hashPersonsPassword(given.next) },
      version: account.version,
      actor: principal.id,
    });
    audit({ type: 'ops.login.ended', ...who, detail: 'another password: all logins' });
    return this.begin(changed as Live<'account'>, { ...who, type: 'ops.login.succeeded' });
  }

  /** The account of somebody who has logged in. Rejects with LOGIN_NEEDED. */
  ownAccount({ by, accountId }: Principal): Live<'account'> {
    const { known } = this.options;
    known.refuseUnready();
    const account = accountId === undefined ? undefined : known.openAccount(accountId);
    if (by?.kind !== 'login' || account === undefined)
      throw new WattstreamError('LOGIN_NEEDED', 'This takes somebody who has logged in with a password.', {
        remedy: 'POST /api/auth/login, and send its accessToken.',
      });
    return account;
  }

  private attempt(who: string, audited: { address: string; emailHash: string; accountId?: string }) {
    const { attempts, audit } = this.options;
    const attempt = attempts.begin(who, audited.address);
    if ('succeeded' in attempt) return attempt;
    const seconds = Math.ceil(attempt.waitMs / 1_000);
    if (attempt.isNews) audit({ type: 'ops.login.locked', ...audited, detail: `for ${seconds} s` });
    throw new TooMany('LOGIN_LOCKED', 'Too many logins have failed.', seconds);
  }

  private async begin(account: Live<'account'>, audited: Parameters<Audit>[0]): Promise<LoginTokens> {
    const { logins, tokens, audit, now } = this.options;
    const login = await logins.begin(account);
    const made = await tokens.make({
      accountId: account.id,
      loginId: login.id,
      turn: login.version,
      endsAt: login.endsAt,
      now: now(),
    });
    audit({ ...audited, loginId: login.id });
    return made;
  }
}
