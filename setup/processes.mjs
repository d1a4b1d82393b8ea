import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {import('node:child_process').ChildProcess} ChildProcess
 * @typedef {{ code: number, stdout: string, stderr: string }} Finished
 */

/** @type {string[] | undefined} */
let leash;

/**
 * The command that runs another so that it dies with this process, even when this one is killed with -9:
 * PR_SET_PDEATHSIG (prctl(2)) survives execve, so `setpriv` of util-linux is all it takes. Empty where the
 * kernel or the tool has no such thing (macOS, busybox); an ordinary stop still stops everything there.
 * @returns {string[]}
 */
export function leashPrefix() {
  leash ??=
    spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0
      ? ['setpriv', '--pdeathsig', 'KILL']
      : [];
  return leash;
}

/**
 * Starts a program on the leash, in a session of its own: Ctrl-C in the terminal reaches us alone, and we
 * decide what stops in which order.
 * @param {readonly string[]} command program and arguments
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {ChildProcess}
 */
export function spawnLeashed(command, options = {}) {
  const [program, ...args] = [...leashPrefix(), ...command];
  return spawn(/** @type {string} */ (program), args, { detached: true, ...options });
}

/**
 * Runs a program to its end. Never rejects: a program that cannot be started ends with code 127.
 * @param {readonly string[]} command
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, input?: string, signal?: AbortSignal }} [options]
 * @returns {Promise<Finished>}
 */
export function run([program, ...args], { timeoutMs, input, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(/** @type {string} */ (program), args, {
      ...options,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.stdin?.end(input);
    child.once('error', (error) => resolve({ code: 127, stdout, stderr: stderr + error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/**
 * Resolves to whether the process has ended in time.
 * @param {ChildProcess} child
 * @param {number} ms
 */
export async function endsWithin(child, ms) {
  const until = Date.now() + ms;
  while (child.exitCode === null && child.signalCode === null) {
    if (Date.now() > until) return false;
    await sleep(20);
  }
  return true;
}

/**
 * SIGTERM, a deadline, SIGKILL.
 * @param {ChildProcess} child
 * @param {{ ms: number, terminate?: () => void }} options `terminate` replaces the SIGTERM to the child itself
 */
export async function stopProcess(child, { ms, terminate = () => child.kill('SIGTERM') }) {
  if (child.pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) terminate();
  if (await endsWithin(child, ms)) return;
  child.kill('SIGKILL');
  await endsWithin(child, 5_000);
}

/**
 * Calls `stop` for the first signal that asks this process to end, and `kill` for a second one. One Ctrl-C
 * under npm arrives twice (from the terminal and again from npm), so signals within 500 ms count as one.
 * @param {{ stop: (signal: NodeJS.Signals) => void, kill: (signal: NodeJS.Signals) => void }} on
 */
export function onStopSignals({ stop, kill }) {
  let first = 0;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      const now = performance.now();
      if (first === 0) {
        first = now;
        stop(signal);
      } else if (now - first > 500) kill(signal);
    });
  }
  // npm killed with -9 passes nothing on; being handed to another parent is how that shows.
  if (process.env.npm_lifecycle_event !== undefined) {
    const before = ancestors();
    setInterval(() => {
      if (first === 0 && ancestors() !== before) {
        first = performance.now();
        stop('SIGTERM');
      }
    }, 1_000).unref();
  }
}

/** Our parent, and npm behind it where npm's `sh -c` did not become us but waits for us. */
function ancestors() {
  const parent = process.ppid;
  try {
    const stat = readFileSync(`/proc/${parent}/stat`, 'latin1');
    const [, name, rest] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? [];
    return /^(sh|dash|bash|ash)$/.test(name ?? '') ? `${parent} ${rest}` : `${parent}`;
  } catch {
    return `${parent}`;
  }
}
