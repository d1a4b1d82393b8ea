/**
 * `npm run bench`: how much of a bare server's and a bare reader's speed is left when everything that
 * wattstream promises is done. Both sides of a ratio run in the same minute on the same machine, in turns, so
 * that a noisy neighbour slows both.
 *
 *   answered   CALLs/s answered by ingest (validated, published, confirmed), beside a bare `ws` server
 *              that parses and answers the same frames
 *   processed  frames/s from the log into ClickHouse, beside a bare reader of the same log
 *
 * And, since it is what a door is for, a reconnect storm: how long until all who were cut off at once are back.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { createClickHouse } from '../analytics/clickhouse.js';
import { readSettings, streamAddress } from '../platform/config.js';
import { type StormReport, standBy } from '../simulator/storm.js';
import { createRabbitInspector } from '../streams/rabbitmq/inspector.js';
import { measureEvents } from './events.js';
import { FOLD_SHAPES, measureFold } from './fold.js';
import { type LoginsRound, measureLogins } from './logins.js';
import type { NotifiedOptions, NotifiedRound } from './notified-process.js';
import { measureRegistry, type RegistryRound } from './registry.js';
import { type LoadRound, median, type ReadRound, reportText, type StormRound } from './report.js';

const options = new Command('bench')
  .description('Answered CALLs/s and processed frames/s, as ratios to bare baselines of the same run.')
  .option('--connections <n>', 'chargers at once', Number, 200)
  .option('--seconds <n>', 'measured seconds per round', Number, 6)
  .option('--rounds <n>', 'rounds; the median counts', Number, 3)
  .option('--storm <n>', 'chargers that lose their connections at once; 0 = no storm', Number, 5_000)
  .option('--events <n>', 'also read so many events into their table', Number, 0)
  .option('--logins <n>', 'only this: how soon logins are known after a start, out of n events', Number)
  .option('--registry <n>', 'only this: how soon a registry of n entities is known after a start', Number)
  .option('--notifications <rate>', 'only this: from frame to browser at so many frames/s', Number)
  .option(
    '--reading-of <n>',
    'with --notifications: one frame of n is a reading, the others Heartbeats',
    Number,
    1,
  )
  .option('--fold', 'only this: frames/s of the fold, with and without announcing')
  .option('--json <file>', 'also write the figures to a file')
  .parse()
  .opts<{
    connections: number;
    seconds: number;
    rounds: number;
    storm: number;
    events: number;
    logins?: number;
    registry?: number;
    notifications?: number;
    readingOf: number;
    fold?: boolean;
    json?: string;
  }>();

const env = {
  ...process.env,
  WATTSTREAM_PREFIX: `bench-${randomBytes(4).toString('hex')}.`,
  CLICKHOUSE_DATABASE: `bench_${randomBytes(4).toString('hex')}`,
  WATTSTREAM_ACCEPT_UNKNOWN: 'true',
  WATTSTREAM_LOG_LEVEL: 'error',
  WATTSTREAM_INGEST_HOST: '127.0.0.1',
  // The load is one address with every charger on it, each faster than any real one.
  WATTSTREAM_MESSAGES_PER_SECOND: '1000000',
  WATTSTREAM_CONNECTIONS_PER_ADDRESS: '1000000',
};
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const children = new Set<ChildProcess>();
const say = (text: string) => process.stdout.write(`${text}\n`);

function run(script: string, more: Record<string, string>, args: string[] = []): ChildProcess {
  const child = spawn(process.execPath, [here(script), ...args], {
    env: { ...env, ...more },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

const message = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as T));
    child.once('exit', (code) => reject(new Error(`a process of the benchmark ended with ${code}`)));
  });

const stopped = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });

/** The load runs in a process of its own, as chargers do. */
async function load(url: string, prefix: string): Promise<LoadRound> {
  const child = run('load-process.js', {}, [
    JSON.stringify({ url, prefix, connections: options.connections, seconds: options.seconds }),
  ]);
  const report = await message<LoadRound>(child);
  await stopped(child);
  return report;
}

