import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { WattstreamError } from '../../platform/errors.js';
import { type Context, withQueries } from '../context.js';
import { csvOption, type Form, given, jsonOption, present, type Row } from '../present.js';
import type { Column } from '../table.js';
import { kW, kWh, lasting, outlet, percent, utc } from '../units.js';

interface Flags extends Form {
  chargePoint?: string;
  status?: string;
  from?: string;
  to?: string;
  limit?: string;
  cursor?: string;
  watch?: true | number;
}

const columns: readonly Column<Row>[] = [
  { title: 'Started (UTC)', of: (row) => utc(row.started_at) },
  { title: 'Charge point', of: (row) => row.charge_point_id },
  { title: 'Connector', of: outlet },
  { title: 'Status', of: (row) => (row.held ? `${row.status}, held` : row.status) },
  { title: 'Lasted', of: (row) => lasting(lengthOf(row)), align: 'right' },
  { title: 'kWh', of: (row) => `${kWh(row.energy_wh)}${row.estimated ? '~' : ''}`, align: 'right' },
  { title: 'Max kW', of: (row) => kW(row.max_power_w), align: 'right' },
  { title: 'SoC', of: (row) => percent(row.soc_end), align: 'right' },
  { title: 'Transaction', of: (row) => row.transaction_id },
  { title: 'Looked wrong', of: (row) => row.anomalies.join(', ') },
];

/** Until the stop, or the last that was heard of it. */
const lengthOf = (row: Row): number =>
  Math.max(0, (Date.parse(row.stopped_at ?? row.last_seen_at) - Date.parse(row.started_at)) / 1_000);

const CLEAR = '\u001b[H\u001b[2J';

export const sessionsCommand = (context: Context): Command =>
  new Command('sessions')
    .description('Charging sessions, newest first.')
    .option('--charge-point <id>', 'only of this charge point')
    .addOption(
      new Option('--status <status>', 'only these').choices(['active', 'completed', 'abandoned', 'orphan']),
    )
    .option('--from <time>', 'started from then on: ISO 8601 (UTC), now, or a distance such as -24h, -7d')
    .option('--to <time>', 'started before then')
    .option('--limit <n>', 'at most (default: 100)')
    .option('--cursor <cursor>', 'continue behind the row with this cursor (see --json)')
    .addOption(jsonOption())
    .addOption(csvOption())
    .addOption(
      new Option('--watch [seconds]', 'ask again and again until Ctrl-C')
        .argParser((text) => {
          const seconds = Number(text);
          if (!(seconds >= 0.5)) throw new InvalidArgumentError('Seconds, 0.5 at the least.');
          return seconds;
        })
        .conflicts(['json', 'csv']),
    )
    .action((flags: Flags) =>
      withQueries(context, async (queries) => {
        const { chargePoint, status, from, to, limit, cursor, watch, ...form } = flags;
        const params = given({ charge_point_id: chargePoint, status, from, to, limit, cursor });
        for (;;) {
          const text = await queries
            .ask('sessions', params)
            .then((answer) => present(answer, form, columns, 'No such sessions.'))
            .catch((error: unknown) => {
              // Whoever watches wants to see it come back.
              if (watch !== undefined && error instanceof WattstreamError && error.canRetry)
                return `${error.message}\n`;
              throw error;
            });
          context.out(watch !== undefined && context.width !== undefined ? CLEAR + text : text);
          if (watch === undefined) return;
          await sleep((watch === true ? 2 : watch) * 1_000);
        }
      }),
    );
