import { fileURLToPath } from 'node:url';
import { choosePort } from './ports.js';
import type { RoleSpec } from './role.js';

/**
 * The roles of one installation, in the order of `STAGES`: a stage starts when the one before is ready, and
 * they stop in the order of `STOP_ORDER`.
 */
export interface Installation {
  readonly roles: readonly RoleSpec[];
  readonly addresses: {
    readonly ingest: string;
    readonly api: string;
    readonly clickhouse: string;
  };
  /** Sentences about what was decided for the user. */
  readonly remarks: readonly string[];
  /** Where there has never been an account, the supervisor makes the first and tells its password. */
  readonly makesAdmin?: boolean;
}

/** ClickHouse first: the others create their tables in it. Chargers last: somebody must answer them. */
export const STAGES: readonly (readonly string[])[] = [
  ['clickhouse'],
  ['ingest', 'analytics', 'api'],
  ['simulator'],
];

/** Down the way of a frame, so that each part can finish what the part before it has sent. */
export const STOP_ORDER: readonly string[] = ['simulator', 'ingest', 'analytics', 'api', 'clickhouse'];

export interface InstallationOptions {
  readonly chargers: number;
  readonly speed: number | 'max' | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Of our own tokens, where the environment has none. */
  readonly jwtSecret?: string | undefined;
}

/**
 * Decides ports, addresses and defaults. A standard port that is taken is replaced by the next free one; one
 * the user set is not (PORT_TAKEN).
 */
