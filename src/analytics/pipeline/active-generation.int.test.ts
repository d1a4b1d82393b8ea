/** On the real engine: who announces is who is shown, and a swap is noticed. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import { readSettings } from '../../platform/config.js';
import { silentLogger } from '../../platform/logger.js';
import { createClickHouse } from '../clickhouse.js';
import { migrate } from '../schema/migrate.js';
import { watchActiveGeneration } from './active-generation.js';

let database: TestDatabase;
let client: ReturnType<typeof createClickHouse>;

beforeAll(async () => {
  database = await createTestDatabase();
  const settings = readSettings({ ...process.env, CLICKHOUSE_DATABASE: database.name });
  const before = createClickHouse(settings, { database: false });
  await migrate(before, { database: database.name });
  await before.close();
  client = createClickHouse(settings);
}, 60_000);
afterAll(async () => {
  await client?.close();
  await database?.drop();
});

const show = (generation: number) =>
  client.command({
    query: `INSERT INTO generations_rows (generation, activated_at, actor, reason) VALUES (${generation}, now64(3) + ${generation}, 'test', '')`,
  });

test('generation 1 is shown by an installation that has named none; a swap is noticed by both', async () => {
  await client.command({ query: 'TRUNCATE TABLE generations_rows' });
  const timing = { askMs: 20, offAfterMs: 60 };
  const [first, second] = [1, 2].map((one) => watchActiveGeneration(client, one, silentLogger, timing));
  await first!.start();
  await second!.start();
  expect([first!.isActive, second!.isActive]).toEqual([true, false]);

  await show(2);
  while (!second!.isActive) await new Promise((resolve) => setTimeout(resolve, 5));
  while (first!.isActive) await new Promise((resolve) => setTimeout(resolve, 5));
  first!.close();
  second!.close();
}, 30_000);
