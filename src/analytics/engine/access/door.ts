import type { IncomingHttpHeaders } from 'node:http';

/**
 * Keeps web pages out. A user without a password on loopback is fine for programs of this machine, but a
 * browser lets any page send requests to 127.0.0.1, or to a name the attacker points there (DNS rebinding).
 * - A request of a page carries Origin or Sec-Fetch-Site: only named origins pass.
 * - The Host must be an IP address, localhost, or a named host: rebinding needs a name of the attacker's.
 */
export interface Door {
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
}

/** Why the request may not enter; undefined = it may. */
export function refusal(headers: IncomingHttpHeaders, door: Door): string | undefined {
  const host = hostName(headers.host);
  if (host !== undefined && !isAddress(host) && host !== 'localhost' && !door.hosts.includes(host))
    return `Host ${JSON.stringify(headers.host)} is not served here; name it in CLICKHOUSE_ALLOWED_HOSTS`;
  const origin = headers.origin;
  if (origin !== undefined)
    return door.origins.includes(origin)
      ? undefined
      : `Origin ${JSON.stringify(origin)} is not admitted; name it in CLICKHOUSE_ALLOWED_ORIGINS`;
  const site = headers['sec-fetch-site'];
  // `none` = typed into the address bar, `same-origin` = a page of this very port.
  if (site !== undefined && site !== 'none' && site !== 'same-origin')
    return 'Requests of other web sites are not admitted';
  return undefined;
}

const hostName = (host: string | undefined) =>
  host
    ?.toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

const isAddress = (host: string) =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || /^[0-9a-f:.]*:[0-9a-f:.]*$/.test(host);
