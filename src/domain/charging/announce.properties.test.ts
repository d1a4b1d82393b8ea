/**
 * What must hold of announcements for every life of a charger: whoever folds the same records announces the same,
 * nothing is said twice, and what is said is what the tables show at that moment.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { disturbances, readDisturbed } from '../../../test/oracle/disturbances.js';
import type { Entry } from '../../../test/oracle/frames.js';
import { busyStation, life, surroundings, withoutClock } from '../../../test/oracle/lives.js';
import { type Positioned, positioned, Reader, readAtOnce, Told } from '../../../test/oracle/scenario.js';
import { Tables } from '../../../test/oracle/tables.js';
import { type Announcement, chargingEvent } from '../messages/charging-events.js';

const runs = (committed: number): fc.Parameters<unknown> => ({
  numRuns: Number(process.env.FAST_CHECK_RUNS ?? committed),
});

const inOrder = (...entries: Entry[]): Entry[] =>
  [...entries].sort((a, b) => a.record.receivedAt - b.record.receivedAt);

/** Some frames come again at once, some a while later; the log's clock does not go back. */
const repeated = (entries: readonly Entry[]): fc.Arbitrary<Entry[]> =>
  fc.array(fc.tuple(fc.nat(99), fc.nat(9)), { maxLength: 12 }).map((repeats) => {
    const all = [...entries];
    for (const [place, later] of repeats) {
      const from = Math.floor((place * entries.length) / 100);
      const entry = entries[from];
      if (entry === undefined) continue;
      const at = Math.min(all.indexOf(entry) + 1 + later, all.length);
      const receivedAt = Math.max(entry.record.receivedAt, all[at - 1]?.record.receivedAt ?? 0);
      all.splice(at, 0, { ...entry, record: { ...entry.record, receivedAt } });
    }
    return all;
  });

const log: fc.Arbitrary<Positioned[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: life(true)
      .chain((lived) => fc.tuple(fc.constant(lived), surroundings(lived.protocol)))
      .chain(([lived, around]) => repeated(inOrder(...lived.frames, ...around)))
      .map(positioned),
  },
  {
    weight: 1,
    arbitrary: life(true)
      .chain((lived) => fc.tuple(fc.constant(lived), surroundings(lived.protocol)))
      .map(([lived, around]) => positioned(inOrder(...withoutClock(lived.frames), ...around))),
  },
  { weight: 1, arbitrary: busyStation.map(positioned) },
);

function announcementsOf(entries: readonly Positioned[]): Told {
  const told = new Told();
  readAtOnce(entries, told);
  return told;
}

/** Whom an announcement that has a place in a chain is about. */
function subjectOf(one: Announcement): string | undefined {
  if (one.type === 'anomaly.found') return undefined;
  if (one.type === 'session.vanished') return one.sessionId;
  if (one.type === 'connector.status') return `${one.chargePointId} ${one.evseId}/${one.connectorId}`;
  return 'session' in one ? one.session.sessionId : one.chargePointId;
}

/** What it says, apart from when. */
function saidBy(one: Announcement): unknown {
  if (one.type === 'connector.status') return [one.status, one.errorCode, one.vendorCode];
  if (one.type === 'charger.online') return one.connection;
  if ('session' in one) return one.session;
  return one.type;
}

function chains(announced: readonly Announcement[]): Map<string, Announcement[]> {
  const bySubject = new Map<string, Announcement[]>();
  for (const one of announced) {
    const subject = subjectOf(one);
    if (subject !== undefined) bySubject.set(subject, [...(bySubject.get(subject) ?? []), one]);
  }
  return bySubject;
}

