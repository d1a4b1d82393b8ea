/** The report is what somebody who was not there has to believe, or to doubt. */
import { expect, test } from '@jest/globals';
import type { RunOutcome } from './outcome.js';
import { markdownOf, verdictOf } from './report.js';

const clean: RunOutcome = {
  seed: 7,
  settings: { minutes: 3, faults: 2 },
  versions: { node: 'v20' },
  faults: { 'kill-ingest': 2 },
  impossible: { 'full-disk': 'only root can mount' },
  fromOutside: 0,
  crashes: 0,
  complaints: {},
  scenarios: { live: 1 },
  load: {
    fleets: 1,
    chargers: 4,
    online: 4,
    answered: 100,
    resent: 3,
    sessionsClosed: 9,
    sessionsOpen: 0,
    connects: 8,
    discarded: 0,
  },
  checks: [{ name: 'archive', about: 'is the log', compared: { records: 123 }, differences: 0, first: [] }],
  differences: 0,
  broken: undefined,
  seconds: 61,
  protocol: [
    { at: 1.5, kind: 'fault', what: 'kill -9 ingest-1' },
    { at: 2, kind: 'progress', what: '4 chargers online' },
    { at: 2.5, kind: 'system', what: 'ingest-1 is ready again' },
  ],
};

test('a clean run says how much was looked at, and what could not be done', () => {
  const page = markdownOf(clean);
  expect(page).toContain('# Chaos, seed 7: no difference after 2 faults');
  expect(page).toContain('| archive: is the log | 123 records | 0 |');
  expect(page).toContain('Not possible here: full-disk (only root can mount).');
  expect(page).toContain('| 1.5 | **fault**: kill -9 ingest-1 |');
  expect(page).toContain('| 2.5 | ingest-1 is ready again |');
  expect(page).not.toContain('4 chargers online');
});

test('differences stand in the title and with both their values', () => {
  const first = ['0/17: the log has `a`, the archive b'];
  const page = markdownOf({
    ...clean,
    differences: 1,
    checks: [{ ...clean.checks[0]!, differences: 1, first }],
  });
  expect(page).toContain('1 DIFFERENCES after 2 faults');
  expect(page).toContain("- `0/17: the log has 'a', the archive b`");
});

test('a run that did not come to its end proves nothing, whatever it had found by then', () => {
  expect(verdictOf({ ...clean, broken: 'it was interrupted' })).toMatch(/^NOT PROVEN/);
  expect(verdictOf({ ...clean, fromOutside: 3, crashes: 1 })).toBe(
    'no difference after 2 faults and 3 from outside; 1 processes ended by themselves',
  );
});
