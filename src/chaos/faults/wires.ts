/** What happens between a process and the broker. */
import type { Random } from '../../simulator/random.js';
import type { System } from '../system/system.js';
import type { TcpProxy } from '../system/tcp-proxy.js';
import type { Wire } from '../system/wire.js';
import { type Fault, type FaultContext, seconds } from './fault.js';

const impossible = ({ wires }: System): string | undefined =>
  wires.size === 0 ? 'a cluster is reached at the addresses that it tells, past any proxy' : undefined;

interface Damage {
  readonly what: string;
  run(ways: readonly TcpProxy[], context: FaultContext): Promise<void>;
}

function onWire(name: string, share: number, about: string, draw: (random: Random) => Damage): Fault {
  return {
    name,
    about,
    share,
    impossible,
    plan(random, system) {
      // Mostly ingest's: there the promise to chargers hangs on it.
      const names = [...system.wires.keys()].filter((one) => random.chance(0.25) || one.startsWith('ingest'));
      const who = random.pick(names);
      const damage = draw(random);
      return {
        on: `wire of ${who}`,
        what: `${damage.what} between ${who} and the broker`,
        run: (context) => damage.run((system.wires.get(who) as Wire).ways, context),
      };
    },
  };
}

export const halfOpen = onWire(
  'half-open',
  3,
  'nothing goes either way any more and nobody is told; then it goes on, or is reset, or new connections work first',
  (random) => {
    const ms = random.chance(0.7) ? random.whole(1_000, 6_000) : random.whole(11_000, 20_000);
    const end = random.pick(['goes on', 'is reset'] as const);
    const newWork = random.chance(0.4);
    const which = newWork ? 'half-open connections (new ones work)' : 'half-open connections';
    return {
      what: `${which} for ${seconds(ms)}, then it ${end},`,
      async run(ways, { wait }) {
        for (const way of ways) newWork ? way.freezeOpen() : way.freeze();
        try {
          await wait(ms);
        } finally {
          for (const way of ways) {
            if (end === 'is reset') way.cut();
            way.thaw();
          }
        }
      },
    };
  },
);

export const partialFrame = onWire(
  'partial-frame',
  3,
  'connections are reset in the middle of a frame, again and again for some seconds',
  (random) => {
    const cuts = Array.from({ length: random.whole(1, 5) }, () => ({
      bytes: random.whole(1, 20_000),
      afterMs: random.whole(100, 1_200),
    }));
    return {
      what: `${cuts.length} cuts in the middle of frames`,
      async run(ways, { wait }) {
        for (const { bytes, afterMs } of cuts) {
          for (const way of ways) way.cutAfter(bytes);
          await wait(afterMs);
        }
      },
    };
  },
);

export const slowBroker = onWire('slow-broker', 2, 'everything crawls, confirms included', (random) => {
  const ms = random.whole(2_000, 9_000);
  const rate = random.whole(2, 40) * 1_000;
  return {
    what: `${rate / 1_000} kB/s for ${seconds(ms)}`,
    async run(ways, { wait }) {
      for (const way of ways) way.slow(rate);
      try {
        await wait(ms);
      } finally {
        for (const way of ways) way.slow(undefined);
      }
    },
  };
});

export const noConnections = onWire('refused', 1, 'connections are reset, and new ones at once', (random) => {
  const ms = random.whole(500, 5_000);
  return {
    what: `refused connections for ${seconds(ms)}`,
    async run(ways, { wait }) {
      for (const way of ways) {
        way.refuse(true);
        way.cut();
      }
      try {
        await wait(ms);
      } finally {
        for (const way of ways) way.refuse(false);
      }
    },
  };
});