describe('for every life of a charger', () => {
  it('flushes, crashes, restarts and overlapping readers announce what an undisturbed reader does', () => {
    fc.assert(
      fc.property(log, disturbances, (entries, happenings) => {
        const told = new Told();
        readDisturbed(entries, happenings, told);
        expect(told.all()).toEqual(announcementsOf(entries).all());
      }),
      runs(80),
    );
  });

  it('announcing changes nothing in the tables', () => {
    fc.assert(
      fc.property(log, disturbances, (entries, happenings) => {
        expect(readDisturbed(entries, happenings, new Told()).all()).toEqual(readAtOnce(entries).all());
      }),
      runs(40),
    );
  });

  it('chains are whole: each announcement names the one before it, and says something else', () => {
    fc.assert(
      fc.property(log, (entries) => {
        for (const chain of chains(announcementsOf(entries).heard()).values()) {
          chain.forEach((one, index) => {
            const before = chain[index - 1];
            const { version, previous } = one as { version: number; previous: number | null };
            expect(previous).toBe((before as { version?: number } | undefined)?.version ?? null);
            expect(version).toBeGreaterThan(previous ?? 0);
            if (before !== undefined) expect(saidBy(one)).not.toEqual(saidBy(before));
          });
        }
      }),
      runs(60),
    );
  });

  it('each is as its schema says', () => {
    fc.assert(
      fc.property(log, (entries) => {
        for (const one of announcementsOf(entries).all()) expect(chargingEvent.parse(one)).toEqual(one);
      }),
      runs(30),
    );
  });

  it('what is announced at a record is what the tables show after it, and no change of it goes unsaid', () => {
    fc.assert(
      fc.property(log, (entries) => {
        const tables = new Tables();
        const told = new Told();
        const reader = new Reader(tables, [], told);
        let heard = 0;
        const said = new Map<string, unknown>();
        const sessions = new Map<string, { status: string; held: boolean; at: number }>();
        for (const entry of entries) {
          reader.read([entry]);
          reader.flush();
          const now = told.heard().slice(heard);
          heard += now.length;
          for (const one of now) said.set(subjectOf(one) ?? one.id, saidBy(one));

          const present = new Map<string, unknown>();
          for (const row of tables.statusIntervals)
            if (row.to === null)
              present.set(`${row.chargePointId} ${row.evseId}/${row.connectorId}`, [
                row.status,
                row.errorCode,
                row.vendorCode,
              ]);
          for (const row of tables.connections) {
            const known = present.get(row.chargePointId);
            present.set(row.chargePointId, row.to === null ? row.connection : (known ?? 'charger.offline'));
          }
          for (const [subject, what] of present)
            expect([subject, said.get(subject)]).toEqual([subject, what]);

          const shown = new Map(tables.sessions.map((row) => [row.sessionId, row]));
          for (const one of now) {
            if (!('session' in one)) continue;
            const row = shown.get(one.session.sessionId);
            const { energyWh, status, held, accountId } = one.session;
            expect({ energyWh, status, held, accountId }).toEqual({
              energyWh: row?.energyMilli == null ? null : row.energyMilli / 1_000,
              status: row?.status,
              held: row?.held,
              accountId: row?.accountId,
            });
            const last = sessions.get(one.session.sessionId);
            const weighty = last === undefined || last.status !== status || last.held !== held;
            if (one.type === 'session.updated' && !weighty)
              expect(entry.record.receivedAt - (last?.at ?? 0)).toBeGreaterThanOrEqual(1_000);
            sessions.set(one.session.sessionId, { status, held, at: entry.record.receivedAt });
          }
          for (const [id, row] of shown)
            expect([id, sessions.get(id)]).toMatchObject([id, { status: row.status, held: row.held }]);
          for (const id of [...sessions.keys()].filter((known) => !shown.has(known))) {
            expect(now).toContainEqual(expect.objectContaining({ type: 'session.vanished', sessionId: id }));
            sessions.delete(id);
          }
        }
        // A reader that was never asked to says nothing.
        const silent = new Told();
        new Reader(new Tables()).read(entries);
        expect(silent.all()).toEqual([]);
      }),
      runs(30),
    );
  });
});
