import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ClickHouseException } from './errors.js';

/** A request of the ClickHouse HTTP interface, read from its address and headers. */
export interface ClickHouseRequest {
  readonly query: string;
  readonly queryId: string;
  readonly database: string | undefined;
  readonly defaultFormat: string;
  /** `param_x` by name, TSV-escaped as sent: the engine's SET param_x takes exactly that form. */
  readonly params: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  readonly session: { id: string; timeoutSeconds: number; mustExist: boolean } | undefined;
  readonly waitEnd: boolean;
  readonly compress: boolean;
  readonly compressionLevel: number;
  readonly credentials: { user: string; password: string; given: boolean };
}

/** Parameters of the interface itself. What is left is `param_*` or a setting. */
const OWN = new Set(
  `query query_id database default_format session_id session_timeout session_check close_session user password
  quota_key role stacktrace buffer_size compress decompress wait_end_of_query http_response_buffer_size
  send_progress_in_http_headers http_headers_progress_interval_ms add_http_cors_header
  enable_http_compression http_zlib_compression_level`.split(/\s+/),
);

const truthy = (text: string | null | undefined) => text === '1' || text === 'true';
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws ClickHouseException for what cannot be served. */
export function readRequest(url: URL, headers: IncomingHttpHeaders): ClickHouseRequest {
  const search = url.searchParams;
  const header = (name: string) => headers[name] as string | undefined;
  if (truthy(search.get('compress')) || truthy(search.get('decompress')))
    throw ClickHouseException.of(
      'NOT_IMPLEMENTED',
      "compress=1 and decompress=1 (ClickHouse's own block compression) are not offered here; use Accept-Encoding with enable_http_compression=1, and Content-Encoding",
    );
  if (/^multipart\//i.test(header('content-type') ?? ''))
    throw ClickHouseException.of(
      'NOT_IMPLEMENTED',
      'External data as multipart/form-data is not offered here',
    );
  const params = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of search) {
    const param = name.startsWith('param_') ? name.slice('param_'.length) : undefined;
    if (!NAME.test(param ?? name))
      throw ClickHouseException.of(
        'BAD_ARGUMENTS',
        `Parameter name ${JSON.stringify(name)} is not an identifier`,
      );
    if (param !== undefined) params.set(param, value);
    else if (!OWN.has(name)) settings.set(name, value);
  }
  const format = header('x-clickhouse-format') ?? search.get('default_format') ?? 'TabSeparated';
  if (!NAME.test(format))
    throw ClickHouseException.of('BAD_ARGUMENTS', `Unknown format ${JSON.stringify(format)}`);
  return {
    query: search.get('query') ?? '',
    queryId: search.get('query_id') || randomUUID(),
    database: search.get('database') || header('x-clickhouse-database') || undefined,
    defaultFormat: format,
    params,
    settings,
    session: readSession(search),
    waitEnd: truthy(search.get('wait_end_of_query')),
    compress: truthy(search.get('enable_http_compression')),
    compressionLevel: Math.min(9, Math.max(1, Number(search.get('http_zlib_compression_level') ?? 3) || 3)),
    credentials: readCredentials(search, headers),
  };
}

function readSession(search: URLSearchParams): ClickHouseRequest['session'] {
  const id = search.get('session_id');
  if (!id) return undefined;
  const timeout = search.get('session_timeout') ?? '60';
  if (!/^\d+$/.test(timeout) || Number(timeout) > 3_600)
    throw ClickHouseException.of(
      'INVALID_SESSION_TIMEOUT',
      `Session timeout '${timeout}' is invalid or larger than 3600`,
    );
  return { id, timeoutSeconds: Number(timeout), mustExist: truthy(search.get('session_check')) };
}

/** X-ClickHouse-User/Key, else Basic, else the address; two ways at once are refused, as the server does. */
function readCredentials(
  search: URLSearchParams,
  headers: IncomingHttpHeaders,
): ClickHouseRequest['credentials'] {
  const own = headers['x-clickhouse-user'] ?? headers['x-clickhouse-key'];
  const basic = /^basic\s+(\S+)$/i.exec(headers.authorization ?? '');
  const inAddress = search.has('user') || search.has('password');
  if ([own !== undefined, headers.authorization !== undefined, inAddress].filter(Boolean).length > 1)
    throw ClickHouseException.of(
      'AUTHENTICATION_FAILED',
      'Invalid authentication: it is not allowed to use several ways of authentication at once',
    );
  if (own !== undefined)
    return {
      user: (headers['x-clickhouse-user'] as string | undefined) || 'default',
      password: (headers['x-clickhouse-key'] as string | undefined) ?? '',
      given: true,
    };
  if (headers.authorization !== undefined) {
    if (basic === null)
      throw ClickHouseException.of(
        'AUTHENTICATION_FAILED',
        'Only the Basic scheme of authorization is offered here',
      );
    const text = Buffer.from(basic[1]!, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    return colon < 0
      ? { user: text || 'default', password: '', given: true }
      : { user: text.slice(0, colon) || 'default', password: text.slice(colon + 1), given: true };
  }
  return { user: search.get('user') || 'default', password: search.get('password') ?? '', given: inAddress };
}
