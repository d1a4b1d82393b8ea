/** The short form of `npm run fuzz`: a fixed seed, three rounds. The long one takes a seed and minutes. */
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import type { FuzzOutcome } from './run.js';

/** What is fuzzed are processes of the build, and so is what fuzzes: one beside the other. */
const built = (await import(
  new URL('../../dist/fuzz/run.js', import.meta.url).href
)) as typeof import('./run.js');

test('random frames, right and wrong: each CALL answered or its socket closed, all of it kept, nothing left behind', async () => {
  const outcome = await built.fuzz({ seed: 1, rounds: 3, cases: 40 });
  expect(outcome.findings).toEqual([]);
  expect(outcome).toMatchObject({ rounds: 3 } satisfies Partial<FuzzOutcome>);
  expect(outcome.connections).toBeGreaterThan(400);
  expect(outcome.log.compared).toBeGreaterThan(500);
  expect(outcome.archived).toBe(outcome.log.records);
  expect(outcome.neighbours.answered).toBeGreaterThan(10);
}, 300_000);

test('a gateway with a defect is found out, and its case made small', async () => {
  const ingestProgram = fileURLToPath(new URL('../../test/support/defective-ingest.mjs', import.meta.url));
  const { findings } = await built.fuzz({ seed: 1, rounds: 1, cases: 60, ingestProgram });
  const [found] = findings.filter(({ example }) => example !== undefined);
  expect(found?.what).toContain('1011');
  expect(JSON.parse(found?.example ?? '[]')).toHaveLength(1);
}, 300_000);
