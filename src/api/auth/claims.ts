/** From the claims of a verified token to a principal. Pure; which claims say what is a matter of settings. */
import { WattstreamError } from '../../platform/errors.js';
import { type Principal, ROLES, type Role } from './principal.js';

export interface ClaimNames {
  /** Claim with the role or roles; dots lead into objects (`realm_access.roles`). */
  readonly role: string;
  readonly account: string;
  readonly stations: string;
  /** What the issuer calls our roles: `{ 'charging-ops': 'operator' }`. A name that is not listed gives no role. */
  readonly roles: Readonly<Record<string, Role>>;
}

export const OWN_CLAIMS: ClaimNames = {
  role: 'role',
  account: 'account',
  stations: 'stations',
  roles: Object.fromEntries(ROLES.map((role) => [role, role])),
};

/** Of several roles the one that may most. */
const BY_REACH: readonly Role[] = ['admin', 'operator', 'analyst', 'customer'];

/**
 * Throws TOKEN_INVALID when the claims leave open who it is or what it may: no subject, no role of ours, a customer
 * without an account, stations that are no list of names. In doubt nobody is let in further than the token says.
 */
export function principalFrom(claims: Readonly<Record<string, unknown>>, names: ClaimNames): Principal {
  const { sub, exp } = claims;
  if (typeof sub !== 'string' || sub === '') throw invalid('it names no subject (sub)');
  const given = namesIn(valueAt(claims, names.role));
  const roles = given
    .map((name) => (Object.hasOwn(names.roles, name) ? names.roles[name] : undefined))
    .filter((role) => role !== undefined);
  const role = BY_REACH.find((candidate) => roles.includes(candidate));
  if (role === undefined) throw invalid(`its claim '${names.role}' holds no role that is known here`);

  const account = valueAt(claims, names.account);
  if (role === 'customer' && (typeof account !== 'string' || account === ''))
    throw invalid(`a customer's token names the account in the claim '${names.account}'`);
  const stations = valueAt(claims, names.stations);
  if (stations !== undefined && !isNames(stations))
    throw invalid(`its claim '${names.stations}' is no list of stations`);
  return {
    id: sub,
    role,
    ...(typeof account === 'string' && account !== '' ? { accountId: account } : {}),
    stations: stations ?? null,
    ...(typeof exp === 'number' ? { expiresAt: exp * 1_000 } : {}),
  };
}

/** A claim by its whole name first: issuers also use names with dots (`https://example.org/roles`). */
function valueAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

const namesIn = (value: unknown): string[] =>
  typeof value === 'string' ? value.split(' ') : isNames(value) ? value : [];

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

const invalid = (why: string): WattstreamError =>
  new WattstreamError('TOKEN_INVALID', `The token is valid but of no use here: ${why}.`);
