/**
 * The system under test: the product's roles as real processes, two of each that may run several times, each with
 * its own wire to a broker that may be killed.
 *
 *     chargers ──> ingest-1, ingest-2 ══wire══> RabbitMQ ══wire══> analytics-1, analytics-2 ──> ClickHouse
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClickHouseClient, createClickHouse } from '../../analytics/clickhouse.js';
import { type BrokerAddress, readSettings, streamAddress } from '../../platform/config.js';
import { ON_PURPOSE } from '../broken/on-purpose.js';
import type { Broker } from '../ports.js';
import { freePorts } from './free-ports.js';
import { limitedFolder } from './limited-folder.js';
import { Part, type PartListener } from './part.js';
import { startWire, type Wire } from './wire.js';

/** dist/chaos/system/system.js -> dist/<role>. Run from TypeScript (tests), it is the built roles all the same. */
const ROOT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/' : '../../', import.meta.url),
);
const built = (path: string): string => join(ROOT, path);

export interface SystemOptions {
  readonly broker: Broker;
  /** Everything this run keeps. */
  readonly folder: string;
  readonly partitions: number;
  readonly listener: PartListener;
  /** Instead of the product's own entry points one of `broken/`, by its name: for the suite's own tests. */
  readonly broken?: { readonly ingest?: string; readonly analytics?: string };
  /** A name that no other run on this broker has. */
  readonly prefix: string;
}

