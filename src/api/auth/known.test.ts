/** Reading on while the broker is away: nobody may use it to make requests pile up in the api. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ReadingOn } from './known.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('a log that does not answer is waited for two seconds, then not at all for one; then it is asked again', async () => {
  let asked = 0;
  let answers = false;
  const reading = new ReadingOn({
    caughtUp() {
      asked += 1;
      return answers ? Promise.resolve() : new Promise(() => {});
    },
  });
  const first = reading.toTheEnd();
  await jest.advanceTimersByTimeAsync(2_000);
  expect(await first).toBe(false);
  // At once: no time passes here.
  for (let request = 0; request < 100; request++) expect(await reading.toTheEnd()).toBe(false);
  expect(asked).toBe(1);
  await jest.advanceTimersByTimeAsync(1_000);
  answers = true;
  expect(await reading.toTheEnd()).toBe(true);
  // While it answers it is asked each time: what was written since may be what somebody comes with.
  expect(await reading.toTheEnd()).toBe(true);
  expect(asked).toBe(3);
});
