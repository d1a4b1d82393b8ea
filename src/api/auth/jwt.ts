/** Tokens as JWTs: our own (HS256 under WATTSTREAM_JWT_SECRET) and those of an outside issuer (OIDC, its JWKS). */
import {
  createRemoteJWKSet,
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
  SignJWT,
} from 'jose';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Authenticator } from './authenticator.js';
import { type ClaimNames, OWN_CLAIMS, principalFrom } from './claims.js';
import type { Role } from './principal.js';

export const OWN = 'wattstream';
/** Clocks differ; a token of a minute's life should not die on the way. */
export const TOLERANCE_SECONDS = 5;
const SECRET_BYTES = 32;

/** Throws JWT_SECRET_WEAK: a short key can be found by trying (RFC 7518, 3.2: as long as the hash at the least). */
export function keyOf(secret: string): Uint8Array {
  const key = new TextEncoder().encode(secret);
  if (key.length < SECRET_BYTES)
    throw new WattstreamError(
      'JWT_SECRET_WEAK',
      `WATTSTREAM_JWT_SECRET has ${key.length} bytes; it takes ${SECRET_BYTES} at the least.`,
      { remedy: 'Make one: openssl rand -base64 48' },
    );
  return key;
}

export interface TokenRequest {
  readonly subject: string;
  readonly role: Role;
  readonly minutes: number;
  readonly account?: string;
  readonly stations?: readonly string[];
}

/** A token of our own. `now` in epoch milliseconds. */
export const signToken = (secret: string, request: TokenRequest, now: number): Promise<string> =>
  new SignJWT({
    role: request.role,
    ...(request.account === undefined ? {} : { account: request.account }),
    ...(request.stations === undefined ? {} : { stations: request.stations }),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(OWN)
    .setAudience(OWN)
    .setSubject(request.subject)
    .setIssuedAt(Math.floor(now / 1_000))
    .setExpirationTime(Math.floor(now / 1_000) + request.minutes * 60)
    .sign(keyOf(secret));

export function ownTokens(secret: string): Authenticator {
  const key = keyOf(secret);
  return {
    name: 'own tokens',
    recognises: (token) => issuerOf(token) === OWN,
    authenticate: (token) =>
      judged(OWN_CLAIMS, () =>
        jwtVerify(token, key, {
          algorithms: ['HS256'],
          issuer: OWN,
          audience: OWN,
          requiredClaims: ['exp'],
          clockTolerance: TOLERANCE_SECONDS,
        }),
      ),
  };
}

export interface OidcOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Default: what the issuer's `/.well-known/openid-configuration` says. */
  readonly jwksUrl?: string | undefined;
  readonly claims: ClaimNames;
}

/** Only signatures by keys that the issuer alone has: a symmetric one under its public key would be anybody's. */
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

export function oidcTokens({ issuer, audience, jwksUrl, claims }: OidcOptions): Authenticator {
  let keys: JWTVerifyGetKey | undefined;
  // Found at the first token: this process starts also while the issuer is away.
  const keySet = async (): Promise<JWTVerifyGetKey> => {
    keys ??= createRemoteJWKSet(new URL(jwksUrl ?? (await discoverJwks(issuer))), { timeoutDuration: 5_000 });
    return keys;
  };
  return {
    name: 'issuer',
    recognises: (token) => issuerOf(token) === issuer,
    authenticate: (token) =>
      judged(claims, async () =>
        jwtVerify(token, await keySet(), {
          algorithms: ASYMMETRIC,
          issuer,
          audience,
          requiredClaims: ['exp'],
          clockTolerance: TOLERANCE_SECONDS,
        }),
      ),
  };
}

/** OpenID Connect Discovery 1.0, 4. */
async function discoverJwks(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    const found = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    if (!response.ok || typeof found.jwks_uri !== 'string') throw new Error(`it answers ${response.status}`);
    if (found.issuer !== issuer) throw new Error(`it calls itself ${String(found.issuer)}`);
    return found.jwks_uri;
  } catch (cause) {
    throw unreachable(`${url} does not help: ${messageOf(cause)}`, cause);
  }
}

/** Unverified: only to find out whose business a token is. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

const judged = async (names: ClaimNames, verify: () => Promise<{ payload: JWTPayload }>) =>
  principalFrom(await verified(verify), names);

/** The claims of a token that holds. Rejects as authenticators do. */
export async function verified(verify: () => Promise<{ payload: JWTPayload }>): Promise<JWTPayload> {
  try {
    return (await verify()).payload;
  } catch (cause) {
    if (cause instanceof WattstreamError) throw cause;
    if (cause instanceof errors.JWTExpired)
      throw new WattstreamError('TOKEN_EXPIRED', 'The token has expired.', {
        cause,
        remedy: 'Get a new one.',
      });
    if (cause instanceof errors.JWKSNoMatchingKey || !isAboutKeys(cause))
      throw new WattstreamError('TOKEN_INVALID', `The token does not hold: ${messageOf(cause)}.`, { cause });
    throw unreachable(`The issuer's keys cannot be had: ${messageOf(cause)}`, cause);
  }
}

/** jose reports what is wrong with a token as JOSEError; a key set that cannot be fetched is not the caller's doing. */
const isAboutKeys = (cause: unknown): boolean =>
  !(cause instanceof errors.JOSEError) ||
  cause instanceof errors.JWKSTimeout ||
  cause instanceof errors.JWKSInvalid ||
  cause.code === 'ERR_JOSE_GENERIC';

const unreachable = (message: string, cause: unknown): WattstreamError =>
  new WattstreamError('ISSUER_UNREACHABLE', message, {
    cause,
    canRetry: true,
    remedy: 'See whether WATTSTREAM_OIDC_ISSUER is right and can be reached from here.',
  });
