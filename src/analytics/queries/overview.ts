import { z } from 'zod';
import { namedQuery } from './named-query.js';

export const overview = namedQuery({
  name: 'overview',
  title: 'One row for the top of a dashboard',
  params: z.strictObject({}),
  columns: {
    connected_charge_points: 'Charge points with an open connection',
    active_sessions: 'Sessions going on',
    ended_sessions_today: 'Sessions that stopped since midnight UTC',
    energy_today_wh: 'Energy delivered since midnight UTC, Wh',
    frames_last_minute: 'Frames of the last 60 s',
  },
});
