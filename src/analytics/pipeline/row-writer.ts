import { Readable } from 'node:stream';
import type { ClickHouseClient } from '../clickhouse.js';
import type { RowWriter } from './ports.js';

/** Inserts synchronously: when it resolves, ClickHouse has the rows. */
export const createRowWriter = (client: ClickHouseClient): RowWriter => ({
  async insert(table, lines) {
    await client.insert({
      table: table.name,
      columns: table.columns.map((column) => `\`${column}\``) as [string, ...string[]],
      values: Readable.from(chunked(lines), { objectMode: false }),
      format: 'TabSeparated',
      clickhouse_settings: {
        async_insert: 0,
        // Our own retries repeat rows on purpose; keys and versions make them harmless, not block hashes.
        insert_deduplicate: 0,
        input_format_parallel_parsing: 0,
      },
    });
  },
});

/** Characters joined at a time: few writes to the socket, and far from the longest string there can be. */
const CHUNK = 1024 ** 2;

function* chunked(lines: readonly string[]): Generator<string> {
  let chunk: string[] = [];
  let size = 0;
  for (const line of lines) {
    chunk.push(line);
    size += line.length;
    if (size < CHUNK) continue;
    yield `${chunk.join('\n')}\n`;
    chunk = [];
    size = 0;
  }
  if (chunk.length > 0) yield `${chunk.join('\n')}\n`;
}
