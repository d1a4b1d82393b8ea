import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { WattstreamError } from '../platform/errors.js';
import { ensureJwtSecret, writeEndpoints } from './installation.js';
import { untilBrokerAnswers } from './up/broker.js';
import { firstAdmin } from './up/first-admin.js';
import { type ClickHouseAddress, countSessions, firstSession } from './up/first-session.js';
import { takeLock } from './up/lock.js';
import { Role, type Terminal } from './up/role.js';
import { type Installation, planInstallation, STAGES, STOP_ORDER } from './up/roles.js';

export interface UpOptions {
  /** Simulated chargers; 0 = none. Default 20. */
  readonly chargers?: number;
  /** Passed on to the simulator: how much faster than life its sessions run; `max` = no waiting. */
  readonly speed?: number | 'max';
  readonly env?: NodeJS.ProcessEnv;
  readonly terminal?: Terminal;
  /** Instead of the real roles: what to supervise. */
  readonly plan?: (env: NodeJS.ProcessEnv) => Promise<Installation>;
}

const READY_MS = 60_000;
/** One Ctrl-C can arrive twice (from the terminal, and passed on by npm). */
const ONE_CTRL_C_MS = 500;

/**
 * Runs an installation until it is told to end: the embedded ClickHouse (unless CLICKHOUSE_URL is set),
 * ingest, analytics, api and simulated chargers, each a process of its own, restarted when it dies.
 *
 * SIGINT, SIGTERM or SIGHUP stop them in order, then the promise resolves; a second one kills them at once
 * and ends this process with 130. If this process is killed, its roles die with it (up/leash.ts).
 * Throws ALREADY_RUNNING, PORT_TAKEN, BROKER_UNREACHABLE, ROLE_FAILED, NOT_BUILT, CONFIG_INVALID, after
 * stopping what was started.
 */
export async function up(options: UpOptions = {}): Promise<void> {
  const env = options.env ?? process.env;
  const terminal = options.terminal ?? plainTerminal;
  const data = resolve(env.WATTSTREAM_DATA || '.wattstream');
  const began = beginning(env);
  const lock = takeLock(join(data, 'up.lock'));
  const stop = new AbortController();
  const roles = new Map<string, Role>();
  const unlisten = onStopSignals(stop, roles, terminal);
  let forgetEndpoints = (): void => {};
  let admin: Promise<void> | undefined;
  try {
    const plan =
      options.plan ??
      ((from) => planInstallation({ ...chargersOf(options), env: from, jwtSecret: ensureJwtSecret(data) }));
    const installation = await plan(env);
    for (const spec of installation.roles) {
      if (!existsSync(spec.script)) {
        throw new WattstreamError('NOT_BUILT', `${spec.script} does not exist.`, {
          remedy: 'Run "npm run build".',
        });
      }
      roles.set(spec.name, new Role(spec, join(data, 'logs'), terminal));
    }
    for (const remark of installation.remarks) terminal.line(`  ${remark}`);

    // So that `wattstream sessions` beside us finds the ports that were chosen.
    forgetEndpoints = writeEndpoints(data, installation.addresses);
    const clickhouse = clickhouseOf(env, installation);
    // The broker boots in some five seconds; ClickHouse starts meanwhile.
    const broker = timed(terminal, 'broker', stop.signal, () =>
      untilBrokerAnswers(env, READY_MS, stop.signal),
    );
    broker.catch(() => {});
    let before = 0;
    for (const stage of STAGES) {
      const members = stage.map((name) => roles.get(name)).filter((role) => role !== undefined);
      await Promise.all(
        members.map((role) => timed(terminal, role.spec.name, stop.signal, () => role.start(READY_MS))),
      );
      if (stage.includes('clickhouse')) {
        await broker;
        before = await countSessions(clickhouse).catch(() => 0);
      }
      if (stop.signal.aborted) break;
    }

    if (!stop.signal.aborted) {
      tellWhere(terminal, installation, env, data);
      if (installation.makesAdmin) admin = firstAdmin(env, terminal, stop.signal);
      void firstSession(clickhouse, before, stop.signal).then((count) => {
        if (count !== undefined) terminal.line(`✔ first session stored after ${secondsSince(began)}`);
      });
      await aborted(stop.signal);
    }
  } finally {
    stop.abort();
    await admin;
    await stopInOrder(roles, terminal);
    unlisten();
    forgetEndpoints();
    lock.release();
  }
}

