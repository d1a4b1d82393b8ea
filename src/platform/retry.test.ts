import { expect, test } from '@jest/globals';
import { backoffMs, withTimeout } from './retry.js';

test('backoff doubles up to its limit and never falls below half', () => {
  const rule = { firstMs: 100, maxMs: 1_000 };
  expect([0, 1, 2, 3, 4, 50].map((attempt) => backoffMs(attempt, rule, () => 1))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(backoffMs(4, rule, () => 0)).toBe(500);
});

test('a promise that never settles is given up with a code', async () => {
  await expect(withTimeout(new Promise(() => {}), 5, 'connecting')).rejects.toMatchObject({
    code: 'TIMEOUT',
    canRetry: true,
  });
});
