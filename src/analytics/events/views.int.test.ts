/**
 * What analysts and operators read about commands, on the real engine. Every story is written twice: once as it
 * happened, and once as an unlucky pair of readers would write it, row by row, shuffled, with everything repeated. Both
 * must answer the same.
 */
import { createHash } from 'node:crypto';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import { frameRow, sessionRow, uuid } from '../../../test/rows.js';
import { readSettings } from '../../platform/config.js';
import { createRowWriter } from '../pipeline/row-writer.js';
import { CHARGING_EVENTS, chargingEventLine } from './charging-events.js';
import { at, commandId, Script } from './testing/script.js';

const told = (
  offset: number,
  action: string,
  clock: string,
  payload: object,
  more: Record<string, unknown> = {},
) =>
  frameRow({
    offset,
    action,
    received_at: at(clock),
    frame: JSON.stringify([2, `m${offset}`, action, payload]),
    ...more,
  });

function story(): { script: Script; frames: Record<string, unknown>[]; sessions: Record<string, unknown>[] } {
  const script = new Script();
  // 1: the plain way. 2: rejected. 3: the charger's error.
  script.accepted(1, 'Reset', '08:00', { type: 'Soft' }, { operation: 'reset' });
  script
    .requested(2, 'UnlockConnector', '08:01', { connectorId: 1 })
    .step(2, 'sent', '08:01:01', { gateway: 'g1', connection: 'c1' })
    .step(2, 'rejected', '08:01:03', {
      gateway: 'g1',
      connection: 'c1',
      status: 'NotSupported',
      response: { status: 'NotSupported' },
    });
  script
    .requested(3, 'DataTransfer', '08:02', { vendorId: 'x' })
    .step(3, 'sent', '08:02:01', { gateway: 'g1', connection: 'c1' })
    .step(3, 'failed', '08:02:02', { code: 'NotSupported', description: 'no such thing', details: {} });
  // 4: kept, released, accepted. 5: kept until it was too late. 6: offline at once.
  script
    .requested(4, 'Reset', '08:03', { type: 'Hard' }, { queueUntil: at('09:00'), deadline: at('08:03:30') })
    .step(4, 'kept', '08:03:01', { queueUntil: at('09:00') })
    .step(4, 'released', '08:20', { deadline: at('08:20:30') })
    .step(4, 'sent', '08:20:01', { gateway: 'g2', connection: 'c2' })
    .step(4, 'accepted', '08:20:02', {
      gateway: 'g2',
      connection: 'c2',
      status: 'Accepted',
      response: { status: 'Accepted' },
    });
  script
    .requested(5, 'Reset', '08:04', { type: 'Hard' }, { queueUntil: at('08:05') })
    .step(5, 'kept', '08:04:01', { queueUntil: at('08:05') })
    .step(5, 'offline', '08:05:01', { detail: 'did not come back in time' });
  script
    .requested(6, 'Reset', '08:06', { type: 'Hard' })
    .step(6, 'offline', '08:06:01', { detail: 'nobody holds it' });
  // 7: two apis close it and the charger answers too late: the first in the log counts, whatever the clocks say.
  script
    .requested(7, 'Reset', '08:07', { type: 'Soft' })
    .step(7, 'sent', '08:07:01', { gateway: 'g1', connection: 'c1' })
    .step(7, 'timed-out', '08:08:00', { delivery: 'delivery-unknown', detail: 'api one' })
    .step(7, 'timed-out', '08:07:59', { id: 'other-api', delivery: 'not-delivered', detail: 'api two' })
    .step(7, 'accepted', '08:07:30', {
      gateway: 'g1',
      connection: 'c1',
      status: 'Accepted',
      response: { status: 'Accepted' },
    });
  // 8: the answer comes first, the sweep second. 9: a ghost's gateway says offline, another one has sent it.
  script
    .requested(8, 'Reset', '08:09', { type: 'Soft' })
    .step(8, 'sent', '08:09:01', { gateway: 'g1', connection: 'c1' })
    .step(8, 'accepted', '08:09:29', {
      gateway: 'g1',
      connection: 'c1',
      status: 'Accepted',
      response: { status: 'Accepted' },
    })
    .step(8, 'timed-out', '08:09:30', { delivery: 'delivery-unknown', detail: 'swept' });
  script
    .requested(9, 'Reset', '08:10', { type: 'Soft' })
    .step(9, 'sent', '08:10:01', { gateway: 'g2', connection: 'c2' })
    .step(9, 'offline', '08:10:02', { id: 'ghost', detail: 'not held any more' })
    .step(9, 'accepted', '08:10:03', {
      gateway: 'g2',
      connection: 'c2',
      status: 'Accepted',
      response: { status: 'Accepted' },
    });
  // 10: under way. 11: its request was before the log began.
  script
    .requested(10, 'Reset', '08:11', { type: 'Soft' })
    .step(10, 'sent', '08:11:01', { gateway: 'g1', connection: 'c1' });
  script.step(11, 'accepted', '08:12', {
    gateway: 'g1',
    connection: 'c1',
    status: 'Accepted',
    response: { status: 'Accepted' },
  });

  // 12: an api that had not read of `sent` yet is certain that nothing was written, and is wrong.
  script
    .requested(12, 'Reset', '08:13', { type: 'Soft' })
    .step(12, 'sent', '08:13:01', { gateway: 'g1', connection: 'c1' })
    .step(12, 'timed-out', '08:14', { delivery: 'not-delivered', detail: 'swept' });

  // Reservations, 1.6: 20 used; 21 cancelled; 22 replaced by 23, which expires; 24 refused; 25 cancelled too late.
  const reserve = (id: number, expiry: string) => ({
    connectorId: 1,
    reservationId: id,
    idTag: 'Tag1',
    expiryDate: expiry,
  });
  script.accepted(20, 'ReserveNow', '09:00', reserve(1, at('10:00')));
  script.accepted(21, 'ReserveNow', '09:00', reserve(2, '2099-01-01T00:00:00Z'));
  script.accepted(22, 'ReserveNow', '09:00', reserve(3, at('10:00')));
  script.accepted(23, 'ReserveNow', '09:05', reserve(3, at('10:30')));
  script
    .requested(24, 'ReserveNow', '09:05', reserve(4, at('10:30')))
    .step(24, 'sent', '09:05', { gateway: 'g1', connection: 'c1' })
    .step(24, 'rejected', '09:05', {
      gateway: 'g1',
      connection: 'c1',
      status: 'Occupied',
      response: { status: 'Occupied' },
    });
  script.accepted(25, 'ReserveNow', '09:00', reserve(5, at('09:30')));
  script.accepted(26, 'CancelReservation', '09:10', { reservationId: 2 });
  script.accepted(27, 'CancelReservation', '09:40', { reservationId: 5 });
  // Another charger's reservation of the same number is another one. 2.x; the charger removes it.
  script.accepted(
    28,
    'ReserveNow',
    '09:00',
    {
      id: 2,
      evseId: 3,
      expiryDateTime: '2099-01-01T00:00:00Z',
      idToken: { idToken: 'ABC', type: 'Central' },
    },
    { chargePointId: 'CP-2', protocol: 'ocpp2.0.1' },
  );
  script.accepted(
    29,
    'ReserveNow',
    '09:00',
    {
      id: 9,
      evseId: 1,
      expiryDateTime: '2099-01-01T00:00:00Z',
      idToken: { idToken: 'ABC', type: 'Central' },
    },
    { chargePointId: 'CP-2', protocol: 'ocpp2.0.1' },
  );

  // Kept for a charger that was away, in the words of the route; the frame that was sent later has the charger's.
  script
    .requested(
      30,
      'ReserveNow',
      '09:00',
      { idTag: 'Tag1', connectorId: 1, expiresAt: at('10:00') },
      { operation: 'reserve-now', protocol: '', queueUntil: at('12:00') },
    )
    .step(30, 'kept', '09:00:01', { queueUntil: at('12:00') })
    .step(30, 'released', '09:15', { deadline: at('09:16') })
    .step(30, 'sent', '09:15', { gateway: 'g1', connection: 'c1' })
    .step(30, 'accepted', '09:15', {
      gateway: 'g1',
      connection: 'c1',
      status: 'Accepted',
      response: { status: 'Accepted' },
    });

  // Charging profiles, 1.6.
  const profile = (id: number, connectorId: number, level: number, purpose: string, more: object = {}) => ({
    connectorId,
    csChargingProfiles: {
      chargingProfileId: id,
      stackLevel: level,
      chargingProfilePurpose: purpose,
      chargingProfileKind: 'Absolute',
      chargingSchedule: { chargingRateUnit: 'A', chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
      ...more,
    },
  });
  script.accepted(40, 'SetChargingProfile', '11:00', profile(1, 0, 0, 'ChargePointMaxProfile'));
  script.accepted(41, 'SetChargingProfile', '11:01', profile(2, 1, 0, 'TxDefaultProfile'));
  script.accepted(42, 'SetChargingProfile', '11:02', profile(3, 1, 0, 'TxDefaultProfile')); // takes the place of 2
  script.accepted(43, 'SetChargingProfile', '11:03', profile(4, 2, 0, 'TxDefaultProfile'));
  script.accepted(44, 'SetChargingProfile', '11:04', profile(5, 2, 1, 'TxDefaultProfile'));
  script.accepted(45, 'SetChargingProfile', '11:05', profile(6, 2, 5, 'TxProfile', { transactionId: 77 }));
  script.accepted(46, 'ClearChargingProfile', '11:06', {
    connectorId: 2,
    chargingProfilePurpose: 'TxDefaultProfile',
    stackLevel: 1,
  });
  script.accepted(47, 'SetChargingProfile', '11:07', profile(5, 2, 1, 'TxDefaultProfile')); // again, after the clear
  script
    .requested(48, 'ClearChargingProfile', '11:08', {})
    .step(48, 'sent', '11:08', { gateway: 'g1', connection: 'c1' })
    .step(48, 'rejected', '11:08', {
      gateway: 'g1',
      connection: 'c1',
      status: 'Unknown',
      response: { status: 'Unknown' },
    });
  script.accepted(49, 'ClearChargingProfile', '11:09', { id: 4 });
  // 2.x: the same place is taken by the id alone.
  const modern = (id: number, evseId: number) => ({
    evseId,
    chargingProfile: {
      id,
      stackLevel: 0,
      chargingProfilePurpose: 'TxDefaultProfile',
      chargingProfileKind: 'Recurring',
      recurrencyKind: 'Daily',
      validTo: at('12:00'),
      chargingSchedule: [
        { id: 1, chargingRateUnit: 'W', chargingSchedulePeriod: [{ startPeriod: 0, limit: 7000 }] },
      ],
    },
  });
  const cp2 = { chargePointId: 'CP-2', protocol: 'ocpp2.0.1' };
  script.accepted(50, 'SetChargingProfile', '11:00', modern(1, 1), cp2);
  script.accepted(51, 'SetChargingProfile', '11:01', modern(2, 1), cp2);
  script.accepted(52, 'SetChargingProfile', '11:02', modern(1, 2), cp2);
  script.accepted(53, 'ClearChargingProfile', '11:03', { chargingProfileCriteria: { evseId: 1 } }, cp2);

  // Local lists.
  const list = (listVersion: number, updateType: string) => ({
    listVersion,
    updateType,
    localAuthorizationList: [{ idTag: 'Tag1', idTagInfo: { status: 'Accepted' } }, { idTag: 'Tag2' }],
  });
  script.accepted(60, 'SendLocalList', '12:00', list(4, 'Full'));
  script.accepted(61, 'SendLocalList', '12:01', list(5, 'Differential'));
  script
    .requested(62, 'SendLocalList', '12:02', list(9, 'Full'))
    .step(62, 'sent', '12:02', { gateway: 'g1', connection: 'c1' })
    .step(62, 'rejected', '12:02', {
      gateway: 'g1',
      connection: 'c1',
      status: 'VersionMismatch',
      response: { status: 'VersionMismatch' },
    });
  script.accepted(63, 'GetLocalListVersion', '12:03', {}, { response: { listVersion: 5 } });
  script.accepted(64, 'SendLocalList', '12:00', { versionNumber: 1, updateType: 'Full' }, cp2);

  // Jobs. 1.6: two updates in turn, told apart by order alone; diagnostics. 2.x: by requestId, told in any order.
  const fetch = { location: 'http://x/fw', retrieveDate: at('13:00') };
  script.accepted(70, 'UpdateFirmware', '13:00', fetch, { response: {} });
  script.accepted(71, 'UpdateFirmware', '13:30', fetch, { response: {} });
  script.accepted(
    72,
    'GetDiagnostics',
    '13:00',
    { location: 'ftp://x/' },
    { response: { fileName: 'd.zip' } },
  );
  script
    .requested(73, 'UpdateFirmware', '13:40', fetch)
    .step(73, 'offline', '13:40', { detail: 'nobody holds it' });
  const log = (requestId: number) => ({
    requestId,
    logType: 'SecurityLog',
    log: { remoteLocation: 'http://x/' },
  });
  script.accepted(74, 'GetLog', '13:00', log(1), {
    ...cp2,
    response: { status: 'Accepted', filename: 'a.log' },
  });
  script.accepted(75, 'GetLog', '13:01', log(2), { ...cp2, response: { status: 'Accepted' } });
  // The answer is lost, and the charger does it all the same.
  script
    .requested(76, 'UpdateFirmware', '13:02', { requestId: 3, firmware: { location: 'http://x/' } }, cp2)
    .step(76, 'sent', '13:02', { gateway: 'g1', connection: 'c1', chargePointId: 'CP-2' })
    .step(76, 'timed-out', '13:03', {
      delivery: 'delivery-unknown',
      detail: 'silence',
      chargePointId: 'CP-2',
    });

  const cp2f = { charge_point_id: 'CP-2', partition: 1, protocol: 'ocpp2.0.1' };
  const frames = [
    told(
      1,
      'StartTransaction',
      '09:30',
      { connectorId: 1, idTag: 'Tag1', meterStart: 0, reservationId: 1 },
      {
        answer: '{"transactionId":55,"idTagInfo":{"status":"Accepted"}}',
      },
    ),
    told(2, 'StartTransaction', '09:31', { connectorId: 2, idTag: 'Tag9', meterStart: 0 }),
    told(
      3,
      'ReservationStatusUpdate',
      '09:20',
      { reservationId: 9, reservationUpdateStatus: 'Removed' },
      cp2f,
    ),
    told(
      4,
      'TransactionEvent',
      '09:45',
      { reservationId: 2, transactionInfo: { transactionId: 'T-1' } },
      cp2f,
    ),
    told(10, 'FirmwareStatusNotification', '13:01', { status: 'Downloading' }),
    told(11, 'FirmwareStatusNotification', '13:05', { status: 'DownloadFailed' }),
    told(12, 'FirmwareStatusNotification', '13:31', { status: 'Downloaded' }),
    told(13, 'FirmwareStatusNotification', '13:35', { status: 'Installed' }),
    told(14, 'FirmwareStatusNotification', '13:50', { status: 'Idle' }),
    told(15, 'DiagnosticsStatusNotification', '13:02', { status: 'Uploading' }),
    told(16, 'LogStatusNotification', '13:04', { status: 'UploadFailure', requestId: 2 }, cp2f),
    told(17, 'LogStatusNotification', '13:05', { status: 'Uploaded', requestId: 1 }, cp2f),
    told(18, 'LogStatusNotification', '13:06', { status: 'Uploaded', requestId: 99 }, cp2f),
    told(19, 'FirmwareStatusNotification', '13:10', { status: 'Installed', requestId: 3 }, cp2f),
    told(21, 'ReserveNow', '09:15', reserve(6, at('10:00')), { direction: 'out', message_id: commandId(30) }),
    // Before anybody asked for anything.
    told(20, 'LogStatusNotification', '12:00', { status: 'Idle' }, cp2f),
  ];
  const sessions = [
    sessionRow({
      session_id: uuid(1),
      transaction_id: '55',
      started_at: at('09:30'),
      stopped_at: at('09:50'),
    }),
    sessionRow({
      session_id: uuid(2),
      transaction_id: '77',
      started_at: at('10:50'),
      stopped_at: at('11:30'),
    }),
  ];
  return { script, frames, sessions };
}

describe.each(['as it happened', 'shuffled and repeated, row by row'])('%s', (way) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
    const { script, frames, sessions } = story();
    const lines = script.records.map((record) => chargingEventLine(record, 1));
    const rows = createRowWriter(db.client);
    await db.insert('sessions_rows', sessions);
    if (way === 'as it happened') {
      await rows.insert(CHARGING_EVENTS, lines);
      await db.insert('frames_rows', frames);
      return;
    }
    // The same events published once more, later in the log and with another word in them, and written first.
    const repeats = script.records.map((record) => ({
      ...record,
      offset: record.offset + 10_000,
      body: JSON.stringify({ ...JSON.parse(record.body), detail: 'said again', status: 'Again' }),
    }));
    const all = [...repeats.map((record) => chargingEventLine(record, 1)), ...lines];
    let seed = 7;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    all.sort(() => random() - 0.5);
    for (let n = 0; n < all.length; n += 7) await rows.insert(CHARGING_EVENTS, all.slice(n, n + 7));
    await db.client.command({ query: 'OPTIMIZE TABLE charging_events_rows FINAL' });
    await rows.insert(CHARGING_EVENTS, all.slice(0, 40));
    for (const frame of frames.reverse()) await db.insert('frames_rows', [frame, frame]);
  }, 60_000);
  afterAll(() => db.drop());

  const one = async (view: string, n: number, columns: string) =>
    (await db.select(`SELECT ${columns} FROM ${view} WHERE command_id = '${commandId(n)}'`))[0];

  test('each event once, as it was first said', async () => {
    const { script } = story();
    const [counts] = await db.select('SELECT count() AS n, max(offset) AS last FROM charging_events');
    expect(counts).toEqual({ n: script.records.length, last: script.records.length - 1 });
    const [first] = await db.select<{ payload: string }>(
      'SELECT payload FROM charging_events WHERE offset = 0',
    );
    expect(first?.payload).toBe(script.records[0]?.body);
  });

  test('a command has its whole life in one row', async () => {
    expect(await one('commands', 1, '* EXCEPT (deadline, queue_until)')).toEqual({
      command_id: commandId(1),
      charge_point_id: 'CP-1',
      action: 'Reset',
      operation: 'reset',
      actor: 'operator:eve',
      protocol: 'ocpp1.6',
      status: 'accepted',
      requested_at: at('08:00'),
      kept_at: null,
      released_at: null,
      sent_at: at('08:00'),
      ended_at: at('08:00'),
      duration_ms: 0,
      charger_status: 'Accepted',
      error_code: '',
      error: '',
      delivery: '',
      gateway: 'g1',
      connection: 'c1',
      digest: 'digest-1',
      request: '{"type":"Soft"}',
      response: '{"status":"Accepted"}',
    });
  });

  test.each([
    [2, { status: 'rejected', charger_status: 'NotSupported', duration_ms: 3_000 }],
    [
      3,
      { status: 'failed', error_code: 'NotSupported', error: 'no such thing', gateway: 'g1', response: '' },
    ],
    [
      4,
      {
        status: 'accepted',
        kept_at: at('08:03:01'),
        released_at: at('08:20'),
        gateway: 'g2',
        deadline: at('08:20:30'),
      },
    ],
    [
      5,
      {
        status: 'offline',
        kept_at: at('08:04:01'),
        sent_at: null,
        error: 'did not come back in time',
        queue_until: at('08:05'),
      },
    ],
    [6, { status: 'offline', error: 'nobody holds it', gateway: '' }],
    [
      7,
      {
        status: 'timed-out',
        delivery: 'delivery-unknown',
        error: 'api one',
        ended_at: at('08:08'),
        charger_status: '',
      },
    ],
    [8, { status: 'accepted', delivery: '', error: '', ended_at: at('08:09:29') }],
    [9, { status: 'offline', error: 'not held any more', gateway: 'g2' }],
    [10, { status: 'sent', ended_at: null, duration_ms: null, response: '' }],
    [12, { status: 'timed-out', delivery: 'delivery-unknown' }],
    [11, { status: 'accepted', action: '', requested_at: at('08:12') }],
  ])('command %i: the first terminal step in the log is what came of it', async (n, expected) => {
    expect(await one('commands', n, Object.keys(expected).join(', '))).toEqual(expected);
  });

  test('steps are told in the order of the log, late ones too', async () => {
    const steps = await db.select<{ step: string; terminal: boolean }>(
      `SELECT step, terminal FROM command_steps WHERE command_id = '${commandId(8)}' ORDER BY epoch, offset`,
    );
    expect(steps.map(({ step, terminal }) => [step, terminal])).toEqual([
      ['requested', false],
      ['sent', false],
      ['accepted', true],
      ['timed-out', true],
    ]);
  });

  test.each([
    [
      20,
      {
        reservation_id: 1,
        status: 'used',
        ended_by: 'used',
        ended_at: at('09:30'),
        transaction_id: '55',
        session_id: uuid(1),
        id_token: 'Tag1',
        connector_id: 1,
        evse_id: null,
      },
    ],
    [21, { status: 'cancelled', ended_at: at('09:10'), session_id: null }],
    [22, { status: 'replaced', ended_at: at('09:05') }],
    [23, { status: 'expired', ended_by: '', ended_at: null, expires_at: at('10:30') }],
    [25, { status: 'expired', ended_by: 'expired', ended_at: at('09:30') }],
    [
      28,
      {
        charge_point_id: 'CP-2',
        reservation_id: 2,
        status: 'used',
        transaction_id: 'T-1',
        evse_id: 3,
        session_id: null,
        id_token: 'ABC',
      },
    ],
    [
      30,
      {
        reservation_id: 6,
        status: 'expired',
        connector_id: 1,
        id_token: 'Tag1',
        protocol: 'ocpp1.6',
        reserved_at: at('09:15'),
      },
    ],
    [29, { status: 'removed', ended_at: at('09:20') }],
  ])('reservation of command %i', async (n, expected) => {
    expect(await one('reservations', n, Object.keys(expected).join(', '))).toEqual(expected);
  });

  test('a reservation that was refused is none', async () => {
    expect(await db.select('SELECT count() AS n FROM reservations')).toEqual([{ n: 8 }]);
  });

  test.each([
    [
      40,
      { connector_id: 0, profile_id: 1, purpose: 'ChargePointMaxProfile', status: 'active', ended_at: null },
    ],
    [41, { profile_id: 2, status: 'replaced', ended_at: at('11:02') }],
    [42, { profile_id: 3, connector_id: 1, evse_id: null, status: 'active' }],
    [43, { profile_id: 4, status: 'cleared', ended_at: at('11:09') }],
    [44, { profile_id: 5, status: 'cleared', ended_at: at('11:06') }],
    [45, { profile_id: 6, transaction_id: '77', status: 'transaction-ended', ended_at: at('11:30') }],
    [47, { profile_id: 5, connector_id: 2, stack_level: 1, status: 'active', set_at: at('11:07') }],
    [50, { profile_id: 1, evse_id: 1, connector_id: null, status: 'replaced', ended_at: at('11:02') }],
    [51, { profile_id: 2, evse_id: 1, status: 'cleared', ended_at: at('11:03'), recurrency: 'Daily' }],
    [52, { profile_id: 1, evse_id: 2, status: 'expired', ended_by: '', valid_to: at('12:00') }],
  ])('charging profile of command %i', async (n, expected) => {
    expect(await one('charging_profiles', n, Object.keys(expected).join(', '))).toEqual(expected);
  });

  test('local lists: what was accepted last, and what the charger says it has', async () => {
    expect(await db.select('SELECT * FROM local_lists ORDER BY charge_point_id')).toEqual([
      {
        charge_point_id: 'CP-1',
        version: 5,
        update_type: 'Differential',
        entries: 2,
        updated_at: at('12:01'),
        command_id: commandId(61),
        actor: 'operator:eve',
        reported_version: 5,
        reported_at: at('12:03'),
      },
      {
        charge_point_id: 'CP-2',
        version: 1,
        update_type: 'Full',
        entries: 0,
        updated_at: at('12:00'),
        command_id: commandId(64),
        actor: 'operator:eve',
        reported_version: null,
        reported_at: null,
      },
    ]);
  });

  test.each([
    [70, { kind: 'firmware', state: 'failed', status: 'DownloadFailed', status_at: at('13:05') }],
    [71, { kind: 'firmware', state: 'done', status: 'Installed', status_at: at('13:35') }],
    [72, { kind: 'diagnostics', state: 'running', status: 'Uploading', file: 'd.zip' }],
    [73, { kind: 'firmware', state: 'not-begun', status: '', reports: [] }],
    [
      74,
      {
        kind: 'log',
        state: 'done',
        request_id: 1,
        file: 'a.log',
        reports: [{ at: at('13:05'), status: 'Uploaded' }],
      },
    ],
    [75, { kind: 'log', state: 'failed', status: 'UploadFailure' }],
    [76, { kind: 'firmware', state: 'done', command_status: 'timed-out' }],
  ])('job of command %i', async (n, expected) => {
    expect(await one('jobs', n, Object.keys(expected).join(', '))).toEqual(expected);
  });

  test('analysts see no token: not in what was asked of chargers, nor in who reserved', async () => {
    const analyst = createClient({
      url: readSettings().CLICKHOUSE_URL,
      username: 'analyst',
      database: db.name,
      log: { level: ClickHouseLogLevel.OFF },
    });
    try {
      const seen = async (query: string) =>
        JSON.stringify(await (await analyst.query({ query, format: 'JSONEachRow' })).json());
      const hash = createHash('sha256').update('TAG1').digest('hex').slice(0, 16);
      expect(await seen("SELECT DISTINCT id_token FROM reservations WHERE charge_point_id = 'CP-1'")).toBe(
        JSON.stringify([{ id_token: hash }]),
      );
      for (const query of [
        'SELECT * FROM commands',
        'SELECT * FROM charging_events',
        'SELECT * FROM command_steps',
      ]) {
        const text = await seen(query);
        expect(text).toContain(commandId(20));
        expect(text.match(/Tag\d|ABC/)).toBeNull();
      }
      for (const view of ['reservations', 'charging_profiles', 'local_lists', 'jobs'])
        expect(await seen(`SELECT * FROM ${view}`)).not.toMatch(/Tag\d|"ABC/);
      for (const table of [
        'commands_rows',
        'follow_ups_rows',
        'follow_ups_of_frames_rows',
        'charging_events_rows',
      ])
        await expect(seen(`SELECT * FROM ${table}`)).rejects.toMatchObject({ code: '497' });
    } finally {
      await analyst.close();
    }
  }, 60_000);
});
