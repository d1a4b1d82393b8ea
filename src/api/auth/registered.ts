/**
 * Proofs that the registry must confirm: access tokens of logins, and keys of programs. Each request asks the registry in
 * memory, so a disabled account, another role, a password that was changed, a logout count from the next request on.
 */
import { WattstreamError } from '../../platform/errors.js';
import type { Authentication, Authenticator } from './authenticator.js';
import { type KeysOptions, principalOfKey } from './keys.js';
import type { LoginTokenMaker } from './login-tokens.js';
import type { Logins } from './logins.js';
import type { Principal } from './principal.js';

export interface RegisteredOptions extends KeysOptions {
  /** Absent: nobody logs in here. */
  readonly logins?: Logins;
}
type WithLogins = RegisteredOptions & { readonly logins: Logins };

function principalOfLogin(
  { accountId, loginId, expiresAt }: { accountId: string; loginId: string; expiresAt: number },
  { known, logins }: WithLogins,
): Principal | undefined {
  const account = known.openAccount(accountId)?.state;
  if (account === undefined || logins.held(accountId, loginId) === undefined) return undefined;
  return {
    id: accountId,
    // As the account is now, whatever it was when the token was signed.
    role: account.role,
    accountId,
    stations: account.stations ?? null,
    by: { kind: 'login', id: loginId },
    expiresAt,
  };
}

export const loginAccess = (tokens: LoginTokenMaker, options: WithLogins): Authenticator => ({
  name: 'logins',
  recognises: (token) => tokens.recognises(token),
  async authenticate(token) {
    const claims = await tokens.readAccess(token);
    const principal = await options.logins.lookTwice(claims.loginId, () => principalOfLogin(claims, options));
    if (principal === undefined)
      throw new WattstreamError('TOKEN_INVALID', 'The login of this token is over.', {
        remedy: 'Log in again.',
      });
    return principal;
  },
});

/** Nobody comes in for an account that the registry has as disabled, whoever has signed for them. */
export function confirmed(authentication: Authentication, options: RegisteredOptions): Authentication {
  const { known, logins } = options;
  const isClosed = ({ accountId }: Principal): boolean =>
    accountId !== undefined && known.get('account', accountId)?.state.disabled === true;
  return {
    mode: authentication.mode,
    async principalOf(token) {
      const principal = await authentication.principalOf(token);
      if (isClosed(principal)) throw new WattstreamError('TOKEN_INVALID', 'The account is closed.');
      return principal;
    },
    holds(principal) {
      const { by, accountId, role, stations } = principal;
      if (isClosed(principal)) return false;
      if (by === undefined || accountId === undefined) return true;
      const now =
        by.kind === 'key'
          ? principalOfKey(by.id, options)
          : logins &&
            principalOfLogin(
              { accountId, loginId: by.id, expiresAt: principal.expiresAt ?? 0 },
              { ...options, logins },
            );
      return (
        now !== undefined && now.role === role && JSON.stringify(now.stations) === JSON.stringify(stations)
      );
    },
  };
}
