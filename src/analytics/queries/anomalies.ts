import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { BEGINNING, chargePoint, END, exactly, from, limit, to } from './params.js';

export const anomalies = namedQuery({
  name: 'anomalies',
  title: 'What looked wrong, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    kind: exactly('Kind'),
    from: from(BEGINNING),
    to: to(END),
    limit: limit(200, 10_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    session_id: 'Session it concerns, if any',
    at: 'When, UTC',
    kind: 'Kind of anomaly',
    detail: 'What was seen',
    epoch: 'Epoch of the stream',
    partition: 'Partition of the record',
    offset: 'Offset of the record',
  },
});