async function measureAnswers(): Promise<{ bare: LoadRound[]; ingest: LoadRound[] }> {
  const server = run('bare-server.js', {});
  const bareUrl = `ws://127.0.0.1:${(await message<{ port: number }>(server)).port}/ocpp`;
  const [port, ops] = [await freePort(), await freePort()];
  const role = run('../ingest/main.js', {
    WATTSTREAM_INGEST_PORT: String(port),
    WATTSTREAM_OPS_PORT: String(ops),
  });
  await ready(ops, role);
  const rounds = { bare: [] as LoadRound[], ingest: [] as LoadRound[] };
  for (let round = 1; round <= options.rounds; round++) {
    rounds.bare.push(await load(bareUrl, `B${round}-`));
    rounds.ingest.push(await load(`ws://127.0.0.1:${port}/ocpp`, `I${round}-`));
    const [bare, ingest] = [rounds.bare.at(-1) as LoadRound, rounds.ingest.at(-1) as LoadRound];
    say(
      `  round ${round}: bare ${Math.round(bare.answeredPerSecond)}/s, ingest ${Math.round(ingest.answeredPerSecond)}/s, ` +
        `ratio ${(ingest.answeredPerSecond / bare.answeredPerSecond).toFixed(2)}`,
    );
  }
  await Promise.all([stopped(server), stopped(role)]);
  return rounds;
}

/** Ingest as it is, its door included; nothing to compare it with: a bare server has no door. */
async function measureStorm(): Promise<StormRound> {
  const [port, ops] = [await freePort(), await freePort()];
  const role = run('../ingest/main.js', {
    WATTSTREAM_INGEST_PORT: String(port),
    WATTSTREAM_OPS_PORT: String(ops),
  });
  await ready(ops, role);
  const url = `ws://127.0.0.1:${port}/ocpp`;
  const bystander = await standBy(url, 'BYSTANDER');
  const child = run('storm-process.js', {}, [JSON.stringify({ url, connections: options.storm })]);
  await message<'cut'>(child);
  bystander.begin();
  const report = await message<StormReport>(child);
  const bystanderMs = bystander.end();
  await Promise.all([stopped(child), stopped(role)]);
  return { ...report, bystanderMs };
}

async function measureProcessing(): Promise<{ records: number; bare: ReadRound[]; analytics: ReadRound[] }> {
  const settings = readSettings(env);
  const inspector = createRabbitInspector({
    address: streamAddress(settings),
    prefix: settings.WATTSTREAM_PREFIX,
    partitions: settings.WATTSTREAM_PARTITIONS,
  });
  const bounds = await inspector.bounds();
  await inspector.close();
  const records = bounds.reduce((sum, { last }) => sum + (last === undefined ? 0 : last + 1), 0);
  say(`  ${records} records in the log`);
  const rounds = { records, bare: [] as ReadRound[], analytics: [] as ReadRound[] };
  for (let round = 1; round <= Math.min(2, options.rounds); round++) {
    rounds.bare.push(await readBare(records));
    rounds.analytics.push(await readIntoTables(records, round));
    const [bare, analytics] = [rounds.bare.at(-1) as ReadRound, rounds.analytics.at(-1) as ReadRound];
    say(
      `  round ${round}: bare ${Math.round(bare.perSecond)}/s, analytics ${Math.round(analytics.perSecond)}/s, ` +
        `ratio ${(analytics.perSecond / bare.perSecond).toFixed(2)}`,
    );
  }
  return rounds;
}

