/** Simulated chargers know what they really delivered; the tables must say the same, to the watt-hour. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { simulate } from '../../src/simulator/fleet.js';
import type { Ledger } from '../../src/simulator/ledger.js';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';
import { differences, sessionsOf } from '../support/truth.js';

let installation: TestInstallation;
let ingest: RunningRole;

beforeAll(async () => {
  installation = await testInstallation({ WATTSTREAM_CHECKPOINT_MS: '500' });
  [ingest] = await Promise.all([installation.start('ingest'), installation.start('analytics')]);
}, 60_000);

afterAll(() => installation?.stop());

const run = async (scenario: string, prefix: string): Promise<Ledger> => {
  const ledger = await simulate({
    url: ocppUrl(ingest),
    scenario,
    prefix,
    chargers: 12,
    seed: 7,
    speed: Infinity,
  });
  await installation.until(
    () => sessionsOf(installation.database, prefix),
    (rows) => rows.filter((row) => row.status === 'completed').length >= ledger.counts.sessionsClosed,
  );
  return ledger;
};

test.each([
  ['day', 'DAY-'],
  ['rush-hour', 'RUSH-'],
  ['duplicate-storm', 'DUP-'],
  ['blackout', 'DARK-'],
])(
  '%s: every session has the energy its charger delivered',
  async (scenario, prefix) => {
    const ledger = await run(scenario, prefix);
    expect(ledger.counts.sessionsClosed).toBeGreaterThan(5);
    expect(await differences(installation.database, ledger, prefix)).toEqual([]);
  },
  120_000,
);

test('every frame that was answered is in the archive, byte for byte', async () => {
  const ledger = await run('offline-queue', 'KEPT-');
  const missing = async () => {
    const stored = await installation.database.select<{ frame: string }>(
      "SELECT frame FROM frames WHERE charge_point_id LIKE 'KEPT-%' AND direction = 'in'",
    );
    const texts = new Set(stored.map((row) => row.frame));
    return ledger.answered.filter((frame) => !texts.has(frame.text));
  };
  expect(await installation.until(missing, (frames) => frames.length === 0)).toEqual([]);
}, 120_000);
