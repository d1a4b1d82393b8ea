/** Whatever a charger sends must arrive in its column as it was, and never stop an insert. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import type { SessionRow } from '../../domain/charging/rows.js';
import type { RowWriter } from './ports.js';
import { createRowWriter } from './row-writer.js';
import { FRAMES, frameLine, SESSIONS, sessionLine } from './tables.js';

const NASTY = `tab\t line\n return\r nul\0 back\\slash \\N \\t quote' double" é 汉 😀 \b\f`;
const run = { generation: 1, epoch: 1 };
let database: TestDatabase;
let writer: RowWriter;

beforeAll(async () => {
  database = await createTestDatabase();
  writer = createRowWriter(database.client);
});
afterAll(() => database?.drop());

const session = (more: Partial<SessionRow>): SessionRow => ({
  chargePointId: 'CP',
  offset: 5,
  sessionId: '00000000-0000-5000-8000-000000000001',
  connectorId: 1,
  evseId: 1,
  transactionId: '7',
  idToken: 'TAG',
  authStatus: 'Accepted',
  stationId: '',
  accountId: '',
  tariff: '',
  status: 'active',
  held: false,
  startedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  stoppedAt: null,
  unpluggedAt: null,
  lastSeenAt: 0,
  clockSuspect: false,
  meterStartMilli: null,
  meterStopMilli: null,
  energyMilli: 1_234_005,
  energySource: 'registers',
  exportMilli: null,
  maxPowerMilli: null,
  socStartMilli: null,
  socEndMilli: null,
  stopReason: '',
  chargingMs: 1_499,
  idleMs: 0,
  estimated: false,
  anomalies: [],
  remoteStartId: null,
  protocol: 'ocpp1.6',
  deleted: false,
  ...more,
});

test('a frame and its properties come back byte for byte', async () => {
  const record = {
    body: NASTY,
    subject: 'Heartbeat',
    chargePointId: `CP ${NASTY}`,
    messageId: NASTY,
    receivedAt: Date.UTC(2026, 10, 23, 1, 2, 3, 45),
    direction: 'in',
    gateway: 'gw',
    connection: NASTY,
    answer: NASTY,
    partition: 3,
    offset: 9,
  } as const;
  await writer.insert(FRAMES, [frameLine(record, run)]);
  const [row] = await database.select(
    "SELECT frame, charge_point_id, message_id, answer, properties['connection'] AS connection, received_at FROM frames",
  );
  expect(row).toEqual({
    frame: NASTY,
    charge_point_id: `CP ${NASTY}`,
    message_id: NASTY,
    answer: NASTY,
    connection: NASTY,
    received_at: '2026-11-23T01:02:03.045Z',
  });
});

test('texts, lists, decimals and times of a session come back as they were', async () => {
  const row = session({
    idToken: NASTY,
    anomalies: [
      { kind: 'meter_glitch', detail: NASTY },
      { kind: 'late', detail: "''" },
    ],
  });
  await writer.insert(SESSIONS, [sessionLine(row, run, 2)]);
  const [stored] = await database.select(
    'SELECT id_token, anomalies, anomaly_details, toString(energy_wh) AS wh, started_at, stopped_at, charging_s FROM sessions',
  );
  expect(stored).toEqual({
    id_token: NASTY,
    anomalies: ['meter_glitch', 'late'],
    anomaly_details: [NASTY, "''"],
    wh: '1234.005',
    started_at: '2026-01-02T03:04:05.006Z',
    stopped_at: null,
    charging_s: 1,
  });
});

test.each([
  ['a time before 1900', { startedAt: -1e15 }],
  ['a time beyond 2299', { startedAt: 1e17 }],
  ['a connector of no range', { connectorId: -5, evseId: 2 ** 40 }],
  ['half a surrogate pair', { idToken: '\ud800', anomalies: [{ kind: 'late', detail: '\udfff' }] }],
  ['a state of charge of a trillion', { socStartMilli: 1e15, socEndMilli: -1e15 }],
  ['a remote start id beyond integers', { remoteStartId: 1e300 }],
  [
    'energy at the edge of exact integers',
    { energyMilli: Number.MAX_SAFE_INTEGER, exportMilli: -Number.MAX_SAFE_INTEGER },
  ],
] as [string, Partial<SessionRow>][])(
  '%s is stored at its edge or as null, and stops nothing',
  async (_, more) => {
    await expect(writer.insert(SESSIONS, [sessionLine(session(more), run, 0)])).resolves.toBeUndefined();
  },
);
