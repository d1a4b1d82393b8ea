import { closeSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { accepts } from '../ports.mjs';
import { spawnLeashed, stopProcess } from '../processes.mjs';
import { managementOf } from './management.mjs';
import { environment } from './node-settings.mjs';

/**
 * A node's process: started, stopped, asked.
 *
 * @typedef {import('./node-settings.mjs').Ports} Ports
 * @typedef {import('./place.mjs').Place} Place
 * @typedef {ReturnType<typeof launch>} Running
 */

/**
 * @param {Place} place
 * @param {Ports} ports
 * @param {import('./node-settings.mjs').Membership} [membership] of a cluster, which brings its own epmd
 */
export function launch(place, ports, membership) {
  const console = join(place.files, 'log', 'console.log');
  const out = openSync(console, 'w');
  /** @type {import('node:child_process').StdioOptions} */
  const stdio = ['ignore', out, out];
  const settings = environment(place.home, ports, membership);
  const epmd = place.ownEpmd && !membership ? launchEpmd(place, settings, ports.epmd) : undefined;
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
    /** @param {'SIGSTOP' | 'SIGCONT'} name for the Erlang VM: halted, its sockets stay open and mute */
    signal: (name) => signalVm(node.pid, name),
  };
}

/**
 * Erlang's name server: where nodes of one machine find each other's port.
 * @param {Place} place
 * @param {Record<string, string>} settings
 * @param {number} port
 */
export function launchEpmd(place, settings, port) {
  const { command, env } = place.running(settings, 'epmd', '-port', String(port), '-address', '127.0.0.1');
  return spawnLeashed(command, { env, stdio: 'ignore' }).on('error', () => {}); // Erlang then starts one
}

/** @param {number | undefined} pid */
const terminate = (pid) => signalVm(pid, 'SIGTERM');

/**
 * `unshare` ignores SIGTERM; its only child, the namespace's init, is the Erlang VM, which stops in order.
 * @param {number | undefined} pid
 * @param {NodeJS.Signals} name
 */
function signalVm(pid, name) {
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
    process.kill(target, name);
  } catch {
    // It has ended meanwhile.
  }
}

/**
 * @param {Ports} ports
 * @param {{ amqpUrl: string, managementUrl: string }} urls
 * @param {() => boolean} hasEnded
 * @param {number} [ms]
 */
export async function untilAnswering(ports, urls, hasEnded, ms = 90_000) {
  const until = Date.now() + ms;
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
