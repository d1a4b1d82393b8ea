/** The broker cannot be reached, and the process that waits for it dies: what was not confirmed dies with it. */
import type { Part } from '../system/part.js';
import type { System } from '../system/system.js';
import type { Wire } from '../system/wire.js';
import { type Fault, type Planned, seconds } from './fault.js';
import { killPart } from './kills.js';

export const cutOffAndKilled: Fault = {
  name: 'cut-off-and-killed',
  about: 'an ingest process loses the broker (half-open) and is killed with -9 a little later',
  share: 2,
  impossible: ({ wires }) =>
    wires.size === 0 ? 'a cluster is reached at the addresses that it tells, past any proxy' : undefined,
  plan: (random, system) => cutOffAndKill(system, random.pick(system.ingests), random.whole(200, 3_000)),
};

/** @param ms between the one and the other */
export function cutOffAndKill({ wires }: System, part: Part, ms: number): Planned {
  return {
    on: `wire of ${part.name}`,
    what: `half-open connections between ${part.name} and the broker, kill -9 after ${seconds(ms)}`,
    async run(context) {
      const { ways } = wires.get(part.name) as Wire;
      for (const way of ways) way.freeze();
      try {
        await context.wait(ms);
        await killPart(part, context);
      } finally {
        for (const way of ways) {
          way.cut();
          way.thaw();
        }
      }
    },
  };
}