/** One ingest, one analytics, one api, as `npm start` has them; chargers and a browser beside them. */
async function measureNotifications(rate: number): Promise<void> {
  const [port, api, ...ops] = await Promise.all(Array.from({ length: 4 }, freePort));
  const roles = [
    run('../ingest/main.js', { WATTSTREAM_INGEST_PORT: String(port), WATTSTREAM_OPS_PORT: String(ops[0]) }),
    run('../analytics/main.js', { WATTSTREAM_OPS_PORT: String(ops[1]) }),
    run('../api/main.js', { WATTSTREAM_API_PORT: String(api), WATTSTREAM_AUTH: 'off' }),
  ];
  for (const [index, at] of [...ops, api].entries()) await ready(at as number, roles[index] as ChildProcess);
  for (let round = 1; round <= options.rounds; round++) {
    const told: NotifiedOptions = {
      url: `ws://127.0.0.1:${port}/ocpp`,
      api: `http://127.0.0.1:${api}`,
      rate,
      everyMs: 2_000,
      readingOf: options.readingOf,
      warmupSeconds: 3,
      seconds: options.seconds,
    };
    const before = cpus();
    const used = roles.map(processorMs);
    const child = run('notified-process.js', {}, [JSON.stringify(told)]);
    const { sent, told: heard, answerMs, notifiedMs } = await message<NotifiedRound>(child);
    await stopped(child);
    // Those of the warm-up were paid for too.
    const all = (sent * options.readingOf * (told.seconds + told.warmupSeconds)) / told.seconds;
    const shown = ({ p50, p90, p99, max }: NotifiedRound['answerMs']) =>
      `p50 ${p50.toFixed(1)} p90 ${p90.toFixed(1)} p99 ${p99.toFixed(1)} max ${max.toFixed(1)} ms`;
    say(
      `  round ${round}: ${Math.round((sent * options.readingOf) / options.seconds)} frames/s, ${heard} of ${sent} readings told of; ` +
        `answered ${shown(answerMs)}; in the browser ${shown(notifiedMs)}; ` +
        `processor per frame: ${['ingest', 'analytics', 'api'].map((name, index) => `${name} ${((processorMs(roles[index] as ChildProcess) - (used[index] as number)) / all).toFixed(2)}`).join(', ')} ms; ` +
        `machine ${busy(before, cpus())} % busy, load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
  await Promise.all(roles.map(stopped));
  const database = createClickHouse(readSettings(env), { database: false });
  await database.command({ query: `DROP DATABASE IF EXISTS ${env.CLICKHOUSE_DATABASE}` });
  await database.close();
}

/** Processor time of a process so far (Linux; its clock ticks a hundred times a second); 0 elsewhere. */
function processorMs({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

/** Share of all cores' time between two looks. */
function busy(before: ReturnType<typeof cpus>, after: ReturnType<typeof cpus>): number {
  const sum = (of: ReturnType<typeof cpus>, what: (times: (typeof of)[number]['times']) => number) =>
    of.reduce((total, { times }) => total + what(times), 0);
  const all = (times: { user: number; nice: number; sys: number; irq: number; idle: number }) =>
    times.user + times.nice + times.sys + times.irq + times.idle;
  const idle = sum(after, (times) => times.idle) - sum(before, (times) => times.idle);
  return Math.round(100 * (1 - idle / (sum(after, all) - sum(before, all))));
}

/** From the first record that was read until the last. */
async function readBare(records: number): Promise<ReadRound> {
  const child = run('bare-reader.js', {});
  let began = 0;
  const seconds = await new Promise<number>((resolve) => {
    child.on('message', (said: { records: number }) => {
      if (began === 0 && said.records > 0) began = performance.now();
      if (said.records >= records) resolve((performance.now() - began) / 1_000);
    });
  });
  await stopped(child);
  return { perSecond: records / Math.max(seconds, 0.001), seconds };
}

/** From the first record in the archive until the last one. */
async function readIntoTables(records: number, generation: number): Promise<ReadRound> {
  const ops = await freePort();
  const role = run('../analytics/main.js', {
    WATTSTREAM_GENERATION: String(generation),
    WATTSTREAM_OPS_PORT: String(ops),
  });
  let began = 0;
  for (;;) {
    const stored = await metric(ops, 'wattstream_records_total');
    if (began === 0 && stored > 0) began = performance.now();
    if (stored >= records) break;
    if (role.exitCode !== null) throw new Error('analytics ended before it was level with the log');
    await sleep(25);
  }
  const seconds = (performance.now() - began) / 1_000;
  await stopped(role);
  return { perSecond: records / Math.max(seconds, 0.001), seconds };
}

async function metric(ops: number, name: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${ops}/metrics`).catch(() => undefined);
  const line = (await answer?.text())?.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? 0);
}

