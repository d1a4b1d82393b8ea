import { expect, test } from '@jest/globals';
import { oneAtATime } from './one-at-a-time.js';

function gated() {
  const begun: { end: () => void; fail: () => void }[] = [];
  const ask = oneAtATime(
    () =>
      new Promise<number>((resolve, reject) => {
        const number = begun.length + 1;
        begun.push({ end: () => resolve(number), fail: () => reject(new Error(`${number}`)) });
      }),
  );
  return { ask, begun };
}

test('who asks while one is running gets the next, all the same one: an answer is never older than its asking', async () => {
  const { ask, begun } = gated();
  const [first, second, third] = [ask(), ask(), ask()];
  expect(begun).toHaveLength(1);
  begun[0]?.end();
  expect(await first).toBe(1);
  const fourth = ask();
  begun[1]?.end();
  expect(await Promise.all([second, third])).toEqual([2, 2]);
  begun[2]?.end();
  expect(await fourth).toBeGreaterThan(1);
  expect(begun.length).toBeLessThanOrEqual(3);
});

test('that one fails is told to who asked for it, and the next begins', async () => {
  const { ask, begun } = gated();
  const [first, second] = [ask(), ask()];
  begun[0]?.fail();
  await expect(first).rejects.toThrow('1');
  await new Promise((resolve) => setImmediate(resolve));
  begun[1]?.end();
  expect(await second).toBe(2);
});
