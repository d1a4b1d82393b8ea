import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import {
  anomalyRow,
  connectionRow,
  frameRow,
  markerRow,
  meterValueRow,
  quarterRow,
  sessionRow,
  statusRow,
  uuid,
} from '../../../test/rows.js';
import { readSettings } from '../../platform/config.js';
import { createClickHouse } from '../clickhouse.js';
import { CHARGING_EVENTS, chargingEventLine } from '../events/charging-events.js';
import { commandId, Script } from '../events/testing/script.js';
import { createRowWriter } from '../pipeline/row-writer.js';
import type { Queries } from '../ports.js';
import { createQueries } from './ask.js';

const NOW = Date.parse('2026-11-23T12:00:00.000Z');

/**
 * Two charge points on the morning of 2026-11-23: CP-1 charged an hour and charges again, connected;
 * O'Hara\t2 (a name to trip over) charged the evening before, over midnight, and is offline.
 */
describe('questions, asked of the engine', () => {
  let db: TestDatabase;
  let queries: Queries;
  const ODD = "O'Hara\t2";

  beforeAll(async () => {
    db = await createTestDatabase();
    queries = createQueries({ client: db.client, now: () => NOW });
    await db.insert('sessions_rows', [
      sessionRow({ anomalies: ['meter_glitch'], anomaly_details: ['dip of 3 Wh'], offset: 7 }),
      sessionRow({
        session_id: uuid(2),
        transaction_id: '102',
        status: 'active',
        started_at: '2026-11-23T11:00:00.000Z',
        stopped_at: null,
        last_seen_at: '2026-11-23T11:58:00.000Z',
        energy_wh: 2_500.125,
        id_token: '',
      }),
      sessionRow({
        session_id: uuid(3),
        charge_point_id: ODD,
        evse_id: 1,
        protocol: 'ocpp2.0.1',
        started_at: '2026-11-22T23:00:00.000Z',
        stopped_at: '2026-11-23T01:00:00.000Z',
        last_seen_at: '2026-11-23T01:00:00.000Z',
        energy_wh: 4_000,
      }),
    ]);
    await db.insert('energy_15m_rows', [
      quarterRow({ energy_wh: 600, bucket: '2026-11-23T08:00:00.000Z' }),
      quarterRow({ energy_wh: 400, bucket: '2026-11-23T08:15:00.000Z', peak_power_w: 2_000 }),
      quarterRow({ session_id: uuid(2), energy_wh: 2_500.125, bucket: '2026-11-23T11:00:00.000Z' }),
      quarterRow({
        charge_point_id: ODD,
        session_id: uuid(3),
        energy_wh: 1_500,
        bucket: '2026-11-22T23:45:00.000Z',
      }),
      quarterRow({
        charge_point_id: ODD,
        session_id: uuid(3),
        energy_wh: 2_500,
        bucket: '2026-11-23T00:00:00.000Z',
      }),
    ]);
    await db.insert('status_intervals_rows', [
      statusRow({ from: '2026-11-23T08:00:00.000Z', to: '2026-11-23T10:00:00.000Z', status: 'Available' }),
      statusRow({
        from: '2026-11-23T10:00:00.000Z',
        to: '2026-11-23T11:00:00.000Z',
        status: 'Faulted',
        error_code: 'GroundFailure',
      }),
      statusRow({ from: '2026-11-23T11:00:00.000Z', status: 'Charging' }),
      statusRow({ connector_id: 0, from: '2026-11-23T08:00:00.000Z', status: 'Available' }),
      statusRow({
        charge_point_id: ODD,
        evse_id: 1,
        from: '2026-11-23T09:00:00.000Z',
        status: 'Offline',
      }),
    ]);
    await db.insert('connections_rows', [
      connectionRow({
        connection: 'c0',
        gateway: 'g0',
        from: '2026-11-22T08:00:00.000Z',
        to: '2026-11-23T07:59:00.000Z',
        close_code: 1006,
      }),
      connectionRow({}),
      connectionRow({
        charge_point_id: ODD,
        connection: 'c2',
        protocol: 'ocpp2.0.1',
        from: '2026-11-22T20:00:00.000Z',
        to: '2026-11-23T09:00:00.000Z',
        close_code: 1000,
      }),
    ]);
    await db.insert('meter_values_rows', [
      meterValueRow({ ts: '2026-11-23T08:30:00.000Z', raw: '600', value: 600 }),
      meterValueRow({ ts: '2026-11-23T08:05:00.000Z', raw: '100', value: 100 }),
      meterValueRow({ measurand: 'Power.Active.Import', unit: 'W', raw: '7', value: 7_000 }),
      meterValueRow({ session_id: uuid(2), origin: 'tx:102', ts: '2026-11-23T11:05:00.000Z' }),
    ]);
    await db.insert('anomalies_rows', [anomalyRow({ offset: 3 })]);
    await db.insert('frames_rows', [
      frameRow({ offset: 1, received_at: '2026-11-23T11:58:30.000Z', action: 'Connected', frame: '{}' }),
      frameRow({ offset: 2, received_at: '2026-11-23T11:58:40.000Z' }),
      frameRow({ offset: 4, received_at: '2026-11-23T11:59:10.000Z', action: 'MeterValues' }),
      frameRow({ offset: 5, received_at: '2026-11-23T11:59:20.000Z', direction: 'out', action: 'Reset' }),
      frameRow({
        offset: 6,
        received_at: '2026-11-23T11:59:30.000Z',
        action: 'GatewayAlive',
        charge_point_id: 'g1',
      }),
      frameRow({ offset: 8, received_at: '2026-11-23T08:59:20.000Z', charge_point_id: ODD, partition: 1 }),
    ]);
    await db.insert('checkpoints_rows', [
      markerRow({ next_offset: 10 }),
      markerRow({ next_offset: 30, taken_at: '2026-11-23T11:59:50.000Z', states: 3 }),
      markerRow({ partition: 1, next_offset: 9 }),
      markerRow({ kind: 'state', charge_point_id: 'CP-1', next_offset: 99 }),
    ]);
    // Of the day after, so that they touch nothing else here.
    const schedule = { chargingRateUnit: 'A', chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] };
    const script = new Script()
      .accepted(1, 'Reset', '08:00', { type: 'Soft' })
      .requested(2, 'Reset', '08:00', { type: 'Hard' }, { chargePointId: ODD })
      .step(2, 'offline', '08:01', { chargePointId: ODD, detail: 'nobody holds it' })
      .accepted(3, 'ReserveNow', '09:00', {
        connectorId: 1,
        reservationId: 7,
        idTag: 'Tag1',
        expiryDate: '2026-11-25T10:00:00Z',
      })
      .accepted(4, 'SetChargingProfile', '09:00', {
        connectorId: 1,
        csChargingProfiles: {
          chargingProfileId: 1,
          stackLevel: 0,
          chargingProfilePurpose: 'TxDefaultProfile',
          chargingProfileKind: 'Absolute',
          chargingSchedule: schedule,
        },
      })
      .accepted(5, 'SendLocalList', '09:00', { listVersion: 3, updateType: 'Full' })
      .accepted(6, 'GetLog', '09:00', { requestId: 1, logType: 'SecurityLog' })
      .say({ id: 's1', type: 'session.started', at: '2026-11-25T09:00:00.000Z', chargePointId: 'CP-1' });
    const lines = script.records.map((record) => chargingEventLine(record, 1));
    await createRowWriter(db.client).insert(CHARGING_EVENTS, lines);
    await db.insert('event_positions_rows', [
      {
        stream: 'charging.events.log',
        epoch: 1,
        offset: 9,
        hash: 'a',
        stored_at: '2026-11-23T11:59:50.000Z',
      },
      {
        stream: 'charging.events.log',
        epoch: 1,
        offset: 20,
        hash: 'b',
        stored_at: '2026-11-23T11:59:58.000Z',
      },
      {
        stream: 'charging.events.log',
        epoch: 1,
        offset: 15,
        hash: 'c',
        stored_at: '2026-11-23T11:59:59.000Z',
      },
    ]);
  });
  afterAll(() => db.drop());

  const ask = async (name: string, params: Record<string, unknown> = {}) =>
    (await queries.ask(name, params)).rows;
  const column = async (name: string, what: string, params: Record<string, unknown> = {}) =>
    (await ask(name, params)).map((row) => row[what]);

  const required: Record<string, Record<string, unknown>> = {
    session: { session_id: uuid(1) },
    'meter-values': { charge_point_id: 'CP-1' },
    'frames-of-charge-point': { charge_point_id: 'CP-1' },
    command: { command_id: commandId(1) },
    'account-sessions': { account_id: 'ac-1' },
    'session-samples': { session_ids: JSON.stringify([uuid(1)]), charge_point_ids: '["CP-1"]' },
    'sessions-by-id': { session_ids: JSON.stringify([uuid(1)]), charge_point_ids: '["CP-1"]' },
    'outlets-now': { charge_point_ids: '[]' },
    'charging-request': { request_id: uuid(1) },
  };

  test('every question answers with exactly the columns it documents', async () => {
    for (const query of queries.list()) {
      const { columns } = await queries.ask(query.name, required[query.name] ?? {});
      expect({ [query.name]: columns.map(({ name }) => name).sort() }).toEqual({
        [query.name]: Object.keys(query.columns).sort(),
      });
    }
  }, 60_000);

  test('sessions: newest first, filtered, tokens only as hashes', async () => {
    expect(await column('sessions', 'session_id')).toEqual([uuid(2), uuid(1), uuid(3)]);
    expect(await column('sessions', 'session_id', { status: 'active' })).toEqual([uuid(2)]);
    expect(await column('sessions', 'session_id', { charge_point_id: ODD })).toEqual([uuid(3)]);
    expect(await column('sessions', 'session_id', { from: '-6h', to: '-2h' })).toEqual([uuid(1)]);
    const hash = createHash('sha256').update('TAG1').digest('hex').slice(0, 16);
    expect(await column('sessions', 'id_token_hash')).toEqual(['', hash, hash]);
    expect(await column('sessions', 'energy_wh')).toEqual([2_500.125, 1_000, 4_000]);
  });

  test('sessions: a cursor walks through all of them, each once, also where starts are equal', async () => {
    await db.insert('sessions_rows', [
      ...Array.from({ length: 7 }, (_, n) =>
        sessionRow({ session_id: uuid(100 + n), started_at: '2026-11-20T08:00:00.123Z' }),
      ),
    ]);
    const seen: unknown[] = [];
    let cursor = '';
    for (let page = 0; page < 10; page++) {
      const rows = await ask('sessions', { limit: 3, cursor });
      seen.push(...rows.map((row) => row.session_id));
      if (rows.length < 3) break;
      cursor = rows.at(-1)!.cursor as string;
    }
    expect(seen).toEqual(await column('sessions', 'session_id'));
    expect(new Set(seen).size).toBe(10);
    await db.insert(
      'sessions_rows',
      Array.from({ length: 7 }, (_, n) =>
        sessionRow({ session_id: uuid(100 + n), version: 2, is_deleted: 1 }),
      ),
    );
  });

  test('session: with its samples in order of time and its anomalies', async () => {
    const [session] = await ask('session', { session_id: uuid(1) });
    expect(session).toMatchObject({
      charge_point_id: 'CP-1',
      energy_wh: 1_000,
      anomalies: [{ kind: 'meter_glitch', detail: 'dip of 3 Wh' }],
      meter_values: [
        { ts: '2026-11-23T08:05:00.000Z', measurand: 'Energy.Active.Import.Register', value: 100 },
        { ts: '2026-11-23T08:05:00.000Z', measurand: 'Power.Active.Import', value: 7_000, unit: 'W' },
        { ts: '2026-11-23T08:30:00.000Z', measurand: 'Energy.Active.Import.Register', value: 600 },
      ],
    });
    expect(session).not.toHaveProperty('id_token');
    expect(await ask('session', { session_id: uuid(9) })).toEqual([]);
    expect((await ask('session', { session_id: uuid(3) }))[0]!.meter_values).toEqual([]);
  });

  test('live-sessions: only active ones, with how long they have lasted', async () => {
    expect(await ask('live-sessions')).toMatchObject([
      { session_id: uuid(2), duration_s: 3_600, energy_wh: 2_500.125 },
    ]);
  });

  test('chargers: presence, connectors, sessions, last seen', async () => {
    expect(await ask('chargers')).toEqual([
      {
        charge_point_id: 'CP-1',
        connected: true,
        protocol: 'ocpp1.6',
        gateway: 'g1',
        address: '10.0.0.1',
        last_seen_at: '2026-11-23T11:59:20.000Z',
        connectors: [
          {
            evse_id: 0,
            connector_id: 0,
            status: 'Available',
            error_code: '',
            vendor_code: '',
            since: '2026-11-23T08:00:00.000Z',
          },
          {
            evse_id: 0,
            connector_id: 1,
            status: 'Charging',
            error_code: '',
            vendor_code: '',
            since: '2026-11-23T11:00:00.000Z',
          },
        ],
        active_sessions: [
          {
            session_id: uuid(2),
            evse_id: null,
            connector_id: 1,
            transaction_id: '102',
            started_at: '2026-11-23T11:00:00.000Z',
            energy_wh: 2_500.125,
          },
        ],
      },
      {
        charge_point_id: ODD,
        connected: false,
        protocol: 'ocpp2.0.1',
        gateway: 'g1',
        address: '10.0.0.1',
        last_seen_at: '2026-11-23T09:00:00.000Z',
        connectors: [
          {
            evse_id: 1,
            connector_id: 1,
            status: 'Offline',
            error_code: '',
            vendor_code: '',
            since: '2026-11-23T09:00:00.000Z',
          },
        ],
        active_sessions: [],
      },
    ]);
    expect(await column('chargers', 'charge_point_id', { charge_point_id: ODD })).toEqual([ODD]);
    expect(await column('chargers', 'charge_point_id', { connected: 'true' })).toEqual(['CP-1']);
    expect(await column('chargers', 'charge_point_id', { connected: 'false' })).toEqual([ODD]);
    expect(await column('chargers', 'charge_point_id', { after: 'CP-1', limit: 1 })).toEqual([ODD]);
  });

  test('energy-by-charge-point: sums of quarters in the window', async () => {
    expect(await ask('energy-by-charge-point')).toEqual([
      {
        charge_point_id: ODD,
        energy_wh: 4_000,
        sessions: 1,
        peak_power_w: 400,
        connected_s: 1_800,
        charging_s: 1_800,
      },
      {
        charge_point_id: 'CP-1',
        energy_wh: 3_500.125,
        sessions: 2,
        peak_power_w: 2_000,
        connected_s: 2_700,
        charging_s: 2_700,
      },
    ]);
    expect(await column('energy-by-charge-point', 'energy_wh', { from: '-2h' })).toEqual([2_500.125]);
  });

  test('energy-by-day: a day is a day of the zone', async () => {
    expect(await ask('energy-by-day')).toMatchObject([
      { day: '2026-11-22', energy_wh: 1_500, sessions: 1, charge_points: 1 },
      { day: '2026-11-23', energy_wh: 6_000.125, sessions: 3, charge_points: 2 },
    ]);
    expect(await ask('energy-by-day', { time_zone: 'Europe/Berlin' })).toMatchObject([
      { day: '2026-11-23', energy_wh: 7_500.125 },
    ]);
    expect(await column('energy-by-day', 'energy_wh', { charge_point_id: 'CP-1' })).toEqual([3_500.125]);
  });

  test('energy-15m: the load curve, power from energy', async () => {
    expect(await ask('energy-15m', { charge_point_id: 'CP-1', to: '-2h' })).toEqual([
      {
        bucket: '2026-11-23T08:00:00.000Z',
        energy_wh: 600,
        mean_power_w: 2_400,
        peak_power_w: 400,
        sessions: 1,
      },
      {
        bucket: '2026-11-23T08:15:00.000Z',
        energy_wh: 400,
        mean_power_w: 1_600,
        peak_power_w: 2_000,
        sessions: 1,
      },
    ]);
  });

  test('meter-values: by charge point, session and measurand', async () => {
    expect(await column('meter-values', 'value', { charge_point_id: 'CP-1' })).toEqual([
      100, 7_000, 600, 100,
    ]);
    const asked = { charge_point_id: 'CP-1', session_id: uuid(1), measurand: 'Power.Active.Import' };
    expect(await column('meter-values', 'value', asked)).toEqual([7_000]);
  });

  test('status-now: the open stretch of each connector', async () => {
    expect(await ask('status-now', { charge_point_id: 'CP-1' })).toMatchObject([
      { connector_id: 0, status: 'Available', for_s: 14_400 },
      { connector_id: 1, status: 'Charging', since: '2026-11-23T11:00:00.000Z', for_s: 3_600 },
    ]);
    expect(await column('status-now', 'charge_point_id', { status: 'Offline' })).toEqual([ODD]);
  });

  test('status-intervals: those that touch the window', async () => {
    const asked = { charge_point_id: 'CP-1', from: '2026-11-23T10:30:00Z', to: '2026-11-23T10:45:00Z' };
    expect(await ask('status-intervals', asked)).toMatchObject([
      { connector_id: 1, status: 'Faulted', error_code: 'GroundFailure', to: '2026-11-23T11:00:00.000Z' },
      { connector_id: 0, status: 'Available', to: null },
    ]);
  });

  test('availability: cut to the window, by known time, the charge point itself left out', async () => {
    expect(await ask('availability')).toEqual([
      {
        charge_point_id: ODD,
        evse_id: 1,
        connector_id: 1,
        up_s: 0,
        offline_s: 10_800,
        faulted_s: 0,
        unavailable_s: 0,
        known_s: 10_800,
        availability: 0,
      },
      {
        charge_point_id: 'CP-1',
        evse_id: 0,
        connector_id: 1,
        up_s: 10_800,
        offline_s: 0,
        faulted_s: 3_600,
        unavailable_s: 0,
        known_s: 14_400,
        availability: 0.75,
      },
    ]);
    const half = { charge_point_id: 'CP-1', from: '2026-11-23T09:30:00Z', to: '2026-11-23T10:30:00Z' };
    expect(await ask('availability', half)).toMatchObject([
      { up_s: 1_800, faulted_s: 1_800, availability: 0.5 },
    ]);
    expect(await ask('availability', { from: '2020-01-01', to: '2020-02-01' })).toEqual([]);
  });

  test('connections: newest first, open ones counted until now', async () => {
    expect(await ask('connections', { charge_point_id: 'CP-1' })).toMatchObject([
      { connection: 'c1', to: null, close_code: null, duration_s: 14_400 },
      { connection: 'c0', close_code: 1006 },
    ]);
    expect(await column('connections', 'connection', { from: '-2h' })).toEqual(['c1']);
  });

  test('anomalies: of records and of sessions', async () => {
    expect(await column('anomalies', 'kind')).toEqual(['meter_glitch', 'undecodable']);
    expect(await column('anomalies', 'session_id', { kind: 'meter_glitch' })).toEqual([uuid(1)]);
  });

  test('frames-of-charge-point: newest first, page by page', async () => {
    const first = await ask('frames-of-charge-point', { charge_point_id: 'CP-1', limit: 3 });
    expect(first.map((row) => row.offset)).toEqual([5, 4, 2]);
    expect(first[2]).toMatchObject({ frame: '[2,"m1","Heartbeat",{}]', properties: { gateway: 'g1' } });
    const next = { charge_point_id: 'CP-1', limit: 3, cursor: first[2]!.cursor };
    expect(await column('frames-of-charge-point', 'offset', next)).toEqual([1]);
    const one = { charge_point_id: 'CP-1', action: 'MeterValues' };
    expect(await column('frames-of-charge-point', 'offset', one)).toEqual([4]);
  });

  test('throughput: frames per minute, without the records of connections and gateways', async () => {
    expect(await ask('throughput')).toEqual([
      { minute: '2026-11-23T11:58:00Z', frames_in: 1, frames_out: 0, charge_points: 1, bytes: 23 },
      { minute: '2026-11-23T11:59:00Z', frames_in: 1, frames_out: 1, charge_points: 1, bytes: 46 },
    ]);
  });

  test('commands: newest first, filtered, page by page', async () => {
    const all = [6, 5, 4, 3, 2, 1].map(commandId);
    expect(new Set(await column('commands', 'command_id'))).toEqual(new Set(all));
    expect(await column('commands', 'command_id', { charge_point_id: ODD })).toEqual([commandId(2)]);
    expect(await column('commands', 'command_id', { status: 'offline' })).toEqual([commandId(2)]);
    expect(await column('commands', 'command_id', { action: 'Reset', to: '2026-11-25T08:30:00Z' })).toEqual([
      commandId(2),
      commandId(1),
    ]);
    expect(await column('commands', 'command_id', { actor: 'nobody' })).toEqual([]);
    const [first, second] = await ask('commands', { limit: 2 });
    const rest = await column('commands', 'command_id', { cursor: second!.cursor });
    expect([first!.command_id, second!.command_id, ...rest]).toEqual(await column('commands', 'command_id'));
  });

  test('command: its whole life, steps in the order of the log', async () => {
    expect(await ask('command', { command_id: commandId(1) })).toMatchObject([
      {
        charge_point_id: 'CP-1',
        status: 'accepted',
        request: '{"type":"Soft"}',
        response: '{"status":"Accepted"}',
        digest: 'digest-1',
        steps: [
          { step: 'requested', terminal: false },
          { step: 'sent', gateway: 'g1' },
          { step: 'accepted', terminal: true, status: 'Accepted' },
        ],
        events: [
          expect.stringContaining('"command.requested"'),
          expect.stringContaining('"command.sent"'),
          expect.stringContaining('"command.accepted"'),
        ],
      },
    ]);
    expect(await ask('command', { command_id: commandId(99) })).toEqual([]);
  });

  test('command-steps: newest first, by charge point and command', async () => {
    expect(await column('command-steps', 'step', { command_id: commandId(2) })).toEqual([
      'offline',
      'requested',
    ]);
    expect(
      await column('command-steps', 'step', { charge_point_id: ODD, to: '2026-11-25T08:00:30Z' }),
    ).toEqual(['requested']);
  });

  test('charging-events: by type or its first words', async () => {
    expect(await column('charging-events', 'type', { type: 'session' })).toEqual(['session.started']);
    expect(await column('charging-events', 'command_id', { type: 'command.offline' })).toEqual([
      commandId(2),
    ]);
    expect(await column('charging-events', 'id', { type: 'command', to: '-24h' })).toEqual([]);
  });

  test('reservations: tokens only as hashes; what they are now is judged by now', async () => {
    const hash = createHash('sha256').update('TAG1').digest('hex').slice(0, 16);
    expect(await ask('reservations')).toMatchObject([
      { reservation_id: 7, connector_id: 1, state: 'active', id_token_hash: hash, command_id: commandId(3) },
    ]);
    expect(await ask('reservations', { state: 'expired' })).toEqual([]);
    const later = createQueries({ client: db.client, now: () => Date.parse('2026-11-25T10:00:00Z') });
    expect((await later.ask('reservations', { state: 'expired' })).rows).toHaveLength(1);
  });

  test('charging-profiles, local-lists, jobs: what the central system owns', async () => {
    expect(await ask('charging-profiles', { outlet: '1', state: 'active' })).toMatchObject([
      { profile_id: 1, connector_id: 1, purpose: 'TxDefaultProfile', state: 'active' },
    ]);
    expect(await ask('charging-profiles', { outlet: '0' })).toEqual([]);
    expect(await ask('local-lists', { charge_point_id: 'CP-1' })).toMatchObject([
      { version: 3, update_type: 'Full' },
    ]);
    expect(await ask('jobs', { kind: 'log' })).toMatchObject([
      { command_id: commandId(6), request_id: 1, state: 'running', reports: [] },
    ]);
    expect(await ask('jobs', { kind: 'firmware' })).toEqual([]);
  });

  test('event-positions: the furthest of each stream', async () => {
    expect(await ask('event-positions')).toMatchObject([
      { stream: 'charging.events.log', offset: 20, hash: 'b', age_s: 2 },
    ]);
  });

  test('checkpoints: the newest of each partition and generation, states left out', async () => {
    expect(await ask('checkpoints')).toMatchObject([
      { generation: 1, active: true, partition: 0, next_offset: 30, states: 3, age_s: 10 },
      { generation: 1, active: true, partition: 1, next_offset: 9 },
    ]);
  });

  test('refusals: the newest of each partition; it stands until a checkpoint is taken after it', async () => {
    const refusal = { generation: 1, epoch: 1, partition: 0, message: 'm', remedy: 'r' };
    await db.insert('refusals_rows', [
      { ...refusal, code: 'POISON_RECORD', offset: 12, refused_at: '2026-11-23T11:59:00.000Z' },
      { ...refusal, code: 'CHECKPOINTS_TORN', refused_at: '2026-11-23T11:58:00.000Z' },
      { ...refusal, partition: 1, code: 'OFFSET_WENT_BACK', refused_at: '2026-11-23T11:59:59.000Z' },
      { ...refusal, partition: 2, code: 'CHECKPOINTS_TORN', refused_at: '2026-11-23T11:57:00.000Z' },
    ]);
    expect(await ask('refusals')).toMatchObject([
      { partition: 1, code: 'OFFSET_WENT_BACK', standing: true },
      { partition: 0, code: 'POISON_RECORD', offset: 12, standing: false },
      { partition: 2, code: 'CHECKPOINTS_TORN', offset: null, standing: true, stream: 'ocpp.frames' },
    ]);
    // Of a stream of events: until its position is saved after it, in that epoch or a later one.
    await db.insert('refusals_rows', [
      {
        ...refusal,
        stream: 'charging.events.log',
        code: 'LOG_DIFFERS_FROM_CHECKPOINT',
        refused_at: '2026-11-23T11:59:57.000Z',
      },
      {
        ...refusal,
        stream: 'cms.events.log',
        code: 'LOG_DIFFERS_FROM_CHECKPOINT',
        refused_at: '2026-11-23T11:59:57.000Z',
      },
    ]);
    expect((await ask('refusals')).filter(({ stream }) => stream !== 'ocpp.frames')).toMatchObject([
      { stream: 'charging.events.log', standing: false },
      { stream: 'cms.events.log', standing: true },
    ]);
  });

  test('generations: the active one is marked', async () => {
    expect(await ask('generations')).toMatchObject([{ generation: 1, active: true, actor: 'migrate' }]);
  });

  test('overview: one row', async () => {
    expect(await ask('overview')).toEqual([
      {
        connected_charge_points: 1,
        active_sessions: 1,
        ended_sessions_today: 2,
        energy_today_wh: 6_000.125,
        frames_last_minute: 2,
      },
    ]);
  });

  test('snapshot-chargers: presence, and the newest version of any connection', async () => {
    expect(await ask('snapshot-chargers')).toEqual([
      {
        charge_point_id: 'CP-1',
        online: true,
        protocol: 'ocpp1.6',
        gateway: 'g1',
        address: '10.0.0.1',
        since: '2026-11-23T08:00:00.000Z',
        version: 1,
      },
      expect.objectContaining({ charge_point_id: ODD, online: false, since: '2026-11-23T09:00:00.000Z' }),
    ]);
    expect(await ask('snapshot-chargers', { charge_point_id: ODD })).toHaveLength(1);
  });

  test('snapshot-connectors: the open stretch of each, with its version', async () => {
    const rows = await ask('snapshot-connectors');
    expect(
      rows.map(({ charge_point_id, evse_id, connector_id, status, version }) => [
        charge_point_id,
        evse_id,
        connector_id,
        status,
        version,
      ]),
    ).toEqual([
      ['CP-1', 0, 0, 'Available', 1],
      ['CP-1', 0, 1, 'Charging', 1],
      [ODD, 1, 1, 'Offline', 1],
    ]);
  });

  test('snapshot-sessions: those going on and those just heard of, by charge point, station and account', async () => {
    const rows = await ask('snapshot-sessions');
    expect(rows.map(({ session_id, status, version }) => [session_id, status, version])).toEqual([
      [uuid(2), 'active', 1],
    ]);
    expect(await ask('snapshot-sessions', { station_id: 'another' })).toEqual([]);
    expect(await ask('snapshot-sessions', { account_id: 'another' })).toEqual([]);
  });

  test('account-sessions: of nobody else, also by the id of another one’s session; a cursor walks through all', async () => {
    await db.insert('sessions_rows', [
      ...[200, 201, 202].map((n) => sessionRow({ session_id: uuid(n), account_id: 'ac-own' })),
      sessionRow({ session_id: uuid(210), account_id: 'ac-other' }),
    ]);
    const own = (params: object) =>
      column('account-sessions', 'session_id', { account_id: 'ac-own', ...params });
    const first = await ask('account-sessions', { account_id: 'ac-own', limit: 2 });
    const rest = await own({ limit: 2, cursor: first.at(-1)!.cursor });
    expect([...first.map((row) => row.session_id), ...rest]).toEqual([uuid(202), uuid(201), uuid(200)]);
    expect(await own({ session_id: uuid(210) })).toEqual([]);
    expect(await own({ session_id: uuid(201) })).toEqual([uuid(201)]);
    await db.insert(
      'sessions_rows',
      [200, 201, 202, 210].map((n) => sessionRow({ session_id: uuid(n), version: 2, is_deleted: 1 })),
    );
  });

  test('session-samples: those that prices are made of, session by session in order of time', async () => {
    const wanted = {
      session_ids: JSON.stringify([uuid(2), uuid(1)]),
      charge_point_ids: JSON.stringify(['CP-1', ODD]),
    };
    const rows = await ask('session-samples', wanted);
    expect(rows.map(({ session_id, value }) => [session_id, value])).toEqual([
      [uuid(1), 100],
      [uuid(1), 7_000],
      [uuid(1), 600],
      [uuid(2), 100],
    ]);
  });

  test('sessions-by-id: those named, where they were named', async () => {
    const ids = (session: string[], chargePoint: string[]) =>
      column('sessions-by-id', 'session_id', {
        session_ids: JSON.stringify(session),
        charge_point_ids: JSON.stringify(chargePoint),
      });
    expect(await ids([uuid(1), uuid(3), uuid(99)], ['CP-1', ODD])).toEqual([uuid(1), uuid(3)]);
    expect(await ids([uuid(1), uuid(3)], ['CP-1'])).toEqual([uuid(1)]);
  });

  test('outlets-now: of the charge points named, whatever characters are in their names', async () => {
    const named = (ids: string[]) =>
      column('outlets-now', 'status', { charge_point_ids: JSON.stringify(ids) });
    expect(await named([ODD])).toEqual(['Offline']);
    expect(await named(['CP-1', 'nowhere'])).toEqual(['Available', 'Charging']);
    expect(await named([])).toEqual([]);
  });

  test('a value is a value: nothing in it becomes SQL', async () => {
    for (const charge_point_id of ["' OR 1=1 --", "\\' OR 1", '{x:String}', '\\N', '\n', '%', 'CP-1\\'])
      expect({ charge_point_id, rows: await ask('sessions', { charge_point_id }) }).toEqual({
        charge_point_id,
        rows: [],
      });
  });

  test('what goes wrong is named', async () => {
    await expect(queries.ask('nonsense', {})).rejects.toMatchObject({ code: 'QUERY_UNKNOWN' });
    await expect(queries.ask('sessions', { limit: -1 })).rejects.toMatchObject({
      code: 'QUERY_PARAMS_INVALID',
    });
    await expect(queries.ping()).resolves.toBeUndefined();

    const settings = { ...readSettings(), CLICKHOUSE_DATABASE: db.name };
    const away = createClickHouse({ ...settings, CLICKHOUSE_URL: 'http://127.0.0.1:1' });
    const nobody = createQueries({ client: away });
    await expect(nobody.ask('overview', {})).rejects.toMatchObject({ code: 'QUERY_FAILED', canRetry: true });
    await expect(nobody.ping()).rejects.toMatchObject({ code: 'QUERY_FAILED', canRetry: true });
    await away.close();

    const fresh = await createTestDatabase({ bare: true });
    const empty = createQueries({ client: fresh.client });
    await expect(empty.ping()).rejects.toMatchObject({ code: 'QUERY_FAILED', canRetry: true });
    await fresh.drop();
  });
});
