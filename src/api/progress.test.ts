import { expect, test } from '@jest/globals';
import { progressOf } from './progress.js';

const checkpoint = (next_offset: number, active = true) => ({
  generation: active ? 1 : 2,
  active,
  epoch: 1,
  partition: 0,
  next_offset,
  last_offset: next_offset - 1,
  last_hash: 'aa',
  taken_at: 't',
  age_s: 1,
});

test.each([
  ['nothing was ever written', undefined, undefined, undefined, 'empty', 0],
  ['records and no checkpoint', 0, 9, undefined, 'unread', 10],
  ['records and no checkpoint, the oldest gone', 5, 9, undefined, 'unread', 5],
  ['all is covered', 0, 9, 10, 'level', 0],
  ['some is not', 0, 9, 4, 'behind', 6],
  ['the first record to read is the first retained', 4, 9, 4, 'behind', 6],
  ['retention has passed the checkpoint', 5, 9, 4, 'lost', 6],
  ['the log ends before the checkpoint', 0, 9, 11, 'ahead', 0],
  ['the log is empty again', undefined, undefined, 11, 'ahead', 0],
] as const)('%s', (_, first, last, next, state, behind) => {
  const checkpoints = next === undefined ? [] : [checkpoint(next)];
  expect(progressOf([{ partition: 0, first, last }], checkpoints)).toMatchObject([{ state, behind }]);
});

test('checkpoints of a generation that is not shown do not count', () => {
  expect(progressOf([{ partition: 0, first: 0, last: 9 }], [checkpoint(10, false)])).toMatchObject([
    { state: 'unread', nextOffset: null },
  ]);
});
