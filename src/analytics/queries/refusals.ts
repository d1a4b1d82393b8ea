import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { limit } from './params.js';

export const refusals = namedQuery({
  name: 'refusals',
  title: 'Partitions and streams that were stopped, and what to do',
  params: z.strictObject({
    limit: limit(100, 1_000),
  }),
  columns: {
    generation: 'Generation of the derived tables',
    epoch: 'Epoch of the stream',
    partition: 'Partition',
    standing: 'No checkpoint was taken of it since',
    code: 'What happened, by name',
    offset: 'Position in the log, where there is one',
    message: 'What happened, for people',
    remedy: 'What to do',
    refused_at: 'When, UTC',
    stream: 'Stream: ocpp.frames, or one of events',
  },
});
