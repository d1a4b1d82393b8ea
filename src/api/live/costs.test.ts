/** Prices in rooms: only of what somebody looks at, never of a row older than what was announced, and each once. */
import { expect, test } from '@jest/globals';
import { silentLogger } from '../../platform/logger.js';
import { LiveCosts, type PricedSession } from './costs.js';
import type { News } from './news.js';
import { AT, sessionId } from './testing/messages.js';

const priced = (n: number, version: number, inclVat = '2.52', final = false): PricedSession => ({
  sessionId: sessionId(n),
  chargePointId: `CP-${n}`,
  stationId: 'st-7',
  accountId: 'ac-9',
  version,
  energyWh: 5_000,
  lastSeenAt: AT,
  cost: { currency: 'EUR', exclVat: '2.12', inclVat, final },
  costUnknown: null,
});
const session = (n: number) => ({ sessionId: sessionId(n), chargePointId: `CP-${n}` });

/** The tables are the test's, and time too. */
function setUp(batch = 10) {
  const told: News[] = [];
  const asked: string[][] = [];
  const world = { tables: [] as PricedSession[], away: false, now: 0 };
  const costs = new LiveCosts({
    prices: {
      async price(wanted) {
        asked.push(wanted.map(({ chargePointId }) => chargePointId));
        if (world.away) throw new Error('the database is away');
        return world.tables.filter((one) => wanted.some((other) => other.sessionId === one.sessionId));
      },
    },
    everyMs: 1_000_000,
    batch,
    now: () => world.now,
    tell: (news) => told.push(news),
    log: silentLogger,
  });
  const figures = () =>
    told.map(({ event }) => (event.type === 'session.cost' && 'cost' in event ? event.cost?.inclVat : '?'));
  return { costs, world, asked, told, figures };
}

test('a price is told to those who may see the session, once, and is in the next snapshot', async () => {
  const { costs, world, told } = setUp();
  world.tables = [priced(1, 7)];
  costs.want(session(1), 7);
  await costs.tick();
  await costs.tick();
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({
    type: 'session.cost',
    audience: { stationId: 'st-7', accountId: 'ac-9' },
    event: { sessionId: sessionId(1), version: 7, cost: { inclVat: '2.52', final: false } },
  });
  expect(costs.of(sessionId(1))).toMatchObject({ inclVat: '2.52' });
  expect(costs.of(sessionId(2))).toBeNull();
});

test('nobody looks: nothing is asked', async () => {
  const { costs, asked } = setUp();
  await costs.tick();
  expect(asked).toEqual([]);
});

test('a row that is older than what was announced is waited for', async () => {
  const { costs, world, figures } = setUp();
  world.tables = [priced(1, 6, '2.40')];
  costs.want(session(1), 7);
  await costs.tick();
  expect(figures()).toEqual([]);
  world.tables = [priced(1, 7, '2.52')];
  await costs.tick();
  expect(figures()).toEqual(['2.52']);
});

test('a row that never comes is given up after a while', async () => {
  const { costs, world, asked } = setUp();
  costs.want(session(1), 7);
  await costs.tick();
  world.now = 600_000;
  await costs.tick();
  await costs.tick();
  expect(asked).toHaveLength(2);
});

test('while the database is away nothing is told, and then everything that is still wanted', async () => {
  const { costs, world, figures } = setUp();
  world.tables = [priced(1, 7)];
  world.away = true;
  costs.want(session(1), 7);
  await costs.tick();
  expect(figures()).toEqual([]);
  world.away = false;
  await costs.tick();
  expect(figures()).toEqual(['2.52']);
});

test('more than fit into one turn: each has its turn, also beside one that is told of all the time', async () => {
  const { costs, world, asked } = setUp(2);
  world.tables = [1, 2, 3].map((n) => priced(n, 7));
  for (const n of [1, 2, 3]) costs.want(session(n), 7);
  await costs.tick();
  costs.want(session(1), 8);
  await costs.tick();
  expect(asked).toEqual([
    ['CP-1', 'CP-2'],
    ['CP-3', 'CP-1'],
  ]);
});

test('a final price is told, and no longer remembered', async () => {
  const { costs, world, figures } = setUp();
  world.tables = [priced(1, 9, '3.10', true)];
  costs.want(session(1), 9);
  await costs.tick();
  expect(figures()).toEqual(['3.10']);
  expect(costs.of(sessionId(1))).toBeNull();
});
