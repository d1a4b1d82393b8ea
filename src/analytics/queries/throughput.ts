import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { END, from, limit, to } from './params.js';

export const throughput = namedQuery({
  name: 'throughput',
  title: 'Frames per minute',
  params: z.strictObject({
    from: from('-1h'),
    to: to(END),
    limit: limit(1_000, 10_000),
  }),
  columns: {
    minute: 'Begin of the minute, UTC',
    frames_in: 'Frames from chargers',
    frames_out: 'Frames to chargers',
    charge_points: 'Charge points that had one',
    bytes: 'Bytes of frames',
  },
});
