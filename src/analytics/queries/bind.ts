/** From a question and what somebody asked to the text and the parameters that go to the engine. Pure. */
import type { z } from 'zod';
import { WattstreamError } from '../../platform/errors.js';
import type { NamedQuery } from '../ports.js';
import { instantOf, toClickHouseTime } from './instant.js';

export interface Bound {
  readonly sql: string;
  /** As `@clickhouse/client` takes them: values stay outside the text. */
  readonly params: Readonly<Record<string, string | number>>;
}

/** `{name:Type}` in the text; comments hold none. */
const PLACEHOLDER = /\{(\w+):([^}]+)\}/g;

/** Name -> ClickHouse type of every parameter the text names. */
export const placeholders = (sql: string): Map<string, string> =>
  new Map([...sql.matchAll(PLACEHOLDER)].map(([, name, type]) => [name!, type!]));

/**
 * Fills in defaults and turns times into UTC; `now` (epoch milliseconds) is what distances count from and what
 * a text that names `{now:...}` gets. Throws QUERY_PARAMS_INVALID, with the ZodError as its cause.
 */
export function bind(query: NamedQuery, asked: Record<string, unknown>, now: number): Bound {
  const parsed = query.params.safeParse(asked);
  if (!parsed.success) throw invalid(query.name, parsed.error);
  const values = parsed.data as Record<string, string | number>;
  const params: Record<string, string | number> = {};
  for (const [name, type] of placeholders(query.sql)) {
    if (name === 'now') params[name] = toClickHouseTime(now);
    else if (type.startsWith('DateTime64'))
      params[name] = toClickHouseTime(instantOf(String(values[name]), now)!);
    else params[name] = values[name]!;
  }
  return { sql: query.sql, params };
}

function invalid(name: string, error: z.ZodError): WattstreamError {
  const complaints = error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `there is no parameter ${issue.keys.join(', ')}`
      : `${issue.path.join('.')}: ${issue.message}`,
  );
  return new WattstreamError(
    'QUERY_PARAMS_INVALID',
    `Parameters of '${name}' are wrong: ${complaints.join('; ')}`,
    {
      cause: error,
      remedy: '`wattstream ask` and GET /api/analytics/queries list every question with its parameters.',
    },
  );
}
