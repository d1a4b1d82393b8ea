import { z } from 'zod';
import { COMMAND_COLUMNS } from './command-columns.js';
import { COMMAND_STATES } from './command-states.js';
import { namedQuery } from './named-query.js';
import { BEGINNING, chargePoint, cursor, END, exactly, from, limit, to } from './params.js';

export const commands = namedQuery({
  name: 'commands',
  title: 'Commands to chargers and what came of them, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    action: exactly('OCPP action'),
    status: z
      .enum(['', ...COMMAND_STATES])
      .default('')
      .describe('Only commands of this status'),
    actor: exactly('Who asked'),
    from: from(BEGINNING),
    to: to(END),
    limit: limit(100, 1_000),
    cursor: cursor(/^-?\d{1,15}_[0-9a-f-]{36}$/),
  }),
  columns: { ...COMMAND_COLUMNS, cursor: 'Give this as `cursor` to continue after this row' },
});
