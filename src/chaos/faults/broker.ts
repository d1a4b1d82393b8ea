/** What happens to the broker: killed, stopped for a while, halted with its sockets open. */
import type { Random } from '../../simulator/random.js';
import type { BrokerNode } from '../ports.js';
import type { System } from '../system/system.js';
import { type Fault, type FaultContext, seconds } from './fault.js';

const nodeOf = (random: Random, system: System): BrokerNode => random.pick(system.broker.nodes);
const BROKER = 'broker';

/** Down for so long, then up again. */
async function away(
  node: BrokerNode,
  ms: number,
  how: 'kill' | 'stop',
  context: FaultContext,
): Promise<void> {
  await node[how]();
  await context.wait(ms);
  await node.start();
  context.note(`${node.name} answers again`);
}

export const killBroker: Fault = {
  name: 'kill-broker',
  about: 'kill -9 of a broker node, started again at once',
  share: 1,
  plan(random, system) {
    const node = nodeOf(random, system);
    const ms = random.whole(0, 1_000);
    return { on: BROKER, what: `kill -9 ${node.name}`, run: (context) => away(node, ms, 'kill', context) };
  },
};

export const stopBroker: Fault = {
  name: 'stop-broker',
  about: 'a broker node is stopped in order, and away for up to half a minute',
  share: 0.5,
  plan(random, system) {
    const node = nodeOf(random, system);
    const ms = random.whole(5_000, 30_000);
    return {
      on: BROKER,
      what: `stop ${node.name} for ${seconds(ms)}`,
      run: (context) => away(node, ms, 'stop', context),
    };
  },
};

export const haltBroker: Fault = {
  name: 'halt-broker',
  about: 'SIGSTOP of a broker node for up to half a minute: its sockets stay open and mute',
  share: 1,
  plan(random, system) {
    const node = nodeOf(random, system);
    // Short ones nobody notices, long ones everybody: after 10 s without a confirm chargers are sent away.
    const ms = random.chance(0.6) ? random.whole(500, 6_000) : random.whole(11_000, 30_000);
    return {
      on: BROKER,
      what: `SIGSTOP ${node.name} for ${seconds(ms)}`,
      async run({ wait }) {
        node.pause();
        try {
          await wait(ms);
        } finally {
          node.resume();
        }
      },
    };
  },
};

export const killLeader: Fault = {
  name: 'kill-leader',
  about: 'kill -9 of the broker node that leads a partition; another one becomes the leader meanwhile',
  share: 6,
  impossible: ({ broker }) =>
    broker.nodes.length < 3 ? 'the broker has one node (--cluster has three)' : undefined,
  plan(random, system) {
    const partition = random.whole(0, system.partitions - 1);
    const stream = `${system.prefix}ocpp.frames-${partition}`;
    const ms = random.whole(2_000, 12_000);
    return {
      on: BROKER,
      what: `kill -9 the leader of partition ${partition}, away for ${seconds(ms)}`,
      async run(context) {
        let leader: BrokerNode | undefined;
        await context.until(async () => {
          leader = await system.broker.leaderOf(stream).catch(() => undefined);
          return leader !== undefined;
        }, 20_000);
        if (leader === undefined) {
          context.note(`nobody leads ${stream}`);
          return;
        }
        context.note(`${leader.name} leads ${stream}`);
        const before = leader;
        await before.kill();
        await context.wait(ms);
        const after = await system.broker.leaderOf(stream).catch(() => undefined);
        context.note(`${after?.name ?? 'nobody yet'} leads ${stream} now`);
        await before.start();
        context.note(`${before.name} answers again`);
      },
    };
  },
};
