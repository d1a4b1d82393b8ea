import { Command, Option } from 'commander';
import { COMMAND_STATES } from '../../analytics/queries/command-states.js';
import { type Context, withQueries } from '../context.js';
import { csvOption, type Form, given, jsonOption, present, type Row } from '../present.js';
import type { Column } from '../table.js';
import { tookMs, utc } from '../units.js';

interface Flags extends Form {
  chargePoint?: string;
  status?: string;
  action?: string;
  since?: string;
  limit?: string;
  cursor?: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'Requested (UTC)', of: (row) => utc(row.requested_at) },
  { title: 'Charge point', of: (row) => row.charge_point_id },
  { title: 'Action', of: (row) => row.action },
  { title: 'By', of: (row) => row.actor },
  { title: 'Status', of: (row) => row.status },
  { title: 'Took', of: (row) => tookMs(row.duration_ms), align: 'right' },
  { title: 'Said', of: (row) => row.charger_status || row.error_code },
  { title: 'Why', of: (row) => [row.delivery, row.error].filter((text) => text !== '').join(': ') },
  { title: 'Command', of: (row) => row.command_id },
];

export const commandsCommand = (context: Context): Command =>
  new Command('commands')
    .description('Commands to chargers and what came of them, newest first.')
    .option('--charge-point <id>', 'only to this charge point')
    .option('--action <action>', 'only this OCPP action')
    .addOption(new Option('--status <status>', 'only these').choices(COMMAND_STATES))
    .option('--since <time>', 'asked for from then on: ISO 8601 (UTC), or a distance such as -24h, -7d')
    .option('--limit <n>', 'at most (default: 100)')
    .option('--cursor <cursor>', 'continue behind the row with this cursor (see --json)')
    .addOption(jsonOption())
    .addOption(csvOption())
    .action((flags: Flags) =>
      withQueries(context, async (queries) => {
        const { chargePoint, since, status, action, limit, cursor, ...form } = flags;
        const params = given({ charge_point_id: chargePoint, from: since, status, action, limit, cursor });
        const answer = await queries.ask('commands', params);
        context.out(present(answer, form, columns, 'No such commands.'));
      }),
    );
