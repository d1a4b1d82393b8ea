/** Rules of charging, "Sessions" and "Remote starts", OCPP 2.x. */
import { describe, expect, it } from '@jest/globals';
import { boot, meters, sample, status, time, transaction } from '../../../test/oracle/frames.js';
import { sessionOf, tablesOf } from '../../../test/oracle/scenario.js';

describe('a 2.x session', () => {
  it('is one per transaction id, whatever its events say of the connector', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Updated', 1, '08:10', { evse: 1, connector: 2 }),
      transaction('Ended', 2, '09:00'),
    );
    expect(session).toMatchObject({ status: 'completed', evseId: 1, transactionId: 'tx-1' });
  });

  it.each(['Updated', 'Ended'] as const)('may begin with %s', (first) => {
    const session = sessionOf(transaction(first, 4, '08:10', { evse: 1, samples: [sample('08:10', 5_000)] }));
    expect(session).toMatchObject({
      startedAt: time('08:10'),
      status: first === 'Ended' ? 'completed' : 'active',
    });
  });

  it('that began with Updated begins with its Started once that has come', () => {
    const session = sessionOf(
      transaction('Updated', 1, '08:10', { evse: 1, samples: [sample('08:10', 1_300)] }),
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)], received: '08:11' }),
      transaction('Ended', 2, '09:00', { samples: [sample('09:00', 2_000)] }),
    );
    expect(session).toMatchObject({ startedAt: time('08:00'), wh: 1_000, findings: [] });
  });

  it('with a gap in seqNo has missing_events', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Updated', 1, '08:10'),
      transaction('Ended', 4, '09:00'),
    );
    expect(session.anomalies).toMatchObject([{ kind: 'missing_events', detail: 'seqNo seen: 0-1, 4' }]);
  });

  it('has no missing_events any more when the gap was filled late', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Ended', 2, '09:00'),
      transaction('Updated', 1, '08:10', { received: '09:30' }),
    );
    expect(session.findings).toEqual([]);
  });

  it('whose Started never came has missing_events', () => {
    const session = sessionOf(
      transaction('Updated', 2, '08:10', { evse: 1 }),
      transaction('Ended', 3, '09:00'),
    );
    expect(session.findings).toEqual(['missing_events']);
  });

  it('takes EVSE and idToken, which arrive once, from whichever event brings them', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00'),
      transaction('Updated', 1, '08:10', { evse: 3, token: 'TAG-7', auth: 'Accepted' }),
      transaction('Ended', 2, '09:00'),
    );
    expect(session).toMatchObject({ evseId: 3, idToken: 'TAG-7', authStatus: 'Accepted' });
  });

  it.each([
    ['in order', [0, 1, 2]],
    ['the other way round', [2, 1, 0]],
  ])('belongs to the token of the lowest seqNo, not to whoever stopped it; told %s', (_, order) => {
    const told = [
      transaction('Started', 0, '08:00', { evse: 1, token: 'TAG-1', auth: 'Accepted' }),
      transaction('Updated', 1, '08:10', { evse: 1, token: 'TAG-1' }),
      transaction('Ended', 2, '09:00', { evse: 2, token: 'MASTER', auth: 'Invalid' }),
    ];
    const session = sessionOf(...order.map((index) => told[index] as (typeof told)[number]));
    expect(session).toMatchObject({ idToken: 'TAG-1', authStatus: 'Accepted', evseId: 1 });
  });

  it('never has connectorId default to 1', () => {
    expect(sessionOf(transaction('Started', 0, '08:00', { evse: 2 })).connectorId).toBeNull();
    expect(sessionOf(transaction('Started', 0, '08:00', { evse: 2, connector: 2 })).connectorId).toBe(2);
  });

  it('learns its connector from a later event when the first named only the EVSE', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 2 }),
      transaction('Updated', 1, '08:05', { evse: 2, connector: 1 }),
    );
    expect(session).toMatchObject({ evseId: 2, connectorId: 1 });
  });

  it('the same event again changes nothing', () => {
    const frames = [
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)] }),
      transaction('Updated', 1, '08:10', { samples: [sample('08:10', 1_200)] }),
      transaction('Ended', 2, '09:00', { samples: [sample('09:00', 2_000)] }),
    ];
    const shown = (...log: typeof frames) => {
      const { sessions, quarters } = tablesOf(...log);
      return {
        sessions: sessions.map((row) => ({ ...row, offset: 0 })),
        quarters: quarters.map((row) => ({ ...row, offset: 0 })),
      };
    };
    expect(shown(...frames, ...frames)).toEqual(shown(...frames));
  });

  it('a second Ended changes nothing but what it adds', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)] }),
      transaction('Ended', 1, '09:00', { samples: [sample('09:00', 2_000)] }),
      transaction('Ended', 2, '09:05', { reason: 'EVDisconnected', samples: [sample('09:05', 2_700)] }),
    );
    expect(session).toMatchObject({ stoppedAt: time('09:00'), wh: 1_000, stopReason: 'EVDisconnected' });
  });

  it('a second Ended with the readings that the first left out adds them', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)] }),
      transaction('Ended', 1, '09:00'),
      transaction('Ended', 2, '09:00:01', { samples: [sample('09:00:01', 2_000)] }),
    );
    expect(session).toMatchObject({ stoppedAt: time('09:00'), wh: 1_000 });
  });

  it('an Ended that repeats all earlier samples adds none twice', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)] }),
      transaction('Updated', 1, '08:30', { samples: [sample('08:30', 1_500)] }),
      transaction('Ended', 2, '09:00', {
        samples: [sample('08:00', 1_000), sample('08:30', 1_500), sample('09:00', 2_000)],
      }),
    );
    expect(session).toMatchObject({ wh: 1_000, findings: [] });
  });

  it('MeterValues outside TransactionEvents count for the session on their EVSE', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      meters([sample('08:05', 1_000)], { evse: 1, id: null, protocol: 'ocpp2.0.1' }),
      meters([sample('08:50', 1_700)], { evse: 1, id: null, protocol: 'ocpp2.0.1' }),
      transaction('Ended', 1, '09:00'),
    );
    expect(session).toMatchObject({ wh: 700, energySource: 'registers' });
  });

  it('counts those MeterValues also when its EVSE is told only later', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00'),
      meters([sample('08:05', 1_000)], { evse: 1, id: null, protocol: 'ocpp2.0.1' }),
      meters([sample('08:50', 1_700)], { evse: 1, id: null, protocol: 'ocpp2.0.1' }),
      transaction('Ended', 1, '09:00', { evse: 1 }),
    );
    expect(session.wh).toBe(700);
  });

  it('is abandoned when its EVSE starts another one', () => {
    const { sessions } = tablesOf(
      transaction('Started', 0, '08:00', { evse: 1, id: 'a' }),
      transaction('Updated', 1, '08:30', { id: 'a' }),
      transaction('Started', 0, '10:00', { evse: 1, id: 'b' }),
    );
    expect(sessions).toMatchObject([
      { status: 'abandoned', stoppedAt: time('08:30') },
      { status: 'active', stoppedAt: null },
    ]);
  });

  it('that was abandoned after a boot is reopened by any later event', () => {
    const log = [
      transaction('Started', 0, '08:00', { evse: 1 }),
      boot('08:30', { protocol: 'ocpp2.0.1' }),
      status('08:31', 'Available', { evse: 1, protocol: 'ocpp2.0.1' }),
    ];
    expect(sessionOf(...log).status).toBe('abandoned');
    expect(sessionOf(...log, transaction('Updated', 1, '08:40', { state: 'EVConnected' })).status).toBe(
      'active',
    );
  });

  it('is tied to the remote start that asked for it', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Updated', 1, '08:01', { remoteStartId: 4711 }),
    );
    expect(session.remoteStartId).toBe(4711);
  });

  it('keeps the protocol it was held in when the charger speaks another one later', () => {
    const { sessions } = tablesOf(
      transaction('Started', 0, '08:00', { id: 'a', evse: 1, protocol: 'ocpp2.0.1' }),
      transaction('Ended', 1, '09:00', { id: 'a', protocol: 'ocpp2.0.1' }),
      transaction('Started', 0, '12:00', { id: 'b', evse: 1, protocol: 'ocpp2.1' }),
      status('12:30', 'Available', { evse: 1, protocol: 'ocpp2.1' }),
    );
    expect(sessions.map((session) => session.protocol)).toEqual(['ocpp2.0.1', 'ocpp2.1']);
  });

  it('the first enriched record wins', () => {
    const session = sessionOf(
      transaction('Started', 0, '08:00', { evse: 1 }),
      transaction('Updated', 1, '08:01', { account: 'ac-1', station: 'st-1', tariff: 'day@1' }),
      transaction('Updated', 2, '08:02', { account: 'ac-2', station: 'st-2', tariff: 'day@2' }),
    );
    expect(session).toMatchObject({ accountId: 'ac-1', stationId: 'st-1', tariff: 'day@1' });
  });
});
