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

  it('settings take effect: the interval of meter values, and the password from the next connection on', async () => {
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
    expect((await set('AuthorizationKey', 'aa'.repeat(20)))[2]).toEqual({ status: 'Accepted' });
    expect((await set('MeterValueSampleInterval', '2'))[2]).toEqual({ status: 'Accepted' });
    await until(() => stage.csms.of('SIM-0001', 'MeterValues').length > 10);
    const [before, after] = stage.csms
      .of('SIM-0001', 'MeterValues')
      .slice(-2)
      .map(({ payload }) => Date.parse((payload.meterValue as { timestamp: string }[])[0]!.timestamp));
    expect(after! - before!).toBe(2_000);
    stage.csms.drop();
    await until(() => ledger.counts.connects === 2);
    const secret = Buffer.from(stage.csms.authorizations.get('SIM-0001')!.split(' ')[1]!, 'base64');
    expect(secret).toEqual(Buffer.concat([Buffer.from('SIM-0001:'), Buffer.alloc(20, 0xaa)]));
  });
});
