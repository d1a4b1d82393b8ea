import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { settings } from '../platform/config.js';
import { recordHash } from './codec.js';
import type { RefusalCode, StartAt, StoredRecord } from './ports.js';
import { acceptedGaps, beyondGap, refusal, refuseStart, StartGuard } from './start.js';

const at = (offset: number): StoredRecord => ({
  body: `b${offset}`,
  subject: 'Heartbeat',
  chargePointId: 'CP-1',
  receivedAt: offset,
  direction: 'in',
  gateway: 'g',
  partition: 0,
  offset,
});
const behind = (offset: number): StartAt => ({ after: offset, hash: recordHash(at(offset)) });

describe('where reading may begin', () => {
  const code = (start: StartAt, first?: number, last?: number) =>
    refuseStart(start, { first, last }, 0)?.code;
  test('from the first record: always', () => expect(code({ from: 'first' }, 5, 9)).toBeUndefined());
  test('after a record that is kept', () => {
    expect(code(behind(5), 5, 9)).toBeUndefined();
    expect(code(behind(9), 5, 9)).toBeUndefined();
  });
  test('not when retention has passed it: the broker would begin later without a word', () =>
    expect(code(behind(4), 5, 9)).toBe('RETENTION_PASSED_CHECKPOINT'));
  test('not behind the end: the broker would wait there for other records', () => {
    expect(code(behind(10), 5, 9)).toBe('LOG_DIFFERS_FROM_CHECKPOINT');
    expect(code(behind(0))).toBe('LOG_DIFFERS_FROM_CHECKPOINT');
  });
});

describe('what is handed on', () => {
  const judge = (start: StartAt, offsets: number[]) => {
    const guard = new StartGuard(start, 0);
    return offsets.map((offset) => {
      const verdict = guard.judge(at(offset));
      return typeof verdict === 'string' ? verdict : verdict.code;
    });
  };
  test('everything, from the first record on, gaps included', () =>
    expect(judge({ from: 'first' }, [0, 1, 5])).toEqual(['pass', 'pass', 'pass']));
  test('what follows the checkpoint; its chunk begins earlier', () =>
    expect(judge(behind(2), [0, 1, 2, 3])).toEqual(['drop', 'drop', 'drop', 'pass']));
  test('nothing when the record of the checkpoint is missing', () =>
    expect(judge(behind(2), [1, 3])).toEqual(['drop', 'LOG_DIFFERS_FROM_CHECKPOINT']));
  test('nothing when it is another one', () =>
    expect(judge({ after: 2, hash: 'other' }, [2])).toEqual(['LOG_DIFFERS_FROM_CHECKPOINT']));
  test('nothing once an offset comes back', () => {
    expect(judge({ from: 'first' }, [0, 1, 1])).toEqual(['pass', 'pass', 'OFFSET_WENT_BACK']);
    expect(judge(behind(2), [2, 2])).toEqual(['drop', 'OFFSET_WENT_BACK']);
  });
});

describe('a gap that somebody decided to go on without', () => {
  const gone = refusal('RETENTION_PASSED_CHECKPOINT', 3, 'gone', 17);
  test('is the one that the refusal names, and no other', () => {
    const named = /WATTSTREAM_ACCEPT_GAP=(\S+)/.exec(gone.remedy)?.[1] ?? '';
    expect(beyondGap(behind(17), gone, acceptedGaps(named))).toEqual({ from: 'first' });
    expect(beyondGap(behind(17), gone, acceptedGaps(`0:1,${named}`))).toEqual({ from: 'first' });
    for (const other of ['', '3:16', '2:17'])
      expect(beyondGap(behind(17), gone, acceptedGaps(other))).toBeUndefined();
  });
  test('does not make another log the right one', () => {
    const other = refusal('LOG_DIFFERS_FROM_CHECKPOINT', 3, 'another', 17);
    expect(beyondGap(behind(17), other, acceptedGaps('3:17'))).toBeUndefined();
  });
});

test('a remedy names only what there is: settings, and a page of the documentation with the section', () => {
  const codes: RefusalCode[] = [
    'RETENTION_PASSED_CHECKPOINT',
    'LOG_DIFFERS_FROM_CHECKPOINT',
    'CHECKPOINTS_TORN',
    'OFFSET_WENT_BACK',
    'TOO_MANY_UNDECODABLE',
    'POISON_RECORD',
  ];
  for (const code of codes) {
    const { remedy } = refusal(code, 3, 'what happened', 17);
    for (const [name] of remedy.matchAll(/(WATTSTREAM|RABBITMQ|CLICKHOUSE)_[A-Z_]+/g))
      expect(settings.shape).toHaveProperty(name);
    for (const [, page, section] of remedy.matchAll(/\((docs\/\S+\.md), "([^"]+)"\)/g))
      expect(readFileSync(page!, 'utf8')).toContain(`\n## ${section}\n`);
    // There is no command yet that could be named.
    expect(remedy).not.toMatch(/`/);
  }
});
