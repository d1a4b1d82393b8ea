/** The judge itself: wrong here, and every run would be judged wrongly. Figures worked out by hand from the rules. */
import { describe, expect, it } from '@jest/globals';
import type { DeliveredCall, Json } from './delivered.js';
import { follow, quarters, takenBy } from './energy.js';
import { sessionsOf } from './sessions.js';
import { statusesOf } from './statuses.js';

const at = (clock: string): number => Date.parse(`2026-11-01T${clock}Z`);
const iso = (clock: string): string => new Date(at(clock)).toISOString();

const call = (action: string, payload: Json, more: Partial<DeliveredCall> = {}): DeliveredCall => ({
  chargePointId: 'CP',
  protocol: 'ocpp1.6',
  action,
  payload,
  answer: undefined,
  receivedAt: at('12:00:00'),
  ...more,
});
const call2 = (action: string, payload: Json, more: Partial<DeliveredCall> = {}): DeliveredCall =>
  call(action, payload, { protocol: 'ocpp2.0.1', ...more });
const register = (clock: string, value: string, more: Json = {}): Json => ({
  timestamp: iso(clock),
  sampledValue: [{ value, ...more }],
});

describe('a register', () => {
  const rises = (...milli: number[]) => follow(milli.map((value, index) => ({ at: index, milli: value })));
  it('adds its rises', () => expect(rises(5, 7, 7, 12).taken.at(-1)?.milli).toBe(7));
  it('drops a dip that comes back', () =>
    expect(rises(5, 7, 1, 9)).toMatchObject({ reset: false, taken: [{}, {}, { milli: 4 }] }));
  it('begins anew after a fall that stays, and adds nothing for the gap', () =>
    expect(rises(50, 70, 10, 30)).toMatchObject({
      reset: true,
      taken: [{}, { milli: 20 }, { milli: 20 }, { milli: 40 }],
    }));
});

describe('quarter hours', () => {
  it('split the rise by time, rounded down, and leave the rest to the last', () => {
    const points = [
      { at: at('08:00:00'), milli: 0 },
      { at: at('08:45:00'), milli: 100_000 },
    ];
    expect(takenBy(points, at('08:15:00'))).toBe(33_333);
    expect(quarters(at('08:00:00'), at('08:45:00'), points, []).map(({ milli }) => milli)).toEqual([
      33_333, 33_333, 33_334,
    ]);
  });
});

describe('sessions', () => {
  const start = call(
    'StartTransaction',
    { connectorId: 2, idTag: 'TAG', meterStart: 1_000, timestamp: iso('08:10:00') },
    { answer: { transactionId: 77, idTagInfo: { status: 'Accepted' } } },
  );
  const meter = (clock: string, value: string) =>
    call('MeterValues', { connectorId: 2, transactionId: 77, meterValue: [register(clock, value)] });
  const stop = (meterStop: number) =>
    call('StopTransaction', { transactionId: 77, meterStop, timestamp: iso('08:40:00'), reason: 'Local' });

  it('of 1.6 are worth meterStop - meterStart; what is said twice, late or after the stop changes nothing', () => {
    const [session] = sessionsOf([
      start,
      stop(1_600),
      meter('08:20:00', '1200'),
      start,
      meter('08:50:00', '1900'),
    ]);
    expect(session).toMatchObject({
      transactionId: '77',
      status: 'completed',
      energyMilli: 600_000,
      energySource: 'meter_stop',
      startedAt: at('08:10:00'),
      stoppedAt: at('08:40:00'),
      lastSeenAt: at('08:50:00'),
      chargingS: 1_800,
      idleS: 0,
      held: false,
    });
    // 100 Wh by 08:15; 200 Wh by 08:20, then 20 Wh a minute.
    expect(session?.quarters.map(({ milli }) => milli)).toEqual([100_000, 300_000, 200_000]);
  });

  it('of 1.6 with a reset register are worth its rises, and are held', () => {
    const [session] = sessionsOf([
      start,
      meter('08:20:00', '1300'),
      meter('08:25:00', '50'),
      meter('08:30:00', '150'),
      stop(150),
    ]);
    expect(session).toMatchObject({
      energyMilli: 400_000,
      meterStopMilli: null,
      held: true,
      energySource: 'registers',
    });
  });

  it('of 2.x are worth the last register - the first', () => {
    const event = (eventType: string, clock: string, value: number, more: Json = {}) =>
      call2('TransactionEvent', {
        eventType,
        timestamp: iso(clock),
        transactionInfo: {
          transactionId: 'tx',
          ...(eventType === 'Ended' ? { stoppedReason: 'Remote' } : {}),
        },
        meterValue: [
          {
            timestamp: iso(clock),
            sampledValue: [
              {
                value,
                context: eventType === 'Started' ? 'Transaction.Begin' : 'Transaction.End',
                unitOfMeasure: { unit: 'Wh', multiplier: 3 },
              },
            ],
          },
        ],
        ...more,
      });
    expect(
      sessionsOf([
        event('Started', '09:00:00', 1.5, { evse: { id: 1 }, idToken: { idToken: 'TAG' } }),
        event('Ended', '09:30:00', 9.25),
      ]),
    ).toMatchObject([
      {
        transactionId: 'tx',
        evseId: 1,
        connectorId: null,
        energyMilli: 7_750_000,
        energySource: 'transaction_context',
        stopReason: 'Remote',
      },
    ]);
  });

  it('that nobody stopped go on', () => {
    expect(sessionsOf([start, meter('08:20:00', '1200')])).toMatchObject([
      { status: 'active', stoppedAt: null, energyMilli: 200_000, lastSeenAt: at('08:20:00') },
    ]);
  });
});

describe('statuses', () => {
  const status = (clock: string, connectorStatus: string) =>
    call2('StatusNotification', { timestamp: iso(clock), connectorStatus, evseId: 1, connectorId: 1 });
  const state = (clock: string, eventType: string, chargingState: string, more: Json = {}) =>
    call2('TransactionEvent', {
      eventType,
      timestamp: iso(clock),
      transactionInfo: { transactionId: 'tx', chargingState },
      evse: { id: 1 },
      ...more,
    });
  const shown = (...calls: DeliveredCall[]) =>
    statusesOf(calls, [
      { from: at('07:00:00'), to: at('08:30:00') },
      { from: at('08:40:00'), to: null },
    ]).map((one) => `${new Date(one.from).toISOString().slice(11, 16)} ${one.status}`);

  it('of an Occupied connector are what its transaction says, under Offline', () => {
    expect(
      shown(
        status('08:00:00', 'Available'),
        status('08:10:00', 'Occupied'),
        state('08:10:00', 'Started', 'EVConnected'),
        state('08:11:00', 'Updated', 'Charging'),
        state('08:20:00', 'Updated', 'SuspendedEV', { offline: true }),
        state('08:35:00', 'Ended', 'EVConnected'),
        status('08:50:00', 'Available'),
      ),
    ).toEqual([
      '08:00 Available',
      '08:10 Preparing',
      '08:11 Charging',
      '08:30 Offline',
      '08:40 Finishing',
      '08:50 Available',
    ]);
  });
});
