/**
 * Somebody is erased on a real broker and a real engine; then every byte of every stream, and every view, is looked through
 * for their name: as it is, and with every key that is left.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import { listening } from '../../../test/http.js';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { EVENT_TABLES } from '../../analytics/events/readers.js';
import { createRowWriter } from '../../analytics/pipeline/row-writer.js';
import { readSettings } from '../../platform/config.js';
import { silentLogger } from '../../platform/logger.js';
import { Registry } from '../../platform/metrics.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { makeFirstAdmin } from '../../registry/first-admin.js';
import { createRabbitKeyBooks } from '../../registry/keys/rabbitmq/key-books.js';
import { unseal } from '../../registry/keys/seal.js';
import { openRegistry } from '../../registry/rabbitmq/open.js';
import { openLogins } from '../../registry/rabbitmq/open-logins.js';
import type { EventRecord } from '../../streams/ports.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { buildApp } from '../app.js';
import { createAccounts } from '../auth/accounts.js';
import { authenticationFrom } from '../auth/from-settings.js';
import { ReceiptDesk } from '../charging/receipts.js';
import { ErasureDesk } from './desk.js';

const LONG = 120_000;
/** Nothing that chance could write into a ciphertext. */
const NAMES = /Lovelace|WS-PRINTED|NL-CONTRACT/i;
const SECRET = 'a secret of more than thirty-two bytes';

let queues: TestQueues;
let db: TestDatabase;
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  [queues, db] = await Promise.all([createTestQueues(), createTestDatabase()]);
}, LONG);
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  await Promise.all([queues.close(), db.drop()]);
}, LONG);

