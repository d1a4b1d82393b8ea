/** `npm test [-- jest arguments]`: everything the tests need, the checks, the tests, and nothing left behind. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DATA, FOLDER } from './folders.mjs';
import { closing } from './outcome.mjs';
import { prepare } from './prepare.mjs';
import { leashPrefix, onStopSignals, run } from './processes.mjs';
import { command, createSay, Problem, tellError } from './say.mjs';
import { startServices } from './services.mjs';

const CHECKS = /** @type {const} */ (['types', 'lint', 'boundaries']);

const say = createSay();
const interrupted = new AbortController();
onStopSignals({
  stop: () => interrupted.abort(),
  kill: () => process.exit(130), // everything is on the leash
});

command(async () => {
  let end;
  try {
    end = await runAll(process.argv.slice(2));
  } catch (error) {
    // Whoever reads only the last line must see this too.
    if (!interrupted.signal.aborted) tellError(error);
    end = closing({ results: undefined, jestCode: 1, failedChecks: 0 });
  }
  if (interrupted.signal.aborted) return 130;
  say.line('');
  say.line(end.line);
  return end.code;
});

/** @param {readonly string[]} jestArguments */
async function runAll(jestArguments) {
  await prepare({ folder: FOLDER, dataDir: DATA, say });
  const starting = startServices({ purpose: 'test', share: true, say });
  starting.catch(() => {});
  // Somebody who names tests wants those tests, now.
  const failedChecks = jestArguments.length > 0 ? [] : await runChecks();
  const services = await starting;
  try {
    interrupted.signal.throwIfAborted();
    const { code, results } = await runJest(jestArguments, services.env, interrupted.signal);
    for (const check of failedChecks) say.line(`✘ ${check} failed (see above, or npm run ${check})`);
    return closing({ results, jestCode: code, failedChecks: failedChecks.length });
  } finally {
    await services.stop();
  }
}

async function runChecks() {
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  /** @type {string[]} */
  const failed = [];
  for (const check of CHECKS) {
    if (interrupted.signal.aborted) break;
    await say
      .step(check, async () => {
        const done = await run([...npm, 'run', '--silent', check], { cwd: FOLDER });
        if (done.code !== 0) throw new Problem(`${done.stdout}${done.stderr}`.trim());
      })
      .catch((error) => {
        failed.push(check);
        say.line(error.message);
      });
  }
  return failed;
}

/**
 * @param {readonly string[]} extra
 * @param {Record<string, string>} env
 * @param {AbortSignal} signal
 * @returns {Promise<{ code: number, results: import('./outcome.mjs').JestResults | undefined }>}
 */
async function runJest(extra, env, signal) {
  const output = join(DATA, `jest-${process.pid}.json`);
  const ci = process.env.CI && process.env.CI !== 'false' ? ['--ci'] : [];
  const [program, ...args] = [
    ...leashPrefix(),
    ...[process.execPath, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    ...[join('node_modules', 'jest', 'bin', 'jest.js'), '--json', `--outputFile=${output}`, ...ci, ...extra],
  ];
  // In our process group, unlike the services: `--watch` needs the terminal.
  const jest = spawn(/** @type {string} */ (program), args, {
    cwd: FOLDER,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  const onAbort = () => jest.kill('SIGTERM');
  signal.addEventListener('abort', onAbort);
  const code = await new Promise((resolve) => {
    jest.once('error', () => resolve(1));
    jest.once('close', (exit) => resolve(exit ?? 1));
  });
  signal.removeEventListener('abort', onAbort);
  let results;
  try {
    results = JSON.parse(readFileSync(output, 'utf8'));
  } catch {
    // It died: `closing` makes a failure of that.
  }
  rmSync(output, { force: true });
  return { code, results };
}
