import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { rushHour } from '../scenarios/rush-hour.js';
import { steady } from '../scenarios/steady.js';
import { HOUR, MINUTE, Stage, until } from '../testing/stage.js';
import type { Scenario } from './behaviour.js';

jest.setTimeout(30_000);
const stage = new Stage();
afterEach(() => stage.close());

describe('commands of the server', () => {
  const idle: Scenario = {
    ...steady,
    sampleSeconds: 10,
    visit: (context) => ({
      ...rushHour.visit(context),
      afterMs: 100 * HOUR,
      stayMs: 10 * MINUTE,
    }),
  };

  it.each(['1.6', '2.0.1'] as const)(
    '%s: remote start, meter values on demand, remote stop',
    async (version) => {
      const { ledger } = await stage.live({ chargers: 1, version, scenario: idle, speed: 60 });
      await until(() => stage.csms.of('SIM-0001', 'StatusNotification').length > 0);
      const start =
        version === '1.6'
          ? await stage.csms.call('SIM-0001', 'RemoteStartTransaction', { connectorId: 1, idTag: 'REMOTE1' })
          : await stage.csms.call('SIM-0001', 'RequestStartTransaction', {
              evseId: 1,
              remoteStartId: 77,
              idToken: { idToken: 'REMOTE1', type: 'Central' },
            });
      expect(start[2]).toEqual({ status: 'Accepted' });
      await until(() => [...ledger.sessions][0]?.transactionId !== undefined);
      const [session] = ledger.sessionList();
      expect(session).toMatchObject({
        idTag: 'REMOTE1',
        ...(version === '1.6' ? {} : { remoteStartId: 77 }),
      });
      if (version !== '1.6') {
        await until(() => stage.csms.of('SIM-0001', 'TransactionEvent').length > 0);
        expect(stage.csms.of('SIM-0001', 'TransactionEvent')[0]!.payload).toMatchObject({
          triggerReason: 'RemoteStart',
          transactionInfo: { remoteStartId: 77 },
        });
      }
      const again =
        version === '1.6'
          ? await stage.csms.call('SIM-0001', 'RemoteStartTransaction', { connectorId: 1, idTag: 'OTHER' })
          : await stage.csms.call('SIM-0001', 'RequestStartTransaction', {
              evseId: 1,
              remoteStartId: 78,
              idToken: { idToken: 'OTHER', type: 'Central' },
            });
      expect(again[2]).toEqual({ status: 'Rejected' });
      expect(
        (await stage.csms.call('SIM-0001', 'TriggerMessage', { requestedMessage: 'MeterValues' }))[2],
      ).toEqual({ status: 'Accepted' });
      await until(() => stage.csms.received.some(({ text }) => text.includes('"Trigger"')));
      const stop =
        version === '1.6'
          ? await stage.csms.call('SIM-0001', 'RemoteStopTransaction', {
              transactionId: Number(session!.transactionId),
            })
          : await stage.csms.call('SIM-0001', 'RequestStopTransaction', {
              transactionId: session!.transactionId,
            });
      expect(stop[2]).toEqual({ status: 'Accepted' });
      await until(() => session!.closed);
      expect(session).toMatchObject({ stopReason: 'Remote' });
    },
  );

  it.each(['1.6', '2.0.1'] as const)(
    '%s: a reset ends the session, delivers the stop, then boots again',
    async (version) => {
      const { ledger } = await stage.live({ chargers: 1, version, scenario: 'steady', speed: 20 });
      await until(() => ledger.counts.sessionsStarted > 0);
      const [session] = ledger.sessionList();
      const reply = await stage.csms.call(
        'SIM-0001',
        'Reset',
        version === '1.6' ? { type: 'Hard' } : { type: 'Immediate' },
      );
      expect(reply[2]).toEqual({ status: 'Accepted' });
      await until(() => stage.csms.of('SIM-0001', 'BootNotification').length === 2);
      expect(session).toMatchObject({
        stopReason: version === '1.6' ? 'HardReset' : 'ImmediateReset',
        closed: true,
      });
      expect(stage.csms.closes[0]).toMatchObject({ code: 1000 });
      expect(stage.csms.of('SIM-0001', 'BootNotification')[1]!.connection).toBe(2);
    },
  );

  it('an inoperative connector takes no car, and says Unavailable; operative again, it does', async () => {
    await stage.live({ chargers: 1, version: '1.6', scenario: idle, speed: 60 });
    await until(() => stage.csms.of('SIM-0001', 'StatusNotification').length > 0);
    const last = () =>
      stage.csms
        .of('SIM-0001', 'StatusNotification')
        .filter(({ payload }) => payload.connectorId === 1)
        .at(-1)?.payload.status;
    const change = (type: string) =>
      stage.csms.call('SIM-0001', 'ChangeAvailability', { connectorId: 1, type });
    expect((await change('Inoperative'))[2]).toEqual({ status: 'Accepted' });
    await until(() => last() === 'Unavailable');
    expect(
      (await stage.csms.call('SIM-0001', 'RemoteStartTransaction', { connectorId: 1, idTag: 'X' }))[2],
    ).toEqual({ status: 'Rejected' });
    await change('Operative');
    await until(() => last() === 'Available');
  });

  it('settings take effect: the interval of meter values; a new key, with which it comes again at once', async () => {
    const { ledger } = await stage.live({
      chargers: 1,
      version: '1.6',
      scenario: 'steady',
      speed: 20,
      password: () => 'old',
    });
    await until(() => ledger.counts.sessionsStarted > 0);
    const set = (key: string, value: string) =>
      stage.csms.call('SIM-0001', 'ChangeConfiguration', { key, value });
    expect((await set('MeterValueSampleInterval', '2'))[2]).toEqual({ status: 'Accepted' });
    await until(() => stage.csms.of('SIM-0001', 'MeterValues').length > 10);
    const [before, after] = stage.csms
      .of('SIM-0001', 'MeterValues')
      .slice(-2)
      .map(({ payload }) => Date.parse((payload.meterValue as { timestamp: string }[])[0]!.timestamp));
    expect(after! - before!).toBe(2_000);
    expect((await set('AuthorizationKey', 'aa'.repeat(20)))[2]).toEqual({ status: 'Accepted' });
    await until(() => ledger.counts.connects === 2);
    const secret = Buffer.from(stage.csms.authorizations.get('SIM-0001')!.split(' ')[1]!, 'base64');
    expect(secret).toEqual(Buffer.concat([Buffer.from('SIM-0001:'), Buffer.alloc(20, 0xaa)]));
  });

  it('a reservation keeps the connector for its token; a remote start with it uses it up', async () => {
    const { ledger } = await stage.live({ chargers: 1, version: '1.6', scenario: idle, speed: 60 });
    await until(() => stage.csms.of('SIM-0001', 'StatusNotification').length > 0);
    const last = () =>
      stage.csms
        .of('SIM-0001', 'StatusNotification')
        .filter(({ payload }) => payload.connectorId === 1)
        .at(-1)?.payload.status;
    const ask = async (action: string, payload: Record<string, unknown>) =>
      (await stage.csms.call('SIM-0001', action, payload))[2];
    const reserve = (idTag: string, reservationId: number) =>
      ask('ReserveNow', { connectorId: 1, expiryDate: '2099-01-01T00:00:00Z', idTag, reservationId });
    expect(await reserve('MINE', 1)).toEqual({ status: 'Accepted' });
    await until(() => last() === 'Reserved');
    expect(await reserve('YOURS', 2)).toEqual({ status: 'Occupied' });
    expect(await ask('RemoteStartTransaction', { connectorId: 1, idTag: 'YOURS' })).toEqual({
      status: 'Rejected',
    });
    expect(await ask('CancelReservation', { reservationId: 1 })).toEqual({ status: 'Accepted' });
    expect(await ask('CancelReservation', { reservationId: 1 })).toEqual({ status: 'Rejected' });
    expect(await reserve('MINE', 3)).toEqual({ status: 'Accepted' });
    expect(await ask('RemoteStartTransaction', { connectorId: 1, idTag: 'MINE' })).toEqual({
      status: 'Accepted',
    });
    await until(() => stage.csms.of('SIM-0001', 'StartTransaction').length > 0);
    expect(stage.csms.of('SIM-0001', 'StartTransaction')[0]!.payload).toMatchObject({
      idTag: 'MINE',
      reservationId: 3,
    });
    expect([...ledger.sessions]).toHaveLength(1);
  });

  it('a reservation that nobody uses expires, and 2.x says so', async () => {
    await stage.live({ chargers: 1, version: '2.0.1', scenario: idle, speed: 60 });
    await until(() => stage.csms.of('SIM-0001', 'StatusNotification').length > 0);
    const { payload } = stage.csms.of('SIM-0001', 'StatusNotification').at(-1)!;
    const expiryDateTime = new Date(Date.parse(payload.timestamp as string) + 10 * MINUTE).toISOString();
    const reserved = await stage.csms.call('SIM-0001', 'ReserveNow', {
      id: 7,
      evseId: 1,
      expiryDateTime,
      idToken: { idToken: 'MINE', type: 'ISO14443' },
    });
    expect(reserved[2]).toEqual({ status: 'Accepted' });
    await until(() => stage.csms.of('SIM-0001', 'ReservationStatusUpdate').length > 0);
    expect(stage.csms.of('SIM-0001', 'ReservationStatusUpdate')[0]!.payload).toEqual({
      reservationId: 7,
      reservationUpdateStatus: 'Expired',
    });
  });

  it('firmware and logs: accepted, then reported step by step under the number of the request', async () => {
    await stage.live({ chargers: 1, version: '2.1', scenario: idle, speed: 60 });
    await until(() => stage.csms.of('SIM-0001', 'StatusNotification').length > 0);
    await stage.csms.call('SIM-0001', 'UpdateFirmware', {
      requestId: 11,
      firmware: { location: 'ftp://x', retrieveDateTime: '2026-11-23T10:00:00Z' },
    });
    const log = await stage.csms.call('SIM-0001', 'GetLog', {
      requestId: 12,
      logType: 'SecurityLog',
      log: { remoteLocation: 'ftp://x' },
    });
    expect(log[2]).toMatchObject({ status: 'Accepted', filename: expect.stringContaining('SIM-0001') });
    const said = (action: string) => stage.csms.of('SIM-0001', action).map(({ payload }) => payload);
    await until(() => said('FirmwareStatusNotification').some(({ status }) => status === 'Installed'));
    expect(said('FirmwareStatusNotification').map(({ status }) => status)).toEqual([
      'Downloading',
      'Downloaded',
      'Installing',
      'Installed',
    ]);
    await until(() => said('LogStatusNotification').length === 2);
    expect(said('LogStatusNotification')).toEqual([
      { status: 'Uploading', requestId: 12 },
      { status: 'Uploaded', requestId: 12 },
    ]);
  });

  it('a local list is kept by version, and a charging profile limits what a car gets', async () => {
    await stage.live({ chargers: 1, version: '1.6', scenario: 'steady', speed: 20 });
    await until(() => stage.csms.of('SIM-0001', 'MeterValues').length > 0);
    const ask = async (action: string, payload: Record<string, unknown>) =>
      (await stage.csms.call('SIM-0001', action, payload))[2];
    expect(await ask('SendLocalList', { listVersion: 4, updateType: 'Full' })).toEqual({
      status: 'Accepted',
    });
    expect(await ask('SendLocalList', { listVersion: 4, updateType: 'Differential' })).toEqual({
      status: 'VersionMismatch',
    });
    expect(await ask('GetLocalListVersion', {})).toEqual({ listVersion: 4 });
    const limit = (chargingRateUnit: string, watts: number) => ({
      connectorId: 0,
      csChargingProfiles: {
        chargingProfileId: 9,
        stackLevel: 0,
        chargingProfilePurpose: 'ChargePointMaxProfile',
        chargingProfileKind: 'Absolute',
        chargingSchedule: { chargingRateUnit, chargingSchedulePeriod: [{ startPeriod: 0, limit: watts }] },
      },
    });
    expect(await ask('SetChargingProfile', limit('W', 1_000))).toEqual({ status: 'Accepted' });
    const after = stage.csms.received.length;
    const powers = () =>
      stage.csms.received
        .slice(after)
        .flatMap(({ payload }) =>
          ((payload.meterValue ?? []) as { sampledValue: Record<string, string>[] }[]).flatMap(
            ({ sampledValue }) =>
              sampledValue
                .filter(({ measurand }) => measurand === 'Power.Active.Import')
                .map(({ value, unit }) => Number(value) * (unit === 'kW' ? 1_000 : 1)),
          ),
        );
    await until(() => powers().length > 1);
    expect(Math.max(...powers())).toBeLessThanOrEqual(1_000);
    expect(await ask('ClearChargingProfile', { id: 9 })).toEqual({ status: 'Accepted' });
    expect(await ask('ClearChargingProfile', { id: 9 })).toEqual({ status: 'Unknown' });
  });
});
