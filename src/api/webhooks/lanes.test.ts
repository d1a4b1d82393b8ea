import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Lanes, type LanesOptions } from './lanes.js';
import type { Posted } from './post.js';

const delivered: Posted = { outcome: 'delivered', status: 200, detail: '', elapsedMs: 1 };
const failed: Posted = { outcome: 'failed', status: 500, detail: 'it answers 500', elapsedMs: 1 };
const HOUR = 3_600_000;

let lanes: Lanes;
let attempts: string[];
/** What the receiver answers to this one. */
let answers: Map<string, Posted>;
beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  attempts = [];
  answers = new Map();
  lanes = make();
});
afterEach(() => {
  lanes.close();
  jest.useRealTimers();
});

const make = (more: Partial<LanesOptions> = {}) =>
  new Lanes({
    concurrency: 4,
    retry: { firstMs: 1_000, maxMs: HOUR, giveUpMs: 24 * HOUR },
    now: Date.now,
    random: () => 1,
    ...more,
  });
const push = (lane: string, name: string) =>
  lanes.push({
    lane,
    accepted: Date.now(),
    attempt: async (n) => {
      attempts.push(`${name}#${n}`);
      return answers.get(name) ?? delivered;
    },
  });
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('order', () => {
  test('one that fails holds back what is behind it in its lane, and nothing else', async () => {
    answers.set('a1', failed);
    const ends = [push('a', 'a1'), push('a', 'a2'), push('b', 'b1'), push('b', 'b2')];
    await pass(0);
    expect(attempts).toEqual(['a1#1', 'b1#1', 'b2#1']);
    answers.delete('a1');
    await pass(1_000);
    expect(attempts).toEqual(['a1#1', 'b1#1', 'b2#1', 'a1#2', 'a2#1']);
    expect(await Promise.all(ends)).toEqual(ends.map(() => ({ ended: 'delivered' })));
  });

  test('no more than so many at once', async () => {
    let under = 0;
    let most = 0;
    lanes = make({ concurrency: 2 });
    const ends = Array.from({ length: 10 }, (_, n) =>
      lanes.push({
        lane: String(n),
        accepted: 0,
        attempt: async () => {
          most = Math.max(most, ++under);
          await new Promise((resolve) => setTimeout(resolve, 10));
          under -= 1;
          return delivered;
        },
      }),
    );
    await pass(1_000);
    await Promise.all(ends);
    expect(most).toBe(2);
  });
});

describe('a receiver that is away', () => {
  test('is tried ever more rarely, for a day, then given up with the reason', async () => {
    answers.set('a1', failed);
    const end = push('a', 'a1');
    const behind = push('a', 'a2');
    await pass(23 * HOUR);
    expect(attempts.length).toBeGreaterThan(20);
    expect(attempts.length).toBeLessThan(40);
    expect(attempts).not.toContain('a2#1');
    await pass(3 * HOUR);
    expect(await end).toEqual({
      ended: 'given-up',
      reason: expect.stringMatching(/^it answers 500; given up after \d+ attempts$/),
    });
    expect(await behind).toEqual({ ended: 'delivered' });
  });

  test('is tried at once in every lane when it is back; a lane that fails alone is not hurried', async () => {
    for (const name of ['a1', 'b1', 'c1', 'poison']) answers.set(name, failed);
    const ends = [push('a', 'a1'), push('b', 'b1'), push('c', 'c1'), push('p', 'poison')];
    await pass(3 * HOUR);
    for (const name of ['a1', 'b1', 'c1']) answers.delete(name);
    await pass(HOUR);
    expect(await Promise.all(ends.slice(0, 3))).toEqual(Array(3).fill({ ended: 'delivered' }));
    const before = attempts.filter((name) => name.startsWith('poison')).length;
    for (let n = 0; n < 50; n++) push('d', `d${n}`);
    await pass(60_000);
    expect(attempts.filter((name) => name.startsWith('poison')).length - before).toBeLessThanOrEqual(1);
  });

  test('and asks for time gets it, an hour at most', async () => {
    answers.set('a1', { ...failed, retryAfterMs: 60_000 });
    void push('a', 'a1');
    await pass(59_000);
    expect(attempts).toEqual(['a1#1']);
    await pass(1_000);
    expect(attempts).toEqual(['a1#1', 'a1#2']);
  });
});

test('what is closed delivers nothing more, and says so', async () => {
  answers.set('a1', failed);
  const ends = [push('a', 'a1'), push('a', 'a2')];
  await pass(0);
  lanes.close();
  expect(await Promise.all(ends)).toEqual([{ ended: 'closed' }, { ended: 'closed' }]);
  expect(await push('a', 'a3')).toEqual({ ended: 'closed' });
  await pass(HOUR);
  expect(attempts).toEqual(['a1#1']);
});
