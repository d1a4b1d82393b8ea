import { createHash } from 'node:crypto';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import { anomalyRow, frameRow, quarterRow, sessionRow, uuid } from '../../../test/rows.js';
import { readSettings } from '../../platform/config.js';

/** What people see of the rows: the newest version of every fact, in the active generation, and no tombstones. */
describe('views', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db.drop());
  const energy = async () =>
    (await db.select<{ energy_wh: number }>('SELECT energy_wh FROM sessions ORDER BY session_id')).map(
      (row) => row.energy_wh,
    );

  test('a newer version of a session replaces the older, whichever was written first', async () => {
    await db.insert('sessions_rows', [sessionRow({ version: 20, energy_wh: 200 })]);
    await db.insert('sessions_rows', [sessionRow({ version: 10, energy_wh: 100 })]);
    expect(await energy()).toEqual([200]);
  });

  test('a replay of the same row changes nothing', async () => {
    await db.insert('sessions_rows', [sessionRow({ version: 20, energy_wh: 200 })]);
    expect(await energy()).toEqual([200]);
  });

  test('a tombstone takes a fact away, a late older row does not bring it back, a newer one does', async () => {
    await db.insert('sessions_rows', [sessionRow({ session_id: uuid(2), version: 5 })]);
    await db.insert('sessions_rows', [sessionRow({ session_id: uuid(2), version: 6, is_deleted: 1 })]);
    expect(await energy()).toEqual([200]);
    await db.insert('sessions_rows', [sessionRow({ session_id: uuid(2), version: 4 })]);
    expect(await energy()).toEqual([200]);
    await db.client.command({ query: 'OPTIMIZE TABLE sessions_rows FINAL' });
    await db.insert('sessions_rows', [sessionRow({ session_id: uuid(2), version: 5 })]);
    expect(await energy()).toEqual([200]);
    await db.insert('sessions_rows', [sessionRow({ session_id: uuid(2), version: 7, energy_wh: 700 })]);
    expect(await energy()).toEqual([200, 700]);
  });

  test('a filter on a value judges the newest version, not any older one that would match', async () => {
    await db.insert('sessions_rows', [sessionRow({ session_id: uuid(3), version: 1, status: 'active' })]);
    await db.insert('sessions_rows', [sessionRow({ session_id: uuid(3), version: 2, status: 'completed' })]);
    expect(await db.select("SELECT session_id FROM sessions WHERE status = 'active'")).toEqual([]);
    await db.insert('sessions_rows', [sessionRow({ session_id: uuid(3), version: 3, is_deleted: 1 })]);
  });

  test('analysts see hashes of tokens, and frames without them; the tables themselves are not theirs', async () => {
    const other = await createTestDatabase();
    // Without the settings that our own client sends along: a reader may set none.
    const analyst = createClient({
      url: readSettings().CLICKHOUSE_URL,
      username: 'analyst',
      database: other.name,
      log: { level: ClickHouseLogLevel.OFF },
    });
    try {
      await other.insert('sessions_rows', [
        sessionRow({ session_id: uuid(1), id_token: 'Tag1' }),
        sessionRow({ session_id: uuid(2), id_token: '' }),
      ]);
      const frame = String.raw`[2,"1","StartTransaction",{"idTag": "a\"b","connectorId":1,"note":"idTag"}]`;
      const v2 = '[2,"2","Authorize",{"idToken":{"idToken":"ABC","type":"Central"}}]';
      await other.insert('frames_rows', [
        frameRow({ offset: 1, frame, answer: '{"idTagInfo":{"parentIdTag":"P","status":"Accepted"}}' }),
        frameRow({ offset: 2, frame: v2, answer: '' }),
      ]);
      const seen = async (query: string) => (await analyst.query({ query, format: 'JSONEachRow' })).json();
      const hash = createHash('sha256').update('TAG1').digest('hex').slice(0, 16);
      expect(await seen('SELECT id_token FROM sessions ORDER BY session_id')).toEqual([
        { id_token: hash },
        { id_token: '' },
      ]);
      expect(await seen('SELECT frame, answer FROM frames ORDER BY offset')).toEqual([
        {
          frame: '[2,"1","StartTransaction",{"idTag": "***","connectorId":1,"note":"idTag"}]',
          answer: '{"idTagInfo":{"parentIdTag":"***","status":"Accepted"}}',
        },
        { frame: '[2,"2","Authorize",{"idToken":{"idToken":"***","type":"Central"}}]', answer: '' },
      ]);
      expect(await other.select('SELECT frame FROM frames ORDER BY offset')).toEqual([
        { frame },
        { frame: v2 },
      ]);
      expect(await other.select('SELECT id_token FROM sessions ORDER BY session_id')).toEqual([
        { id_token: 'Tag1' },
        { id_token: '' },
      ]);
      for (const query of [
        'SELECT * FROM sessions_rows',
        'SELECT * FROM checkpoints_rows',
        `SELECT frame FROM ${other.name}.frames_rows`,
      ])
        await expect(seen(query)).rejects.toMatchObject({ code: '497' });
      await expect(
        analyst.query({ query: 'SELECT 1', clickhouse_settings: { workload: 'default' } }),
      ).rejects.toMatchObject({ code: '164' });
      await expect(seen("SELECT id_token FROM sessions SETTINGS workload = 'default'")).rejects.toMatchObject(
        {
          code: '164',
        },
      );
    } finally {
      await analyst.close();
      await other.drop();
    }
  });

  test('a generation is swapped and swapped back by one row each', async () => {
    await db.insert('sessions_rows', [sessionRow({ generation: 2, version: 1, energy_wh: 999 })]);
    await db.insert('energy_15m_rows', [quarterRow({ generation: 2 })]);
    expect(await energy()).toEqual([200, 700]);
    expect(await db.select('SELECT * FROM energy_15m')).toEqual([]);

    const activate = (generation: number, at: string) =>
      db.insert('generations_rows', [
        { generation, code_version: '1', activated_at: at, actor: 'test', reason: 'swap' },
      ]);
    await activate(2, '2026-11-23T10:00:00.000Z');
    expect(await energy()).toEqual([999]);
    expect(await db.select('SELECT energy_wh FROM energy_15m')).toEqual([{ energy_wh: 100 }]);
    await activate(1, '2026-11-23T11:00:00.000Z');
    expect(await energy()).toEqual([200, 700]);
  });

  test('the archive shows each record of the log once, of every epoch', async () => {
    const rows = [frameRow({}), frameRow({ epoch: 2 }), frameRow({ offset: 1 })];
    await db.insert('frames_rows', rows);
    await db.insert('frames_rows', rows);
    expect(await db.select('SELECT epoch, offset FROM frames ORDER BY (epoch, offset)')).toEqual([
      { epoch: 1, offset: 0 },
      { epoch: 1, offset: 1 },
      { epoch: 2, offset: 0 },
    ]);
  });

  test('anomalies are those of records and those of sessions', async () => {
    await db.insert('anomalies_rows', [anomalyRow({ offset: 3 })]);
    await db.insert('sessions_rows', [
      sessionRow({
        session_id: uuid(1),
        version: 2 ** 48 + 30,
        offset: 30,
        anomalies: ['meter_reset', 'missing_events'],
        anomaly_details: ['900 -> 0', '2'],
      }),
    ]);
    expect(
      await db.select('SELECT kind, detail, session_id, epoch, offset FROM anomalies ORDER BY offset, kind'),
    ).toEqual([
      { kind: 'undecodable', detail: 'not JSON', session_id: null, epoch: 1, offset: 3 },
      { kind: 'meter_reset', detail: '900 -> 0', session_id: uuid(1), epoch: 1, offset: 30 },
      { kind: 'missing_events', detail: '2', session_id: uuid(1), epoch: 1, offset: 30 },
    ]);
  });

  test('a window of the archive is found without reading all of it', async () => {
    const hour = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
    const many = Array.from({ length: 60_000 }, (_, n) =>
      frameRow({ epoch: 9, offset: n, received_at: hour(n) }),
    );
    await db.insert('frames_rows', many);
    const result = await db.client.query({
      query: `SELECT count() AS n FROM frames WHERE epoch = 9 AND received_at >= '${hour(100).slice(0, 19)}' AND received_at < '${hour(200).slice(0, 19)}'`,
      format: 'JSON',
    });
    const { data, statistics } = await result.json<{ n: number }>();
    expect(data).toEqual([{ n: 100 }]);
    expect(statistics!.rows_read).toBeLessThan(30_000);
  });
});
