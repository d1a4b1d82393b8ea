/** Rules of charging, "Energy": 15-minute buckets. What would break: every chart, and time-of-use prices. */
import { describe, expect, it } from '@jest/globals';
import { meters, power, sample, start, stop, time, transaction } from '../../../test/oracle/frames.js';
import { tablesOf } from '../../../test/oracle/scenario.js';

type Frames = Parameters<typeof tablesOf>;
const quarters = (...frames: Frames) =>
  tablesOf(...frames).quarters.map((row) => ({
    at: new Date(row.bucket).toISOString().slice(11, 16),
    wh: row.energyMilli / 1_000,
    connected: row.connectedMs / 60_000,
    charging: row.chargingMs / 60_000,
  }));

describe('quarter hours', () => {
  it('are split at boundaries by linear interpolation between samples', () => {
    expect(
      quarters(start('08:10', 0), meters([sample('08:20', 100), sample('08:40', 500)]), stop('08:50', 500)),
    ).toEqual([
      { at: '08:00', wh: 50, connected: 5, charging: 5 },
      { at: '08:15', wh: 50 + 200, connected: 15, charging: 15 },
      { at: '08:30', wh: 200, connected: 15, charging: 10 },
      { at: '08:45', wh: 0, connected: 5, charging: 0 },
    ]);
  });

  it('sum to the session exactly: the remainder goes to the last bucket', () => {
    const rows = quarters(start('08:00', 0), stop('08:45', 100));
    expect(rows.map((row) => row.wh)).toEqual([33.333, 33.333, 33.334]);
  });

  it('get exactly their share: what a double cannot hold as a share of time is not rounded away', () => {
    const rows = quarters(start('08:00', 0), stop('08:55', 55));
    expect(rows.map((row) => row.wh)).toEqual([15, 15, 15, 10]);
  });

  it('end with the quarter in which the session ends, not the one that begins there', () => {
    expect(quarters(start('08:00', 0), stop('08:30', 10)).map((row) => row.at)).toEqual(['08:00', '08:15']);
  });

  it('of a session without length are one', () => {
    expect(quarters(start('08:15', 0), stop('08:15', 0))).toEqual([
      { at: '08:15', wh: 0, connected: 0, charging: 0 },
    ]);
  });

  it('say the highest power in them', () => {
    const { quarters: rows } = tablesOf(
      start('08:00', 0),
      meters([power('08:01', 4_000), power('08:14', 9_000), power('08:15', 7_000)]),
      stop('08:30', 500),
    );
    expect(rows.map((row) => row.peakPowerMilli)).toEqual([9_000_000, 7_000_000]);
  });

  it('that a late, earlier stop takes away leave nothing behind', () => {
    const rows = quarters(
      start('08:00', 0),
      meters([sample('09:50', 900)]),
      stop('08:20', 300, { received: '10:00' }),
    );
    expect(rows.map((row) => row.at)).toEqual(['08:00', '08:15']);
  });

  it('that untagged samples showed before the start was known leave nothing behind', () => {
    const rows = quarters(
      meters([sample('09:50', 900)], { id: null }),
      start('08:00', 0, { received: '10:00' }),
      stop('08:20', 300, { received: '10:01' }),
    );
    expect(rows.map((row) => row.at)).toEqual(['08:00', '08:15']);
  });

  it('of a session whose stop says an earlier time than its start are one, and gone when it becomes an alias', () => {
    const frames = [stop('08:00', 1_000), start('08:40', 1_000)];
    expect(quarters(...frames)).toEqual([{ at: '08:30', wh: 0, connected: 0, charging: 0 }]);
    const { sessions, quarters: rows } = tablesOf(...frames, start('08:05', 1_000, { received: '09:00' }));
    expect(sessions.map((row) => row.startedAt)).toEqual([time('08:05')]);
    expect(new Set(rows.map((row) => row.sessionId))).toEqual(new Set([sessions[0]?.sessionId]));
  });

  it('of an orphan that found its session are gone with it', () => {
    const { sessions, quarters: rows } = tablesOf(
      stop('09:00', 2_000, { id: '-1' }),
      start('08:00', 1_000, { received: '09:10' }),
    );
    expect(new Set(rows.map((row) => row.sessionId))).toEqual(new Set([sessions[0]?.sessionId]));
    expect(rows).toHaveLength(4);
  });

  it('of a session that became an alias are gone with it', () => {
    const { sessions, quarters: rows } = tablesOf(
      start('08:20', 1_000, { id: '102' }),
      meters([sample('08:40', 1_500)], { id: '102' }),
      start('08:00', 1_000, { id: '101', received: '08:41' }),
    );
    expect(sessions).toHaveLength(1);
    expect(new Set(rows.map((row) => row.sessionId))).toEqual(new Set([sessions[0]?.sessionId]));
  });

  it('keep to the connected time when energy is known at the end only', () => {
    const rows = quarters(
      transaction('Started', 0, '08:00', { evse: 1, samples: [sample('08:00', 0)] }),
      transaction('Ended', 1, '08:20', { samples: [sample('08:20', 400)] }),
    );
    expect(rows).toEqual([
      { at: '08:00', wh: 300, connected: 15, charging: 15 },
      { at: '08:15', wh: 100, connected: 5, charging: 5 },
    ]);
  });

  it('are bounded, however far a wrong clock reaches', () => {
    const frames = [
      start('08:00', 0),
      meters([sample(Date.UTC(2027, 8, 1), 100)], { received: '08:10' }),
      meters([sample('08:20', 50)]),
    ];
    const { quarters: rows, quartersWritten, sessions } = tablesOf(...frames);
    expect(quartersWritten).toBeLessThanOrEqual(3_001);
    expect(rows.reduce((sum, row) => sum + row.energyMilli, 0)).toBe(sessions[0]?.energyMilli);
    expect(rows[0]?.bucket).toBe(time('08:00'));
  });

  it('shown far ahead of a wrong clock are taken back by the stop', () => {
    const rows = quarters(
      start('08:00', 0),
      meters([sample(Date.UTC(2027, 8, 1), 100)], { received: '08:10' }),
      stop('08:30', 60),
    );
    expect(rows.map((row) => row.wh)).toEqual([30, 30]);
  });
});
