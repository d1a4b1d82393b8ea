/** The routes of the CMS on the real store; only the broker under it is in memory. */
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { expectDeclared } from '../../../test/declared.js';
import { silentLogger } from '../../platform/logger.js';
import { Registry } from '../../platform/metrics.js';
import { MemoryEventLog } from '../../queues/memory/event-log.js';
import { Replica } from '../../registry/replica.js';
import type { RegistryStore } from '../../registry/store.js';
import { type FakePublisher, fakeStore } from '../../registry/testing/fakes.js';
import { buildApp } from '../app.js';
import { NO_AUTHENTICATION } from '../auth/authenticator.js';
import { RESOURCES } from './resources.js';

let app: FastifyInstance;
let store: RegistryStore;
let publisher: FakePublisher;
let log: MemoryEventLog;

const example = (path: string) => structuredClone(RESOURCES.find((one) => one.path === path)?.example ?? {});

interface Reply {
  status: number;
  etag: string | null;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever it expects
  body: any;
}
async function ask(method: string, url: string, body?: unknown, headers: object = {}): Promise<Reply> {
  const { port } = app.server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${url}`, {
    method,
    headers: {
      connection: 'close',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/problem+json'))
    expectDeclared(app, method, url, JSON.parse(text));
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}
const post = (path: string, body: unknown = example(path)) => ask('POST', `/api/cms/${path}`, body);

beforeEach(async () => {
  ({ log, publisher, store } = fakeStore());
  app = await buildApp({
    queries: {
      list: () => [],
      ask: async () => ({ columns: [], rows: [], elapsedMs: 0, rowsRead: 0 }),
      ping: async () => {},
    },
    inspector: { bounds: async () => [] },
    registry: store,
    health: { ready: () => undefined },
    access: { authentication: NO_AUTHENTICATION, stationOf: () => undefined, hosts: [] },
    metrics: new Registry(),
    log: silentLogger,
    docsPage: false,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  await store.replica.level;
});
afterEach(async () => {
  await app.close();
  await store.replica.close();
});

/** What the examples need of each other, in that order. */
const ORDER = ['stations', 'tariffs', 'accounts', 'points', 'tokens', 'outages'];
const fill = async () => {
  for (const path of ORDER) expect(await post(path)).toMatchObject({ status: 201 });
};

describe('every kind', () => {
  test.each(RESOURCES.map(({ path, kind, writeOnly }) => ({ path, kind, writeOnly })))(
    '$path: created, read, listed, changed, deleted; each change is announced',
    async ({ path, kind, writeOnly }) => {
      for (const other of ORDER.slice(0, ORDER.indexOf(path))) await post(other);
      publisher.notifications.length = 0;
      const created = await post(path);
      const { password: _, ...plain } = example(path) as { password?: string };
      expect(created).toMatchObject({ status: 201, etag: '"1"', body: { ...plain, version: 1 } });
      const at = created.headers.get('location') ?? '';
      expect((await ask('GET', at)).body).toEqual(created.body);
      expect((await ask('GET', `/api/cms/${path}`)).body).toEqual({ [path]: [created.body], next: null });

      const changed = await ask('PUT', at, created.body, { 'if-match': '"1"' });
      expect(changed).toMatchObject({ status: 200, etag: '"2"', body: { ...plain, version: 2 } });
      expect(await ask('DELETE', at, undefined, { 'if-match': '"2"' })).toMatchObject({ status: 204 });
      expect(await ask('GET', at)).toMatchObject({ status: 404, body: { code: 'ENTITY_UNKNOWN' } });
      expect(publisher.notifications.map(({ type }) => type)).toEqual([
        `cms.${kind}.created`,
        `cms.${kind}.updated`,
        `cms.${kind}.deleted`,
      ]);
      const history = (await ask('GET', `${at}/history`)).body.versions;
      expect(history.map(({ change }: { change: string }) => change)).toEqual([
        'deleted',
        'updated',
        'created',
      ]);
      // Neither what was given nor what was kept of it leaves by any door.
      expect(JSON.stringify([created.body, changed.body, history, publisher.notifications])).not.toMatch(
        /scrypt|0123456789abcdef0123/,
      );
      if ('password' in writeOnly) expect(created.body).toHaveProperty('hasPassword');
    },
  );

  test('is in the OpenAPI document, with an example and with how it fails', () => {
    const { paths } = JSON.parse(JSON.stringify(app.swagger()));
    for (const { path, param, writeOnly, example: shown } of RESOURCES) {
      const { post: create, get: list } = paths[`/api/cms/${path}`];
      expect(create.requestBody.content['application/json'].example).toEqual(shown);
      expect(create.responses.default.content).toHaveProperty(['application/problem+json']);
      expect(list.parameters.map(({ name }: { name: string }) => name)).toContain('limit');
      expect(Object.keys(paths[`/api/cms/${path}/{${param}}`]).sort()).toEqual(['delete', 'get', 'put']);
      for (const field of Object.keys(writeOnly))
        expect(JSON.stringify(create.requestBody)).toContain(`"${field}":`);
      for (const more of [
        `/api/cms/${path}/{${param}}/history`,
        `/api/cms/import/${path}`,
        `/api/cms/export/${path}`,
      ])
        expect(paths).toHaveProperty([more]);
    }
  });
});

describe('versions', () => {
  const name = (text: string, headers: object) =>
    ask('PUT', '/api/cms/stations/st-1', { ...example('stations'), name: text }, headers);

  test('a change without a version is 428, with another one 412, and changes nothing', async () => {
    await post('stations');
    expect(await name('a', {})).toMatchObject({ status: 428, body: { code: 'PRECONDITION_REQUIRED' } });
    expect(await name('a', { 'if-match': '"7"' })).toMatchObject({ status: 412 });
    expect(await name('a', { 'if-match': 'W/"1"' })).toMatchObject({ status: 412 });
    expect(await ask('DELETE', '/api/cms/stations/st-1')).toMatchObject({ status: 428 });
    expect((await ask('GET', '/api/cms/stations/st-1')).body).toMatchObject({ version: 1, name: 'Harbour' });
    expect(await name('a', { 'if-match': '*' })).toMatchObject({ status: 200, etag: '"2"' });
  });

  test('of two who change the same version at once one gets 409', async () => {
    await post('stations');
    // Both lie in the log before either has been judged.
    const stored: (() => void)[] = [];
    publisher.stored = (event) => {
      stored.push(() => publisher.append(event));
      if (stored.length === 2) for (const store of stored) store();
    };
    const both = await Promise.all([name('a', { 'if-match': '"1"' }), name('b', { 'if-match': '"1"' })]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(both.find(({ status }) => status === 409)?.body.code).toBe('CONFLICT');
  });

  test('what is there already is 409; what has not changed is 304', async () => {
    await post('stations');
    expect(await post('stations')).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    const again = await ask('GET', '/api/cms/stations/st-1', undefined, { 'if-none-match': '"1"' });
    expect(again).toMatchObject({ status: 304, etag: '"1"' });
  });

  test('a version of a tariff is readable for ever, also when the tariff is gone', async () => {
    await post('tariffs');
    const url = '/api/cms/tariffs/day';
    await ask('PUT', url, { ...example('tariffs'), currency: 'DKK' }, { 'if-match': '"1"' });
    await ask('DELETE', url, undefined, { 'if-match': '"2"' });
    const [first, second, gone] = await Promise.all(
      [1, 2, 3].map((of) => ask('GET', `${url}/versions/${of}`)),
    );
    expect(first?.body).toMatchObject({ version: 1, state: { currency: 'EUR' } });
    expect(second?.body).toMatchObject({ version: 2, changed: ['currency'], state: { currency: 'DKK' } });
    expect(gone).toMatchObject({ status: 404 });
  });
});

describe('what is refused', () => {
  test('a wrong body is 400, with every wrong field', async () => {
    const wrong = { ...example('stations'), country: 'nl', time_zone: 'Europe/Atlantis', colour: 'red' };
    expect(await post('stations', wrong)).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID', errors: [{ field: 'country' }] },
    });
    const { country: _, ...rest } = wrong;
    expect((await post('stations', { ...rest, country: 'NLD' })).body.errors).toEqual([
      { field: 'colour', message: 'is no field of this' },
      { field: 'time_zone', message: 'is no time zone known here' },
    ]);
    expect((await post('stations', ['x'])).status).toBe(400);
    expect((await post('points', { ...example('points'), password: 'short' })).body.errors).toContainEqual(
      expect.objectContaining({ field: 'password' }),
    );
    expect(log.records).toEqual([]);
  });

  test('a rule between entities is 422, and names field and rule', async () => {
    expect(await post('points')).toMatchObject({
      status: 422,
      body: {
        code: 'REGISTRY_RULE',
        detail: expect.stringContaining('REFERENCE_MISSING'),
        errors: [{ field: 'station', message: 'there is no station st-1' }, { field: 'tariff' }],
      },
    });
    await fill();
    const deleted = await ask('DELETE', '/api/cms/stations/st-1', undefined, { 'if-match': '*' });
    expect(deleted).toMatchObject({ status: 422, body: { detail: expect.stringContaining('point CP-1') } });
  });

  test('an id that is another than the address says; one that a kind must name', async () => {
    await post('stations');
    const other = { ...example('stations'), id: 'st-2' };
    expect(await ask('PUT', '/api/cms/stations/st-1', other, { 'if-match': '*' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'id' }] },
    });
    const { id: _, ...nameless } = example('stations') as { id: string };
    expect((await post('stations', nameless)).body.id).toMatch(/^[0-9a-f-]{36}$/);
    const { id: __, ...point } = example('points') as { id: string };
    expect((await post('points', point)).body.errors).toContainEqual(
      expect.objectContaining({ field: 'id' }),
    );
  });

  test('before the registry has been read: 503, for reading too', async () => {
    const away = new MemoryEventLog();
    away.setAway(true);
    const unread = new Replica({ log: away, newestSnapshot: async () => undefined, logger: silentLogger });
    Object.defineProperty(store, 'replica', { value: unread });
    expect(await ask('GET', '/api/cms/stations')).toMatchObject({ status: 503 });
    await unread.close();
  });
});

describe('credentials', () => {
  const url = '/api/cms/points/CP-1';
  const hash = () => store.replica.get('point', 'CP-1')?.state.passwordHash;

  test('a password stays until another is given, and goes with the profile that needs one', async () => {
    for (const path of ['stations', 'tariffs', 'points']) await post(path);
    const first = hash();
    expect(first).toMatch(/^scrypt\$/);
    const { password: _, ...point } = example('points') as { password: string };
    const put = (body: object) => ask('PUT', url, body, { 'if-match': '*' });
    expect(await put({ ...point, name: 'renamed' })).toMatchObject({
      status: 200,
      body: { hasPassword: true },
    });
    expect(hash()).toBe(first);
    await put({ ...point, password: 'another password' });
    expect(hash()).not.toBe(first);
    expect(await put({ ...point, securityProfile: 3 })).toMatchObject({ body: { hasPassword: false } });
    expect(hash()).toBeUndefined();
    expect(await put({ ...point, securityProfile: 2 })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'password' }] },
    });
  });
});

describe('many', () => {
  const numbered = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...example('stations'),
      id: `st-${index}`,
      city: index % 2 === 0 ? 'Delft' : 'Leiden',
    }));

  test('pages in the order of creation: what comes and goes meanwhile moves nothing', async () => {
    await ask('POST', '/api/cms/import/stations', numbered(5));
    const first = await ask('GET', '/api/cms/stations?limit=2');
    const ids = ({ body }: Reply) => body.stations.map(({ id }: { id: string }) => id);
    expect(ids(first)).toEqual(['st-0', 'st-1']);
    await ask('DELETE', '/api/cms/stations/st-1', undefined, { 'if-match': '*' });
    await post('stations', { ...example('stations'), id: 'new' });
    const second = await ask('GET', `/api/cms/stations?limit=3&after=${first.body.next}`);
    expect(ids(second)).toEqual(['st-2', 'st-3', 'st-4']);
    const last = await ask('GET', `/api/cms/stations?limit=3&after=${second.body.next}`);
    expect([ids(last), last.body.next]).toEqual([['new'], null]);
    expect(await ask('GET', '/api/cms/stations?after=bm9ib2R5')).toMatchObject({ status: 400 });
  });

  test('filters, together; an unknown one is 400', async () => {
    await ask('POST', '/api/cms/import/stations', numbered(4));
    const found = await ask('GET', '/api/cms/stations?city=Delft&search=ST-2');
    expect(found.body.stations).toMatchObject([{ id: 'st-2' }]);
    expect(await ask('GET', '/api/cms/stations?town=Delft')).toMatchObject({ status: 400 });
    await ask('DELETE', '/api/cms/stations/st-1', undefined, { 'if-match': '*' });
    await fill();
    expect((await ask('GET', '/api/cms/points?station=st-1&tariff=day')).body.points).toHaveLength(1);
    expect((await ask('GET', '/api/cms/tokens?account=ac-1')).body.tokens).toHaveLength(1);
    expect(
      (await ask('GET', '/api/cms/outages?beginsBefore=2026-04-01T12:00:00Z&endsAfter=2026-04-03T00:00:00Z'))
        .body.outages,
    ).toEqual([]);
  });

  test('an import says of each item what became of it; repeated, it changes nothing', async () => {
    const items = [...numbered(2), { ...example('stations'), id: 'bad', country: 'x' }, { city: 'nameless' }];
    const results = (await ask('POST', '/api/cms/import/stations', items)).body.results;
    expect(results).toMatchObject([
      { id: 'st-0', outcome: 'created', version: 1 },
      { id: 'st-1', outcome: 'created' },
      { id: 'bad', outcome: 'failed', code: 'REQUEST_INVALID', errors: [{ field: 'country' }] },
      { id: null, outcome: 'failed' },
    ]);
    const written = log.records.length;
    const changed = [items[0], { ...numbered(2)[1], name: 'renamed' }];
    const again = (await ask('POST', '/api/cms/import/stations', changed)).body.results;
    expect(again).toMatchObject([{ outcome: 'unchanged' }, { outcome: 'updated', version: 2 }]);
    expect(log.records.length).toBe(written + 1);
  });

  test('what is exported can be imported, and changes nothing', async () => {
    await fill();
    for (const path of ORDER) {
      const exported = await ask('GET', `/api/cms/export/${path}`);
      expect(JSON.stringify(exported.body)).not.toContain('scrypt');
      const { results } = (await ask('POST', `/api/cms/import/${path}`, exported.body)).body;
      expect(results).toMatchObject([{ outcome: 'unchanged' }]);
    }
  });
});
