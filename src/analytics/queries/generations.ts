import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { limit } from './params.js';

export const generations = namedQuery({
  name: 'generations',
  title: 'Generations of the derived tables and when each became active',
  params: z.strictObject({
    limit: limit(100, 1_000),
  }),
  columns: {
    generation: 'Generation',
    active: 'Whether the views show it',
    code_version: 'Version of the processing code',
    activated_at: 'When, UTC; 1970 = the first installation',
    actor: 'By whom',
    reason: 'Why',
  },
});
