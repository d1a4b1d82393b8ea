import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { born } from '../lock.mjs';
import { accepts } from '../ports.mjs';
import { run, spawnLeashed, stopProcess } from '../processes.mjs';
import { Problem } from '../say.mjs';
import { removeEndpoint, writeEndpoint } from './endpoint.mjs';
import { managementOf } from './management.mjs';
import { choosePorts, environment, writeConfiguration } from './node-settings.mjs';

/**
 * A RabbitMQ node of our own: its data in one folder, every port free and on loopback, started again when it
 * dies, gone with its owner.
 *
 * @typedef {import('./node-settings.mjs').Ports} Ports
 * @typedef {{ root: string, cage: import('./decide.mjs').Cage } | { server: string }} Program
 *   a Debian root to run it from, or the path of an installed `rabbitmq-server`
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

/**
 * Where the node's files are, and how programs are run so that they see them there.
 *
 * @typedef {object} Place
 * @property {string} files the folder, as we see it
 * @property {string} home the same folder, as the node sees it. It must stay the same from start to start,
 *   since RabbitMQ finds its data by it
 * @property {boolean} hasProc whether the node will find a /proc
 * @property {boolean} ownEpmd whether we must bring epmd: one that Erlang starts detaches itself, and would
 *   outlive us unless a pid namespace holds it
 * @property {(settings: Record<string, string>, program: 'rabbitmq-server' | 'epmd', ...args: string[]) =>
 *   { command: string[], env: NodeJS.ProcessEnv }} running
 */

/**
 * @param {string} dataDir
 * @param {Program} program
 * @returns {Promise<Place>}
 */
async function placeFor(dataDir, program) {
  if (!('root' in program)) {
    return {
      files: dataDir,
      home: dataDir,
      hasProc: true,
      ownEpmd: true,
      running: (settings, name, ...args) => ({
        command: [name === 'epmd' ? 'epmd' : program.server, ...args],
        env: { ...process.env, ...settings },
      }),
    };
  }
  if (program.cage === 'namespaces') {
    return {
      files: dataDir,
      home: '/wattstream',
      hasProc: true,
      ownEpmd: false,
      running: (settings) => ({ command: inNamespaces(program.root, dataDir, settings), env: process.env }),
    };
  }
  // Nothing can be mounted: instead of the data into the root, the root (its files linked, not copied, where
  // the file system is the same) comes to the data.
  const root = join(dataDir, 'root');
  if (!existsSync(join(root, 'wattstream'))) await copyTree(program.root, root);
  return {
    files: join(root, 'wattstream'),
    home: '/wattstream',
    hasProc: false,
    ownEpmd: true,
    running: (settings, name, ...args) => ({
      command: [
        'chroot',
        root,
        ...withEnvironment(settings),
        name === 'epmd' ? '/usr/bin/epmd' : SERVER,
        ...args,
      ],
      env: process.env,
    }),
  };
}

/**
 * @param {string} from
 * @param {string} to
 */
async function copyTree(from, to) {
  const making = `${to}.making`;
  for (const how of ['-al', '-a']) {
    rmSync(making, { recursive: true, force: true });
    const copied = await run(['cp', how, from, making]);
    if (copied.code === 0) {
      renameSync(making, to);
      return;
    }
    if (how === '-a') throw new Problem(`Cannot copy ${from} to ${to}: ${copied.stderr.trim()}`);
  }
}

/** In Debian's package, behind the wrapper that changes the user. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** @param {Record<string, string>} settings */
const withEnvironment = (settings) => [
  ...['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'],
  ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
];

/**
 * @param {Place} place
 * @param {Ports} ports
 */
function launch(place, ports) {
  const console = join(place.files, 'log', 'console.log');
  const out = openSync(console, 'w');
  /** @type {import('node:child_process').StdioOptions} */
  const stdio = ['ignore', out, out];
  const settings = environment(place.home, ports);
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let epmd;
  if (place.ownEpmd) {
    const { command, env } = place.running(
      settings,
      'epmd',
      '-port',
      String(ports.epmd),
      '-address',
      '127.0.0.1',
    );
    epmd = spawnLeashed(command, { env, stdio: 'ignore' }).on('error', () => {}); // Erlang then starts one
  }
  const { command, env } = place.running(settings, 'rabbitmq-server');
  const node = spawnLeashed(command, { env, stdio });
  closeSync(out);
  /** @type {string | undefined} */
  let failure;
  const ended = new Promise((resolve) => {
    node.once('exit', resolve);
    node.once('error', (error) => {
      failure = error.message;
      resolve(undefined);
    });
  });
  return {
    node,
    ended,
    hasEnded: () => failure !== undefined || node.exitCode !== null || node.signalCode !== null,
    lastWords: () => failure ?? tail(console),
    /** @param {number} ms for an orderly end; 0 = kill */
    async stop(ms) {
      await stopProcess(node, { ms, terminate: () => (ms > 0 ? terminate(node.pid) : node.kill('SIGKILL')) });
      if (epmd) await stopProcess(epmd, { ms: 1_000 });
    },
  };
}

/**
 * A private pid namespace with its own init: killing `unshare` (or our death, by the leash) kills every
 * process in it, epmd included. A private mount namespace: nothing stays mounted afterwards.
 * @param {string} root
 * @param {string} dataDir
 * @param {Record<string, string>} settings
 */
function inNamespaces(root, dataDir, settings) {
  const script = [
    'set -e',
    'mount --make-rprivate /',
    'mount -t proc proc "$0/proc"',
    'mount --rbind /dev "$0/dev"',
    'mount --bind "$1" "$0/wattstream"',
    'root="$0"; shift',
    'exec chroot "$root" "$@"',
  ].join('\n');
  return [
    ...['unshare', '--fork', '--pid', '--mount', '--kill-child', 'sh', '-c', script, root, dataDir],
    ...[...withEnvironment(settings), SERVER],
  ];
}

/**
 * `unshare` ignores SIGTERM; its only child, the namespace's init, is the Erlang VM, which stops in order.
 * @param {number | undefined} pid
 */
function terminate(pid) {
  if (pid === undefined) return;
  let target = pid;
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    const isUnshare = readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'unshare';
    if (isUnshare && children[0]) target = Number(children[0]);
  } catch {
    // No /proc: then there is no namespace either.
  }
  try {
    process.kill(target, 'SIGTERM');
  } catch {
    // It has ended meanwhile.
  }
}

/**
 * @param {Ports} ports
 * @param {{ amqpUrl: string, managementUrl: string }} urls
 * @param {() => boolean} hasEnded
 */
async function untilAnswering(ports, urls, hasEnded) {
  const until = Date.now() + 90_000;
  while (Date.now() < until && !hasEnded()) {
    const doors = await Promise.all(
      [ports.management, ports.stream, ports.amqp].map((port) => accepts('127.0.0.1', port)),
    );
    // The doors open a moment before what is behind them has recovered.
    if (doors.every(Boolean) && (await managementOf(urls).isWhole())) return true;
    await sleep(100);
  }
  return false;
}

/** @param {string} file */
function tail(file) {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? 'it ended without a word' : text.split('\n').slice(-5).join('\n  ');
  } catch {
    return `see ${dirname(file)}`;
  }
}
