/**
 * The two tokens of a login, signed as our other tokens are. They name the login; whether it still holds is asked each time,
 * of the log of logins (it goes on) and of the registry (its account is open, with the same password): so neither token
 * outlives its login, its password or its account.
 */
import { decodeJwt, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { WattstreamError } from '../../platform/errors.js';
import { keyOf, OWN, TOLERANCE_SECONDS, verified } from './jwt.js';

/** Another audience: a refresh token opens nothing, and an access token continues nothing. */
const REFRESH = 'wattstream/refresh';

export interface LoginTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds for which the access token holds. */
  readonly expiresIn: number;
  /** Of the login, however often it is refreshed: epoch milliseconds. */
  readonly endsAt: number;
}

export interface LoginClaims {
  readonly accountId: string;
  readonly loginId: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface LoginTokenMaker {
  /** `now` and `endsAt` in epoch milliseconds; neither token outlives the login. */
  make(login: {
    readonly accountId: string;
    readonly loginId: string;
    readonly turn: number;
    readonly endsAt: number;
    readonly now: number;
  }): Promise<LoginTokens>;
  /** By its form alone. */
  recognises(token: string): boolean;
  /** Both reject with TOKEN_INVALID or TOKEN_EXPIRED. */
  readAccess(token: string): Promise<LoginClaims>;
  readRefresh(token: string): Promise<LoginClaims & { readonly turn: number }>;
}

const claims = z.object({ sub: z.string().min(1), sid: z.string().min(1), exp: z.number() });
const refreshClaims = claims.extend({ turn: z.int().positive() });

export function loginTokens(secret: string, accessMinutes: number): LoginTokenMaker {
  const key = keyOf(secret);
  const sign = (
    audience: string,
    accountId: string,
    more: Record<string, unknown>,
    now: number,
    until: number,
  ): Promise<string> =>
    new SignJWT(more)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(OWN)
      .setAudience(audience)
      .setSubject(accountId)
      .setIssuedAt(Math.floor(now / 1_000))
      .setExpirationTime(Math.floor(until / 1_000))
      .sign(key);
  const read = async <T>(token: string, audience: string, shape: z.ZodType<T>): Promise<T> => {
    const payload = await verified(() =>
      jwtVerify(token, key, {
        algorithms: ['HS256'],
        issuer: OWN,
        audience,
        requiredClaims: ['exp'],
        clockTolerance: TOLERANCE_SECONDS,
      }),
    );
    const parsed = shape.safeParse(payload);
    if (parsed.success) return parsed.data;
    throw new WattstreamError('TOKEN_INVALID', 'The token is of no login.');
  };
  return {
    async make({ accountId, loginId, turn, endsAt, now }) {
      const until = Math.min(now + accessMinutes * 60_000, endsAt);
      return {
        accessToken: await sign(OWN, accountId, { sid: loginId }, now, until),
        refreshToken: await sign(REFRESH, accountId, { sid: loginId, turn }, now, endsAt),
        expiresIn: Math.floor((until - now) / 1_000),
        endsAt,
      };
    },
    recognises(token) {
      try {
        const { iss, sid } = decodeJwt(token);
        return iss === OWN && sid !== undefined;
      } catch {
        return false;
      }
    },
    async readAccess(token) {
      const { sub, sid, exp } = await read(token, OWN, claims);
      return { accountId: sub, loginId: sid, expiresAt: exp * 1_000 };
    },
    async readRefresh(token) {
      const { sub, sid, exp, turn } = await read(token, REFRESH, refreshClaims);
      return { accountId: sub, loginId: sid, expiresAt: exp * 1_000, turn };
    },
  };
}
