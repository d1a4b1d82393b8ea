/**
 * How many requests somebody may make: per address before anybody is asked who they are, per principal after, and fewer
 * where passwords and refresh tokens can be tried (`config: { rate: 'login' }`). Counted in windows of a minute, in the
 * memory of one process.
 */
import rateLimit, { type CreateRateLimitOptions, normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TooMany } from '../too-many.js';

export interface Rates {
  readonly perAddress: number;
  readonly perPrincipal: number;
  readonly perAddressForLogins: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    rate?: 'login';
  }
}

const WINDOW_MS = 60_000;
/** Addresses or principals that are counted at the same time. */
const COUNTED = 50_000;
/** Probes come from one address, and hold nothing worth trying. */
const UNLIMITED = /^\/(health|metrics)(\/|$)/;

/** An IPv6 address stands for its /64: who has one has all of it. */
export const addressOf = (request: FastifyRequest): string => normalizeIP(request.ip);

export interface RateHooks {
  /** To be registered before the guard. */
  before(request: FastifyRequest): Promise<void>;
  /** After it: `request.principal` is there, or null on a route for anyone. */
  after(request: FastifyRequest): Promise<void>;
}

export async function createRates(app: FastifyInstance, rates: Rates): Promise<RateHooks> {
  await app.register(rateLimit, { global: false, cache: COUNTED });
  const limiter = (max: number, keyGenerator: (request: FastifyRequest) => string) => {
    const options: CreateRateLimitOptions = { max, timeWindow: WINDOW_MS, keyGenerator };
    const count = app.createRateLimit(options);
    return async (request: FastifyRequest): Promise<void> => {
      const counted = await count(request);
      if (counted.isAllowed || !counted.isExceeded) return;
      throw new TooMany('RATE_LIMITED', `More than ${max} requests in a minute.`, counted.ttlInSeconds);
    };
  };
  const address = limiter(rates.perAddress, addressOf);
  const logins = limiter(rates.perAddressForLogins, addressOf);
  const principal = limiter(rates.perPrincipal, (request) => request.principal.id);
  return {
    async before(request) {
      if (UNLIMITED.test(request.url)) return;
      await address(request);
      if (request.routeOptions.config?.rate === 'login') await logins(request);
    },
    async after(request) {
      if (request.principal !== null) await principal(request);
    },
  };
}
