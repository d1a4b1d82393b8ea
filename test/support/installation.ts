/**
 * A whole installation for one test: roles as real processes, with names and a database of their own, on the
 * broker and the engine that `npm test` provides. Whatever is started here is stopped by `stop()`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '../clickhouse.js';

export interface RunningRole {
  readonly name: string;
  /** ingest: the OCPP port. */
  readonly port: number;
  /** api: that of the API. */
  readonly opsPort: number;
  readonly process: ChildProcess;
  /** Its log so far, as it was written. */
  log(): Record<string, unknown>[];
  /** What /health/ready answers now. */
  health(): Promise<{ status: string; reason?: string }>;
  metric(name: string): Promise<number>;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface StartOptions {
  /** The program, from the repository's root. Default: the role as it is built. */
  readonly program?: string;
  /** `answering`: do not wait until it is ready, only until it says whether it is. */
  readonly until?: 'ready' | 'answering';
}

export interface TestInstallation {
  readonly database: TestDatabase;
  readonly env: Record<string, string>;
  start(
    role: 'ingest' | 'analytics' | 'api',
    env?: Record<string, string>,
    options?: StartOptions,
  ): Promise<RunningRole>;
  /** Asks until the answer satisfies, then gives it back; throws with the last answer after `seconds`. */
  until<T>(ask: () => Promise<T>, satisfied: (answer: T) => boolean, seconds?: number): Promise<T>;
  stop(): Promise<void>;
}

export const apiUrl = (role: RunningRole): string => `http://127.0.0.1:${role.opsPort}/api`;
export const ocppUrl = (role: RunningRole): string => `ws://127.0.0.1:${role.port}/ocpp`;

export async function testInstallation(settings: Record<string, string> = {}): Promise<TestInstallation> {
  const database = await createTestDatabase();
  const roles: RunningRole[] = [];
  const env: Record<string, string> = {
    WATTSTREAM_PREFIX: `e2e-${randomBytes(4).toString('hex')}.`,
    WATTSTREAM_PARTITIONS: '4',
    WATTSTREAM_ACCEPT_UNKNOWN: 'true',
    WATTSTREAM_AUTH: 'off',
    WATTSTREAM_LOG_LEVEL: 'warn',
    WATTSTREAM_INGEST_HOST: '127.0.0.1',
    CLICKHOUSE_DATABASE: database.name,
    ...settings,
  };

  return {
    database,
    env,
    async start(name, more = {}, { program = join('dist', name, 'main.js'), until = 'ready' } = {}) {
      const [port, opsPort] = [await freePort(), await freePort()];
      const child = spawn(process.execPath, ['--enable-source-maps', program], {
        env: {
          ...process.env,
          ...env,
          WATTSTREAM_INGEST_PORT: String(port),
          WATTSTREAM_OPS_PORT: String(opsPort),
          WATTSTREAM_API_PORT: String(opsPort),
          ...more,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout?.on('data', (data: Buffer) => {
        said = (said + data.toString()).slice(-1_000_000);
      });
      const role: RunningRole = {
        name,
        port,
        opsPort,
        process: child,
        log: () =>
          said
            .split('\n')
            .filter((line) => line.startsWith('{') && line.endsWith('}'))
            .map((line) => JSON.parse(line) as Record<string, unknown>),
        health: async () =>
          (await (await fetch(`http://127.0.0.1:${opsPort}/health/ready`)).json()) as { status: string },
        metric: async (metric) => {
          const answer = await fetch(`http://127.0.0.1:${opsPort}/metrics`);
          const line = (await answer.text()).split('\n').find((one) => one.startsWith(`${metric} `));
          return Number(line?.split(' ')[1] ?? 0);
        },
        kill: (signal = 'SIGKILL') =>
          new Promise((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) return resolve();
            child.once('exit', () => resolve());
            child.kill(signal);
          }),
      };
      roles.push(role);
      await ready(role, until, () => said.slice(-4_000));
      return role;
    },
    async until(ask, satisfied, seconds = 30) {
      const deadline = Date.now() + seconds * 1_000;
      for (;;) {
        const answer = await ask();
        if (satisfied(answer)) return answer;
        if (Date.now() > deadline)
          throw new Error(`not within ${seconds} s; last: ${JSON.stringify(answer)}`);
        await sleep(100);
      }
    },
    async stop() {
      await Promise.all(roles.map((role) => role.kill('SIGTERM')));
      await database.drop();
    },
  };
}

async function ready(role: RunningRole, until: 'ready' | 'answering', said: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${role.opsPort}/health/ready`).catch(() => undefined);
    if (answer?.ok || (answer && until === 'answering')) return;
    if (role.process.exitCode !== null) throw new Error(`${role.name} ended at its start: ${said()}`);
    if (Date.now() > deadline)
      throw new Error(`${role.name} is not ready: ${await answer?.text()} ${said()}`);
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
