/** What a command gets from the process, so that tests can give it something else. */
import { type ClickHouseClient, createClickHouse } from '../analytics/clickhouse.js';
import type { Queries } from '../analytics/ports.js';
import { createQueries } from '../analytics/queries/ask.js';
import { readSettings, type Settings } from '../platform/config.js';

export interface Context {
  /** Of the process, completed by what a running local installation told. */
  readonly env: NodeJS.ProcessEnv;
  readonly out: (text: string) => void;
  /** Terminal columns; undefined when the output is no terminal. */
  readonly width?: number | undefined;
  /** Exit code of the process once the command is done. */
  readonly exit: (code: number) => void;
}

/** Runs `work` with the questions of the configured database and closes the client, whatever happens. */
export async function withQueries<T>(
  context: Context,
  work: (queries: Queries, client: ClickHouseClient, settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = readSettings(context.env);
  const client = createClickHouse(settings, { application: 'wattstream-cli' });
  try {
    return await work(createQueries({ client }), client, settings);
  } finally {
    await client.close();
  }
}
