import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterEach, expect, test } from '@jest/globals';
import {
  type EmbeddedClickHouse,
  startEmbeddedClickHouse,
  temporaryFolder,
} from '../../../test/embedded-clickhouse.js';

/** Starting, stopping, being killed. */
const leftovers: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of leftovers.splice(0).reverse()) await clean();
});

const temporary = () => {
  const folder = temporaryFolder();
  leftovers.push(() => folder.remove());
  return folder.path;
};
const start = async (data: string, env: Record<string, string> = {}): Promise<EmbeddedClickHouse> => {
  const role = await startEmbeddedClickHouse(data, env);
  leftovers.push(() => role.stop('SIGKILL'));
  return role;
};
const clientOf = (role: EmbeddedClickHouse) => {
  const client = createClient({ url: role.url, log: { level: ClickHouseLogLevel.OFF } });
  leftovers.push(() => client.close());
  return client;
};

test('kill -9 in the middle of inserts: every acknowledged row is there afterwards, none of them twice', async () => {
  const data = temporary();
  const role = await start(data);
  const client = clientOf(role);
  await client.command({ query: 'CREATE DATABASE k ENGINE = Atomic' });
  await client.command({ query: 'CREATE TABLE k.t (id UInt64) ENGINE = MergeTree ORDER BY id' });
  const acknowledged: number[] = [];
  let next = 0;
  const writer = async () => {
    for (;;) {
      const ids = Array.from({ length: 1_000 }, () => next++);
      await client.insert({ table: 'k.t', values: ids.map((id) => ({ id })), format: 'JSONEachRow' });
      acknowledged.push(...ids);
    }
  };
  const writers = Promise.allSettled([writer(), writer(), writer()]);
  while (acknowledged.length < 50_000) await sleep(10);
  expect(await role.stop('SIGKILL')).toBe('SIGKILL');
  await writers;

  const again = clientOf(await start(data));
  const found = await again.query({ query: 'SELECT id FROM k.t ORDER BY id', format: 'JSONCompactEachRow' });
  const ids = (await found.json<[number]>()).map(([id]) => Number(id));
  const there = new Set(ids);
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
  expect(ids.length).toBe(there.size);
}, 60_000);

test('a second process on the folder is refused, and told who holds it', async () => {
  const data = temporary();
  const role = await start(data);
  await expect(startEmbeddedClickHouse(data)).rejects.toThrow(
    new RegExp(`DATA_LOCKED.*held by another process \\(${role.pid}\\)`, 's'),
  );
  expect(await clientOf(role).ping()).toEqual({ success: true });
}, 30_000);

test('a port that is taken is named', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  leftovers.push(() => server.close());
  const { port } = server.address() as { port: number };
  await expect(startEmbeddedClickHouse(temporary(), { CLICKHOUSE_PORT: String(port) })).rejects.toThrow(
    new RegExp(`EADDRINUSE.*${port}`),
  );
}, 30_000);

test('SIGTERM: running queries finish, new ones are not taken, the process ends cleanly', async () => {
  const role = await start(temporary());
  const client = clientOf(role);
  const running = client.query({ query: 'SELECT sleep(1.5) AS s', format: 'JSONEachRow' });
  await sleep(300);
  const stopped = role.stop('SIGTERM');
  await sleep(200);
  expect((await client.ping()).success).toBe(false);
  expect(await (await running).json()).toEqual([{ s: 0 }]);
  expect(await stopped).toBe(0);
}, 30_000);

test('SIGTERM: what does not finish in time is cancelled', async () => {
  const role = await start(temporary(), { WATTSTREAM_DRAIN_MS: '500' });
  const client = clientOf(role);
  const running = client.query({ query: 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)' });
  const outcome = running.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );
  await sleep(300);
  // It would take hours.
  expect(await role.stop('SIGTERM')).toBe(0);
  expect(await outcome).toBe('394');
}, 30_000);

test('nothing is written outside its folder', async () => {
  const data = temporary();
  const role = await start(data);
  await clientOf(role).command({ query: 'CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a' });
  await role.stop();
  expect(readdirSync(data)).toEqual(['clickhouse']);
}, 30_000);

test('without UV_THREADPOOL_SIZE it starts itself with enough threads, and both end together', async () => {
  const data = temporary();
  const role = await start(data, { UV_THREADPOOL_SIZE: '' });
  const [client, observer] = [clientOf(role), clientOf(role)];
  let ended = 0;
  const sleeping = Array.from({ length: 10 }, () =>
    client
      .query({ query: 'SELECT sleep(3)' })
      .then((result) => result.text())
      .finally(() => ended++),
  );
  // With Node's four threads at most four would be under way at once.
  let most = 0;
  while (most < 10 && ended === 0) {
    const answer = await observer.query({
      query: `SELECT toInt32(count()) AS running FROM system.processes WHERE query LIKE 'SELECT sleep(3)%'`,
      format: 'JSONEachRow',
    });
    most = Math.max(most, (await answer.json<{ running: number }>())[0]!.running);
  }
  await Promise.all(sleeping);
  expect(most).toBe(10);
  // The starter is killed: the process it started must not outlive it, nor keep the folder.
  await role.stop('SIGKILL');
  for (let attempt = 0; ; attempt++) {
    const other = await startEmbeddedClickHouse(data).catch((error: Error) => error);
    if (!(other instanceof Error)) {
      leftovers.push(() => other.stop('SIGKILL'));
      break;
    }
    if (attempt > 10) throw other;
    await sleep(300);
  }
}, 60_000);
