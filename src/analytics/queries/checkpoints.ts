import { z } from 'zod';
import { namedQuery } from './named-query.js';

export const checkpoints = namedQuery({
  name: 'checkpoints',
  title: 'How far each partition has been processed for certain',
  params: z.strictObject({}),
  columns: {
    generation: 'Generation of the derived tables',
    active: 'Whether the views show it',
    epoch: 'Epoch of the stream',
    partition: 'Partition',
    next_offset: 'Where a restart continues',
    last_offset: 'Last record it covers',
    last_hash: 'Hash of that record: how a log that was made anew is noticed',
    states: 'Charge points remembered',
    taken_at: 'When it was taken, UTC',
    age_s: 'Seconds since',
  },
});
