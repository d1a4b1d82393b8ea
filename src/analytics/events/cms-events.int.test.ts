/** The registry as analysts read it: what applied, in every version, without a secret. */
import { createHash } from 'node:crypto';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { examples } from '../../domain/registry/testing/examples.js';
import { readSettings } from '../../platform/config.js';
import type { EventRecord } from '../../streams/ports.js';
import { createRowWriter } from '../pipeline/row-writer.js';
import { CMS_EVENTS, cmsEventLines } from './cms-events.js';

const records: EventRecord[] = [];
function say(
  kind: EntityKind,
  entityId: string,
  version: number,
  change: string,
  state: object | null,
  id?: string,
) {
  const offset = records.length;
  const event = {
    id: id ?? `ev-${offset}`,
    schema: 1,
    type: `cms.${kind}.${change}`,
    at: `2026-11-25T10:00:0${offset % 10}.000Z`,
    kind,
    entityId,
    version,
    actor: 'eve',
    state,
  };
  records.push({
    offset,
    routingKey: event.type,
    id: event.id,
    app: '',
    publishedAt: 0,
    body: JSON.stringify(event),
  });
}

let db: TestDatabase;
beforeAll(async () => {
  say('station', 'st-1', 1, 'created', examples.station);
  say('account', 'ac-1', 1, 'created', { ...examples.account, passwordHash: 'HASH-OF-ACCOUNT' });
  say('tariff', 'day', 1, 'created', examples.tariff);
  say('token', '04A2B3C4', 1, 'created', examples.token);
  say('point', 'CP-1', 1, 'created', { ...examples.point, passwordHash: 'HASH-OF-POINT' });
  say('station', 'st-1', 2, 'updated', { ...examples.station, name: 'Old harbour' });
  // Somebody else was first; the loser changes nothing, and coming once more neither.
  say('station', 'st-1', 2, 'updated', { ...examples.station, name: 'New harbour' }, 'loser');
  say('station', 'st-1', 2, 'updated', { ...examples.station, name: 'New harbour' }, 'loser');
  say('webhook', 'w', 1, 'created', {
    id: 'w',
    url: 'https://x.example/',
    patterns: ['#'],
    enabled: true,
    secret: 'SIGNED-WITH',
  });
  say('api-key', 'k', 1, 'created', {
    id: 'k',
    name: 'k',
    account: 'ac-1',
    keyHash: 'HASH-OF-KEY',
    disabled: false,
  });
  say('outage', 'o-1', 1, 'created', {
    id: 'o-1',
    point: 'CP-1',
    from: '2026-11-01T00:00:00Z',
    to: null,
    cause: 'utility',
    evidence: 'ticket 7',
  });
  say('tariff', 'night', 1, 'created', { ...examples.tariff, id: 'night' });
  say('tariff', 'night', 2, 'deleted', null);
  records.push({
    offset: records.length,
    routingKey: 'x',
    id: '',
    app: '',
    publishedAt: 0,
    body: '{"secret":"SPILT"',
  });
  db = await createTestDatabase();
  const line = cmsEventLines(1, true);
  const lines = records.map(line);
  const rows = createRowWriter(db.client);
  await rows.insert(CMS_EVENTS, [...lines].reverse());
  await rows.insert(CMS_EVENTS, lines.slice(3, 9));
});
afterAll(() => db.drop());

test('what is: the newest version that applied, of what is still there', async () => {
  expect(
    await db.select('SELECT station_id, name, city, latitude, version, created_at, updated_at FROM stations'),
  ).toEqual([
    {
      station_id: 'st-1',
      name: 'Old harbour',
      city: 'Rotterdam',
      latitude: 51.9225,
      version: 2,
      created_at: '2026-11-25T10:00:00.000Z',
      updated_at: '2026-11-25T10:00:05.000Z',
    },
  ]);
  expect(
    await db.select('SELECT charge_point_id, station_id, tariff_id, evses, connectors FROM points'),
  ).toEqual([{ charge_point_id: 'CP-1', station_id: 'st-1', tariff_id: 'day', evses: 1, connectors: 1 }]);
  expect(await db.select('SELECT tariff, currency FROM tariffs')).toEqual([
    { tariff: 'day@1', currency: 'EUR' },
  ]);
  expect(await db.select('SELECT id_token, status, account_id FROM tokens')).toEqual([
    { id_token: '04A2B3C4', status: 'Accepted', account_id: 'ac-1' },
  ]);
  expect(await db.select('SELECT account_id, role, email, disabled FROM accounts')).toEqual([
    { account_id: 'ac-1', role: 'customer', email: 'somebody@example.com', disabled: false },
  ]);
  expect(await db.select('SELECT outage_id, charge_point_id, cause, `to` FROM outages')).toEqual([
    { outage_id: 'o-1', charge_point_id: 'CP-1', cause: 'utility', to: null },
  ]);
});

