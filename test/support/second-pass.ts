/** The tables beside what a second pass over the whole log makes of it, value for value. */
import { COMPARED, IN_LARGE_PIECES } from '../../src/chaos/checks/second-pass.js';
import type { TestInstallation } from './installation.js';

/** Reads the log from its beginning as another generation; throws when a table does not become the same. */
export async function compareWithSecondPass(
  installation: TestInstallation,
  { generation = 2, env = {} }: { generation?: number; env?: Record<string, string> } = {},
): Promise<Record<string, number>> {
  const again = await installation.start('analytics', {
    ...IN_LARGE_PIECES,
    ...env,
    WATTSTREAM_GENERATION: String(generation),
  });
  const counts: Record<string, number> = {};
  for (const [name, columns] of COMPARED) {
    const rows = (of: number) =>
      installation.database.select(
        `SELECT ${columns} FROM ${name}_rows FINAL WHERE generation = ${of} ORDER BY tuple(*)`,
      );
    const live = await rows(1);
    await installation
      .until(
        () => rows(generation),
        (second) => JSON.stringify(second) === JSON.stringify(live),
      )
      .catch(async () => {
        throw new Error(
          `${name} differs from a second pass: ${firstDifference(live, await rows(generation))}`,
        );
      });
    counts[name] = live.length;
  }
  await again.kill('SIGTERM');
  return counts;
}

function firstDifference(live: readonly unknown[], second: readonly unknown[]): string {
  const at = live.findIndex((row, index) => JSON.stringify(row) !== JSON.stringify(second[index]));
  const index = at === -1 ? live.length : at;
  return `${live.length} and ${second.length} rows; row ${index}: ${JSON.stringify(live[index])} and ${JSON.stringify(second[index])}`;
}
