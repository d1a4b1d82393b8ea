import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, END, from, limit, timeZone, to } from './params.js';

export const energyByDay = namedQuery({
  name: 'energy-by-day',
  title: 'Energy delivered per day',
  params: z.strictObject({
    charge_point_id: chargePoint,
    from: from('-30d'),
    to: to(END),
    time_zone: timeZone,
    limit: limit(1_000, 10_000),
  }),
  columns: {
    day: 'Day in the time zone asked for',
    energy_wh: 'Energy delivered, Wh',
    sessions: 'Sessions that touched the day',
    charge_points: 'Charge points with a session',
    charging_s: 'Seconds with power, summed over connectors',
  },
});
