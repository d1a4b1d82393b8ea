/** The Queries port over ClickHouse. */
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { NamedQuery, Queries, QueryAnswer } from '../ports.js';
import { bind } from './bind.js';
import { byName, QUERIES } from './registry.js';

export interface QueriesOptions {
  /** Its default database holds the views. The caller closes it. */
  readonly client: ClickHouseClient;
  /** Epoch milliseconds; what `now` and `-24h` count from. */
  readonly now?: () => number;
  /** The engine gives up after so many seconds. Default 20. */
  readonly maxSeconds?: number;
}

export function createQueries({ client, now = Date.now, maxSeconds = 20 }: QueriesOptions): Queries {
  const run = async (
    query: NamedQuery,
    sql: string,
    params: Record<string, unknown>,
  ): Promise<QueryAnswer> => {
    const started = performance.now();
    try {
      const result = await client.query({
        query: sql,
        query_params: params,
        format: 'JSON',
        clickhouse_settings: { max_execution_time: maxSeconds },
      });
      const { meta, data, statistics } = await result.json<Record<string, unknown>>();
      return {
        columns: meta ?? [],
        rows: data,
        elapsedMs: performance.now() - started,
        rowsRead: statistics?.rows_read ?? 0,
      };
    } catch (error) {
      throw failed(query.name, error);
    }
  };

  return {
    list: () => QUERIES,
    async ask(name, asked) {
      const query = byName(name);
      if (query === undefined)
        throw new WattstreamError('QUERY_UNKNOWN', `There is no question named '${name}'`, {
          remedy: `One of: ${QUERIES.map((known) => known.name).join(', ')}`,
        });
      const { sql, params } = bind(query, asked, now());
      return run(query, sql, params);
    },
    /** Asks for our own view, not for a pong: an engine without our tables answers nothing either. */
    async ping() {
      try {
        const result = await client.query({
          query: 'SELECT generation FROM active_generation',
          format: 'JSON',
        });
        await result.text();
      } catch (error) {
        throw failed('ping', error);
      }
    },
  };
}

/** ClickHouse's names for "the views are not there (yet)", and for "too much at this moment". */
const NO_SCHEMA = new Set(['UNKNOWN_DATABASE', 'UNKNOWN_TABLE', 'UNKNOWN_IDENTIFIER']);
const OVERLOADED = new Set(['TIMEOUT_EXCEEDED', 'TOO_MANY_SIMULTANEOUS_QUERIES', 'MEMORY_LIMIT_EXCEEDED']);

function failed(name: string, cause: unknown): WattstreamError {
  if (!(cause instanceof ClickHouseError))
    return new WattstreamError(
      'QUERY_FAILED',
      `The database does not answer: ${messageOf(cause) || 'no connection'}`,
      {
        cause,
        canRetry: true,
        remedy: 'See whether ClickHouse runs and CLICKHOUSE_URL is right; `wattstream doctor` checks both.',
      },
    );
  const type = cause.type ?? '';
  if (NO_SCHEMA.has(type))
    return new WattstreamError(
      'QUERY_FAILED',
      `'${name}' needs tables that are not there: ${cause.message}`,
      {
        cause,
        canRetry: true,
        remedy: 'The analytics role makes them at its start; see its log if this stays.',
      },
    );
  return new WattstreamError('QUERY_FAILED', `'${name}' failed: ${cause.message}`, {
    cause,
    canRetry: OVERLOADED.has(type),
    ...(OVERLOADED.has(type) ? { remedy: 'Ask for a shorter window, or later.' } : {}),
  });
}
