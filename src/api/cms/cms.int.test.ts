/** The CMS on a real broker: every route of the table does what it says on the wire, event and notification. */
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { silentLogger } from '../../platform/logger.js';
import { Registry } from '../../platform/metrics.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { openRegistry } from '../../registry/rabbitmq/open.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { buildApp } from '../app.js';
import { NO_AUTHENTICATION } from '../auth/authenticator.js';
import { RESOURCES } from './resources.js';

const LONG = 60_000;
/** What the examples need of each other, in that order. */
const ORDER = ['stations', 'tariffs', 'accounts', 'points', 'tokens', 'outages'];
const resources = ORDER.map((path) => RESOURCES.find((one) => one.path === path)!);

let queues: TestQueues;
/** Addresses of two api processes, as far as the broker can tell. */
let bases: string[];
const closing: (() => Promise<unknown>)[] = [];

async function start(): Promise<string> {
  const connection = queues.connect();
  const publisher = createEventPublisher({ connection, prefix: queues.prefix });
  const registry = openRegistry({
    address: queues.address,
    topology: { amqpUrl: queues.directUrl, prefix: queues.prefix, eventsRetentionDays: 1 },
    connection,
    publisher,
    writeMs: 30_000,
    snapshotEvents: 1_000_000,
    log: silentLogger,
  });
  const app: FastifyInstance = await buildApp({
    queries: {
      list: () => [],
      ask: async () => ({ columns: [], rows: [], elapsedMs: 0, rowsRead: 0 }),
      ping: async () => {},
    },
    inspector: { bounds: async () => [] },
    registry: registry.store,
    health: { ready: () => undefined },
    access: { authentication: NO_AUTHENTICATION, stationOf: () => undefined, hosts: [] },
    metrics: new Registry(),
    log: silentLogger,
    docsPage: false,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  await registry.store.replica.level;
  closing.push(async () => {
    await app.close();
    await registry.close();
    await publisher.close(0);
  });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/cms`;
}

beforeAll(async () => {
  queues = await createTestQueues();
  bases = [await start(), await start()];
}, LONG);
afterAll(async () => {
  for (const close of closing) await close();
  await queues?.close();
}, LONG);

const ask = async (method: string, path: string, body?: unknown, { at = 0, ifMatch = '*' } = {}) => {
  const response = await fetch(`${bases[at]}/${path}`, {
    method,
    headers: {
      connection: 'close',
      ...(method === 'POST' ? {} : { 'if-match': ifMatch }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    location: response.headers.get('location') ?? '',
    body: text === '' ? undefined : JSON.parse(text),
  };
};

test(
  'each creation, change and deletion is an event in the log and a notification, and no secret goes with it',
  async () => {
    const places: string[] = [];
    for (const { path, example } of resources) {
      const { status, location } = await ask('POST', path, example);
      expect({ path, status }).toEqual({ path, status: 201 });
      places.push(location.slice('/api/cms/'.length));
    }
    for (const [index, { example }] of resources.entries())
      expect(await ask('PUT', places[index]!, example)).toMatchObject({ status: 200 });
    // What others refer to goes last.
    const backwards = [...places].reverse();
    for (const place of backwards) expect(await ask('DELETE', place)).toMatchObject({ status: 204 });

    const kinds = resources.map(({ kind }) => kind);
    const expected = [
      ...kinds.map((kind) => `cms.${kind}.created`),
      ...kinds.map((kind) => `cms.${kind}.updated`),
      ...[...kinds].reverse().map((kind) => `cms.${kind}.deleted`),
    ];
    const log = createRabbitEventLog({ address: queues.address, stream: queues.names.streams.cmsEvents });
    const stored: { routingKey: string; body: string }[] = [];
    await new Promise<void>((resolve) => {
      log.follow({ from: { from: 'first' }, accept: (record) => void stored.push(record), onLevel: resolve });
    });
    await log.close();
    // The first name that is sealed begins a key book, which is nobody's news.
    const changes = stored.map(({ routingKey }) => routingKey).filter((type) => !type.includes('key-book'));
    expect(changes).toEqual(expected);
    const told = await queues.drain(queues.names.queues.notifications);
    expect(told.map((body) => JSON.parse(body).type)).toEqual(expected);
    expect(told.join()).not.toContain('scrypt');
    // The password itself is nowhere at all.
    expect(stored.map(({ body }) => body).join()).not.toContain('0123456789abcdef0123');
  },
  LONG,
);

test(
  'two api processes write the same station at once: one wins, the other gets 409, both show the same',
  async () => {
    const station = resources[0]!.example;
    const place = (await ask('POST', 'stations', { ...station, id: 'contended' })).location.slice(
      '/api/cms/'.length,
    );
    for (let version = 1; version <= 10; version++) {
      // Both have read the version that they are going to change.
      for (const at of [0, 1]) while ((await ask('GET', place, undefined, { at })).body.version !== version);
      const rename = (at: number) =>
        ask('PUT', place, { ...station, id: 'contended', name: `by ${at}` }, { at, ifMatch: `"${version}"` });
      const answers = await Promise.all([rename(0), rename(1)]);
      const winner = answers.find(({ status }) => status === 200);
      // 412: the other's change had come before this one was looked at.
      expect([409, 412]).toContain(answers.find((answer) => answer !== winner)?.status);
      expect(winner?.body.version).toBe(version + 1);
      for (const at of [0, 1]) {
        let seen = await ask('GET', place, undefined, { at });
        while (seen.body.version === version) seen = await ask('GET', place, undefined, { at });
        expect(seen.body).toEqual(winner?.body);
      }
    }
  },
  LONG,
);
