/** SIGSTOP of a role, and SIGCONT: it wakes up believing that nothing has happened. */
import type { Random } from '../../simulator/random.js';
import type { Part } from '../system/part.js';
import type { System } from '../system/system.js';
import { type Fault, type FaultContext, seconds } from './fault.js';

async function halt(part: Part, ms: number, { wait, until, note }: FaultContext): Promise<void> {
  await until(() => part.pid !== undefined, 15_000);
  const wake = part.pause();
  if (wake === undefined) {
    note(`${part.name} is not there`);
    return;
  }
  try {
    await wait(ms);
  } finally {
    wake();
  }
}

const haltOf = (
  name: string,
  share: number,
  about: string,
  of: (system: System) => readonly Part[],
  ms: (random: Random) => number,
): Fault => ({
  name,
  about,
  share,
  plan(random, system) {
    const part = random.pick(of(system));
    const duration = ms(random);
    return {
      on: part.name,
      what: `SIGSTOP ${part.name} for ${seconds(duration)}`,
      run: (context) => halt(part, duration, context),
    };
  },
});

/** The broker hears nothing of it for two heartbeats (5 s each) and hands its partitions on. */
export const zombie = haltOf(
  'zombie',
  2,
  'an analytics process is halted until another has its partitions, then wakes up and goes on writing',
  (system) => system.analytics,
  (random) => random.whole(12_000, 20_000),
);
export const haltAnalytics = haltOf(
  'halt-analytics',
  1,
  'an analytics process is halted for a moment',
  (system) => system.analytics,
  (random) => random.whole(300, 4_000),
);
export const haltIngest = haltOf(
  'halt-ingest',
  1,
  'an ingest process is halted; its chargers wait, or go to the other one and meet their own old frames',
  (system) => system.ingests,
  (random) => (random.chance(0.6) ? random.whole(300, 4_000) : random.whole(9_000, 16_000)),
);
export const haltClickHouse = haltOf(
  'halt-clickhouse',
  1,
  'ClickHouse is halted: inserts hang',
  (system) => [system.clickhouse],
  (random) => random.whole(500, 9_000),
);
