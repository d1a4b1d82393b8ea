import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, END, from, limit, to } from './params.js';

export const energy15m = namedQuery({
  name: 'energy-15m',
  title: 'The load curve: energy per quarter hour',
  params: z.strictObject({
    charge_point_id: chargePoint,
    from: from('-24h'),
    to: to(END),
    limit: limit(1_000, 40_000),
  }),
  columns: {
    bucket: 'Begin of the quarter hour, UTC',
    energy_wh: 'Energy delivered, Wh',
    mean_power_w: 'Mean power of the quarter, W',
    peak_power_w: 'Highest power of one connector, W',
    sessions: 'Sessions in the quarter',
  },
});
