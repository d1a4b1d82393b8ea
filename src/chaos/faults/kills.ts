/** kill -9 of a role. The supervisor brings it back. */
import type { Part } from '../system/part.js';
import type { System } from '../system/system.js';
import type { Fault, FaultContext } from './fault.js';

/** For its process to be there again, so that the next fault meets somebody. */
const BACK_MS = 15_000;

export async function killPart(part: Part, { until, note }: FaultContext): Promise<void> {
  await until(() => part.pid !== undefined, BACK_MS);
  const { pid } = part;
  if (!part.kill()) {
    note(`${part.name} is not there`);
    return;
  }
  await until(() => part.pid !== undefined && part.pid !== pid, BACK_MS);
}

const killOf = (
  name: string,
  share: number,
  about: string,
  of: (system: System) => readonly Part[],
): Fault => ({
  name,
  about,
  share,
  plan(random, system) {
    const part = random.pick(of(system));
    return { on: part.name, what: `kill -9 ${part.name}`, run: (context) => killPart(part, context) };
  },
});

export const killIngest = killOf(
  'kill-ingest',
  4,
  'kill -9 of an ingest process; its chargers go to the other one',
  (system) => system.ingests,
);
export const killAnalytics = killOf(
  'kill-analytics',
  4,
  'kill -9 of an analytics process; the other one takes its partitions',
  (system) => system.analytics,
);
export const killClickHouse = killOf('kill-clickhouse', 3, 'kill -9 of the embedded ClickHouse', (system) => [
  system.clickhouse,
]);
