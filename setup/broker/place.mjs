import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../processes.mjs';
import { Problem } from '../say.mjs';

/**
 * @typedef {{ root: string, cage: import('./decide.mjs').Cage } | { server: string }} Program
 *   a Debian root to run RabbitMQ from, or the path of an installed `rabbitmq-server`
 */

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
export async function placeFor(dataDir, program) {
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
      running: (settings, name, ...args) => ({
        command: inNamespaces(program.root, dataDir, settings, [inRoot(name), ...args]),
        env: process.env,
      }),
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
      command: ['chroot', root, ...withEnvironment(settings), inRoot(name), ...args],
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

/**
 * The server in Debian's package, behind the wrapper that changes the user.
 * @param {'rabbitmq-server' | 'epmd'} name
 */
const inRoot = (name) => (name === 'epmd' ? '/usr/bin/epmd' : '/usr/lib/rabbitmq/bin/rabbitmq-server');

/** @param {Record<string, string>} settings */
const withEnvironment = (settings) => [
  ...['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'],
  ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
];

/**
 * A private pid namespace with its own init: killing `unshare` (or our death, by the leash) kills every
 * process in it, epmd included. A private mount namespace: nothing stays mounted afterwards.
 * @param {string} root
 * @param {string} dataDir
 * @param {Record<string, string>} settings
 * @param {readonly string[]} program and its arguments
 */
function inNamespaces(root, dataDir, settings, program) {
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
    ...[...withEnvironment(settings), ...program],
  ];
}
