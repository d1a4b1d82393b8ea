import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readSettings, type Settings } from '../../platform/config.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import { Lifecycle } from '../../platform/lifecycle.js';
import { createLogger } from '../../platform/logger.js';
import { Registry } from '../../platform/metrics.js';
import { type EngineFunction, guardLists } from './access/guard.js';
import { Users } from './access/users.js';
import { openEngine } from './chdb/engine.js';
import { Pipes } from './chdb/pipes.js';
import { Executor } from './execute.js';
import { watchDisk } from './full-disk.js';
import { serve } from './http/server.js';
import { Lane } from './lanes.js';
import { engineMetrics } from './metrics.js';
import type { Engine } from './ports.js';
import { Sessions } from './sessions.js';
import { Spool } from './spool.js';
import { endWithStarter, ensureThreads } from './threads.js';

/** The role `clickhouse`: chdb's engine behind the ClickHouse HTTP interface. */

/** Queries that may wait for a place, per lane; beyond it 202 TOO_MANY_SIMULTANEOUS_QUERIES. */
const WAITING = 1_000;
const SESSIONS = 200;
/** Threads beside the queries': files, compression, KILL. */
const SPARE_THREADS = 8;
/** EX_TEMPFAIL of sysexits(3): the supervisor starts this role again. */
const STARTS_ANEW = 75;

async function run(settings: Settings): Promise<void> {
  const log = createLogger('clickhouse', settings.WATTSTREAM_LOG_LEVEL);
  const lifecycle = new Lifecycle(log, settings.WATTSTREAM_DRAIN_MS + 2_000);
  lifecycle.listen();
  endWithStarter(() => void lifecycle.stop().then(() => process.exit(0)));
  try {
    await start(settings, lifecycle, log);
  } catch (error) {
    const fields = error instanceof WattstreamError ? { code: error.code, remedy: error.remedy } : {};
    log.error({ ...fields, error: messageOf(error) }, 'the embedded ClickHouse did not start');
    await lifecycle.stop();
    process.exit(1);
  }
}

async function start(
  settings: Settings,
  lifecycle: Lifecycle,
  log: ReturnType<typeof createLogger>,
): Promise<void> {
  const folder = resolve(settings.WATTSTREAM_DATA, 'clickhouse');
  const engine = lifecycle.hold('engine', await openEngine(folder));
  const startAnew = () => {
    log.warn(
      { code: 'DISK_WAS_FULL', folder },
      'the disk was full; starting anew, so that every part is looked at',
    );
    void lifecycle.stop().then(() => process.exit(STARTS_ANEW));
  };
  lifecycle.hold('disk', watchDisk(folder, startAnew));
  // Only the holder of the data folder gets here, so what lies in these is of processes that are gone.
  const passing = join(folder, 'passing');
  rmSync(passing, { recursive: true, force: true });
  mkdirSync(passing, { recursive: true, mode: 0o700 });
  const pipes = lifecycle.hold('pipes', new Pipes(passing));
  pipes.prepare(settings.WATTSTREAM_CLICKHOUSE_READERS);
  const sessions = lifecycle.hold('sessions', new Sessions(engine, SESSIONS));
  const lanes = {
    readers: new Lane('readers', settings.WATTSTREAM_CLICKHOUSE_READERS, WAITING),
    writers: new Lane('writers', settings.WATTSTREAM_CLICKHOUSE_WRITERS, WAITING),
    analysts: new Lane('analysts', analysts, WAITING),
  };
  const executor = new Executor({
    engine,
    pipes,
    spool: new Spool(passing),
    sessions,
    lanes,
    guard: await readGuardLists(engine),
  });
  const registry = new Registry();
  const front = lifecycle.hold(
    'front',
    await serve({
      host: settings.CLICKHOUSE_HOST,
      port: settings.CLICKHOUSE_PORT,
      door: {
        hosts: list(settings.CLICKHOUSE_ALLOWED_HOSTS),
        origins: list(settings.CLICKHOUSE_ALLOWED_ORIGINS),
      },
      users: new Users({
        passwords: { default: settings.CLICKHOUSE_PASSWORD, analyst: settings.WATTSTREAM_ANALYST_PASSWORD },
        analyst: {
          seconds: settings.WATTSTREAM_ANALYST_SECONDS,
          memoryBytes: settings.WATTSTREAM_ANALYST_MEMORY_BYTES,
          resultRows: settings.WATTSTREAM_ANALYST_RESULT_ROWS,
          resultBytes: settings.WATTSTREAM_ANALYST_RESULT_BYTES,
        },
      }),
      executor,
      version: engine.version,
      timezone: engine.timezone,
      metrics: engineMetrics(registry, Object.values(lanes), () => sessions.size),
      registry,
      log,
      drainMs: settings.WATTSTREAM_DRAIN_MS,
    }),
  );
  log.info({ port: front.port, host: settings.CLICKHOUSE_HOST, folder, version: engine.version }, 'ready');
  if (!/^(127\.|::1$|localhost$)/.test(settings.CLICKHOUSE_HOST) && settings.CLICKHOUSE_PASSWORD === '')
    log.warn(
      { code: 'NO_PASSWORD' },
      'reachable from other machines without a password: set CLICKHOUSE_PASSWORD',
    );
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '');

async function readGuardLists(engine: Engine) {
  const connection = engine.open();
  const rows = async (sql: string) =>
    Buffer.from((await connection.query(sql, 'JSONCompactEachRow')).bytes)
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as [string, string, number, string]);
  try {
    const functions = await rows('SELECT name, categories, is_aggregate, alias_to FROM system.functions');
    const combinators = await rows('SELECT name FROM system.aggregate_function_combinators');
    return guardLists(
      functions.map(
        ([name, categories, aggregate, aliasOf]): EngineFunction => ({
          name,
          categories,
          aggregate: aggregate === 1,
          aliasOf,
        }),
      ),
      combinators.map(([name]) => name),
    );
  } finally {
    connection.close();
  }
}

const config = readSettings();
const analysts = Math.max(1, Math.floor(config.WATTSTREAM_CLICKHOUSE_READERS / 2));
const threads =
  config.WATTSTREAM_CLICKHOUSE_READERS + config.WATTSTREAM_CLICKHOUSE_WRITERS + analysts + SPARE_THREADS;
if (ensureThreads(threads) === 'enough') await run(config);
