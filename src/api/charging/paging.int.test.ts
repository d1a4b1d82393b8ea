/** A customer pages through the own sessions while some begin, arrive late and vanish: over HTTP, asked of the real engine. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import { type Ask, listening } from '../../../test/http.js';
import { sessionRow, uuid } from '../../../test/rows.js';
import { createQueries } from '../../analytics/queries/ask.js';
import type { SessionView } from '../../domain/messages/charging-events.js';
import { silentLogger } from '../../platform/logger.js';
import { Registry } from '../../platform/metrics.js';
import { fakeStore } from '../../registry/testing/fakes.js';
import { buildApp } from '../app.js';
import { authenticationBy } from '../auth/authenticator.js';
import { ownTokens, signToken } from '../auth/jwt.js';
import type { KnownSession } from './book.js';
import { SessionPricer } from './pricer.js';
import { SessionDesk } from './sessions.js';

jest.setTimeout(120_000);

const SECRET = 'a secret of more than thirty-two bytes';
const MORNING = Date.parse('2026-11-20T08:00:00.000Z');

let db: TestDatabase;
let app: FastifyInstance;
let get: Ask;
let headers: Record<string, string>;
/** Announced, and in no table yet. */
let announced: KnownSession[];
let close: () => Promise<void>;

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

beforeEach(async () => {
  announced = [];
  const queries = createQueries({ client: db.client, now: Date.now });
  const { store } = fakeStore();
  await store.replica.level;
  const nothing = async (): Promise<never> => {
    throw new Error('nobody asks for it here');
  };
  app = await buildApp({
    queries,
    inspector: { bounds: async () => [] },
    charging: {
      service: { start: nothing, stop: nothing, find: nothing },
      receipts: { receipt: nothing },
      stations: { find: nothing },
      sessions: new SessionDesk({
        queries,
        book: {
          session: (id) => announced.find(({ session }) => session.sessionId === id),
          sessionsOf: (account) => announced.filter(({ session }) => session.accountId === account),
        },
        replica: store.replica,
        pricer: new SessionPricer({ queries, replica: store.replica }),
        supplier: { name: undefined, address: undefined, vatId: undefined },
      }),
    },
    health: { ready: () => undefined },
    access: {
      authentication: authenticationBy([ownTokens(SECRET)]),
      stationOf: () => undefined,
      hosts: [],
    },
    metrics: new Registry(),
    log: silentLogger,
    docsPage: false,
  });
  get = await listening(app);
  const who = { role: 'customer', subject: 'adam', minutes: 5, account: 'ac-own' } as const;
  headers = { authorization: `Bearer ${await signToken(SECRET, who, Date.now())}` };
  close = async () => {
    await app.close();
    await store.replica.close();
  };
});
afterEach(() => close());

/** Three begin in the same millisecond. */
const startOf = (n: number) => new Date(MORNING + Math.floor(n / 3) * 60_000).toISOString();
const rowOf = (n: number, more: object = {}) =>
  sessionRow({
    session_id: uuid(n),
    account_id: 'ac-own',
    transaction_id: String(n),
    started_at: startOf(n),
    status: n % 2 === 0 ? 'active' : 'completed',
    ...more,
  });
const write = (...numbers: number[]) =>
  db.insert(
    'sessions_rows',
    numbers.map((n) => rowOf(n)),
  );
const vanish = (...gone: number[]) =>
  db.insert(
    'sessions_rows',
    gone.map((n) => rowOf(n, { version: 2, is_deleted: 1 })),
  );
const announce = (n: number) => {
  const session: SessionView = {
    sessionId: uuid(n),
    chargePointId: 'CP-1',
    evseId: null,
    connectorId: 1,
    transactionId: String(n),
    status: 'active',
    held: false,
    authStatus: 'Accepted',
    stationId: 'st-1',
    accountId: 'ac-own',
    tariff: 'day@1',
    startedAt: startOf(n),
    stoppedAt: null,
    lastSeenAt: startOf(n),
    energyWh: 0,
    energyExportWh: null,
    powerW: null,
    maxPowerW: null,
    socPercent: null,
    stopReason: '',
    estimated: false,
    anomalies: [],
    remoteStartId: null,
  };
  announced.push({ version: 1, session });
};

/** All pages, one after the other; `between` happens before each but the first. */
async function walk(query: string, between: (seen: readonly string[], page: number) => Promise<unknown>) {
  const seen: string[] = [];
  let cursor: string | null = '';
  for (let page = 0; cursor !== null; page++) {
    if (page > 0) await between(seen, page);
    const answer = await get(`/api/user/charging/sessions?${query}${cursor && `&cursor=${cursor}`}`, headers);
    expect(answer.statusCode).toBe(200);
    const { sessions, nextCursor } = answer.json();
    seen.push(...sessions.map(({ sessionId }: { sessionId: string }) => sessionId));
    cursor = nextCursor;
  }
  return seen;
}
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test.each([
  ['limit=4', 1_000],
  ['limit=5&status=active', 3_000],
  ['limit=100', 5_000],
])(
  'none comes twice, none that was there all along is missed: %s',
  // What has vanished stays so: each has numbers of its own.
  async (query, base) => {
    await write(...numbers(base, base + 40));
    await db.insert('sessions_rows', [rowOf(base + 500, { account_id: 'ac-other' })]);
    const gone = new Set<string>();
    const seen = await walk(query, async (already, page) => {
      // Newer ones, one that an offline charger delivers late, one that was seen and one that was not vanish.
      await write(base + 40 + page, base - page);
      for (const n of [base + 40 - page, base + page]) {
        gone.add(uuid(n));
        await vanish(n);
      }
      expect(already.length).toBeGreaterThan(0);
    });
    expect(new Set(seen).size).toBe(seen.length);
    const wanted = numbers(base, base + 40)
      .filter((n) => !query.includes('active') || n % 2 === 0)
      .map((n) => uuid(n))
      .filter((id) => !gone.has(id));
    expect(seen).toEqual(expect.arrayContaining(wanted));
    expect(seen).not.toContain(uuid(base + 500));
    await vanish(...numbers(base - 20, base + 60));
  },
);

test('one that was only announced has its page by its start, and no second one when it is written meanwhile', async () => {
  const base = 2_000;
  const all = numbers(base, base + 21);
  const unwritten = [base + 20, base + 13, base + 8, base + 7, base];
  await write(...all.filter((n) => !unwritten.includes(n)));
  for (const n of unwritten) announce(n);
  const seen = await walk('limit=4', (_, page) => write(unwritten[page - 1] ?? base + 1));
  const newestFirst = [...all]
    .sort((a, b) => Date.parse(startOf(b)) - Date.parse(startOf(a)) || (uuid(a) < uuid(b) ? 1 : -1))
    .map((n) => uuid(n));
  expect(seen).toEqual(newestFirst);
});
