import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopProcess } from '../processes.mjs';
import { Problem } from '../say.mjs';
import { launch, launchEpmd, untilAnswering } from './launch.mjs';
import { managementOf } from './management.mjs';
import { environment, NODE_PORTS, namedPorts, writeConfiguration } from './node-settings.mjs';
import { placeFor } from './place.mjs';

/**
 * Several RabbitMQ nodes on this machine, joined to one cluster: to see what becomes of the log when a node
 * dies. For tests and `npm run chaos`, not for keeping data: one machine is one point of failure.
 *
 * Nothing is started again by itself. Whoever kills a node, or sees one die, starts it again.
 *
 * @typedef {object} Cluster
 * @property {string} amqpUrl RABBITMQ_URL: the addresses of all nodes, separated by commas
 * @property {string} streamUrl RABBITMQ_STREAM_URL: likewise
 * @property {readonly ClusterNode[]} nodes
 * @property {(stream: string, vhost?: string) => Promise<ClusterNode | undefined>} leaderOf
 *   which node leads a stream (`ocpp.frames-3`) now; undefined while none does, or nobody can tell
 * @property {(stream: string, vhost?: string) => Promise<Replicas>} replicasOf
 * @property {() => ReturnType<typeof managementOf>} management of any node that runs (virtual hosts and the like)
 * @property {(listener: (node: ClusterNode) => void) => void} onDeath
 *   a node ended that nobody here had killed or stopped
 * @property {(options?: { now?: boolean }) => Promise<void>} stop all nodes; `now` kills. Data is kept
 *
 * @typedef {object} ClusterNode
 * @property {string} name `wattstream-1@localhost`
 * @property {string} amqpUrl of this node alone
 * @property {string} streamUrl
 * @property {string} managementUrl without credentials
 * @property {boolean} running whether its process lives (also while it is paused)
 * @property {() => Promise<void>} kill -9; resolves when it is gone
 * @property {() => Promise<void>} stop in order (leaders are moved away first), with -9 after 20 s
 * @property {() => Promise<void>} start again, on the same ports and data; resolves when it answers. Of
 *   several dead nodes start all at once: one alone may wait for the others. Rejects with a Problem after 180 s
 * @property {() => void} pause SIGSTOP: its sockets stay open and mute. Its peers notice after about a minute
 * @property {() => void} resume
 *
 * @typedef {object} Replicas names of nodes
 * @property {string} [leader]
 * @property {readonly string[]} members where a replica belongs
 * @property {readonly string[]} online where one is up
 */

const USER = 'guest:guest';
const STOP_MS = 20_000;
/** Three Erlang VMs start at once; on a busy machine of two cores that has taken most of a minute. */
const START_MS = 180_000;

/**
 * Resolves when every node answers and sees the others. Rejects with a Problem when one does not come up; then
 * nothing is left running.
 * @param {{ dataDir: string, program: import('./place.mjs').Program, size?: number }} options
 * @returns {Promise<Cluster>}
 */
