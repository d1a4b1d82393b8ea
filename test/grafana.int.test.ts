/** The SQL of every Grafana panel is asked of the real engine; Grafana's macro stands for a time filter. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from './clickhouse.js';

interface Dashboard {
  panels: { title: string; targets: { rawSql: string }[] }[];
}
const dashboard = JSON.parse(
  readFileSync('dashboards/grafana/dashboards/wattstream.json', 'utf8'),
) as Dashboard;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test.each(dashboard.panels)('panel "$title"', async ({ targets }) => {
  for (const { rawSql } of targets) {
    const sql = rawSql.replace(/\$__timeFilter\(([^)]+)\)/g, '$1 BETWEEN now() - 86400 AND now()');
    await expect(database.select(sql)).resolves.toBeDefined();
  }
});
