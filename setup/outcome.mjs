/**
 * @typedef {object} JestResults what we read of jest's --json
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numRuntimeErrorTestSuites files that could not even be loaded
 * @property {boolean} success
 */

/**
 * The closing line, `N passed, N failed`, and the exit code. A check that failed, a file that could not be
 * loaded and a jest that ended without results each count as one failure: the line must never look better
 * than the code.
 * @param {object} outcome
 * @param {JestResults | undefined} outcome.results
 * @param {number} outcome.jestCode
 * @param {number} outcome.failedChecks
 */
export function closing({ results, jestCode, failedChecks }) {
  const passed = results?.numPassedTests ?? 0;
  let failed = failedChecks + (results ? results.numFailedTests + results.numRuntimeErrorTestSuites : 1);
  if (failed === 0 && (jestCode !== 0 || !results?.success)) failed = 1;
  return { line: `${passed} passed, ${failed} failed`, code: failed === 0 ? 0 : 1 };
}