test('what was: every version, and what changed nothing with its reason', async () => {
  const history = 'SELECT version, change, verdict, reason FROM stations_history ORDER BY offset';
  expect(await db.select(history)).toEqual([
    { version: 1, change: 'created', verdict: 'applied', reason: '' },
    { version: 2, change: 'updated', verdict: 'applied', reason: '' },
    { version: 2, change: 'updated', verdict: 'void', reason: 'VERSION' },
  ]);
  expect(
    await db.select(
      "SELECT tariff, change, verdict FROM tariffs_history WHERE tariff_id = 'night' ORDER BY offset",
    ),
  ).toEqual([
    { tariff: 'night@1', change: 'created', verdict: 'applied' },
    { tariff: 'night@2', change: 'deleted', verdict: 'applied' },
  ]);
});

test('no secret is in the table, whoever looks', async () => {
  const everything = JSON.stringify(await db.select('SELECT * FROM cms_events_rows'));
  expect(everything).toContain('Old harbour');
  expect(everything.match(/HASH-OF-\w+|SIGNED-WITH|SPILT/)).toBeNull();
});

test('analysts see the hash of a token that sessions have too, and nobody by name', async () => {
  const analyst = createClient({
    url: readSettings().CLICKHOUSE_URL,
    username: 'analyst',
    database: db.name,
    log: { level: ClickHouseLogLevel.OFF },
  });
  try {
    const seen = async (query: string) => (await analyst.query({ query, format: 'JSONEachRow' })).json();
    const hash = createHash('sha256').update('04A2B3C4').digest('hex').slice(0, 16);
    expect(await seen('SELECT id_token FROM tokens')).toEqual([{ id_token: hash }]);
    for (const view of [
      'tokens',
      'tokens_history',
      'accounts',
      'accounts_history',
      'cms_events',
      'cms_entities',
    ])
      expect(
        JSON.stringify(await seen(`SELECT * FROM ${view}`)).match(/04A2B3C4|Somebody|@example/),
      ).toBeNull();
    expect(await seen('SELECT name FROM stations')).toEqual([{ name: 'Old harbour' }]);
    await expect(seen('SELECT * FROM cms_events_rows')).rejects.toMatchObject({ code: '497' });
  } finally {
    await analyst.close();
  }
}, 30_000);

test('without the beginning of the stream nothing is judged, and nothing is claimed', () => {
  const lines = records.slice(1).map(cmsEventLines(1, false));
  const verdict = CMS_EVENTS.columns.indexOf('verdict');
  expect(new Set(lines.slice(0, -1).map((line) => line.split('\t')[verdict]))).toEqual(new Set(['']));
});

test('logins of former versions stand there unjudged, and nothing of who is logged in', () => {
  const body = JSON.stringify({
    id: 'l7',
    schema: 1,
    at: '2026-11-25T10:00:00.000Z',
    type: 'cms.logins.updated',
    kind: 'logins',
    entityId: 'ac-1',
    version: 7,
    actor: 'ac-1',
    state: { id: 'ac-1', families: [{ id: 'SPILT' }] },
  });
  const record = { offset: 3, id: 'l7', routingKey: 'cms.logins.updated', app: 'ac-1', publishedAt: 0, body };
  const fields = cmsEventLines(1, true)(record).split('\t');
  const row = Object.fromEntries(CMS_EVENTS.columns.map((column, index) => [column, fields[index]]));
  expect(row).toMatchObject({
    kind: 'logins',
    entity_id: 'ac-1',
    id: 'l7',
    type: 'cms.logins.updated',
    version: '7',
    actor: 'ac-1',
    verdict: '',
    reason: '',
    state: '',
  });
});
