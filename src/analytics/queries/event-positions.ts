import { z } from 'zod';
import { namedQuery } from './named-query.js';

export const eventPositions = namedQuery({
  name: 'event-positions',
  title: 'How far the streams of events are stored',
  params: z.strictObject({}),
  columns: {
    stream: 'Stream',
    epoch: 'Epoch of the streams of events',
    offset: 'Everything through here is stored',
    hash: 'Hash of that record: how a stream that was made anew is noticed',
    stored_at: 'When this was written down, UTC',
    age_s: 'Seconds since',
  },
});
