import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { BEGINNING, chargePointIds, END, from, limit, sessionIds, to } from './params.js';

export const sessionSamples = namedQuery({
  name: 'session-samples',
  title: 'The samples of some sessions that prices are computed from, in order of time',
  params: z.strictObject({
    session_ids: sessionIds,
    charge_point_ids: chargePointIds.describe('Where they were, as a JSON list'),
    from: from(BEGINNING),
    to: to(END),
    limit: limit(200_000, 500_000),
  }),
  columns: {
    session_id: 'Our id of the session (UUIDv5)',
    ts: 'Time of the sample, corrected, UTC',
    measurand: 'Measurand',
    phase: 'Phase; empty = total',
    location: 'Where it was measured',
    context: 'Why it was sent',
    value: 'Value in the base unit',
  },
});
