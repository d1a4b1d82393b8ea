/** The role as it is run: a process of its own, on the real engine and the real log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../test/clickhouse.js';
import { ask } from '../../test/http.js';
import { createTestStreams, type TestStreams } from '../../test/rabbitmq.js';
import { connectionRow, frameRow, sessionRow, statusRow } from '../../test/rows.js';

jest.setTimeout(120_000);
const PROGRAM = fileURLToPath(new URL('../../dist/api/main.js', import.meta.url));

let db: TestDatabase;
let streams: TestStreams;
beforeAll(async () => {
  [db, streams] = await Promise.all([createTestDatabase(), createTestStreams(2)]);
  await db.insert('connections_rows', [connectionRow({})]);
  await db.insert('status_intervals_rows', [statusRow({ status: 'Charging' })]);
  await db.insert('sessions_rows', [sessionRow({ status: 'active', stopped_at: null })]);
  await db.insert('frames_rows', [frameRow({ received_at: new Date().toISOString() })]);
});
afterAll(() => Promise.all([db.drop(), streams.close()]));

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** Started, and listening; not necessarily ready. */
async function start(env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [PROGRAM], {
    env: {
      ...process.env,
      CLICKHOUSE_DATABASE: db.name,
      WATTSTREAM_PREFIX: streams.prefix,
      WATTSTREAM_PARTITIONS: '2',
      WATTSTREAM_API_PORT: '0',
      WATTSTREAM_AUTH: 'off',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  let log = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const port = await until(() => /"port":(\d+)/.exec(log)?.[1]).catch((error: Error) => {
    throw new Error(`${error.message}; it said: ${log.slice(-2_000)}`);
  });
  return { child, get: (path: string) => ask(`http://127.0.0.1:${port}${path}`) };
}

async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 45_000; Date.now() < end; await sleep(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('it did not happen within 45 s');
}

test('answers from the tables and the log, shows its documentation, and ends cleanly', async () => {
  const { child, get } = await start();
  await until(async () => ((await get('/health/ready')).statusCode === 200 ? true : undefined));

  expect((await get('/api/charger')).json()).toMatchObject({
    chargers: [
      {
        chargePointId: 'CP-1',
        connected: true,
        connectors: [{ connectorId: 1, status: 'Charging' }],
        activeSessions: [{ transactionId: '101', energyWh: 1_000 }],
      },
    ],
    next: null,
  });
  expect((await get('/api/charger/CP-1/frames')).json().frames).toHaveLength(1);
  expect((await get('/api/analytics/queries/live-sessions.csv')).body).toMatch(/\r\n[^\r]*,CP-1,/);
  expect((await get('/api/ops/streams')).json()).toMatchObject({
    partitions: [
      { partition: 0, state: 'empty' },
      { partition: 1, state: 'empty' },
    ],
  });
  expect((await get('/docs')).body).toContain('swagger-ui');
  expect((await get('/docs')).headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
  expect(Object.keys((await get('/docs/json')).json().paths)).toContain('/api/charger/{id}');

  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
});

test('without a database it still listens, and says what is missing', async () => {
  const { get } = await start({ CLICKHOUSE_URL: 'http://127.0.0.1:1' });
  const ready = await until(async () => {
    const answer = await get('/health/ready');
    return answer.json().reason?.includes('ECONNREFUSED') ? answer : undefined;
  });
  expect(ready.statusCode).toBe(503);
  expect((await get('/')).statusCode).toBe(200);
  expect((await get('/health/live')).statusCode).toBe(200);
  expect((await get('/api/charger')).json()).toMatchObject({ status: 503, code: 'QUERY_FAILED' });
});
