/** What may befall the readers of a log: flushes at any place, crashes, checkpoints, two readers at a time. */
import fc from 'fast-check';
import type { StateText } from '../../src/domain/charging/partition.js';
import { type Positioned, Reader, type Told } from './scenario.js';
import { Tables } from './tables.js';

export type Disturbance =
  /** Rows are written. */
  | 'flush'
  /** Rows and states are written. */
  | 'checkpoint'
  /** The reader dies; another begins at the last checkpoint. */
  | 'crash'
  /** Another reader begins at the last checkpoint while this one goes on for a while, not knowing. */
  | 'takeover';

/** After which share of the log what happens; and how far a replaced reader goes on. */
export const disturbances: fc.Arbitrary<{ place: number; what: Disturbance; overlap: number }[]> = fc.array(
  fc.record({
    place: fc.integer({ min: 0, max: 99 }),
    what: fc.constantFrom<Disturbance>('flush', 'flush', 'checkpoint', 'checkpoint', 'crash', 'takeover'),
    overlap: fc.integer({ min: 0, max: 8 }),
  }),
  { maxLength: 12 },
);

/** Reads the log to its end under these disturbances; what the tables show then. */
export function readDisturbed(
  log: readonly Positioned[],
  happenings: readonly { place: number; what: Disturbance; overlap: number }[],
  told?: Told,
): Tables {
  const tables = new Tables();
  const kept = new Map<string, StateText>();
  let keptThrough = 0;
  let reader = new Reader(tables, [], told);
  let next = 0;
  const begin = () => {
    reader = new Reader(
      tables,
      [...kept.values()].filter(({ text }) => text !== ''),
      told,
    );
    next = keptThrough;
  };
  for (const { place, what, overlap } of [...happenings].sort((a, b) => a.place - b.place)) {
    const until = Math.max(next, Math.floor((place * log.length) / 100));
    reader.read(log.slice(next, until));
    next = until;
    if (what === 'flush') reader.flush();
    else if (what === 'checkpoint') {
      for (const state of reader.checkpoint()) kept.set(`${state.chargePointId}|${state.part}`, state);
      keptThrough = next;
    } else if (what === 'crash') begin();
    else {
      const zombie = reader;
      const zombieFrom = next;
      begin();
      zombie.read(log.slice(zombieFrom, zombieFrom + overlap));
      zombie.flush();
    }
  }
  reader.read(log.slice(next));
  reader.flush();
  return tables;
}
