import { expect, test } from '@jest/globals';
import { ascii, streamNames } from './names.js';

test('partitions are named as the broker names those of a super stream', () => {
  const names = streamNames('test.');
  expect(names.superStream).toBe('test.ocpp.frames');
  expect(names.partition(7)).toBe('test.ocpp.frames-7');
});

test.each(['', 'strøm', 'a\nb', 'x'.repeat(256)])(
  'a name the protocol would choke on is refused: %j',
  (name) => {
    expect(() => ascii(name, 'name')).toThrow(expect.objectContaining({ code: 'NAME_NOT_ASCII' }));
  },
);
