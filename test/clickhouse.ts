/** A ClickHouse database of one's own for an integration test, on the engine that CLICKHOUSE_URL names. */
import { randomBytes } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { createClickHouse } from '../src/analytics/clickhouse.js';
import { migrate } from '../src/analytics/schema/migrate.js';
import { readSettings } from '../src/platform/config.js';

export interface TestDatabase {
  readonly name: string;
  /** Uses the database by default. */
  readonly client: ClickHouseClient;
  /** Rows as objects; columns not named get their type's default. Times may be ISO 8601. */
  insert(table: string, rows: readonly Record<string, unknown>[]): Promise<void>;
  select<Row = Record<string, unknown>>(query: string): Promise<Row[]>;
  drop(): Promise<void>;
}

/** Migrated unless `bare`. */
export async function createTestDatabase(options: { bare?: boolean } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const settings = { ...readSettings(), CLICKHOUSE_DATABASE: name };
  const admin = createClickHouse(settings, { database: false });
  if (!options.bare) await migrate(admin, { database: name });
  const client = createClickHouse(settings);
  return {
    name,
    client,
    async insert(table, rows) {
      await client.insert({
        table,
        values: rows,
        format: 'JSONEachRow',
        clickhouse_settings: { date_time_input_format: 'best_effort' },
      });
    },
    async select<Row>(query: string) {
      return (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
    },
    async drop() {
      await admin.command({ query: `DROP DATABASE IF EXISTS ${name}` });
      await Promise.all([client.close(), admin.close()]);
    },
  };
}