const plainTerminal: Terminal = {
  line: (text) => void process.stdout.write(`${text}\n`),
  warn: (text) => void process.stdout.write(`! ${text}\n`),
};

const chargersOf = ({ chargers = 20, speed }: UpOptions) => ({ chargers, speed });

/** `npm start` began before us; it says when (epoch ms), so that the seconds told are those somebody waited. */
function beginning(env: NodeJS.ProcessEnv): number {
  const told = Number(env.WATTSTREAM_BEGAN);
  return Number.isFinite(told) && told > 0 ? told : Date.now();
}

const secondsSince = (began: number): string => `${((Date.now() - began) / 1000).toFixed(1)} s`;

const clickhouseOf = (env: NodeJS.ProcessEnv, { addresses }: Installation): ClickHouseAddress => ({
  url: addresses.clickhouse,
  user: env.CLICKHOUSE_USER || 'default',
  password: env.CLICKHOUSE_PASSWORD ?? '',
  database: env.CLICKHOUSE_DATABASE || 'wattstream',
});

/** Tells when `work` is done. Asked to stop, it ends the waiting; the work ends with its role. */
async function timed(
  terminal: Terminal,
  name: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  const began = Date.now();
  const working = work();
  working.catch(() => {});
  await Promise.race([working, aborted(signal)]);
  if (!signal.aborted) terminal.line(`✔ ${name} ${secondsSince(began)}`);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Registers the handlers, and returns how to take them away again. */
function onStopSignals(stop: AbortController, roles: Map<string, Role>, terminal: Terminal): () => void {
  let first: number | undefined;
  const handle = () => {
    if (first === undefined) {
      first = performance.now();
      terminal.line('\nstopping (again to kill at once)');
      stop.abort();
    } else if (performance.now() - first > ONE_CTRL_C_MS) {
      for (const role of roles.values()) role.kill();
      process.exit(130);
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handle);
  return () => {
    for (const signal of signals) process.off(signal, handle);
  };
}

async function stopInOrder(roles: Map<string, Role>, terminal: Terminal): Promise<void> {
  const known = STOP_ORDER.filter((name) => roles.has(name));
  const others = [...roles.keys()].filter((name) => !STOP_ORDER.includes(name));
  for (const name of [...others, ...known]) {
    const role = roles.get(name);
    if (role === undefined) continue;
    const began = Date.now();
    const ran = role.pid !== undefined;
    await role.stop();
    if (ran) terminal.line(`  ${name} stopped ${secondsSince(began)}`);
  }
}

function tellWhere(
  terminal: Terminal,
  { addresses }: Installation,
  env: NodeJS.ProcessEnv,
  data: string,
): void {
  const management = env.RABBITMQ_MANAGEMENT_URL;
  terminal.line(
    [
      '',
      `  chargers    ${addresses.ingest}/<charge point id>`,
      `  dashboards  ${addresses.api}/`,
      `  API         ${addresses.api}/docs`,
      `  ClickHouse  ${addresses.clickhouse}  (database wattstream)`,
      ...(management ? [`  RabbitMQ    ${management}  (guest / guest unless you changed it)`] : []),
      `  logs        ${join(data, 'logs')}`,
      '',
      '  Ctrl-C stops everything; what is stored stays. "npm run reset" removes it.',
      '',
    ].join('\n'),
  );
}
