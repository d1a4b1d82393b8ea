import { expect, test } from '@jest/globals';
import { Lane } from './lanes.js';

const never = new AbortController().signal;

test('places are handed over in order, and one given back twice counts once', async () => {
  const lane = new Lane('l', 1, 10);
  const leave = await lane.enter(never);
  const order: number[] = [];
  const second = lane.enter(never).then((free) => {
    order.push(2);
    return free;
  });
  const third = lane.enter(never).then((free) => {
    order.push(3);
    return free;
  });
  leave();
  leave();
  (await second)();
  (await third)();
  expect(order).toEqual([2, 3]);
  expect([lane.running, lane.queued]).toEqual([0, 0]);
});

test('who leaves while waiting takes no place', async () => {
  const lane = new Lane('l', 1, 10);
  const leave = await lane.enter(never);
  const left = new AbortController();
  const waiting = lane.enter(left.signal);
  left.abort();
  await expect(waiting).rejects.toThrow(/QUERY_WAS_CANCELLED/);
  leave();
  expect([lane.running, lane.queued]).toEqual([0, 0]);
});

test('a full lane says so', async () => {
  const lane = new Lane('l', 1, 0);
  await lane.enter(never);
  await expect(lane.enter(never)).rejects.toThrow(/TOO_MANY_SIMULTANEOUS_QUERIES/);
});
