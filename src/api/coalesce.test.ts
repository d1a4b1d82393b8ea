import { expect, test } from '@jest/globals';
import type { Queries, QueryAnswer } from '../analytics/ports.js';
import { coalesced } from './coalesce.js';

/** Answers when told to, with how many answers were given before. */
function slow() {
  const waiting: { resolve(answer: QueryAnswer): void; reject(error: Error): void }[] = [];
  let asked = 0;
  const queries: Queries = {
    list: () => [],
    ping: async () => {},
    ask: () => {
      asked++;
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  };
  const answer = () => {
    for (const { resolve } of waiting.splice(0))
      resolve({ columns: [], rows: [{ asked }], elapsedMs: 1, rowsRead: 1 });
  };
  const fail = () => {
    for (const { reject } of waiting.splice(0)) reject(new Error('away'));
  };
  return { queries: coalesced(queries), answer, fail, count: () => asked };
}

test('equal questions under way are asked once, whatever the order of their parameters', async () => {
  const { queries, answer, count } = slow();
  const both = [queries.ask('sessions', { a: 1, b: 2 }), queries.ask('sessions', { b: 2, a: 1 })];
  expect(count()).toBe(1);
  answer();
  expect((await Promise.all(both)).map(({ rows }) => rows)).toEqual([[{ asked: 1 }], [{ asked: 1 }]]);
});

test('other parameters, and the same question afterwards, are asked for themselves', async () => {
  const { queries, answer, count } = slow();
  const first = queries.ask('sessions', { a: 1 });
  void queries.ask('sessions', { a: 2 });
  void queries.ask('chargers', { a: 1 });
  expect(count()).toBe(3);
  answer();
  await first;
  void queries.ask('sessions', { a: 1 });
  expect(count()).toBe(4);
});

test('a failure is shared, not kept', async () => {
  const { queries, fail, answer } = slow();
  const both = [queries.ask('sessions', {}), queries.ask('sessions', {})];
  fail();
  for (const asking of both) await expect(asking).rejects.toThrow('away');
  const again = queries.ask('sessions', {});
  answer();
  await expect(again).resolves.toBeDefined();
});