test(
  'after erasure nothing that was ever written says who it was, in the clear or with any key that is left',
  async () => {
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
    closing.push(() => registry.close());
    const { store, snapshotter } = registry;
    const logins = openLogins({
      address: queues.address,
      topology: { amqpUrl: queues.directUrl, prefix: queues.prefix, eventsRetentionDays: 1, loginDays: 1 },
      publisher,
      writeMs: 30_000,
      log: silentLogger,
    });
    closing.push(() => logins.close());
    await Promise.all([store.replica.level, logins.store.replica.level]);
    const settings = readSettings({ WATTSTREAM_JWT_SECRET: SECRET });
    const accounts = createAccounts({
      settings,
      store,
      loginStore: logins.store,
      publisher,
      now: Date.now,
      log: silentLogger,
    });
    const authentication = accounts.confirm(authenticationFrom(settings, accounts.authenticators));
    const desk = new ErasureDesk({
      store,
      isCharging: async () => false,
      patienceMs: 30_000,
      now: Date.now,
      logger: silentLogger,
    });
    const app = await buildApp({
      queries: {
        list: () => [],
        ask: async () => ({ columns: [], rows: [], elapsedMs: 0, rowsRead: 0 }),
        ping: async () => {},
      },
      inspector: { bounds: async () => [] },
      registry: store,
      erasure: { store, desk },
      health: { ready: () => undefined },
      access: { authentication, stationOf: () => undefined, hosts: [], onAdmitted: accounts.onAdmitted },
      ...(accounts.routes === undefined ? {} : { accounts: accounts.routes }),
      metrics: new Registry(),
      log: silentLogger,
      docsPage: false,
    });
    closing.push(() => app.close());
    await listening(app);
    const base = `http://127.0.0.1:${(app.server.address() as { port: number }).port}`;
    const say = async (method: string, path: string, bearer: string | undefined, body?: unknown) => {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: {
          connection: 'close',
          'if-match': '*',
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, text, json: () => JSON.parse(text) };
    };
    const login = async (email: string, password: string) =>
      (await say('POST', '/api/auth/login', undefined, { email, password })).json().accessToken as string;

    const made = await makeFirstAdmin(store, 'root@example.com');
    const admin = await login(made!.email, made!.password);
    const person = {
      id: 'ac-1',
      role: 'customer',
      name: 'Ada Lovelace',
      email: 'ada@lovelace.example',
      password: 'correct horse battery staple',
    };
    const card = { uid: '04A2B3', account: 'ac-1', visual_number: 'WS-PRINTED', contract_id: 'NL-CONTRACT' };
    expect((await say('POST', '/api/cms/accounts', admin, person)).status).toBe(201);
    expect((await say('POST', '/api/cms/tokens', admin, card)).status).toBe(201);
    const { password: _, ...renamed } = { ...person, name: 'Ada King-Noel (Lovelace)' };
    expect((await say('PUT', '/api/cms/accounts/ac-1', admin, renamed)).status).toBe(200);
    const own = await login('ADA@lovelace.example', person.password);
    expect((await say('GET', '/api/auth/me', own)).text).toMatch(NAMES);
    expect((await say('GET', '/api/cms/export/accounts', admin)).text).toMatch(NAMES);
    await say('POST', '/api/auth/login', undefined, { email: person.email, password: 'wrong' });

    // A receipt is made out, shown with the name, and kept without.
    const receipts = new ReceiptDesk({
      sessions: { receipt: async () => RECEIPT as never },
      events: publisher,
      book: { receiptsOf: () => [], untilReceipt: async () => RECEIPT as never },
      history: { receipts: async () => [] },
      nameOf: async (id) => (await store.get('account', id))?.state.name ?? null,
      clock: { now: Date.now },
    });
    expect((await receipts.receipt('ac-1', 's')).customer.name).toMatch(NAMES);
    await snapshotter.write();

    const erased = await say('POST', '/api/cms/accounts/ac-1/erase', admin);
    expect(erased.json()).toMatchObject({ keysDestroyed: true, versionsInClear: [], erasedBy: 'admin' });
    await snapshotter.write();
    expect((await receipts.receipt('ac-1', 's')).customer).toEqual({ accountId: 'ac-1', name: null });

    const { streams } = queues.names;
    await publisher.close(10_000);
    const everything = {
      cmsEvents: await recordsOf(streams.cmsEvents),
      snapshots: await recordsOf(streams.cmsSnapshots),
      chargingEvents: await recordsOf(streams.chargingEvents),
      logins: await recordsOf(streams.logins),
      keys: await recordsOf(queues.names.keyBook(2)),
    };
    expect(everything.cmsEvents.length).toBeGreaterThan(8);
    expect(everything.chargingEvents.map(({ routingKey }) => routingKey)).toEqual(
      expect.arrayContaining(['ops.login.succeeded', 'ops.login.failed', 'charging.receipt']),
    );
    for (const [stream, records] of Object.entries(everything)) {
      expect([stream, records.length > 0]).toEqual([stream, true]);
      for (const record of records) {
        expect(JSON.stringify(record)).not.toMatch(NAMES);
        // Snapshots are gzipped.
        if (stream === 'snapshots') expect(await unpacked(record.body)).not.toMatch(NAMES);
      }
    }
    // What webhooks are told.
    const told = await queues.drain(queues.names.queues.notifications);
    expect(told.filter((body) => body.includes('cms.account')).length).toBeGreaterThanOrEqual(3);
    expect(told.join()).not.toMatch(NAMES);

    // The old book is gone, and no key of the new one opens anything of theirs.
    const books = createRabbitKeyBooks({
      address: queues.address,
      connection,
      prefix: queues.prefix,
      log: silentLogger,
    });
    await expect(books.read(1)).rejects.toMatchObject({ code: 'KEY_BOOK_MISSING' });
    const { records: keys } = await books.read(2);
    await books.close();
    expect(keys.map(({ owner }) => owner)).toEqual([null, 'admin']);
    let tried = 0;
    let opened = 0;
    for (const { body } of everything.cmsEvents) {
      const { kind, entityId, state } = JSON.parse(body);
      const ref = `${kind}/${entityId}`;
      const hash = state?.passwordHash?.startsWith('sealed$') ? state.passwordHash.split('$')[2] : undefined;
      for (const { key } of keys) {
        const bytes = Buffer.from(key, 'base64url');
        for (const [data, to] of [
          [state?.sealed?.data, ref],
          [hash, `${ref}/passwordHash`],
        ]) {
          if (data === undefined) continue;
          tried += 1;
          const text = unseal(bytes, data, to);
          if (text !== undefined) opened += 1;
          expect(text ?? '').not.toMatch(NAMES);
          if (entityId !== 'admin') expect(text).toBeUndefined();
        }
      }
    }
    expect(tried).toBeGreaterThan(6);
    // What is the admin's still opens: the keys that were tried are good.
    expect(opened).toBe(2);

    // As analytics writes them.
    const rows = createRowWriter(db.client);
    for (const { stream, table, open } of EVENT_TABLES) {
      const lineOf = open(1, true);
      const records = stream === 'cms.events.log' ? everything.cmsEvents : everything.chargingEvents;
      await rows.insert(table, records.map(lineOf));
    }
    expect(
      await db.select('SELECT account_id, disabled, erased_at IS NOT NULL AS gone FROM accounts ORDER BY 1'),
    ).toEqual([
      { account_id: 'ac-1', disabled: true, gone: 1 },
      { account_id: 'admin', disabled: false, gone: 0 },
    ]);
    const tables = await db.select<{ name: string }>(
      `SELECT name FROM system.tables WHERE database = '${db.name}' AND (name LIKE 'cms%' OR name LIKE 'charging_events%' OR name IN ('accounts', 'accounts_history', 'tokens', 'tokens_history', 'points', 'points_history'))`,
    );
    expect(tables.length).toBeGreaterThan(8);
    for (const { name } of tables)
      expect([name, JSON.stringify(await db.select(`SELECT * FROM ${name}`)).match(NAMES)]).toEqual([
        name,
        null,
      ]);

    for (const path of [
      '/api/cms/accounts',
      '/api/cms/accounts/ac-1',
      '/api/cms/accounts/ac-1/history',
      '/api/cms/accounts/ac-1/versions/1',
      '/api/cms/tokens/04A2B3/versions/1',
      '/api/cms/export/accounts',
      '/api/cms/export/tokens',
    ])
      expect([path, (await say('GET', path, admin)).text.match(NAMES)]).toEqual([path, null]);
    expect((await say('POST', '/api/auth/login', undefined, person)).status).toBe(400);
    expect((await say('GET', '/api/auth/me', own)).status).toBe(401);
  },
  LONG,
);

