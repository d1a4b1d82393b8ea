/** Several ingest and several analytics processes share the work, and take over from each other. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startFleet } from '../../src/simulator/fleet.js';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';
import { differences, sessionsOf } from '../support/truth.js';

const PARTITIONS = 4;
let installation: TestInstallation;

beforeAll(async () => {
  installation = await testInstallation({ WATTSTREAM_CHECKPOINT_MS: '500' });
}, 60_000);

afterAll(() => installation?.stop());

const partitionsOf = (role: RunningRole): Promise<number> => role.metric('wattstream_partitions');

test('two analytics processes share the partitions; one is killed and the other takes over; nothing is lost or doubled', async () => {
  const [east, west, first, second] = await Promise.all([
    installation.start('ingest', { WATTSTREAM_GATEWAY: 'east' }),
    installation.start('ingest', { WATTSTREAM_GATEWAY: 'west' }),
    installation.start('analytics'),
    installation.start('analytics'),
  ]);
  // The one that came first has all of them until the broker hands some over to the second.
  await installation.until(
    async () => [await partitionsOf(first), await partitionsOf(second)],
    (shares) => Math.min(...shares) > 0 && (shares[0] ?? 0) + (shares[1] ?? 0) === PARTITIONS,
  );

  const options = { scenario: 'rush-hour', chargers: 8, speed: Infinity, seed: 3 } as const;
  const fleets = [
    startFleet({ ...options, url: ocppUrl(east), prefix: 'E-' }),
    startFleet({ ...options, url: ocppUrl(west), prefix: 'W-' }),
  ];
  await installation.until(
    async () => (await sessionsOf(installation.database, 'E-')).length,
    (sessions) => sessions > 0,
  );
  await first.kill('SIGKILL');
  await installation.until(
    () => partitionsOf(second),
    (partitions) => partitions === PARTITIONS,
  );
  await Promise.all(fleets.map((fleet) => fleet.done));
  await Promise.all(fleets.map((fleet) => fleet.stop()));

  for (const [index, prefix] of ['E-', 'W-'].entries()) {
    const { ledger } = fleets[index]!;
    await installation.until(
      () => sessionsOf(installation.database, prefix),
      (rows) => rows.filter((row) => row.status === 'completed').length >= ledger.counts.sessionsClosed,
    );
    expect(await differences(installation.database, ledger, prefix)).toEqual([]);
  }
}, 120_000);

test('a second pass over the log, as another generation, gives the same tables value for value', async () => {
  const again = await installation.start('analytics', { WATTSTREAM_GENERATION: '2' });
  const table = (generation: number, name: string, columns: string) =>
    installation.database.select(
      `SELECT ${columns} FROM ${name}_rows FINAL WHERE generation = ${generation} ORDER BY tuple(*)`,
    );
  const tables: [name: string, columns: string][] = [
    ['sessions', '* EXCEPT (generation, version, `offset`)'],
    ['energy_15m', '* EXCEPT (generation, version)'],
    ['status_intervals', '* EXCEPT (generation, version)'],
    ['connections', '* EXCEPT (generation, version)'],
    ['meter_values', '* EXCEPT (generation, version, session_id)'],
  ];
  for (const [name, columns] of tables) {
    const live = await table(1, name, columns);
    expect(live.length).toBeGreaterThan(0);
    await installation.until(
      () => table(2, name, columns),
      (rows) => JSON.stringify(rows) === JSON.stringify(live),
    );
  }
  await again.kill('SIGTERM');
}, 120_000);
