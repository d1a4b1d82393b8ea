/** Rules of charging, "Time": how long closed sessions can be amended. What would break: memory, or old bills. */
import { describe, expect, it } from '@jest/globals';
import {
  boot,
  heartbeat,
  meters,
  sample,
  start,
  status,
  stop,
  time,
  transaction,
} from '../../../test/oracle/frames.js';
import { announcedOf, sessionOf, tablesOf } from '../../../test/oracle/scenario.js';

const ended = [start('08:00', 1_000), meters([sample('08:30', 1_500)]), stop('09:00', 2_000)];
const days = (count: number) => ({ received: time('10:00', count) });
const quiet = (count: number) => heartbeat(time('09:59', count));

describe('state of closed sessions', () => {
  it('is kept for a set number of days of log time: a stop of the day before yesterday still counts', () => {
    const session = sessionOf(...ended.slice(0, 2), quiet(2), stop('09:00', 2_000, days(2)));
    expect(session).toMatchObject({ status: 'completed', wh: 1_000 });
  });

  it('what comes later is a late anomaly, shown, and changes nothing', () => {
    const late = [
      meters([sample('08:59', 9_000)], days(5)),
      stop('08:45', 1_100, days(5)),
      start('08:00', 1_000, days(5)),
    ];
    const { sessions, anomalies } = tablesOf(...ended, quiet(4), ...late);
    expect(sessions).toMatchObject([{ energyMilli: 1_000_000, stoppedAt: time('09:00') }]);
    expect(anomalies.map((row) => row.kind)).toEqual(['late', 'late', 'late']);
  });

  it('what comes later for a 2.x transaction is late as well', () => {
    const { sessions, anomalies } = tablesOf(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 1_000)] }),
      transaction('Ended', 1, '09:00', { samples: [sample('09:00', 2_000)] }),
      quiet(4),
      transaction('Ended', 2, '09:10', { samples: [sample('09:10', 9_000)], ...days(4) }),
    );
    expect(sessions).toMatchObject([{ energyMilli: 1_000_000 }]);
    expect(anomalies).toMatchObject([{ kind: 'late', detail: expect.stringContaining('tx-1') }]);
  });

  it('a stop that named no known transaction comes late like any other: it ended a session, or stood for itself', () => {
    const unnamed = (envelope = {}) => stop('09:00', 2_000, { id: '-1', ...envelope });
    for (const [before, status] of [
      [[start('08:00', 1_000)], 'completed'],
      [[], 'orphan'],
    ] as const) {
      const log = [...before, unnamed(), quiet(4), unnamed(days(4))];
      const { sessions, anomalies } = tablesOf(...log);
      expect(sessions).toMatchObject([{ status }]);
      expect(anomalies).toMatchObject([{ kind: 'late', detail: expect.stringContaining('transaction -1') }]);
      const told = announcedOf(...log).map(({ type, at }) => [type, at.slice(0, 10)]);
      expect(told.filter(([type]) => type === 'session.stopped')).toEqual([
        ['session.stopped', '2026-11-23'],
      ]);
      expect(told).toContainEqual(['anomaly.found', '2026-11-27']);
    }
  });

  it('a stop that named no known transaction does not end another session once its own is let go of', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '1', connector: 1 }),
      stop('09:00', 2_000, { id: '-1' }),
      quiet(4),
      // Kept offline until now: it was open at that time, as far as anybody knows.
      start('08:30', 1_500, { id: '2', connector: 2, ...days(4) }),
      stop('09:00', 2_000, { id: '-1', ...days(4) }),
    );
    expect(sessions.map((row) => [row.transactionId, row.status])).toEqual([
      ['1', 'completed'],
      ['2', 'active'],
    ]);
  });

  it('is kept however long while a session goes on', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      quiet(4),
      quiet(9),
      stop(time('08:00', 10), 91_000, days(10)),
    );
    expect(session).toMatchObject({ status: 'completed', wh: 90_000 });
  });

  it('goes oldest first: what lies after an open session of the connector stays', () => {
    const { sessions } = tablesOf(
      start('08:00', 1_000, { id: '1', connector: 1 }),
      ...[start('08:00', 1_000, { id: '2', connector: 2 }), stop('09:00', 2_000, { id: '2' })],
      quiet(4),
      stop('09:30', 2_500, { id: '1', ...days(4) }),
      stop('09:00', 1_500, { id: '2', ...days(4) }),
    );
    expect(sessions.map((row) => [row.transactionId, row.energyMilli])).toEqual([
      ['1', 1_500_000],
      ['2', 1_000_000],
    ]);
  });

  it('is let go of by the clock of the log, with what it showed last', () => {
    // Nobody asked for rows between the stop and its expiry.
    const { sessions, quarters } = tablesOf(...ended, quiet(5));
    expect(sessions).toMatchObject([{ status: 'completed', energyMilli: 1_000_000 }]);
    expect(quarters.reduce((sum, row) => sum + row.energyMilli, 0)).toBe(1_000_000);
  });

  it('of sessions that share an id is let go of together', () => {
    const reused = [
      ...ended,
      boot('09:30'),
      start('08:00', 1_000, { received: '09:31' }),
      stop('09:45', 2_000),
    ];
    const { sessions } = tablesOf(...reused, quiet(4), quiet(5));
    expect(sessions.map((row) => row.status)).toEqual(['completed', 'completed']);
  });

  it('of an ended session stays while the id it shares is in use', () => {
    const { sessions } = tablesOf(
      ...ended,
      boot('09:30'),
      start('08:00', 1_000, { received: '09:31' }),
      quiet(4),
      stop('09:45', 3_000, days(5)),
    );
    expect(sessions.map((row) => row.energyMilli).sort()).toEqual([1_000_000, 2_000_000]);
  });

  it('samples of a transaction whose start never came stay with the connector', () => {
    const session = sessionOf(
      start('08:00', 1_000),
      meters([sample('08:30', 1_700)], { id: '999' }),
      quiet(4),
      status(time('10:00', 4), 'Charging'),
      meters([sample('08:20', 1_200)], days(4)),
    );
    expect(session).toMatchObject({ status: 'active', wh: 700 });
  });
});
