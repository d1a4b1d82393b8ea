/** Promise 2, second half: whoever reads the log again from its beginning, in other pieces, gets the same tables. */

import { untilLevel } from '../system/level.js';
import { type Check, Differences } from './check.js';

/** All that is shown. Statuses and samples are written again by whoever changes something near them: their version is no fact. */
export const COMPARED: readonly [table: string, columns: string][] = [
  ['sessions', '* EXCEPT (generation, version)'],
  ['energy_15m', '* EXCEPT (generation, version)'],
  ['status_intervals', '* EXCEPT (generation, version)'],
  ['connections', '* EXCEPT (generation, version)'],
  ['meter_values', '* EXCEPT (generation, version)'],
  ['anomalies', '* EXCEPT (generation, version)'],
];

/** Unlike those of the first pass: what is flushed with what must decide nothing. */
export const IN_LARGE_PIECES = {
  WATTSTREAM_FLUSH_MS: '250',
  WATTSTREAM_FLUSH_RECORDS: '20000',
  WATTSTREAM_CHECKPOINT_MS: '1500',
};

const LIVE = 1;
const AGAIN = 2;

export const secondPass: Check = {
  name: 'second pass',
  about:
    'every derived table equals, value for value, what a fresh analytics makes of the log from offset 0 as another generation, with other batches',
  async run({ system, say }) {
    const differences = new Differences();
    const env = { ...IN_LARGE_PIECES, WATTSTREAM_GENERATION: String(AGAIN) };
    const again = await system.honestAnalytics('second-pass', env);
    try {
      await again.start();
      await untilLevel(system, AGAIN, say);
    } finally {
      await again.leave();
    }
    const compared: Record<string, number> = {};
    for (const [table, columns] of COMPARED) {
      const rows = (generation: number) =>
        `SELECT ${columns} FROM ${table}_rows FINAL WHERE generation = ${generation}`;
      const count = async (query: string) =>
        Number((await ask<{ n: number }>(`SELECT count() AS n FROM (${query})`))[0]?.n);
      const [live, second] = [await count(rows(LIVE)), await count(rows(AGAIN))];
      compared[table] = live;
      if (live !== second) differences.add(`${table}: ${live} rows, the second pass has ${second}`);
      const only = async (one: number, other: number) =>
        (await ask(`SELECT * FROM (${rows(one)} EXCEPT ${rows(other)}) ORDER BY 1, 2, 3 LIMIT 5`)).map(
          (row) => JSON.stringify(row),
        );
      const [inLive, inSecond] = [await only(LIVE, AGAIN), await only(AGAIN, LIVE)];
      for (const row of inLive) differences.add(`${table}: only in the live tables: ${row}`);
      for (const row of inSecond) differences.add(`${table}: only in the second pass: ${row}`);
    }
    return { compared, differences };

    async function ask<Row>(query: string): Promise<Row[]> {
      return (await system.database.query({ query, format: 'JSONEachRow' })).json<Row>();
    }
  },
};
