import { z } from 'zod';
import { accountSessions } from './account-sessions.js';
import { namedQuery } from './named-query.js';
import { chargePointIds, limit, sessionIds } from './params.js';

const { cursor: _, ...columns } = accountSessions.columns;

export const sessionsById = namedQuery({
  name: 'sessions-by-id',
  title: 'Some charging sessions by their ids (for prices in live views)',
  params: z.strictObject({
    session_ids: sessionIds,
    charge_point_ids: chargePointIds.describe('Where they were, as a JSON list'),
    limit: limit(500, 500),
  }),
  columns,
});
