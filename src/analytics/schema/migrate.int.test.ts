import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import { readSettings } from '../../platform/config.js';
import { createClickHouse } from '../clickhouse.js';
import { checksumOf, type Migration, readMigrations } from './files.js';
import { migrate } from './migrate.js';
import { render } from './render.js';
import { splitStatements } from './statements.js';

const file = (name: string, text: string): Migration => ({ name, text, checksum: checksumOf(text) });

describe('migrations', () => {
  let db: TestDatabase;
  const admin = createClickHouse(readSettings(), { database: false });
  beforeEach(async () => {
    db = await createTestDatabase({ bare: true });
  });
  afterEach(() => db.drop());
  const run = (files?: Migration[]) => migrate(admin, { database: db.name }, files);

  test('make every table and view, once', async () => {
    const names = (await readMigrations()).map(({ name }) => name);
    expect(await run()).toEqual({ applied: names });
    expect(await run()).toEqual({ applied: [] });
    const [count] = await db.select<{ n: number }>(
      `SELECT count() AS n FROM system.tables WHERE database = '${db.name}'`,
    );
    expect(count!.n).toBeGreaterThan(17);
    expect(await db.select('SELECT name FROM migrations FINAL ORDER BY name')).toEqual(
      names.map((name) => ({ name })),
    );
  });

  test('the first generation is active, and no activation by a person can be older', async () => {
    await run();
    expect(await db.select('SELECT generation, activated_at FROM generations')).toEqual([
      { generation: 1, activated_at: '1970-01-01T00:00:00.000Z' },
    ]);
    expect(await db.select('SELECT generation FROM active_generation')).toEqual([{ generation: 1 }]);
  });

  test('several processes may start at once', async () => {
    await Promise.all([run(), run(), run(), run()]);
    expect(await run()).toEqual({ applied: [] });
    expect(await db.select('SELECT DISTINCT generation FROM generations')).toEqual([{ generation: 1 }]);
  });

  test('a run that was killed half way is finished by the next', async () => {
    const two =
      'CREATE TABLE {{database}}.a (x Int8) ENGINE = {{merge_tree}} ORDER BY x;\n' +
      'CREATE TABLE {{database}}.b (x Int8) ENGINE = {{merge_tree}} ORDER BY x;';
    await run([]);
    await admin.command({ query: render(splitStatements(two)[0]!, { database: db.name }) });
    expect(await run([file('0001-two.sql', two)])).toEqual({ applied: ['0001-two.sql'] });
    expect(await db.select('SELECT count() AS n FROM b')).toEqual([{ n: 0 }]);
  });

  test('who was named in a table before is not any more, and the rest of the row is as it was', async () => {
    const all = await readMigrations();
    await run(all.filter(({ name }) => name < '0008'));
    const account = {
      id: 'ac-1',
      role: 'customer',
      name: 'A "B" Müller',
      email: 'b@example.com',
      disabled: false,
    };
    const token = { uid: '04A2', type: 'RFID', issuer: 'x,}', visual_number: 'WS-1' };
    const receipt = {
      type: 'charging.receipt',
      receipt: { customer: { accountId: 'ac-1', name: 'A "B" Müller' }, tariff: 'day@1' },
    };
    const event = { epoch: 1, at: '2026-11-25T10:00:00.000Z', precedence: 1 };
    await db.insert('cms_events_rows', [
      { ...event, kind: 'account', entity_id: 'ac-1', id: '1', offset: 0, state: JSON.stringify(account) },
      { ...event, kind: 'token', entity_id: '04A2', id: '2', offset: 1, state: JSON.stringify(token) },
      { ...event, kind: 'station', entity_id: 's', id: '3', offset: 2, state: '{"name":"Old harbour"}' },
    ]);
    await db.insert('charging_events_rows', [
      {
        ...event,
        topic: 'charging',
        type: receipt.type,
        id: 'r',
        offset: 0,
        payload: JSON.stringify(receipt),
      },
    ]);
    await run(all);
    const states = await db.select<{ state: string }>('SELECT state FROM cms_events_rows ORDER BY offset');
    expect(states.map(({ state }) => JSON.parse(state))).toEqual([
      { id: 'ac-1', role: 'customer', disabled: false },
      { uid: '04A2', type: 'RFID', issuer: 'x,}' },
      { name: 'Old harbour' },
    ]);
    const [row] = await db.select<{ payload: string }>('SELECT payload FROM charging_events_rows');
    expect(JSON.parse(row!.payload)).toEqual({
      ...receipt,
      receipt: { ...receipt.receipt, customer: { accountId: 'ac-1', name: null } },
    });
  });

  test('a statement that fails is named, and nothing is recorded', async () => {
    const bad = [file('0001-bad.sql', '-- why\nCREATE TABLE {{database}}.a (x Nonsense) ENGINE = Memory')];
    const failure = run(bad);
    await expect(failure).rejects.toMatchObject({ code: 'MIGRATION_FAILED' });
    await expect(failure).rejects.toThrow('0001-bad.sql failed at');
    expect(await db.select('SELECT count() AS n FROM migrations')).toEqual([{ n: 0 }]);
  });

  test('an edited file stops the process', async () => {
    await run([file('0001-a.sql', 'SELECT 1')]);
    await expect(run([file('0001-a.sql', 'SELECT 2')])).rejects.toMatchObject({ code: 'MIGRATION_EDITED' });
  });

  test('other line ends are no edit', async () => {
    await run([file('0001-a.sql', 'SELECT 1;\nSELECT 2')]);
    expect(await run([file('0001-a.sql', 'SELECT 1;\r\nSELECT 2')])).toEqual({ applied: [] });
  });

  test('a database of a newer version stops an older process', async () => {
    await run([file('0001-a.sql', 'SELECT 1'), file('0002-b.sql', 'SELECT 1')]);
    await expect(run([file('0001-a.sql', 'SELECT 1')])).rejects.toMatchObject({ code: 'DATABASE_NEWER' });
  });

  test('the form for a cluster is SQL that the engine can read', async () => {
    for (const { text } of await readMigrations())
      for (const statement of splitStatements(render(text, { database: 'd', cluster: 'main' }))) {
        const result = await admin.query({
          query: 'SELECT formatQuery({statement:String}) AS text',
          query_params: { statement },
          format: 'JSONEachRow',
        });
        const [{ text: formatted }] = (await result.json<{ text: string }>()) as [{ text: string }];
        // Rows go to one replica, which hands them on.
        if (!formatted.startsWith('INSERT ')) expect(formatted).toContain('ON CLUSTER main');
      }
  });
});
