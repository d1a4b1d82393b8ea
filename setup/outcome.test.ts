import { expect, test } from '@jest/globals';
import { closing } from './outcome.mjs';

const clean = { numPassedTests: 7, numFailedTests: 0, numRuntimeErrorTestSuites: 0, success: true };

test('all well', () => {
  expect(closing({ results: clean, jestCode: 0, failedChecks: 0 })).toEqual({
    line: '7 passed, 0 failed',
    code: 0,
  });
});

test.each([
  [
    'a failed test',
    { results: { ...clean, numFailedTests: 2, success: false }, jestCode: 1, failedChecks: 0 },
    2,
  ],
  [
    'a file that could not be loaded',
    { results: { ...clean, numRuntimeErrorTestSuites: 1 }, jestCode: 1, failedChecks: 0 },
    1,
  ],
  ['a failed type check', { results: clean, jestCode: 0, failedChecks: 1 }, 1],
  ['a jest that died', { results: undefined, jestCode: 139, failedChecks: 0 }, 1],
  ['a jest that complains without a failed test', { results: clean, jestCode: 1, failedChecks: 0 }, 1],
])('%s can be read off the line as well as off the exit code', (_what, outcome, failed) => {
  const { line, code } = closing(outcome);
  expect(line).toMatch(new RegExp(`^\\d+ passed, ${failed} failed$`));
  expect(code).toBe(1);
});
