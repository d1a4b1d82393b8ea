/** Frames of 23 independent charger programs, played through the real ingest: sessions and watt-hours come out exact. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Played, playCapture, readCapture } from '../support/capture.js';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';

interface Expected {
  ocpp16: {
    station: string;
    transactionId: number;
    energyWh: number | null;
    lastEnergyWh: number;
    meterStart: number;
    startedAt: string;
    stoppedAt?: string;
    closed: boolean;
  }[];
  ocpp2: {
    station: string;
    transactionId: string;
    energyWhFirst: number;
    energyWhLast: number;
    startedAt: string;
    endedAt: string;
  }[];
}
interface Row {
  charge_point_id: string;
  transaction_id: string;
  status: string;
  started_at: string;
  stopped_at: string | null;
  energy_wh: string | null;
}

const frames = readCapture('test/data/captures/chargers-16-201-21.jsonl');
const expected = JSON.parse(
  readFileSync('test/data/captures/chargers-16-201-21.expected.json', 'utf8'),
) as Expected;

let installation: TestInstallation;
let ingest: RunningRole;
let played: Played;
let rows: Map<string, Row>;

beforeAll(async () => {
  installation = await testInstallation();
  [ingest] = await Promise.all([installation.start('ingest'), installation.start('analytics')]);
  played = await playCapture(ocppUrl(ingest), frames);
  const { database } = installation;
  const total = expected.ocpp16.length + expected.ocpp2.length;
  const found = await installation.until(
    () =>
      database.select<Row>(`
        SELECT charge_point_id, transaction_id, status, started_at, stopped_at, toString(energy_wh) AS energy_wh
        FROM sessions`),
    (answer) => answer.length === total && answer.filter((row) => row.status === 'completed').length === 9,
  );
  rows = new Map(found.map((row) => [`${row.charge_point_id} ${row.transaction_id}`, row]));
}, 90_000);

afterAll(() => installation?.stop());

test('every recorded CALL is answered, none with an error', () => {
  expect(played.sent).toBe(frames.filter((frame) => frame.dir === 'in').length);
  expect(played.errors).toBe(0);
});

test.each(expected.ocpp16)('OCPP 1.6: $station, recorded as $transactionId', (transaction) => {
  const id = played.ids.get(transaction.station)?.get(transaction.transactionId);
  const row = rows.get(`${transaction.station} ${id}`);
  expect(row).toBeDefined();
  expect(row?.status).toBe(transaction.closed ? 'completed' : 'active');
  expect(Date.parse(row!.started_at)).toBe(Date.parse(transaction.startedAt));
  const wattHours = transaction.energyWh ?? transaction.lastEnergyWh - transaction.meterStart;
  expect(Number(row?.energy_wh)).toBe(wattHours);
});

test.each(expected.ocpp2)('OCPP 2.x: $station, $transactionId', (transaction) => {
  const row = rows.get(`${transaction.station} ${transaction.transactionId}`);
  expect(row?.status).toBe('completed');
  expect(Date.parse(row!.started_at)).toBe(Date.parse(transaction.startedAt));
  expect(Date.parse(row!.stopped_at as string)).toBe(Date.parse(transaction.endedAt));
  expect(Number(row?.energy_wh)).toBe(transaction.energyWhLast - transaction.energyWhFirst);
});

test('the quarter hours sum to each session exactly', async () => {
  const differing = await installation.database.select(`
    SELECT session_id, any(s.energy_wh) AS session, sum(q.energy_wh) AS quarters
    FROM sessions AS s INNER JOIN energy_15m AS q USING (session_id)
    GROUP BY session_id HAVING session != quarters`);
  expect(differing).toEqual([]);
});

test('the archive holds every frame byte for byte, in the order of each charger', async () => {
  const stored = await installation.until(
    () =>
      installation.database.select<{ charge_point_id: string; frame: string }>(
        'SELECT charge_point_id, frame FROM frames ' +
          "WHERE direction = 'in' AND message_id != '' ORDER BY `partition`, `offset`",
      ),
    (rows) => rows.length >= played.sent,
  );
  for (const id of new Set(frames.map((frame) => frame.id))) {
    const sent = frames
      .filter((frame) => frame.id === id && frame.dir === 'in')
      .map((frame) => messageIdOf(frame.m));
    expect(stored.filter((row) => row.charge_point_id === id).map((row) => messageIdOf(row.frame))).toEqual(
      sent,
    );
  }
});

const messageIdOf = (text: string): unknown => (JSON.parse(text) as unknown[])[1];

test('OCPP 2.0.1: a charger that stops while it is offline (log of an OCA test case)', async () => {
  const log = readFileSync('test/data/ocpp201-offline-stop/example_log.log', 'utf8');
  const calls = [...log.matchAll(/\[msg-in\] (\[2,.*\])\s*$/gm)].map((match) => match[1] as string);
  expect(calls).toHaveLength(6);
  const offline = await playCapture(
    ocppUrl(ingest),
    calls.map((m) => ({ t: '', dir: 'in', id: 'OCA-E-44', proto: 'ocpp2.0.1', m })),
  );
  expect(offline).toMatchObject({ sent: 6, errors: 0 });
  const [session] = await installation.until(
    () =>
      installation.database.select<Row & { stop_reason: string; id_token: string; anomalies: string[] }>(
        "SELECT * FROM sessions WHERE charge_point_id = 'OCA-E-44'",
      ),
    (found) => found[0]?.status === 'completed',
  );
  expect(session).toMatchObject({
    transaction_id: 'e80fb8b1-3fa4-4146-aa10-9dfbc72dfa36',
    id_token: 'VALID',
    started_at: '2024-05-17T09:20:44.000Z',
    stopped_at: '2024-05-17T09:21:45.000Z',
    stop_reason: 'Local',
    // No meter value was ever sent: unknown, not zero.
    energy_wh: null,
    anomalies: [],
  });
});
