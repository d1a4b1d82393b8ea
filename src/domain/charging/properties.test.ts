/**
 * What must hold for every life of a charger (design, promise 2; rules, "Time" and "Energy"). FAST_CHECK_RUNS
 * raises the number of lives; a failure prints its seed and path, which FAST_CHECK_SEED and FAST_CHECK_PATH
 * bring back.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { disturbances, readDisturbed } from '../../../test/oracle/disturbances.js';
import { endOf, energyOf, quartersOf } from '../../../test/oracle/energy-oracle.js';
import type { Entry } from '../../../test/oracle/frames.js';
import { busyStation, life, surroundings, withoutClock } from '../../../test/oracle/lives.js';
import { positioned, readAtOnce, tablesOf } from '../../../test/oracle/scenario.js';
import type { Tables } from '../../../test/oracle/tables.js';

const runs = (committed: number): fc.Parameters<unknown> => ({
  numRuns: Number(process.env.FAST_CHECK_RUNS ?? committed),
});

/** Frames and what happens around them, as they would have come in. */
const inOrder = (...entries: Entry[]): Entry[] =>
  [...entries].sort((a, b) => a.record.receivedAt - b.record.receivedAt);

/** What bills are made of: every session's energy, and all that ended sessions say. */
function billed(tables: Tables) {
  const ended = tables.sessions.filter((row) => row.stoppedAt !== null);
  const ids = new Set(ended.map((row) => row.sessionId));
  return {
    energy: tables.sessions.map((row) => [row.sessionId, row.energyMilli, row.energySource]),
    // When a frame was received is no matter of the session, but for doubts about the clock.
    ended: ended.map((row) => ({ ...row, offset: 0, clockSuspect: false })),
    quarters: tables.quarters.flatMap((row) => (ids.has(row.sessionId) ? [{ ...row, offset: 0 }] : [])),
  };
}

/** The same frames in another order, some of them more than once, received by the log's clock. */
const reordered = (frames: readonly Entry[]): fc.Arbitrary<Entry[]> =>
  fc
    .tuple(
      fc.shuffledSubarray([...frames], { minLength: frames.length }),
      fc.array(fc.nat(frames.length - 1), { maxLength: 8 }),
    )
    .map(([shuffled, repeated]) => {
      const receipts = frames.map((frame) => frame.record.receivedAt).sort((a, b) => a - b);
      const all = [...shuffled];
      for (const index of repeated) all.splice((index * 7) % all.length, 0, frames[index] as Entry);
      return all.map((frame, index) => ({
        ...frame,
        record: { ...frame.record, receivedAt: (receipts[index] ?? receipts.at(-1) ?? 0) as number },
      }));
    });

describe('for every life of a charger', () => {
  it('flushes, crashes, restarts and overlapping readers leave the tables of an undisturbed run', () => {
    const given = life(true).chain((lived) =>
      fc.tuple(fc.constant(lived), surroundings(lived.protocol), disturbances),
    );
    fc.assert(
      fc.property(given, ([lived, around, happenings]) => {
        const log = positioned(inOrder(...lived.frames, ...around));
        expect(readDisturbed(log, happenings).all()).toEqual(readAtOnce(log).all());
      }),
      runs(150),
    );
  });

  it('so they do for a charger without a clock', () => {
    const given = life(true).chain((lived) =>
      fc.tuple(fc.constant(lived), surroundings(lived.protocol), disturbances),
    );
    fc.assert(
      fc.property(given, ([lived, around, happenings]) => {
        const log = positioned(inOrder(...withoutClock(lived.frames), ...around));
        expect(readDisturbed(log, happenings).all()).toEqual(readAtOnce(log).all());
      }),
      runs(50),
    );
  });

  it('so they do for a station whose history of statuses is long', () => {
    fc.assert(
      fc.property(busyStation, disturbances, (entries, happenings) => {
        const log = positioned(entries);
        expect(readDisturbed(log, happenings).all()).toEqual(readAtOnce(log).all());
      }),
      runs(15),
    );
  });

  it('so they do when its frames come in any order', () => {
    const given = life(true).chain((lived) =>
      fc.tuple(
        reordered(lived.frames),
        surroundings(lived.protocol),
        fc.infiniteStream(fc.nat(99)),
        disturbances,
      ),
    );
    fc.assert(
      fc.property(given, ([frames, around, places, happenings]) => {
        const mixed = [...frames];
        for (const entry of around)
          mixed.splice(Math.floor((places.next().value * mixed.length) / 100), 0, entry);
        const log = positioned(mixed);
        expect(readDisturbed(log, happenings).all()).toEqual(readAtOnce(log).all());
      }),
      runs(150),
    );
  });

  it('any order, delay and repetition of its transaction frames gives the same energy and ended sessions', () => {
    const given = life(true).chain((lived) => fc.tuple(fc.constant(lived), reordered(lived.frames)));
    fc.assert(
      fc.property(given, ([lived, frames]) => {
        expect(billed(tablesOf(...frames))).toEqual(billed(tablesOf(...lived.frames)));
      }),
      runs(200),
    );
  });

  it('energy is never negative, and its quarters sum to it exactly', () => {
    fc.assert(
      fc.property(
        life(true).chain((lived) => reordered(lived.frames)),
        (frames) => {
          const { sessions, quarters } = tablesOf(...frames);
          for (const session of sessions) {
            const own = quarters.filter((row) => row.sessionId === session.sessionId);
            for (const row of own) expect(row.energyMilli).toBeGreaterThanOrEqual(0);
            if (session.energyMilli !== null) expect(session.energyMilli).toBeGreaterThanOrEqual(0);
            expect(own.reduce((sum, row) => sum + row.energyMilli, 0)).toBe(session.energyMilli ?? 0);
          }
        },
      ),
      runs(150),
    );
  });

  it('a simple session takes what was taken, quarter by quarter', () => {
    fc.assert(
      fc.property(life(false), (lived) => {
        const { sessions, quarters } = tablesOf(...lived.frames);
        expect(sessions).toHaveLength(lived.truths.size);
        for (const session of sessions) {
          const truth = lived.truths.get(session.transactionId);
          if (truth === undefined) throw new Error(`nobody charged ${session.transactionId}`);
          expect(session).toMatchObject({
            energyMilli: energyOf(truth),
            startedAt: truth.startAt,
            stoppedAt: endOf(truth),
            status: 'completed',
          });
          const own = quarters.filter((row) => row.sessionId === session.sessionId);
          const expected = quartersOf(truth);
          expect(own.map((row) => row.bucket)).toEqual(expected.map(([bucket]) => bucket));
          own.forEach((row, index) => {
            // Both ends of a quarter are rounded down to a thousandth.
            expect(Math.abs(row.energyMilli - (expected[index]?.[1] as number))).toBeLessThanOrEqual(1);
          });
        }
      }),
      runs(150),
    );
  });
});