export async function startCluster({ dataDir, program, size = 3 }) {
  const indexes = Array.from({ length: size }, (_, index) => index + 1);
  const all = indexes.map((index) => `wattstream-${index}@localhost`);
  const cookie = cookieOf(dataDir);
  // All at once, so that no two nodes are given the same port.
  const chosen = await namedPorts(dataDir, [
    'epmd',
    ...indexes.flatMap((index) => NODE_PORTS.map((name) => `${index}.${name}`)),
  ]);
  /** @type {((node: ClusterNode) => void)[]} */
  const listeners = [];
  const nodes = await Promise.all(
    indexes.map(async (index) => {
      const ports = /** @type {import('./node-settings.mjs').Ports} */ (
        Object.fromEntries([
          ...NODE_PORTS.map((name) => [name, chosen[`${index}.${name}`]]),
          ['epmd', chosen.epmd],
        ])
      );
      const folder = join(dataDir, `node-${index}`);
      const place = await placeFor(folder, program);
      const membership = { name: all[index - 1] ?? '', all, cookie };
      writeConfiguration(place.files, ports, { hasProc: place.hasProc }, membership);
      return createNode({ folder, place, ports, membership, onDeath: (node) => tell(node) });
    }),
  );
  /** @param {ClusterNode} node */
  const tell = (node) => {
    for (const listener of listeners) listener(node);
  };
  // One for all: an epmd within a node's own process group would die with that node, and with it the names of
  // the others.
  const { place, ports } = /** @type {(typeof nodes)[number]} */ (nodes[0]);
  const epmd = launchEpmd(place, environment(place.home, ports), ports.epmd);

  /** Ask those that run, in turn: one may have died a moment ago, or hang. */
  const managements = () => nodes.filter(({ node }) => node.running).map(({ node }) => managementOf(node));
  /** @type {Cluster['replicasOf']} */
  const replicasOf = async (stream, vhost = '/') => {
    /** @type {unknown} */
    let failure = new Problem('No node of the cluster runs.');
    for (const management of managements()) {
      try {
        const { leader, members = [], online = [] } = await management.placeOf(vhost, stream);
        return { leader, members, online };
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
  const stop = async ({ now = false } = {}) => {
    await Promise.all(nodes.map(({ node }) => (now ? node.kill() : node.stop())));
    await stopProcess(epmd, { ms: 0, terminate: () => epmd.kill('SIGKILL') });
  };

  try {
    await Promise.all(nodes.map(({ node }) => node.start()));
    await untilTogether(
      nodes.map(({ node }) => node),
      size,
    );
    await rememberCoordinator(nodes);
  } catch (error) {
    await stop({ now: true });
    throw error;
  }
  return {
    amqpUrl: nodes.map(({ node }) => node.amqpUrl).join(','),
    streamUrl: nodes.map(({ node }) => node.streamUrl).join(','),
    nodes: nodes.map(({ node }) => node),
    replicasOf,
    async leaderOf(stream, vhost) {
      const { leader, online } = await replicasOf(stream, vhost);
      // Until another is elected, the dead one may still be named.
      return nodes.find(({ node }) => node.name === leader && node.running && online.includes(node.name))
        ?.node;
    },
    management() {
      const [first] = managements();
      if (!first) throw new Problem('No node of the cluster runs.');
      return first;
    },
    onDeath: (listener) => void listeners.push(listener),
    stop,
  };
}

/**
 * @param {object} options
 * @param {string} options.folder
 * @param {import('./place.mjs').Place} options.place
 * @param {import('./node-settings.mjs').Ports} options.ports
 * @param {import('./node-settings.mjs').Membership} options.membership
 * @param {(node: ClusterNode) => void} options.onDeath
 */
function createNode({ folder, place, ports, membership, onDeath }) {
  /** @type {import('./launch.mjs').Running | undefined} */
  let current;
  /** Whether its end is our doing. */
  let expected = false;
  /** @param {number} ms */
  const end = async (ms) => {
    if (!current) return;
    expected = true;
    if (ms > 0) current.signal('SIGCONT');
    await current.stop(ms);
  };
  /** @type {ClusterNode} */
  const node = {
    name: membership.name,
    amqpUrl: `amqp://${USER}@127.0.0.1:${ports.amqp}`,
    streamUrl: `rabbitmq-stream://${USER}@127.0.0.1:${ports.stream}`,
    managementUrl: `http://127.0.0.1:${ports.management}`,
    get running() {
      return current !== undefined && !current.hasEnded();
    },
    kill: () => end(0),
    stop: () => end(STOP_MS),
    async start() {
      if (!node.running) {
        expected = false;
        const started = launch(place, ports, membership);
        current = started;
        void started.ended.then(() => {
          if (started === current && !expected) onDeath(node);
        });
      }
      const running = /** @type {import('./launch.mjs').Running} */ (current);
      if (!(await untilAnswering(ports, node, running.hasEnded, START_MS)))
        throw new Problem(
          `${node.name} in ${folder} did not come up: ${running.lastWords()}`,
          `See ${join(place.files, 'log')}.`,
        );
    },
    pause: () => current?.signal('SIGSTOP'),
    resume: () => current?.signal('SIGCONT'),
  };
  return { node, place, ports };
}

/**
 * @param {readonly ClusterNode[]} nodes
 * @param {number} size
 */
async function untilTogether(nodes, size) {
  for (const until = Date.now() + START_MS; ; await sleep(200)) {
    const seen = await Promise.all(
      nodes.map((node) =>
        managementOf(node)
          .runningNodes()
          .catch(() => []),
      ),
    );
    if (seen.every((running) => running.length === size)) return;
    if (Date.now() > until)
      throw new Problem(
        `The nodes did not find each other: they see ${seen.map((running) => running.length).join(', ')} of ${size}.`,
      );
  }
}

/**
 * RabbitMQ makes its stream coordinator (a Raft group of all nodes) with the first stream, and each node writes
 * down half a second later that it is a member. A node that is killed before forgets it for good: it comes back
 * without its member, and the next node to die takes the group's majority along, so that no stream gets a new
 * leader (seen on 4.0.5). Clusters that people run are older than half a second; ours is made to be, too.
 * @param {readonly { node: ClusterNode, place: import('./place.mjs').Place }[]} nodes
 */
async function rememberCoordinator(nodes) {
  const registers = nodes.map(({ node, place }) =>
    join(place.files, 'data', node.name, 'coordination', node.name, 'names.dets'),
  );
  const areWritten = () =>
    registers.every((file) => existsSync(file) && readFileSync(file).includes('rabbit_stream_coordinator'));
  if (areWritten()) return;
  const [{ node }] = /** @type {[(typeof nodes)[number]]} */ (nodes);
  const management = managementOf(node);
  const name = `wattstream-${randomBytes(4).toString('hex')}`;
  await management.declareStream('/', name);
  for (const until = Date.now() + START_MS; !areWritten(); await sleep(100)) {
    if (Date.now() > until) throw new Problem('The nodes of the cluster do not make a stream coordinator.');
  }
  await management.deleteQueue('/', name);
}

/**
 * Made once for this data: a node with another one is a stranger to its peers.
 * @param {string} dataDir
 */
function cookieOf(dataDir) {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'cookie');
  if (!existsSync(file)) writeFileSync(file, randomBytes(20).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}
