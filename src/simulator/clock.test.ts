import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { VirtualClock } from './clock.js';
import { seeded } from './random.js';

let clock: VirtualClock;
afterEach(() => clock.stop());

describe('the virtual clock', () => {
  it('runs as many times faster than real time as asked', async () => {
    const beforeStart = performance.now();
    clock = new VirtualClock(1_000_000, 1_000);
    const afterStart = performance.now();
    await sleep(50);
    const beforeReading = performance.now();
    const passed = clock.now() - 1_000_000;
    const afterReading = performance.now();
    // Between the shortest and the longest time that can have passed, however busy the machine (floats: 1 us).
    expect(passed).toBeGreaterThanOrEqual((beforeReading - afterStart) * 1_000 - 1);
    expect(passed).toBeLessThanOrEqual((afterReading - beforeStart) * 1_000 + 1);
  });

  it.each([10_000, Number.POSITIVE_INFINITY])(
    'wakes in order of time, and equals in order of asking, at speed %p',
    async (speed) => {
      clock = new VirtualClock(0, speed);
      const random = seeded('clock');
      const asked = Array.from({ length: 2_000 }, (_, order) => ({
        at: random.whole(0, 500) * 1_000,
        order,
      }));
      const woken: { at: number; order: number }[] = [];
      await new Promise<void>((resolve) => {
        for (const one of asked)
          clock.wake(one.at, () => {
            woken.push(one);
            if (woken.length === asked.length) resolve();
          });
      });
      expect(woken).toEqual([...asked].sort((a, b) => a.at - b.at || a.order - b.order));
    },
  );

  it('never wakes early, and never the cancelled', async () => {
    clock = new VirtualClock(0, 1_000);
    const wrong: number[] = [];
    let right = 0;
    await new Promise<void>((resolve) => {
      for (let at = 0; at <= 60_000; at += 500) {
        const isCancelled = at % 1_000 === 500;
        const wake = clock.wake(at, () => {
          if (isCancelled || clock.now() < at) wrong.push(at);
          else right++;
          if (at === 60_000) resolve();
        });
        if (isCancelled) wake.cancel();
      }
    });
    expect(wrong).toEqual([]);
    expect(right).toBe(61);
  });

  it('never wakes from within the call that asks: chargers would re-enter themselves', () => {
    clock = new VirtualClock(0, Number.POSITIVE_INFINITY);
    let woken = false;
    clock.wake(0, () => {
      woken = true;
    });
    expect(woken).toBe(false);
  });

  it('lets sockets have their turn in the middle of much work', async () => {
    clock = new VirtualClock(0, Number.POSITIVE_INFINITY);
    let busy = true;
    const work = () => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      if (busy) clock.wake(0, work);
    };
    for (let index = 0; index < 20; index++) clock.wake(0, work);
    // Work goes on for as long as `busy` says: without a turn for others this would never end.
    await sleep(5);
    busy = false;
  });
});
