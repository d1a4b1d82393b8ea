/** The settings' way of proving who one is. Keys of programs join the list of authenticators with the registry. */
import type { Settings } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import {
  type Authentication,
  type Authenticator,
  authenticationBy,
  NO_AUTHENTICATION,
} from './authenticator.js';
import type { ClaimNames } from './claims.js';
import { oidcTokens, ownTokens } from './jwt.js';
import { ROLES, type Role } from './principal.js';

/** `further`: authenticators that need more than settings. Throws AUTH_NOT_CONFIGURED, JWT_SECRET_WEAK. */
export function authenticationFrom(
  settings: Settings,
  further: readonly Authenticator[] = [],
): Authentication {
  if (settings.WATTSTREAM_AUTH === 'off') return NO_AUTHENTICATION;
  const authenticators: Authenticator[] = [...further];
  if (settings.WATTSTREAM_JWT_SECRET !== undefined)
    authenticators.push(ownTokens(settings.WATTSTREAM_JWT_SECRET));
  const { WATTSTREAM_OIDC_ISSUER: issuer, WATTSTREAM_OIDC_AUDIENCE: audience } = settings;
  if (issuer !== undefined) {
    // Any token of the issuer, made for any of its other applications, would do without this.
    if (audience === undefined)
      throw notConfigured('WATTSTREAM_OIDC_ISSUER is set and WATTSTREAM_OIDC_AUDIENCE is not');
    authenticators.push(
      oidcTokens({
        issuer,
        audience,
        jwksUrl: settings.WATTSTREAM_OIDC_JWKS_URL,
        claims: claimsOf(settings),
      }),
    );
  }
  if (settings.WATTSTREAM_JWT_SECRET === undefined && issuer === undefined)
    throw notConfigured('there is neither a secret nor an issuer to verify tokens with');
  return authenticationBy(authenticators);
}

const claimsOf = (settings: Settings): ClaimNames => ({
  role: settings.WATTSTREAM_OIDC_ROLE_CLAIM,
  account: settings.WATTSTREAM_OIDC_ACCOUNT_CLAIM,
  stations: settings.WATTSTREAM_OIDC_STATIONS_CLAIM,
  roles: rolesFrom(settings.WATTSTREAM_OIDC_ROLES),
});

/** `operator=charging-ops, admin=platform` -> what the issuer calls them -> ours; '' = by our own names. */
export function rolesFrom(text: string): Record<string, Role> {
  if (text.trim() === '') return Object.fromEntries(ROLES.map((role) => [role, role]));
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [role = '', ...name] = pair.split('=').map((part) => part.trim());
      const theirs = name.join('=');
      if (!(ROLES as readonly string[]).includes(role) || theirs === '')
        throw notConfigured(`WATTSTREAM_OIDC_ROLES has '${pair.trim()}', which is no <role>=<their name>`);
      return [theirs, role as Role];
    }),
  );
}

const notConfigured = (why: string): WattstreamError =>
  new WattstreamError('AUTH_NOT_CONFIGURED', `WATTSTREAM_AUTH is required, but ${why}.`, {
    remedy:
      'Set WATTSTREAM_JWT_SECRET (openssl rand -base64 48), or WATTSTREAM_OIDC_ISSUER and WATTSTREAM_OIDC_AUDIENCE; WATTSTREAM_AUTH=off admits everybody as admin, for trials on loopback.',
  });
