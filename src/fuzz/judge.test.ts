/** The judge of fuzzed connections must itself find what is wrong. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PROTOCOLS } from '../domain/ocpp/record.js';
import { owed } from './expected.js';
import { type Json, mutated, textOf } from './mutate.js';
import { judge } from './talk.js';
import { everyAction, type Message, talks } from './texts.js';

const said = (...texts: string[]): Message[] => texts.map((text) => ({ kind: 'text', text, pieces: 1 }));
const HEARTBEAT = '[2,"a","Heartbeat",{}]';
const ANSWER = '[3,"a",{"currentTime":"2026-11-24T00:00:00.000Z"}]';

describe('what a text is owed', () => {
  test.each([
    [HEARTBEAT, ['a'], ['a'], ['a']],
    ['[2,"a"]', ['a'], ['a'], ['a']],
    ['[2,7,"Heartbeat",{}]', [], ['-1'], ['-1']],
    ['[2,"","Heartbeat",{}]', [], ['-1'], ['-1']],
    ['[3,"a",{}]', [], [], []],
    ['[4,"a","GenericError","",{}]', [], [], []],
    ['[6,"a","NotifyPeriodicEventStream",{}]', [], ['a'], []],
    ['[9,"a"]', [], ['a'], []],
    ['not JSON', [], ['-1'], ['-1']],
    ['{}', [], ['-1'], ['-1']],
  ])('%s', (text, ...ids) => {
    expect(PROTOCOLS.map((protocol) => owed(text, protocol).ids)).toEqual(ids);
  });

  test('an id too long to be repeated may come back as -1', () => {
    expect(owed(`[2,"${'i'.repeat(256)}","Heartbeat",{}]`, 'ocpp1.6').ids).toEqual(['i'.repeat(256), '-1']);
  });
});

describe('the judge', () => {
  const judged =
    (list: Message[], answers: string[], code?: number, reason = 'why') =>
    () =>
      judge(list, 'ocpp1.6', answers, code === undefined ? undefined : { code, reason });

  test('is content with what is right', () => {
    expect(judged(said(HEARTBEAT, '[3,"x",{}]', HEARTBEAT), [ANSWER, ANSWER])()).toHaveLength(2);
    expect(judged(said('[2,"a","Nonsense",{}]'), ['[4,"a","NotImplemented","",{}]'])()).toHaveLength(1);
    const binary: Message = { kind: 'binary', text: 'x', pieces: 1 };
    expect(judged([...said(HEARTBEAT), binary], [], 1003)()).toEqual([]);
  });

  const wrong: [string, Message[], string[], number?, string?][] = [
    ['never answered', said(HEARTBEAT), []],
    ['an answer to nothing', said(HEARTBEAT), [ANSWER, ANSWER]],
    ['an answer to nothing', said('[3,"x",{}]'), [ANSWER]],
    ['under another id', said(HEARTBEAT), [ANSWER.replace('"a"', '"b"')]],
    ['not JSON', said(HEARTBEAT), ['oops']],
    ['without a payload', said(HEARTBEAT), ['[3,"a"]']],
    ['against its schema', said(HEARTBEAT), ['[3,"a",{}]']],
    ['to no action of chargers', said('[2,"a","Reset",{}]'), ['[3,"a",{}]']],
    ['an unknown error code', said(HEARTBEAT), ['[4,"a","Whatever","",{}]']],
    ['a description', said(HEARTBEAT), [`[4,"a","GenericError","${'x'.repeat(256)}",{}]`]],
    ['closed without a reason to', said(HEARTBEAT), [], 1011],
    ['instead of 1003', [{ kind: 'binary', text: 'x', pieces: 1 }], [], 1011],
    ['instead of 1003', [{ kind: 'binary', text: 'x', pieces: 1 }], [], 1003, ''],
    ['instead of 1009', [{ kind: 'large', by: 1 }], []],
    ['instead of 1008', said(...Array.from({ length: 10 }, () => 'x')), []],
  ];
  test.each(wrong.map(([complaint, ...rest]) => ({ complaint, rest })))(
    'sees $complaint',
    ({ complaint, rest }) => {
      expect(judged(...rest)).toThrow(complaint);
    },
  );
});

test('cases are a function of the seed', () => {
  const [once, again] = [1, 2].map(() => fc.sample(talks('ocpp2.1'), { seed: 5, numRuns: 30 }));
  expect(once).toEqual(again);
});

test('a change leaves its value as it was, and puts it nowhere twice', () => {
  const list: Json = [];
  const into = { at: 0, name: '', value: list } as const;
  const hurt = mutated({ a: 1 }, [
    { ...into, at: 1, how: 'replace' },
    { ...into, at: 1, how: 'add' },
  ]);
  expect(textOf(hurt)).toBe('{"a":[[]]}');
  expect(list).toEqual([]);
});

test('every action of every version is said once', () => {
  expect(PROTOCOLS.map((protocol) => everyAction(protocol).length)).toEqual([14, 25, 37]);
});

test('names that every object has become properties like any other, and nesting becomes brackets', () => {
  const change = { at: 0, how: 'add', name: '__proto__', value: '@deep 3@' } as const;
  expect(textOf(mutated({ a: 1 }, [change]))).toBe('{"a":1,"__proto__":[[[]]]}');
});
