/**
 * The refresh token of a login on a web page: in a cookie, where no script of the page can read it (OWASP, HTML5 Security and
 * Session Management Cheat Sheets: nothing that proves somebody in web storage; HttpOnly, Secure, SameSite, no Domain).
 *
 * Nobody else can make a browser use it: it is SameSite=Strict, and it counts only beside a JSON body that asks for it, which
 * a foreign page cannot send without asking first (CORS), and nobody is answered to that. It proves nothing to any other
 * route: those take the access token, which the page has in memory.
 */
import type { FastifyRequest } from 'fastify';
import { WattstreamError } from '../../platform/errors.js';

/** Bound to TLS and to this very host by its prefix (RFC 6265bis, 4.1.3.2), so that no neighbour can plant one. */
const SECURE = '__Host-wattstream-login';
/** Where there is no TLS: on this machine, or against all advice. */
const PLAIN = 'wattstream-login';

/** For `set-cookie`. `endsAt`: epoch milliseconds. */
export function loginCookie(
  request: FastifyRequest,
  refreshToken: string,
  endsAt: number,
  now: number,
): string {
  return cookie(request, refreshToken, Math.max(0, Math.floor((endsAt - now) / 1_000)));
}

export const noLoginCookie = (request: FastifyRequest): string => cookie(request, '', 0);

function cookie(request: FastifyRequest, value: string, maxAge: number): string {
  const common = `HttpOnly; SameSite=Strict; Max-Age=${maxAge}`;
  return isOverTls(request)
    ? `${SECURE}=${value}; Path=/; Secure; ${common}`
    : `${PLAIN}=${value}; Path=/api/auth; ${common}`;
}

/** The token in it; undefined: there is none. */
export function refreshTokenIn(request: FastifyRequest): string | undefined {
  const wanted = isOverTls(request) ? SECURE : PLAIN;
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name = '', value = ''] = pair.trim().split('=', 2);
    if (name === wanted && value !== '') return value;
  }
  return undefined;
}

/** Throws FORBIDDEN for a page from elsewhere, whatever it got past. */
export function refuseForeignPages(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin') return;
  throw new WattstreamError('FORBIDDEN', 'A page from elsewhere does not log anybody in or out here.');
}

/** As the browser says, whose word on this is good: a proxy that ends TLS may not have told us. */
const isOverTls = ({ protocol, headers }: FastifyRequest): boolean =>
  protocol === 'https' || headers.origin?.startsWith('https://') === true;
