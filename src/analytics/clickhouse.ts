/**
 * The one place where a ClickHouse client is made. Everything speaks HTTP, to a server and to the embedded
 * role alike.
 */
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { Settings } from '../platform/config.js';

export type { ClickHouseClient };

export type ClickHouseSettings = Pick<
  Settings,
  'CLICKHOUSE_URL' | 'CLICKHOUSE_USER' | 'CLICKHOUSE_PASSWORD' | 'CLICKHOUSE_DATABASE'
>;

export interface ClickHouseOptions {
  /** Shown in the server's query log. Default `wattstream`. */
  readonly application?: string;
  /** Time for one request, milliseconds. Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** Sockets at most. Default 10. */
  readonly connections?: number;
  /**
   * `false` leaves the session's database unnamed: before the migrations ran it does not exist, and a request
   * that names it is refused.
   */
  readonly database?: false;
}

const isLocal = (url: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);

/**
 * A client for CLICKHOUSE_URL; the caller closes it. User and password in the URL win over the settings.
 *
 * - `async_insert=0`: servers since 26 collect inserts by default, and an acknowledgement then says less.
 * - Compression only across machines: on loopback it costs a core and saves nothing.
 * - Idle sockets are let go after 2 s, before any server's keep-alive (3 s at the least) closes them under a
 *   request that is just being sent.
 * - 64-bit integers arrive as JSON numbers: positions stay below 2^53.
 */
export function createClickHouse(
  settings: ClickHouseSettings,
  options: ClickHouseOptions = {},
): ClickHouseClient {
  const remote = !isLocal(settings.CLICKHOUSE_URL);
  return createClient({
    url: settings.CLICKHOUSE_URL,
    username: settings.CLICKHOUSE_USER,
    password: settings.CLICKHOUSE_PASSWORD,
    ...(options.database === false ? {} : { database: settings.CLICKHOUSE_DATABASE }),
    application: options.application ?? 'wattstream',
    request_timeout: options.requestTimeoutMs ?? 30_000,
    max_open_connections: options.connections ?? 10,
    keep_alive: { enabled: true, idle_socket_ttl: 2_000, eagerly_destroy_stale_sockets: true },
    compression: { request: remote, response: remote },
    // Failures reach the caller as errors, who knows whether they matter; the client would print them too.
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: {
      async_insert: 0,
      output_format_json_quote_64bit_integers: 0,
      date_time_output_format: 'iso',
    },
  });
}