async function ready(ops: number, role: ChildProcess): Promise<void> {
  while (!(await fetch(`http://127.0.0.1:${ops}/health/ready`).catch(() => undefined))?.ok) {
    if (role.exitCode !== null) throw new Error('ingest ended at its start');
    await sleep(50);
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

process.once('SIGTERM', () => process.exit(143));
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

if (options.fold) {
  for (const [what, shape] of Object.entries(FOLD_SHAPES)) {
    const [silent, announcing] = [false, true].map((on) => measureFold(on, shape).perSecond) as [
      number,
      number,
    ];
    say(`${what}: ${Math.round(silent)} frames/s, announcing ${Math.round(announcing)} (processor time)`);
  }
  process.exit(0);
}
if (options.notifications !== undefined) {
  await measureNotifications(options.notifications);
  process.exit(0);
}
if (options.registry !== undefined) {
  await measureRegistry({
    env,
    entities: options.registry,
    rounds: options.rounds,
    say,
    async round() {
      const child = run('registry-process.js', {});
      const round = await message<RegistryRound>(child);
      await stopped(child);
      return round;
    },
  });
  process.exit(0);
}
if (options.logins !== undefined) {
  await measureLogins({
    env,
    events: options.logins,
    rounds: options.rounds,
    say,
    async round() {
      const child = run('logins-process.js', {});
      const round = await message<LoginsRound>(child);
      await stopped(child);
      return round;
    },
  });
  process.exit(0);
}

say(`answered CALLs: ${options.connections} chargers, ${options.rounds} rounds of ${options.seconds} s each`);
const answers = await measureAnswers();
say('processed frames: the log that these rounds left');
const processing = await measureProcessing();
if (options.storm > 0) say(`reconnect storm: ${options.storm} chargers`);
const storm = options.storm > 0 ? await measureStorm() : undefined;
if (options.events > 0) say(`events: ${options.events} read out of charging.events.log`);
const opsPort = await freePort();
const eventsRead =
  options.events === 0
    ? undefined
    : await measureEvents({
        env,
        events: options.events,
        opsPort,
        start: () => run('../analytics/main.js', { WATTSTREAM_OPS_PORT: String(opsPort) }),
        say,
      });
const admin = createClickHouse(readSettings(env), { database: false });
await admin.command({ query: `DROP DATABASE IF EXISTS ${env.CLICKHOUSE_DATABASE}` });
await admin.close();

const report = {
  answered: {
    barePerSecond: median(answers.bare.map((round) => round.answeredPerSecond)),
    ingestPerSecond: median(answers.ingest.map((round) => round.answeredPerSecond)),
    ingestLatencyMs: answers.ingest.at(-1)?.latencyMs,
    callErrors: answers.ingest.reduce((sum, round) => sum + round.callErrors, 0),
  },
  processed: {
    records: processing.records,
    barePerSecond: median(processing.bare.map((round) => round.perSecond)),
    analyticsPerSecond: median(processing.analytics.map((round) => round.perSecond)),
  },
  storm,
  ...(eventsRead === undefined ? {} : { events: eventsRead }),
};
say(reportText(report));
if (eventsRead !== undefined) {
  const { perSecond, peakMiB, asked } = eventsRead;
  say(`events     ${Math.round(perSecond)}/s into the table, at most ${Math.round(peakMiB)} MiB`);
  for (const [what, ms] of Object.entries(asked)) say(`  ${what}: ${Math.round(ms)} ms`);
}
if (options.json !== undefined) {
  mkdirSync(join(options.json, '..'), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
}
process.exit(0);
