/**
 * What other folders may know of analytics: asking named questions, and how far the tables have come.
 */
import type { z } from 'zod';

/** A named question: a small value, tested exactly and then asked of the real engine. */
export interface NamedQuery<Params extends z.ZodType = z.ZodType> {
  readonly name: string;
  /** One sentence for people. */
  readonly title: string;
  readonly params: Params;
  /** Column name -> what it holds and in which unit. */
  readonly columns: Readonly<Record<string, string>>;
  /** SQL with ClickHouse parameters ({name:Type}); values never enter the text. */
  readonly sql: string;
}

export interface QueryAnswer {
  readonly columns: readonly { name: string; type: string }[];
  readonly rows: readonly Record<string, unknown>[];
  readonly elapsedMs: number;
  readonly rowsRead: number;
}

export interface Queries {
  list(): readonly NamedQuery[];
  /** Rejects with code QUERY_UNKNOWN or QUERY_PARAMS_INVALID (nothing was asked), or QUERY_FAILED. */
  ask(name: string, params: Record<string, unknown>): Promise<QueryAnswer>;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
}
