/**
 * Who may call a route: an option of the route (`config: { access: OPERATORS }`), never a check in its handler. A route
 * without it is refused to everybody once authentication is required, and fails `access.test.ts` before that.
 */
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { WattstreamError } from '../../platform/errors.js';
import { type Authentication, bearerOf } from './authenticator.js';
import { ANONYMOUS, type Principal, ROLES, type Role } from './principal.js';

export interface Access {
  readonly roles: readonly Role[] | 'anyone';
  /**
   * Somebody restricted to stations is
   * - `refused` (the default): the route shows or does things of all stations;
   * - `admitted`: it concerns no station, or its handler narrows what it does to `principal.stations`;
   * - admitted for the charge points of those stations: the parameter of that name holds the charge point.
   */
  readonly restricted?: 'refused' | 'admitted' | { readonly chargePoint: string };
  /** Told to those who are refused as restricted. */
  readonly reason?: string;
}

/** Health, metrics, documentation, the page itself: nothing that a charger or a person said. */
export const PUBLIC: Access = { roles: 'anyone' };
/** Nothing of anybody in particular. */
export const SIGNED_IN: Access = { roles: ROLES, restricted: 'admitted' };
export const READERS: Access = { roles: ['operator', 'analyst', 'admin'] };
export const OPERATORS: Access = { roles: ['operator', 'admin'] };
export const ADMINS: Access = { roles: ['admin'] };
/** Only for what is their own: the handler goes by `principal.accountId`. */
export const CUSTOMERS: Access = { roles: ['customer'], restricted: 'admitted' };

/** The same people, those restricted to stations included where the parameter `name` holds a charge point of theirs. */
export const atChargePoint = (access: Access, name = 'id'): Access => ({
  ...access,
  restricted: { chargePoint: name },
});

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    principal: Principal;
  }
}

/** The station a charge point stands at; undefined when it is known to stand at none. */
export type StationOf = (chargePointId: string) => string | undefined;

/**
 * Throws FORBIDDEN or STATION_FORBIDDEN. `chargePoint` is the value of the parameter that `access` names. Pure.
 */
export function admit(
  principal: Principal,
  access: Access | undefined,
  { chargePoint, stationOf }: { chargePoint?: string | undefined; stationOf: StationOf },
): void {
  if (access === undefined)
    throw new WattstreamError('FORBIDDEN', 'Nobody has said who may call this.', {
      remedy: 'A defect on our side: the route declares no access.',
    });
  if (access.roles === 'anyone') return;
  if (!access.roles.includes(principal.role))
    throw new WattstreamError('FORBIDDEN', `This is not for the role ${principal.role}.`, {
      remedy: `It is for: ${access.roles.join(', ')}.`,
    });
  if (principal.stations === null) return;
  const { restricted = 'refused' } = access;
  if (restricted === 'admitted') return;
  const station = restricted === 'refused' || chargePoint === undefined ? undefined : stationOf(chargePoint);
  if (station === undefined || !principal.stations.includes(station))
    throw new WattstreamError(
      'STATION_FORBIDDEN',
      restricted === 'refused'
        ? (access.reason ?? 'This concerns all stations, and you may see some.')
        : 'This charge point is at none of your stations.',
    );
}

export interface GuardOptions {
  readonly authentication: Authentication;
  readonly stationOf: StationOf;
  /** Names, besides localhost and addresses, by which this may be called while authentication is off. */
  readonly hosts: readonly string[];
  /** Hears of everybody whose token held. */
  readonly onAdmitted?: (principal: Principal, address: string) => void;
}

/** Puts the guard before every route registered after it, and `principal` on every request. */
export function guard(
  app: FastifyInstance,
  { authentication, stationOf, hosts, onAdmitted }: GuardOptions,
): void {
  // null until somebody was judged: a handler that asks before that is a defect and should show as one.
  app.decorateRequest('principal', null as unknown as Principal);
  app.addHook('onRequest', async (request, reply) => {
    if (authentication.mode === 'off') {
      refuseForeignNames(request.headers.host, hosts);
      request.principal = ANONYMOUS;
      return;
    }
    if (request.is404) return;
    const { access } = request.routeOptions.config;
    if (access?.roles === 'anyone') return;
    try {
      request.principal = await authentication.principalOf(bearerOf(request.headers.authorization));
    } catch (error) {
      if (error instanceof WattstreamError && !error.canRetry)
        reply.header('www-authenticate', challenge(error.code));
      throw error;
    }
    onAdmitted?.(request.principal, request.ip);
    admit(request.principal, access, { chargePoint: chargePointOf(request, access), stationOf });
  });
}

/** RFC 6750, 3: no error code for a caller who sent nothing. */
const challenge = (code: string): string =>
  code === 'UNAUTHENTICATED'
    ? 'Bearer realm="wattstream"'
    : 'Bearer realm="wattstream", error="invalid_token"';

const chargePointOf = (request: FastifyRequest, access: Access | undefined): string | undefined =>
  typeof access?.restricted === 'object'
    ? (request.params as Record<string, string | undefined>)[access.restricted.chargePoint]
    : undefined;

/**
 * A page from elsewhere can give its own name our address (DNS rebinding) and then speak to us as if it came from here.
 * Where a token is needed it has none; where none is needed, only names that are certainly ours are answered.
 * Throws HOST_NOT_ALLOWED.
 */
export function refuseForeignNames(host: string | undefined, allowed: readonly string[]): void {
  const name = hostName(host);
  if (name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0 || allowed.includes(name))
    return;
  throw new WattstreamError('HOST_NOT_ALLOWED', `Without authentication nobody is answered as '${name}'.`, {
    remedy: 'Set WATTSTREAM_AUTH=required, or name the host in WATTSTREAM_API_ALLOWED_HOSTS.',
  });
}

/** Without port and brackets, in lower case. */
export const hostName = (host: string | undefined): string =>
  (host ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
