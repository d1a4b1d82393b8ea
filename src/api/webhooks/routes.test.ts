/** /api/webhooks on the real store; only the broker under it is in memory. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { listening } from '../../../test/http.js';
import { silentLogger } from '../../platform/logger.js';
import { Registry } from '../../platform/metrics.js';
import { Replica } from '../../registry/replica.js';
import { RegistryStore } from '../../registry/store.js';
import { FakeLog, FakePublisher } from '../../registry/testing/fakes.js';
import { buildApp } from '../app.js';
import { NO_AUTHENTICATION } from '../auth/authenticator.js';
import { inForce, secretKeeper } from './secret.js';

let app: FastifyInstance;
let store: RegistryStore;
let log: FakeLog;
let base: string;
const removed: string[] = [];
const keeper = secretKeeper('a passphrase of thirty-two bytes!');

beforeEach(async () => {
  log = new FakeLog();
  removed.length = 0;
  const replica = new Replica({ log, newestSnapshot: async () => undefined, logger: silentLogger });
  const publisher = new FakePublisher(log);
  store = new RegistryStore({ replica, publisher, writeMs: 10_000, now: Date.now, logger: silentLogger });
  app = await buildApp({
    queries: {
      list: () => [],
      ask: async () => ({ columns: [], rows: [], elapsedMs: 0, rowsRead: 0 }),
      ping: async () => {},
    },
    inspector: { bounds: async () => [] },
    health: { ready: () => undefined },
    access: { authentication: NO_AUTHENTICATION, stationOf: () => undefined, hosts: [] },
    webhooks: {
      store,
      keeper,
      allowHttp: false,
      max: 2,
      rotationMs: 60_000,
      now: () => 1_000,
      recent: () => [],
      tryOut: async (id, { type }) => ({
        outcome: 'failed',
        status: 500,
        detail: `${id} ${type}`,
        elapsedMs: 3,
      }),
      removed: async (id) => void removed.push(id),
    },
    metrics: new Registry(),
    log: silentLogger,
    docsPage: false,
  });
  await listening(app);
  base = `http://127.0.0.1:${(app.server.address() as { port: number }).port}/api/webhooks`;
  await replica.level;
});
afterEach(async () => {
  await app.close();
  await store.replica.close();
});

async function call(method: string, path = '', body?: unknown) {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { connection: 'close', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) };
}
const wanted = { url: 'https://example.org/hook', patterns: ['session.*'] };

test('the secret is shown when it is made, then never again, and is kept sealed', async () => {
  const created = await call('POST', '', wanted);
  expect(created).toMatchObject({ status: 201, body: { ...wanted, enabled: true, version: 1 } });
  const { id, secret } = created.body;
  expect(secret).toMatch(/^whsec_/);
  expect((await call('GET')).body.webhooks).toEqual([{ ...wanted, id, enabled: true, version: 1 }]);
  expect((await call('GET', `/${id}`)).text).not.toContain('secret');
  expect(JSON.stringify(log.records)).not.toContain(secret);
  expect(keeper.open(id, store.replica.get('webhook', id)?.state.secret ?? '')).toEqual({ current: secret });
});

test('it is changed, its secret rotated with both in force, and deleted with its queue', async () => {
  const { id, secret } = (await call('POST', '', { ...wanted, description: 'Billing' })).body;
  expect((await call('PUT', `/${id}`, { ...wanted, patterns: ['#'], enabled: false })).body).toEqual({
    id,
    url: wanted.url,
    patterns: ['#'],
    enabled: false,
    version: 2,
  });
  const rotated = (await call('POST', `/${id}/rotate-secret`)).body;
  const kept = keeper.open(id, store.replica.get('webhook', id)?.state.secret ?? '');
  expect(inForce(kept, 2_000)).toEqual([rotated.secret, secret]);
  expect((await call('DELETE', `/${id}`)).status).toBe(204);
  expect(removed).toEqual([id]);
  expect((await call('GET', `/${id}`)).body).toMatchObject({ status: 404, code: 'WEBHOOK_UNKNOWN' });
});

test('a test delivery says what came of it', async () => {
  const { id } = (await call('POST', '', wanted)).body;
  expect((await call('POST', `/${id}/test`)).body).toEqual({
    outcome: 'failed',
    status: 500,
    detail: `${id} session.updated`,
    elapsedMs: 3,
  });
  expect((await call('GET', `/${id}/deliveries`)).body).toEqual({ deliveries: [] });
});

test.each([
  [{ ...wanted, url: 'http://example.org' }, 422, 'WEBHOOK_URL_REFUSED'],
  [{ ...wanted, url: 'https://user:pw@example.org' }, 422, 'WEBHOOK_URL_REFUSED'],
  [{ ...wanted, url: 'ftp://example.org' }, 400, 'REQUEST_INVALID'],
  [{ ...wanted, patterns: [] }, 400, 'REQUEST_INVALID'],
  [{ ...wanted, patterns: ['a b'] }, 400, 'REQUEST_INVALID'],
  [{ ...wanted, station: 'nowhere' }, 422, 'REGISTRY_RULE'],
])('%j is refused', async (body, status, code) => {
  expect((await call('POST', '', body)).body).toMatchObject({ status, code });
});

test('there are so many and no more', async () => {
  await call('POST', '', wanted);
  await call('POST', '', wanted);
  expect((await call('POST', '', wanted)).body).toMatchObject({ status: 422, code: 'WEBHOOKS_TOO_MANY' });
});
