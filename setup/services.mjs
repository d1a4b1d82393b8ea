import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inVhost, managementOf } from './broker/management.mjs';
import { provideBroker } from './broker.mjs';
import { DATA, FOLDER, RUNS } from './folders.mjs';
import { born } from './lock.mjs';
import { freePorts } from './ports.mjs';
import { spawnLeashed, stopProcess } from './processes.mjs';
import { Problem } from './say.mjs';

/**
 * @typedef {object} Services
 * @property {Record<string, string>} env RABBITMQ_URL, RABBITMQ_STREAM_URL, RABBITMQ_MANAGEMENT_URL (if there is
 *   one), CLICKHOUSE_URL, all ready to be used
 * @property {() => Promise<void>} stop
 */

/**
 * A broker's virtual host and an empty ClickHouse for one run of tests or benchmarks, all thrown away
 * afterwards.
 * @param {object} options
 * @param {'test' | 'bench' | 'fuzz'} options.purpose
 * @param {boolean} options.share whether the broker of a running `npm start` will do
 * @param {import('./say.mjs').Say} options.say
 * @returns {Promise<Services>}
 */
export async function startServices({ purpose, share, say }) {
  sweepRuns();
  const run = join(RUNS, `${purpose}-${process.pid}`);
  mkdirSync(run, { recursive: true });
  /** @type {(() => Promise<unknown>)[]} */
  const stops = [async () => rmSync(run, { recursive: true, force: true })];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one().catch((error) => say.warn(error.message));
  };
  try {
    // Each is registered to be stopped as soon as it exists, whatever becomes of the other.
    const outcomes = await Promise.allSettled([
      startBroker({ run, share, say, stops }),
      startClickHouse({ run, purpose, say, stops }),
    ]);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    const env = Object.assign({}, ...outcomes.map((outcome) => ('value' in outcome ? outcome.value : {})));
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {{ run: string, share: boolean, say: import('./say.mjs').Say, stops: (() => Promise<unknown>)[] }} options
 * @returns {Promise<Record<string, string>>}
 */
async function startBroker({ run, share, say, stops }) {
  const broker = await provideBroker({
    dataDir: join(run, 'rabbitmq'),
    shareWith: share ? join(DATA, 'rabbitmq') : undefined,
    folder: FOLDER,
    say,
  });
  stops.push(broker.stop);
  await say.step(`broker (${broker.how})`, () => broker.ready);

  const vhost = `wattstream-${Math.random().toString(36).slice(2, 10)}`;
  const { amqpUrl, streamUrl, managementUrl } = broker;
  const management = managementUrl && managementOf({ managementUrl, amqpUrl });
  const version = management && (await management.version().catch(() => undefined));
  if (!management || !version) {
    // A given broker may keep its management to itself: names of our own do nearly as well.
    say.line(
      `  no management API at ${managementUrl}: using names that begin with ${vhost} instead of a virtual host`,
    );
    return { RABBITMQ_URL: amqpUrl, RABBITMQ_STREAM_URL: streamUrl, WATTSTREAM_PREFIX: `${vhost}.` };
  }
  await management.createVhost(vhost);
  stops.push(() => management.deleteVhost(vhost));
  return {
    RABBITMQ_URL: inVhost(amqpUrl, vhost),
    RABBITMQ_STREAM_URL: inVhost(streamUrl, vhost),
    RABBITMQ_MANAGEMENT_URL: /** @type {string} */ (managementUrl),
  };
}

/**
 * @param {{ run: string, purpose: string, say: import('./say.mjs').Say, stops: (() => Promise<unknown>)[] }} options
 * @returns {Promise<Record<string, string>>}
 */
async function startClickHouse({ run, purpose, say, stops }) {
  if (process.env.CLICKHOUSE_URL) return { CLICKHOUSE_URL: process.env.CLICKHOUSE_URL };
  const script = join(FOLDER, 'dist', 'analytics', 'engine', 'main.js');
  if (!existsSync(script)) {
    throw new Problem(`${script} does not exist.`, 'Run "npm run build", or set CLICKHOUSE_URL.');
  }
  return say.step('ClickHouse (embedded)', async () => {
    const [port] = await freePorts([undefined]);
    const logs = join(DATA, 'logs');
    mkdirSync(logs, { recursive: true });
    const log = join(logs, `${purpose}-clickhouse.log`);
    const out = openSync(log, 'w');
    const child = spawnLeashed([process.execPath, '--enable-source-maps', script], {
      env: {
        ...process.env,
        CLICKHOUSE_PORT: String(port),
        CLICKHOUSE_HOST: '127.0.0.1',
        WATTSTREAM_DATA: run,
      },
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    stops.push(() => stopProcess(child, { ms: 15_000 }));
    const url = `http://127.0.0.1:${port}`;
    for (const until = Date.now() + 60_000; ; ) {
      const answer = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(1_000) }).catch(
        () => undefined,
      );
      if (answer?.ok && (await answer.text()).startsWith('Ok.')) return { CLICKHOUSE_URL: url };
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) {
        const words = readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n  ');
        throw new Problem(
          `The embedded ClickHouse did not come up:\n  ${words}`,
          `See ${log}, or set CLICKHOUSE_URL.`,
        );
      }
      await sleep(50);
    }
  });
}

/** Folders of runs that were killed. */
function sweepRuns() {
  for (const name of existsSync(RUNS) ? readdirSync(RUNS) : []) {
    if (born(pidOf(name)) === undefined) rmSync(join(RUNS, name), { recursive: true, force: true });
  }
}

/** @param {string} name */
const pidOf = (name) => Number(name.slice(name.lastIndexOf('-') + 1));

/** Processes of tests and benchmarks that are running now. */
export const livingRuns = () =>
  (existsSync(RUNS) ? readdirSync(RUNS) : []).map(pidOf).filter((pid) => born(pid) !== undefined);
