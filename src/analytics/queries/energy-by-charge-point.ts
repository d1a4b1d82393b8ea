import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { END, from, limit, to } from './params.js';

export const energyByChargePoint = namedQuery({
  name: 'energy-by-charge-point',
  title: 'Energy delivered per charge point, the largest first',
  params: z.strictObject({
    from: from('-30d'),
    to: to(END),
    limit: limit(1_000, 10_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    energy_wh: 'Energy delivered in the window, Wh',
    sessions: 'Sessions that touched the window',
    peak_power_w: 'Highest power of one connector, W',
    connected_s: 'Seconds with a session, summed over connectors',
    charging_s: 'Seconds with power, summed over connectors',
  },
});
