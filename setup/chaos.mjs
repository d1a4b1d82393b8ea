/** `npm run chaos [-- options]`: a broker that may be killed, then dist/chaos/run.js against it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CHAOS_HELP, chaosArguments } from './arguments.mjs';
import { startCluster } from './broker/cluster.mjs';
import { privateProgram } from './broker/program.mjs';
import { DATA, FOLDER } from './folders.mjs';
import { born } from './lock.mjs';
import { prepare } from './prepare.mjs';
import { onStopSignals } from './processes.mjs';
import { command, createSay, Problem } from './say.mjs';

/** A folder per run, named by its process. */
const RUNS = join(DATA, 'chaos');

command(async () => {
  const wanted = chaosArguments(process.argv.slice(2));
  if (wanted.help) {
    console.log(CHAOS_HELP);
    return 0;
  }
  const say = createSay();
  const stopping = new AbortController();
  onStopSignals({
    stop() {
      say.line('stopping: what is broken is mended, and the report is written (again to end at once)');
      stopping.abort();
    },
    kill: () => process.exit(130), // everything is on the leash
  });
  await prepare({ folder: FOLDER, dataDir: DATA, say });
  const { FAULTS, faultNamed } = await built('faults/index.js');
  if (wanted.only?.includes('help')) {
    for (const { name, about } of FAULTS) say.line(`${name.padEnd(18)} ${about}`);
    return 0;
  }
  const only = wanted.only?.map((name) => known(() => faultNamed(name)));
  const program = await privateProgram({ say });
  if (!program) {
    throw new Problem(
      'No RabbitMQ can be found or made here whose nodes may be killed.',
      'Install rabbitmq-server >= 3.13, or run this as root on Debian or Ubuntu.',
    );
  }
  sweep();
  const folder = join(RUNS, String(process.pid));
  mkdirSync(folder, { recursive: true });
  say.line(`seed ${wanted.seed}`);
  const size = wanted.cluster ? 3 : 1;
  const broker = await say.step(`broker (${size} node${size > 1 ? 's' : ''})`, () =>
    startCluster({ dataDir: join(folder, 'rabbitmq'), program, size }),
  );
  try {
    const { run } = await built('run.js');
    const { verdictOf, writeReport } = await built('report.js');
    const outcome = await run({
      broker,
      brokerVersion: await broker.management().version(),
      seed: wanted.seed,
      minutes: wanted.minutes,
      faults: wanted.faults,
      chargers: wanted.chargers,
      ...(only ? { only } : {}),
      folder,
      line: say.line,
      signal: stopping.signal,
    });
    const { markdown } = writeReport(resolve(wanted.report), outcome);
    say.line('');
    say.line(`${verdictOf(outcome)} (seed ${wanted.seed}; ${relative(process.cwd(), markdown)})`);
    if (stopping.signal.aborted) return 130;
    return outcome.differences === 0 && outcome.broken === undefined ? 0 : 1;
  } finally {
    await broker.stop({ now: true });
    if (wanted.keep) say.line(`logs and data: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
});

/**
 * @param {string} path in dist/chaos
 * @returns {Promise<any>} known to the compiler as src/chaos, but not before it is built
 */
const built = (path) => import(pathToFileURL(join(FOLDER, 'dist', 'chaos', path)).href);

/**
 * An error that tells a person what to do, as a Problem.
 * @template T
 * @param {() => T} work
 */
function known(work) {
  try {
    return work();
  } catch (error) {
    const { message, remedy } = /** @type {Error & { remedy?: string }} */ (error);
    throw new Problem(message, remedy);
  }
}

/** What runs that were killed have left behind, the file systems of their ClickHouse included. */
function sweep() {
  for (const name of existsSync(RUNS) ? readdirSync(RUNS) : []) {
    if (born(Number(name)) !== undefined) continue;
    const folder = join(RUNS, name);
    spawnSync('umount', ['-l', join(folder, 'data')], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  }
}