const RECEIPT = {
  number: 'R-1',
  date: '2026-11-26',
  corrects: null,
  supplier: { name: 'Wattstream', address: null, vatId: null },
  customer: { accountId: 'ac-1', name: null },
  session: {
    sessionId: '7a1f0f4e-9f0c-5d6a-8a55-0d5ad0d0a001',
    evseId: 'NL*WAT*E1*1',
    chargePointId: 'CP-1',
    station: { id: 'st-1', name: null, address: null, city: null, country: null },
    timeZone: 'UTC',
    startedAt: '2026-11-26T08:00:00+00:00',
    stoppedAt: '2026-11-26T09:00:00+00:00',
    energyKWh: '10.000',
    estimated: false,
  },
  tariff: 'day@1',
  currency: 'EUR',
  lines: [],
  vat: [],
  total: { exclVat: '3.00', vat: '0.63', inclVat: '3.63' },
  explanation: [],
};

async function recordsOf(stream: string): Promise<EventRecord[]> {
  const log = createRabbitEventLog({ address: queues.address, stream });
  const records: EventRecord[] = [];
  await new Promise<void>((resolve) => {
    log.follow({ from: { from: 'first' }, accept: (record) => void records.push(record), onLevel: resolve });
  });
  await log.close();
  return records;
}

async function unpacked(body: string): Promise<string> {
  const { data } = JSON.parse(body) as { data?: string };
  if (data === undefined) return body;
  const { gunzipSync } = await import('node:zlib');
  return gunzipSync(Buffer.from(data, 'base64')).toString();
}
