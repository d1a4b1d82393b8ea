import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { born } from '../lock.mjs';
import { Problem } from '../say.mjs';
import { removeEndpoint, writeEndpoint } from './endpoint.mjs';
import { launch, untilAnswering } from './launch.mjs';
import { choosePorts, writeConfiguration } from './node-settings.mjs';
import { placeFor } from './place.mjs';

/**
 * A RabbitMQ node of our own: its data in one folder, every port free and on loopback, started again when it
 * dies, gone with its owner.
 *
 * @typedef {import('./place.mjs').Program} Program
 */

const USER = 'guest:guest';
/** For RabbitMQ to close its files; a node with a lot of data takes seconds. */
const STOP_MS = 20_000;

/**
 * Returns as soon as the node's process runs; `ready` settles when it answers (some 5 s later).
 * @param {{ dataDir: string, program: Program, say: import('../say.mjs').Say }} options
 */
export async function startNode({ dataDir, program, say }) {
  const ports = await choosePorts(dataDir);
  const place = await placeFor(dataDir, program);
  writeConfiguration(place.files, ports, { hasProc: place.hasProc });
  const urls = {
    amqpUrl: `amqp://${USER}@127.0.0.1:${ports.amqp}`,
    streamUrl: `rabbitmq-stream://${USER}@127.0.0.1:${ports.stream}`,
    managementUrl: `http://127.0.0.1:${ports.management}`,
  };
  let stopping = false;
  let running = launch(place, ports);

  const untilReady = async () => {
    if (!(await untilAnswering(ports, urls, running.hasEnded))) {
      if (stopping) return;
      throw new Problem(
        `The private RabbitMQ in ${dataDir} did not come up: ${running.lastWords()}`,
        `See ${join(place.files, 'log')}. If its data is damaged, "npm run reset" starts afresh.`,
      );
    }
    const pid = running.node.pid ?? 0;
    const { amqpUrl: amqp, streamUrl: stream, managementUrl: management } = urls;
    writeEndpoint(dataDir, { amqp, stream, management, pid, born: born(pid) ?? '' });
  };

  /** The addresses must not change under its users, so a dead node comes back on the same ports. */
  const keepAlive = async () => {
    for (let wait = 500; ; wait = Math.min(15_000, wait * 2)) {
      await running.ended;
      removeEndpoint(dataDir);
      await running.stop(0);
      if (stopping) return;
      say.warn(`the private RabbitMQ ended; starting it again (${join(place.files, 'log')})`);
      await sleep(wait);
      if (stopping) return;
      running = launch(place, ports);
      await untilReady().catch((error) => say.warn(error.message));
    }
  };
  const ready = untilReady();
  ready.then(keepAlive, () => {}); // whoever awaits `ready` gets the error

  return {
    ...urls,
    ready,
    /** @param {{ now?: boolean }} [options] */
    async stop({ now = false } = {}) {
      stopping = true;
      removeEndpoint(dataDir);
      await running.stop(now ? 0 : STOP_MS);
    },
  };
}