export interface System {
  readonly broker: Broker;
  readonly ingests: readonly Part[];
  readonly analytics: readonly Part[];
  readonly clickhouse: Part;
  readonly parts: readonly Part[];
  /** By name of the process; empty where the broker has several nodes, which clients reach directly. */
  readonly wires: ReadonlyMap<string, Wire>;
  /** OCPP addresses of the ingest processes. */
  readonly urls: readonly string[];
  readonly partitions: number;
  readonly prefix: string;
  readonly database: ClickHouseClient;
  /** Where ClickHouse keeps its data, when that is a place that can be filled. */
  readonly fillable: string | undefined;
  /** Straight to the broker, for looking into the log. */
  readonly address: BrokerAddress;
  /** A further analytics process like the others, not started. */
  moreAnalytics(name: string): Promise<Part>;
  /** The product's own analytics, not started, even where the run's is broken. `env` says what it writes, and how. */
  honestAnalytics(name: string, env: Record<string, string>): Promise<Part>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Small flushes and frequent checkpoints, so that a kill meets every step of a flush. */
const HASTY = {
  WATTSTREAM_FLUSH_MS: '100',
  WATTSTREAM_CHECKPOINT_MS: '700',
};

const DATABASE = 'wattstream';

export async function createSystem(options: SystemOptions): Promise<System> {
  const { broker, folder, partitions, prefix, listener, broken } = options;
  const logs = join(folder, 'logs');
  mkdirSync(logs, { recursive: true });
  const data = await limitedFolder(join(folder, 'data'));
  const [clickhousePort = 0, ...rest] = await freePorts(7);
  const clickhouseUrl = `http://127.0.0.1:${clickhousePort}`;
  const wires = new Map<string, Wire>();
  const wireOf = async (name: string): Promise<Pick<Wire, 'amqpUrl' | 'streamUrl'>> => {
    // Of a cluster each node tells its own address, which leads past any proxy.
    const [only, ...others] = broker.nodes;
    if (only === undefined || others.length > 0) return broker;
    const known = wires.get(name) ?? (await startWire(only));
    wires.set(name, known);
    return known;
  };
  const envOf = async (name: string, ops: number): Promise<Record<string, string>> => {
    const wire = await wireOf(name);
    return {
      RABBITMQ_URL: wire.amqpUrl,
      RABBITMQ_STREAM_URL: wire.streamUrl,
      CLICKHOUSE_URL: clickhouseUrl,
      CLICKHOUSE_DATABASE: DATABASE,
      WATTSTREAM_PREFIX: prefix,
      WATTSTREAM_PARTITIONS: String(partitions),
      WATTSTREAM_API_HOST: '127.0.0.1',
      WATTSTREAM_OPS_PORT: String(ops),
    };
  };
  const healthAt = (ops: number) => `http://127.0.0.1:${ops}/health/ready`;

  const ingest = async (index: number, port: number, ops: number): Promise<Part> => {
    const name = `ingest-${index}`;
    const env = {
      ...(await envOf(name, ops)),
      WATTSTREAM_INGEST_HOST: '127.0.0.1',
      WATTSTREAM_INGEST_PORT: String(port),
      WATTSTREAM_GATEWAY: name,
      WATTSTREAM_ACCEPT_UNKNOWN: 'true',
      WATTSTREAM_ALLOW_PLAIN: 'true',
      WATTSTREAM_HEARTBEAT_SECONDS: '10',
    };
    return new Part(
      { name, ...scriptOf('ingest', env, broken?.ingest), health: healthAt(ops) },
      logs,
      listener,
    );
  };
  const analyticsPart = async (
    name: string,
    ops: number,
    more: Record<string, string>,
    instead: string | undefined,
  ): Promise<Part> => {
    const env = { ...(await envOf(name, ops)), ...HASTY, ...more };
    return new Part({ name, ...scriptOf('analytics', env, instead), health: healthAt(ops) }, logs, listener);
  };

  const [port1 = 0, port2 = 0, ops1 = 0, ops2 = 0, ops3 = 0, ops4 = 0] = rest;
  const ingests = [await ingest(1, port1, ops1), await ingest(2, port2, ops2)];
  const analytics = [
    await analyticsPart('analytics-1', ops3, {}, broken?.analytics),
    await analyticsPart('analytics-2', ops4, {}, broken?.analytics),
  ];
  const clickhouse = new Part(
    {
      name: 'clickhouse',
      script: built('analytics/engine/main.js'),
      // The engine needs more threads than Node's four; without this it would start itself once more with them.
      env: {
        CLICKHOUSE_HOST: '127.0.0.1',
        CLICKHOUSE_PORT: String(clickhousePort),
        WATTSTREAM_DATA: data.path,
        UV_THREADPOOL_SIZE: '36',
      },
      health: `${clickhouseUrl}/ping`,
      healthy: 'Ok.',
    },
    logs,
    listener,
  );
  const parts = [clickhouse, ...ingests, ...analytics];
  const more: Part[] = [];
  const another = async (make: (ops: number) => Promise<Part>): Promise<Part> => {
    const [ops = 0] = await freePorts(1);
    const part = await make(ops);
    more.push(part);
    return part;
  };
  const settings = readSettings({ CLICKHOUSE_URL: clickhouseUrl, CLICKHOUSE_DATABASE: DATABASE });
  const database = createClickHouse(settings, { requestTimeoutMs: 120_000 });

  return {
    broker,
    ingests,
    analytics,
    clickhouse,
    parts,
    wires,
    urls: [port1, port2].map((port) => `ws://127.0.0.1:${port}/ocpp`),
    partitions,
    prefix,
    database,
    fillable: data.limited ? data.path : undefined,
    address: streamAddress(readSettings({ RABBITMQ_STREAM_URL: broker.streamUrl })),
    moreAnalytics: (name) => another((ops) => analyticsPart(name, ops, {}, broken?.analytics)),
    honestAnalytics: (name, env) => another((ops) => analyticsPart(name, ops, env, undefined)),
    async start() {
      await clickhouse.start();
      await Promise.all([...ingests, ...analytics].map((part) => part.start()));
    },
    async stop() {
      await Promise.all([...more, ...ingests, ...analytics].map((part) => part.destroy()));
      await clickhouse.destroy();
      await database.close();
      await Promise.all([...wires.values()].map((wire) => wire.close()));
      await data.remove();
    },
  };
}

function scriptOf(role: string, env: Record<string, string>, broken: string | undefined) {
  if (broken === undefined) return { script: built(`${role}/main.js`), env };
  return { script: built(`chaos/broken/${broken}.js`), env: { ...env, [ON_PURPOSE]: broken } };
}
