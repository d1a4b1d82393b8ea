/** An api with accounts, in process, on a registry log in memory that several may share; the clock is the test's. */

import { type AppOptions, buildApp } from '../src/api/app.js';
import { createAccounts } from '../src/api/auth/accounts.js';
import { authenticationFrom } from '../src/api/auth/from-settings.js';
import type { Role } from '../src/api/auth/principal.js';
import { ErasureDesk } from '../src/api/erasure/desk.js';
import type { AccessEvent, ChargingEventMessage } from '../src/domain/messages/charging-events.js';
import { chargingEvent } from '../src/domain/messages/charging-events.js';
import type { Account } from '../src/domain/registry/account.js';
import { readSettings } from '../src/platform/config.js';
import { silentLogger } from '../src/platform/logger.js';
import { Registry as Metrics } from '../src/platform/metrics.js';
import { observeLogins } from '../src/registry/metrics.js';
import { hashPersonsPassword } from '../src/registry/people.js';
import { Replica } from '../src/registry/replica.js';
import { RegistryStore } from '../src/registry/store.js';
import { booksOf, FakeLog, FakePublisher, fakeLoginStore } from '../src/registry/testing/fakes.js';
import { expectDeclared } from './declared.js';
import { type Answer, ask, listening } from './http.js';

export const SECRET = 'a secret of more than thirty-two bytes';
export const PASSWORD = 'correct horse battery staple';

export interface HouseOptions {
  readonly log?: FakeLog;
  readonly loginLog?: FakeLog;
  /** Longest wait for what becomes of a login. */
  readonly writeMs?: number;
  /** It is not waited until the logs have been read. */
  readonly unready?: boolean;
  readonly env?: Record<string, string>;
  readonly rates?: AppOptions['rates'];
  readonly imports?: AppOptions['imports'];
  readonly trustedProxies?: readonly string[];
  /** Accounts of whom a session runs. */
  readonly charging?: ReadonlySet<string>;
}

export type House = Awaited<ReturnType<typeof openHouse>>;

/** Of several on the same log each is an api process, as far as the registry can tell. */
export async function openHouse({
  log = new FakeLog(),
  loginLog = new FakeLog(),
  writeMs = 10_000,
  unready = false,
  env = {},
  rates,
  imports,
  trustedProxies,
  charging = new Set(),
}: HouseOptions = {}) {
  const settings = readSettings({ WATTSTREAM_JWT_SECRET: SECRET, ...env });
  const clock = { now: Date.now() };
  const now = () => clock.now;
  const replica = new Replica({ log, newestSnapshot: async () => undefined, logger: silentLogger });
  const publisher = new FakePublisher(log);
  const store = new RegistryStore({
    replica,
    publisher,
    writeMs: 10_000,
    now,
    logger: silentLogger,
    keyBooks: booksOf(log),
  });
  const { store: loginStore, publisher: loginPublisher } = fakeLoginStore({
    log: loginLog,
    now,
    writeMs,
  });
  const events: ChargingEventMessage[] = [];
  const accounts = createAccounts({
    settings,
    store,
    loginStore,
    publisher: {
      publishChargingEvent: async (event) => void events.push(chargingEvent.parse(event)),
    },
    now,
    log: silentLogger,
  });
  const authentication = accounts.confirm(authenticationFrom(settings, accounts.authenticators));
  const metrics = new Metrics();
  observeLogins(loginStore.replica, metrics);
  const app = await buildApp({
    queries: {
      list: () => [],
      ask: async () => ({ columns: [], rows: [], elapsedMs: 0, rowsRead: 0 }),
      ping: async () => {},
    },
    inspector: { bounds: async () => [] },
    registry: store,
    erasure: {
      store,
      desk: new ErasureDesk({
        store,
        isCharging: async (id) => charging.has(id),
        patienceMs: 10_000,
        now,
        logger: silentLogger,
      }),
    },
    health: { ready: () => undefined },
    access: { authentication, stationOf: () => undefined, hosts: [], onAdmitted: accounts.onAdmitted },
    ...(accounts.routes === undefined ? {} : { accounts: accounts.routes }),
    ...(rates === undefined ? {} : { rates }),
    ...(imports === undefined ? {} : { imports }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    metrics,
    log: silentLogger,
    docsPage: false,
  });
  if (!unready) await Promise.all([replica.level, loginStore.replica.level]);
  const get = await listening(app);
  const base = `http://127.0.0.1:${(app.server.address() as { port: number }).port}`;

  const say = async (
    method: string,
    path: string,
    {
      bearer,
      body,
      headers = {},
    }: { bearer?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const all = {
      connection: 'close',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    if (body === undefined) return declared(method, path, await ask(`${base}${path}`, all, method));
    // A text goes as it is: its type is among the headers.
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${base}${path}`, { method, headers: all, body: sent });
    const text = await response.text();
    return declared(method, path, {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      body: text,
      json: () => JSON.parse(text),
    });
  };
  const declared = (method: string, path: string, answer: Answer): Answer => {
    if (answer.headers['content-type']?.startsWith('application/problem+json'))
      expectDeclared(app, method, path, answer.json());
    return answer;
  };

  return {
    app,
    get,
    say,
    store,
    log,
    loginStore,
    loginLog,
    loginPublisher,
    clock,
    publisher,
    authentication,
    /** What was put on record of logins and keys. */
    audited: () => events.filter((event): event is AccessEvent => event.type.startsWith('ops.')),
    /** An account with PASSWORD; its id and e-mail address are made of the role unless something else is said. */
    async account(role: Role, more: Partial<Account> = {}) {
      const id = more.id ?? `ac-${role}`;
      await store.propose({
        kind: 'account',
        id,
        change: 'created',
        state: {
          id,
          role,
          name: role,
          email: `${id}@example.com`,
          passwordHash: await aHash,
          disabled: false,
          ...more,
        },
        actor: 'test',
      });
      return id;
    },
    async change(id: string, more: Partial<Account>) {
      const found = replica.get('account', id);
      if (found === undefined) throw new Error(`no account ${id}`);
      const state = { ...found.state, ...more };
      await store.propose({ kind: 'account', id, change: 'updated', state, actor: 'test' });
    },
    login: (email: string, password = PASSWORD, headers: Record<string, string> = {}) =>
      say('POST', '/api/auth/login', { body: { email, password }, headers }),
    async close() {
      await app.close();
      await replica.close();
      await loginStore.replica.close();
    },
  };
}

/** Once for all: it is meant to be dear. */
const aHash = hashPersonsPassword(PASSWORD);
