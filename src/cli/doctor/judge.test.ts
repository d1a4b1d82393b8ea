import { describe, expect, test } from '@jest/globals';
import { judgeRetention } from './broker.js';
import { report } from './check.js';
import { judgeClock, judgeVersion } from './database.js';
import { judgeProgress } from './progress.js';

describe('retention', () => {
  test.each([
    ['30D', 'ok'],
    ['1M', 'ok'],
    ['720h', 'ok'],
    ['7D', 'wrong'],
    [undefined, 'wrong'],
    ['soon', 'unknown'],
  ])('of %s where 30 days are wanted is %s', (age, verdict) => {
    expect(judgeRetention('ocpp.frames-0', age, 30).verdict).toBe(verdict);
  });
});

describe('the clock of ClickHouse', () => {
  test.each([
    ['within the time of the question', 1_500, 'ok'],
    ['a little off', 4_500, 'ok'],
    ['behind', -2_001, 'wrong'],
    ['ahead', 5_001, 'wrong'],
  ])('%s', (_, server, verdict) => {
    expect(judgeClock(server, 1_000, 3_000).verdict).toBe(verdict);
  });
});

test.each([
  ['24.8.1.1', 'wrong'],
  ['25.7.9.9', 'wrong'],
  ['25.8.0.1', 'ok'],
  ['26.7.2.1', 'ok'],
])('ClickHouse %s is %s', (version, verdict) => expect(judgeVersion(version).verdict).toBe(verdict));

describe('a partition', () => {
  const partition = {
    partition: 3,
    firstOffset: 5,
    lastOffset: 40,
    nextOffset: 20,
    checkpointAt: 't',
    checkpointAgeSeconds: 10,
    behind: 21,
  };
  test.each([
    ['level', 10, 'ok'],
    ['empty', 10, 'ok'],
    ['unread', 10, 'unknown'],
    ['behind', 89, 'ok'],
    ['behind', 91, 'wrong'],
    ['lost', 10, 'wrong'],
    ['ahead', 10, 'wrong'],
  ] as const)('%s, with a checkpoint of %i s ago', (state, checkpointAgeSeconds, verdict) => {
    expect(judgeProgress({ ...partition, state, checkpointAgeSeconds }, 15_000)).toMatchObject({
      check: 'partition 3',
      verdict,
    });
  });
});

test('a report says what is wrong and how to mend it, and nothing to do where all is well', () => {
  const text = report([
    { check: 'a', verdict: 'ok', found: 'fine', remedy: 'not shown' },
    { check: 'long name', verdict: 'wrong', found: 'broken', remedy: 'mend it' },
  ]);
  expect(text).toBe(
    '✔ a          fine\n✖ long name  broken\n             → mend it\n\nOne thing is wrong.\n',
  );
});
