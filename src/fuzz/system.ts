/** What is under test: a real ingest and a real analytics, on a broker and a ClickHouse that are given. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ClickHouseClient, createClickHouse } from '../analytics/clickhouse.js';
import { freePorts } from '../chaos/system/free-ports.js';
import { readSettings, streamAddress } from '../platform/config.js';
import type { LogInspector } from '../streams/ports.js';
import { createRabbitInspector } from '../streams/rabbitmq/inspector.js';
import type { Weight } from './ingest-process.js';

const LIMIT_MS = 60_000;
const ERROR = 50;
/** Told while it is closed; more than this is noise. */
const MOST_LINES = 20;

export interface Role {
  readonly name: string;
  readonly opsPort: number;
  readonly process: ChildProcess;
}

export interface System {
  readonly port: number;
  readonly partitions: number;
  readonly inspector: LogInspector;
  readonly database: ClickHouseClient;
  /** What went wrong by itself: a process that ended, a line of level error. */
  troubles(): string[];
  weigh(): Promise<Weight>;
  ingestMetric(name: string): Promise<number>;
  analyticsMetric(name: string): Promise<number>;
  /** Why analytics is not ready; undefined when it is. */
  analyticsTrouble(): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface SystemOptions {
  /** Of the process that is fuzzed. Default: ingest as it is built, able to collect garbage when asked. */
  readonly ingestProgram?: string;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export async function startSystem({ ingestProgram }: SystemOptions = {}): Promise<System> {
  const name = randomBytes(4).toString('hex');
  const [port = 0, ingestOps = 0, analyticsOps = 0] = await freePorts(3);
  const own = {
    WATTSTREAM_PREFIX: `${process.env.WATTSTREAM_PREFIX ?? ''}fuzz-${name}.`,
    CLICKHOUSE_DATABASE: `fuzz_${name}`,
    WATTSTREAM_PARTITIONS: '4',
    WATTSTREAM_ACCEPT_UNKNOWN: 'true',
    WATTSTREAM_LOG_LEVEL: 'warn',
    WATTSTREAM_INGEST_HOST: '127.0.0.1',
    WATTSTREAM_INGEST_PORT: String(port),
    // All of it is one address, faster than any charger, and some of it never ends its sentence.
    WATTSTREAM_MESSAGES_PER_SECOND: '1000000',
    WATTSTREAM_HANDSHAKE_MS: '1000',
    // A machine that stands still for some seconds is no finding.
    WATTSTREAM_STALL_MS: '60000',
    WATTSTREAM_UNDECODABLE_RATIO: '1',
    WATTSTREAM_CHECKPOINT_MS: '1000',
  };
  const env = { ...process.env, ...own };
  const troubles: string[] = [];
  const roles: Role[] = [];
  let closing = false;

  const run = (role: string, opsPort: number, flags: string[], script: string): Role => {
    const child = spawn(process.execPath, ['--enable-source-maps', ...flags, script], {
      env: { ...env, WATTSTREAM_OPS_PORT: String(opsPort) },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (!closing && levelOf(line) >= ERROR && troubles.length < MOST_LINES)
        troubles.push(`${role} said: ${line}`);
    });
    child.once('exit', (code, signal) => {
      if (!closing) troubles.push(`${role} ended with ${code ?? signal}`);
    });
    const started = { name: role, opsPort, process: child };
    roles.push(started);
    return started;
  };

  const ingest = run('ingest', ingestOps, ['--expose-gc'], ingestProgram ?? here('ingest-process.js'));
  const analytics = run('analytics', analyticsOps, [], here('analytics-process.js'));
  const settings = readSettings(env);
  const database = createClickHouse(settings);
  const inspector = createRabbitInspector({
    address: streamAddress(settings),
    prefix: settings.WATTSTREAM_PREFIX,
    partitions: settings.WATTSTREAM_PARTITIONS,
    timeoutMs: LIMIT_MS,
  });
  const system: System = {
    port,
    partitions: settings.WATTSTREAM_PARTITIONS,
    inspector,
    database,
    troubles: () => [...troubles],
    weigh: () =>
      new Promise((resolve, reject) => {
        ingest.process.once('message', (weight) => resolve(weight as Weight));
        ingest.process.once('exit', () => reject(new Error('ingest has ended')));
        ingest.process.send('weigh', (error) => error && reject(error));
      }),
    ingestMetric: (metric) => metricOf(ingestOps, metric),
    analyticsMetric: (metric) => metricOf(analyticsOps, metric),
    async analyticsTrouble() {
      const answer = await fetch(`http://127.0.0.1:${analyticsOps}/health/ready`);
      return answer.ok ? undefined : ((await answer.json()) as { reason: string }).reason;
    },
    async close() {
      closing = true;
      await Promise.all(roles.map(stop));
      await inspector.close();
      await database.command({ query: `DROP DATABASE IF EXISTS ${own.CLICKHOUSE_DATABASE}` }).catch(() => {});
      await database.close();
    },
  };
  try {
    await Promise.all([ingest, analytics].map(ready));
  } catch (error) {
    await system.close();
    throw error;
  }
  return system;
}

function levelOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { level?: unknown }).level ?? 0);
  } catch {
    return ERROR; // What is no line of the log was said in despair.
  }
}

async function ready({ name, opsPort, process: child }: Role): Promise<void> {
  for (const deadline = performance.now() + LIMIT_MS; ; await sleep(50)) {
    const answer = await fetch(`http://127.0.0.1:${opsPort}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (child.exitCode !== null) throw new Error(`${name} ended at its start`);
    if (performance.now() > deadline) throw new Error(`${name} is not ready: ${await answer?.text()}`);
  }
}

async function metricOf(opsPort: number, metric: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${opsPort}/metrics`);
  const line = (await answer.text()).split('\n').find((one) => one.startsWith(`${metric} `));
  return Number(line?.split(' ')[1] ?? Number.NaN);
}

const stop = ({ process: child }: Role): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    child.once('exit', () => {
      clearTimeout(late);
      resolve();
    });
    child.kill('SIGTERM');
  });
