import { Command, Option } from 'commander';
import { type Context, withQueries } from '../context.js';
import { csvOption, type Form, given, jsonOption, present, type Row } from '../present.js';
import type { Column } from '../table.js';
import { count, kW, kWh, lasting, utc } from '../units.js';

interface Flags extends Form {
  by: keyof typeof VIEWS;
  chargePoint?: string;
  from?: string;
  to?: string;
  timeZone?: string;
  limit?: string;
}

const energy: Column<Row> = { title: 'kWh', of: (row) => kWh(row.energy_wh), align: 'right' };
const sessions: Column<Row> = { title: 'Sessions', of: (row) => count(row.sessions), align: 'right' };
const charging: Column<Row> = { title: 'Charging', of: (row) => lasting(row.charging_s), align: 'right' };

/** What each way of adding up asks, and shows. */
const VIEWS = {
  'charge-point': {
    question: 'energy-by-charge-point',
    columns: [
      { title: 'Charge point', of: (row: Row) => row.charge_point_id },
      energy,
      sessions,
      { title: 'Peak kW', of: (row: Row) => kW(row.peak_power_w), align: 'right' },
      { title: 'Connected', of: (row: Row) => lasting(row.connected_s), align: 'right' },
      charging,
    ],
  },
  day: {
    question: 'energy-by-day',
    columns: [
      { title: 'Day', of: (row: Row) => row.day },
      energy,
      sessions,
      { title: 'Charge points', of: (row: Row) => count(row.charge_points), align: 'right' },
      charging,
    ],
  },
  '15m': {
    question: 'energy-15m',
    columns: [
      { title: 'From (UTC)', of: (row: Row) => utc(row.bucket) },
      energy,
      { title: 'Mean kW', of: (row: Row) => kW(row.mean_power_w), align: 'right' },
      { title: 'Peak kW', of: (row: Row) => kW(row.peak_power_w), align: 'right' },
      sessions,
    ],
  },
} as const satisfies Record<string, { question: string; columns: readonly Column<Row>[] }>;

export const energyCommand = (context: Context): Command =>
  new Command('energy')
    .description('Energy delivered, added up.')
    .addOption(new Option('--by <what>', 'added up by').choices(Object.keys(VIEWS)).default('charge-point'))
    .option('--charge-point <id>', 'only of this charge point (by day or 15m)')
    .option('--from <time>', 'ISO 8601 (UTC), now, or a distance (default: -30d, by 15m -24h)')
    .option('--to <time>', 'before then')
    .option('--time-zone <zone>', 'whose days are meant, such as Europe/Berlin (by day; default: UTC)')
    .option('--limit <n>', 'rows at most')
    .addOption(jsonOption())
    .addOption(csvOption())
    .action((flags: Flags) =>
      withQueries(context, async (queries) => {
        const { by, chargePoint, from, to, timeZone, limit, ...form } = flags;
        const { question, columns } = VIEWS[by];
        const params = given({ charge_point_id: chargePoint, from, to, time_zone: timeZone, limit });
        context.out(present(await queries.ask(question, params), form, columns, 'No energy in that time.'));
      }),
    );