export async function planInstallation(options: InstallationOptions): Promise<Installation> {
  const { env } = options;
  const jwtSecret = env.WATTSTREAM_JWT_SECRET || env.WATTSTREAM_OIDC_ISSUER ? undefined : options.jwtSecret;
  const remarks: string[] = [];
  const taken = new Set<number>();
  const port = async (variable: string, standard: number, host: string): Promise<number> => {
    const chosen = await choosePort({ variable, standard, host, explicit: env[variable] }, taken);
    if (!env[variable] && chosen !== standard)
      remarks.push(`port ${standard} is taken: using ${chosen} (${variable})`);
    return chosen;
  };
  const ownClickHouse = !env.CLICKHOUSE_URL;
  const ingestPort = await port('WATTSTREAM_INGEST_PORT', 9220, env.WATTSTREAM_INGEST_HOST || '0.0.0.0');
  const apiPort = await port('WATTSTREAM_API_PORT', 8080, env.WATTSTREAM_API_HOST || '127.0.0.1');
  const clickhousePort = ownClickHouse
    ? await port('CLICKHOUSE_PORT', 8123, env.CLICKHOUSE_HOST || '127.0.0.1')
    : undefined;
  const [ingestOps, analyticsOps] = [await anyPort(taken), await anyPort(taken)];

  const clickhouse = ownClickHouse
    ? `http://${reachable(env.CLICKHOUSE_HOST, '127.0.0.1')}:${clickhousePort}`
    : (env.CLICKHOUSE_URL as string);
  const ingestScheme = env.WATTSTREAM_INGEST_TLS_CERT ? 'wss' : 'ws';
  const ingest = `${ingestScheme}://${reachable(env.WATTSTREAM_INGEST_HOST, '127.0.0.1')}:${ingestPort}/ocpp`;
  const api = `http://${reachable(env.WATTSTREAM_API_HOST, '127.0.0.1')}:${apiPort}`;

  const shared: Record<string, string> = {
    CLICKHOUSE_URL: clickhouse,
    NODE_OPTIONS: nodeOptions(env.NODE_OPTIONS),
  };
  for (const [variable, meaning] of [
    ['WATTSTREAM_ACCEPT_UNKNOWN', 'chargers nobody has registered are admitted'],
    ['WATTSTREAM_ALLOW_PLAIN', 'chargers may come without credentials'],
  ] as const) {
    if (env[variable]) continue;
    shared[variable] = 'true';
    remarks.push(`${meaning} (set ${variable}=false to change that)`);
  }
  if (!env.WATTSTREAM_AUTH) {
    // Whoever made the API listen further, or has a secret, wants callers asked; on loopback nobody need log in to try.
    const open =
      isLoopback(env.WATTSTREAM_API_HOST) && !env.WATTSTREAM_JWT_SECRET && !env.WATTSTREAM_OIDC_ISSUER;
    shared.WATTSTREAM_AUTH = open ? 'off' : 'required';
    if (open)
      remarks.push(
        'whoever reaches the API on this machine may do everything (set WATTSTREAM_AUTH=required to change that)',
      );
  }

  // Health is for operators: it is served where the API listens, not where chargers come in.
  const healthOf = (host: string | undefined, port: number) =>
    `http://${reachable(host, '127.0.0.1')}:${port}/health/ready`;
  const opsOf = (ops: number) => ({ ...shared, WATTSTREAM_OPS_PORT: String(ops) });
  const roles: RoleSpec[] = [
    {
      name: 'ingest',
      script: script('ingest/main.js'),
      env: { ...opsOf(ingestOps), WATTSTREAM_INGEST_PORT: String(ingestPort) },
      ready: () => answers(healthOf(env.WATTSTREAM_API_HOST, ingestOps)),
      stopMs: 15_000,
    },
    {
      name: 'analytics',
      script: script('analytics/main.js'),
      env: opsOf(analyticsOps),
      ready: () => answers(healthOf(env.WATTSTREAM_API_HOST, analyticsOps)),
      stopMs: 15_000,
    },
    {
      name: 'api',
      script: script('api/main.js'),
      env: {
        ...shared,
        WATTSTREAM_API_PORT: String(apiPort),
        ...(jwtSecret === undefined ? {} : { WATTSTREAM_JWT_SECRET: jwtSecret }),
        // The supervisor does, on its terminal: what a role says stands in its log.
        WATTSTREAM_FIRST_ADMIN: 'false',
      },
      ready: () => answers(healthOf(env.WATTSTREAM_API_HOST, apiPort)),
      stopMs: 10_000,
    },
  ];
  if (ownClickHouse) {
    roles.unshift({
      name: 'clickhouse',
      script: script('analytics/engine/main.js'),
      // The engine needs more threads than Node's four; without this it would start itself once more with them.
      env: { CLICKHOUSE_PORT: String(clickhousePort), UV_THREADPOOL_SIZE: env.UV_THREADPOOL_SIZE || '36' },
      ready: () => answers(`${clickhouse}/ping`, 'Ok.'),
      stopMs: 15_000,
    });
  }
  if (options.chargers > 0) {
    const speed = options.speed === undefined ? [] : ['--speed', String(options.speed)];
    roles.push({
      name: 'simulator',
      script: script('simulator/main.js'),
      args: ['--chargers', String(options.chargers), '--url', ingest, ...speed],
      env: {},
      mayEnd: true,
      stopMs: 5_000,
    });
  }
  const makesAdmin = jwtSecret !== undefined || Boolean(env.WATTSTREAM_JWT_SECRET);
  return { roles, addresses: { ingest, api, clickhouse }, remarks, makesAdmin };
}

/**
 * Where a machine has much memory, V8 lets garbage grow to gigabytes before it looks: analytics held 2.4 GB while it
 * caught up, of which 58 MB were in use.
 */
const HEAP = '--max-old-space-size=1024';
const nodeOptions = (given = ''): string =>
  /max-old-space-size/.test(given) ? given : `${given} ${HEAP}`.trim();

/** Roles are built beside this file: dist/cli/up/roles.js -> dist/<role>. */
const script = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const anyPort = (taken: Set<number>): Promise<number> =>
  choosePort({ variable: 'WATTSTREAM_OPS_PORT', standard: 0, host: '127.0.0.1' }, taken);

const isLoopback = (host: string | undefined): boolean =>
  !host || host === 'localhost' || host === '::1' || /^127\.[\d.]+$/.test(host);

/** An address to connect to, for one to listen on. */
function reachable(host: string | undefined, fallback: string): string {
  const name = host || fallback;
  if (name === '0.0.0.0' || name === '::') return '127.0.0.1';
  return name.includes(':') ? `[${name}]` : name;
}

/** Whether a GET is answered with 200 (and, where given, a body that begins so) within a second. */
export async function answers(url: string, body?: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  const text = await response.text();
  return response.status === 200 && (body === undefined || text.startsWith(body));
}
