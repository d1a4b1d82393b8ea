/** After a full disk the engine must start anew, or what a merge left half written is all there is some minutes later. */
import { expect, test } from '@jest/globals';
import { FullDisk } from './full-disk.js';

const MIB = 1024 ** 2;
const MINUTE = 60_000;

/** Looks at [free MiB, at ms] in turn; the time at which it is told to start anew. */
function startsAnewAt(...looks: [number, number][]): number | undefined {
  const disk = new FullDisk();
  return looks.find(([free, at]) => disk.look(free * MIB, at))?.[1];
}

test('a disk that was never full is no reason', () => {
  expect(startsAnewAt([500, 0], [20, 10_000], [2, 20_000], [500, 30_000])).toBeUndefined();
});

test('when there is room again, and it stays', () => {
  expect(startsAnewAt([500, 0], [0, 100], [0, 5_000], [400, 5_100], [400, 5_300], [400, 5_700])).toBe(5_700);
});

test('not while the room comes and goes, nor for a little of it', () => {
  expect(
    startsAnewAt([0, 0], [400, 100], [0, 400], [400, 500], [400, 900], [5, 950], [400, 1_000]),
  ).toBeUndefined();
});

test('before the parts are deleted that a broken one was made of, room or not', () => {
  expect(startsAnewAt([0, 0], [0, MINUTE], [3, 3 * MINUTE], [0, 4 * MINUTE])).toBe(4 * MINUTE);
});
