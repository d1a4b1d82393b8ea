/** Rules of charging, "Time". What would break: bills dated 1970, sessions that depend on the network. */
import { describe, expect, it } from '@jest/globals';
import {
  boot,
  connected,
  disconnected,
  meters,
  sample,
  start,
  status,
  stop,
  time,
} from '../../../test/oracle/frames.js';
import { sessionOf, tablesOf } from '../../../test/oracle/scenario.js';

const WEEK_LONG_UNSET = Date.UTC(1970, 0, 1, 0, 5);

describe('times as sent, and corrected', () => {
  it('a plausible time stands as sent, however late it was received', () => {
    const session = sessionOf(
      start('08:00', 1_000, { received: '20:13:07' }),
      stop('09:00', 2_000, { received: '20:13:08' }),
    );
    expect(session).toMatchObject({
      startedAt: time('08:00'),
      stoppedAt: time('09:00'),
      clockSuspect: false,
    });
  });

  it('the reading keeps the time it was sent with beside the corrected one', () => {
    const { meterValues } = tablesOf(
      start('08:00', 0),
      meters([sample(WEEK_LONG_UNSET, 100)], { received: '08:05' }),
    );
    expect(meterValues).toMatchObject([{ sentAt: WEEK_LONG_UNSET, at: time('08:05') }]);
  });

  it('a charger without a clock (1970) gets the receipt time', () => {
    const session = sessionOf(start(WEEK_LONG_UNSET, 1_000, { received: '08:00' }));
    expect(session).toMatchObject({ startedAt: time('08:00'), clockSuspect: true });
  });

  it('a time before its firmware could exist gets the receipt time', () => {
    const session = sessionOf(start(Date.UTC(2013, 5, 1), 1_000, { received: '08:00' }));
    expect(session).toMatchObject({ startedAt: time('08:00'), clockSuspect: true });
  });

  it('without a clock the gaps between its own frames are preserved', () => {
    const session = sessionOf(
      start(WEEK_LONG_UNSET, 1_000, { received: '08:00' }),
      // Ten minutes by its own clock, but the network held the frame back for three more.
      stop(WEEK_LONG_UNSET + 600_000, 2_000, { received: '08:13' }),
    );
    expect(session).toMatchObject({ startedAt: time('08:00'), stoppedAt: time('08:10') });
  });

  it('after a boot a charger without a clock counts from its own beginning again', () => {
    const { sessions } = tablesOf(
      start(WEEK_LONG_UNSET, 1_000, { id: '7', received: '08:00' }),
      stop(WEEK_LONG_UNSET + 600_000, 2_000, { id: '7', received: '08:10' }),
      boot('12:00'),
      start(WEEK_LONG_UNSET + 60_000, 2_000, { id: '8', received: '12:01' }),
    );
    expect(sessions.map((session) => session.startedAt)).toEqual([time('08:00'), time('12:01')]);
  });

  it('an unreadable time gets the receipt time and is marked', () => {
    const session = sessionOf(start(Number.NaN, 1_000, { received: '08:00' }));
    expect(session).toMatchObject({ startedAt: time('08:00'), clockSuspect: true });
  });

  it('a whole-hour offset is flagged, not corrected', () => {
    const session = sessionOf(start('10:00', 1_000, { received: '08:00:02' }));
    expect(session).toMatchObject({ startedAt: time('10:00'), clockSuspect: true });
  });

  it('a clock far ahead is flagged, not corrected', () => {
    const session = sessionOf(start('08:20', 1_000, { received: '08:00' }));
    expect(session).toMatchObject({ startedAt: time('08:20'), clockSuspect: true });
  });

  it('a few seconds ahead are nothing to remark on', () => {
    expect(sessionOf(start('08:00:30', 1_000, { received: '08:00' }))).toMatchObject({ clockSuspect: false });
  });

  it('a status without a time of its own gets the receipt time', () => {
    const { statusIntervals } = tablesOf(status('08:00', 'Available', { untimed: true }));
    expect(statusIntervals).toMatchObject([{ from: time('08:00'), status: 'Available' }]);
  });
});

describe('late is normal', () => {
  it('rules go by event time: a stop delivered before its start ends it all the same', () => {
    const session = sessionOf(
      stop('09:00', 2_000, { received: '09:00' }),
      start('08:00', 1_000, { received: '09:30' }),
    );
    expect(session).toMatchObject({ status: 'completed', wh: 1_000, stoppedAt: time('09:00') });
  });

  it('an offline queue delivered hours later, in order, gives what a live charger gives', () => {
    const frames = (delay: number) => [
      start('08:00', 1_000, { received: time('08:00') + delay }),
      meters([sample('08:30', 1_400)], { received: time('08:30') + delay }),
      stop('09:00', 2_000, { received: time('09:00') + delay }),
    ];
    const shown = (delay: number) => {
      const { sessions, quarters } = tablesOf(...frames(delay));
      return { sessions, quarters };
    };
    expect(shown(5 * 3_600_000 + 77_777)).toEqual(shown(0));
  });

  it('boot and connection records have no time of their own and keep their log position', () => {
    const { connections } = tablesOf(
      connected('08:00', { connection: 'a' }),
      boot('08:00:01', { connection: 'a' }),
      disconnected('08:10', { connection: 'a', code: 1006 }),
    );
    expect(connections).toMatchObject([{ from: time('08:00'), to: time('08:10'), closeCode: 1006 }]);
  });
});
