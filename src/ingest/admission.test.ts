import { expect, test } from '@jest/globals';
import { AddressBook, Admission, staggeredSeconds } from './admission.js';
import { TokenBucket } from './token-bucket.js';

test('a burst comes in at once, then the rate holds, and it never pays for more than the burst', () => {
  const door = new Admission({ perSecond: 10, burst: 3, concurrent: 100 });
  expect([0, 0, 0, 0].map((now) => door.enter(now))).toEqual([true, true, true, false]);
  expect([50, 100, 100, 199, 200].map((now) => door.enter(now))).toEqual([false, true, false, false, true]);
  expect([60_000, 60_000, 60_000, 60_000].map((now) => door.enter(now))).toEqual([true, true, true, false]);
});

test('only so many are judged at the same time, however patient the rate', () => {
  const door = new Admission({ perSecond: 1_000, burst: 1_000, concurrent: 2 });
  expect([door.enter(0), door.enter(0), door.enter(0)]).toEqual([true, true, false]);
  door.leave();
  expect(door.enter(0)).toBe(true);
});

test('those sent away are asked to come back at different times', () => {
  let roll = 0;
  const door = new Admission({ perSecond: 1, burst: 1, concurrent: 1 }, () => roll);
  expect(door.retryAfterSeconds()).toBe(2);
  roll = 0.999;
  expect(door.retryAfterSeconds()).toBe(29);
});

test('an address is crowded by open sockets only', () => {
  const book = new AddressBook(1);
  book.enter('a');
  expect(book.isCrowded('a')).toBe(false);
  book.enter('a');
  expect([book.isCrowded('a'), book.isCrowded('b')]).toEqual([true, false]);
  book.leave('a');
  expect(book.isCrowded('a')).toBe(false);
});

test('a debt says how long it takes to pay, and time that goes back gives nothing', () => {
  const bucket = new TokenBucket(10, 2);
  expect([bucket.take(1_000), bucket.take(1_000), bucket.take(1_000), bucket.take(1_000)]).toEqual([
    0, 0, 100, 200,
  ]);
  expect(bucket.take(500)).toBe(300);
  expect(bucket.take(1_300)).toBe(100);
});

test('intervals of chargers spread over a tenth, and stay what they are', () => {
  const told = Array.from({ length: 200 }, (_, i) => staggeredSeconds(300, `CP-${i}`));
  expect(Math.min(...told)).toBeGreaterThanOrEqual(270);
  expect(Math.max(...told)).toBeLessThanOrEqual(300);
  expect(new Set(told).size).toBeGreaterThan(15);
  expect(staggeredSeconds(300, 'CP-7')).toBe(told[7]);
  expect(staggeredSeconds(1, 'CP-7')).toBe(1);
});
