import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { silentLogger } from '../platform/logger.js';
import { watchReadiness } from './readiness.js';

let watch: ReturnType<typeof watchReadiness> | undefined;
afterEach(() => watch?.close());

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error('it did not happen');
    await sleep(5);
  }
}

test('not ready before the first answer, then ready, then not, and it says why', async () => {
  let away: Error | undefined;
  watch = watchReadiness({
    ask: async () => {
      if (away) throw away;
    },
    everyMs: 5,
    log: silentLogger,
  });
  expect(watch.ready()).toContain('not answered yet');
  await until(() => watch!.ready() === undefined);
  away = new Error('connection refused');
  await until(() => watch!.ready() === 'connection refused');
  away = undefined;
  await until(() => watch!.ready() === undefined);
});

test('a question that hangs does not pile up further ones', async () => {
  let asked = 0;
  watch = watchReadiness({
    ask: () => {
      asked++;
      return new Promise(() => {});
    },
    everyMs: 1,
    log: silentLogger,
  });
  await sleep(50);
  expect(asked).toBe(1);
});
