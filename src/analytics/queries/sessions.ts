import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { BEGINNING, chargePoint, cursor, END, from, limit, to } from './params.js';
import { SESSION_COLUMNS } from './session-columns.js';

export const sessions = namedQuery({
  name: 'sessions',
  title: 'Charging sessions, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    status: z
      .enum(['', 'active', 'completed', 'abandoned', 'orphan'])
      .default('')
      .describe('Only sessions of this status'),
    from: from(BEGINNING),
    to: to(END),
    limit: limit(100, 1_000),
    cursor: cursor(/^-?\d{1,15}_[0-9a-f-]{36}$/),
  }),
  columns: {
    ...SESSION_COLUMNS,
    anomalies: 'Kinds of what looked wrong',
    protocol: 'OCPP version',
    partition: 'Partition of its last record',
    offset: 'Offset of its last record',
    cursor: 'Give this as `cursor` to continue after this row',
  },
});
