/**
 * From what a caller presents to a principal. Whoever can prove something is one entry in a list (tokens of our own,
 * those of an outside issuer, keys of programs); the first that recognises a token alone judges it, so that a token
 * one of them refuses is never tried on another.
 */
import { WattstreamError } from '../../platform/errors.js';
import { ANONYMOUS, type Principal } from './principal.js';

export interface Authenticator {
  readonly name: string;
  /** Whether a token is of its kind, by its form alone. Cheap; proves nothing. */
  recognises(token: string): boolean;
  /** Rejects with TOKEN_INVALID, TOKEN_EXPIRED, or ISSUER_UNREACHABLE (can retry). */
  authenticate(token: string): Promise<Principal>;
}

export interface Authentication {
  /** `off`: everybody is an anonymous admin, whatever they present. */
  readonly mode: 'off' | 'required';
  /** Rejects with UNAUTHENTICATED when nothing was presented, else as the authenticators do. */
  principalOf(token: string | undefined): Promise<Principal>;
  /** Whether what was proved once still holds: what stays open asks it now and then. Absent: until it expires. */
  holds?(principal: Principal): boolean;
}

const REMEDY =
  'Send "Authorization: Bearer <token>"; POST /api/auth/login gives one, `wattstream token` makes one.';

export function authenticationBy(authenticators: readonly Authenticator[]): Authentication {
  return {
    mode: 'required',
    async principalOf(token) {
      if (token === undefined || token === '')
        throw new WattstreamError('UNAUTHENTICATED', 'This takes a token, and none was sent.', {
          remedy: REMEDY,
        });
      const judge = authenticators.find((one) => one.recognises(token));
      if (judge === undefined)
        throw new WattstreamError('TOKEN_INVALID', 'The token is none of the kinds that are known here.', {
          remedy: REMEDY,
        });
      return judge.authenticate(token);
    },
  };
}

export const NO_AUTHENTICATION: Authentication = { mode: 'off', principalOf: async () => ANONYMOUS };

/** The token of an Authorization header (RFC 6750, 2.1); undefined when there is none. */
export function bearerOf(header: string | undefined): string | undefined {
  const [scheme, token, ...rest] = (header ?? '').trim().split(/ +/);
  return scheme?.toLowerCase() === 'bearer' && rest.length === 0 ? token : undefined;
}
