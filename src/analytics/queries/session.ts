import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { SESSION_COLUMNS } from './session-columns.js';

export const session = namedQuery({
  name: 'session',
  title: 'One session with everything known of it, and its samples',
  params: z.strictObject({
    session_id: z.uuid().describe('Our id of the session'),
    samples: z.coerce.number().int().min(0).max(50_000).default(10_000).describe('Samples at most'),
  }),
  columns: {
    ...SESSION_COLUMNS,
    protocol: 'OCPP version',
    partition: 'Partition of its last record',
    offset: 'Offset of its last record',
    remote_start_id: 'remoteStartId of the request that started it',
    anomalies: 'What looked wrong: kind, detail',
    meter_values:
      'Samples by time: ts, measurand, phase, location, context, value (base unit), unit, raw, signed, partition, offset',
  },
});
