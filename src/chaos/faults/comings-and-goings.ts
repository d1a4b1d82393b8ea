/** Processes that go in order and come back, and more of them. */
import type { Part } from '../system/part.js';
import { type Fault, type FaultContext, seconds } from './fault.js';

async function awhile(part: Part, ms: number, { wait }: FaultContext): Promise<void> {
  await part.leave();
  await wait(ms);
  // Not waited for: it may not become ready while another fault lasts.
  void part.start();
}

export const ingestLeaves: Fault = {
  name: 'ingest-leaves',
  about: 'SIGTERM of an ingest process: its chargers are let go in order and move to the other one',
  share: 2,
  plan(random, system) {
    const part = random.pick(system.ingests);
    const ms = random.whole(0, 5_000);
    return {
      on: part.name,
      what: `SIGTERM ${part.name}, away for ${seconds(ms)}`,
      run: (context) => awhile(part, ms, context),
    };
  },
};

export const analyticsLeaves: Fault = {
  name: 'analytics-leaves',
  about: 'SIGTERM of an analytics process: it writes what it has read, the other one goes on',
  share: 2,
  plan(random, system) {
    const part = random.pick(system.analytics);
    const ms = random.whole(0, 5_000);
    return {
      on: part.name,
      what: `SIGTERM ${part.name}, away for ${seconds(ms)}`,
      run: (context) => awhile(part, ms, context),
    };
  },
};

export const analyticsJoins: Fault = {
  name: 'analytics-joins',
  about: 'a third analytics process joins, gets partitions, and leaves again: in order, or by kill -9',
  share: 2,
  plan(random, system) {
    const ms = random.whole(2_000, 9_000);
    const killed = random.chance(0.5);
    return {
      on: 'analytics-3',
      what: `analytics-3 joins for ${seconds(ms)}, then ${killed ? 'is killed' : 'leaves'}`,
      async run({ wait }) {
        const part = await system.moreAnalytics('analytics-3');
        void part.start();
        await wait(ms);
        await (killed ? part.destroy() : part.leave());
      },
    };
  },
};
