import { describe, expect, test } from '@jest/globals';
import { lost } from '../../registry/keys/key-ring.js';
import { judgeKeys } from './keys.js';

const state = { id: 'keys', book: 3, from: null, tagKey: 'k' };
const well = { state, lost: undefined, erased: 0, clear: 0 };

describe('keys of personal data', () => {
  test('which book is current, and that all is well', () => {
    expect(judgeKeys(well)).toMatchObject({ verdict: 'ok', found: 'key book 3 is the current one' });
    expect(judgeKeys({ ...well, state: undefined })).toMatchObject({ verdict: 'ok' });
    expect(judgeKeys({ ...well, clear: 7 }).found).toContain('7 accounts stand in the clear');
  });

  test('an unfinished rewrite, and erased accounts whose keys are there, are said with who finishes it', () => {
    expect(judgeKeys({ ...well, state: { ...state, from: 2 } })).toMatchObject({
      verdict: 'unknown',
      found: expect.stringContaining('book 2 is being copied into it: unfinished'),
      remedy: expect.stringContaining('api'),
    });
    expect(judgeKeys({ ...well, erased: 2 }).found).toContain('keys of 2 erased accounts');
  });

  test('a lost book is wrong, with how to recover', () => {
    expect(judgeKeys({ ...well, lost: lost('The stream of key book 3 is not there') })).toMatchObject({
      verdict: 'wrong',
      remedy: expect.stringContaining('backup'),
    });
  });
});
