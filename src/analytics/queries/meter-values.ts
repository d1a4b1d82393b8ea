import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePointRequired, END, exactly, from, limit, to } from './params.js';

export const meterValues = namedQuery({
  name: 'meter-values',
  title: 'Sampled values in order of time',
  params: z.strictObject({
    charge_point_id: chargePointRequired,
    session_id: z
      .union([z.literal(''), z.uuid()])
      .default('')
      .describe('Only those of this session'),
    measurand: exactly('Measurand, such as Energy.Active.Import.Register'),
    from: from('-24h'),
    to: to(END),
    limit: limit(1_000, 50_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    evse_id: 'EVSE; in OCPP 1.6 the connector',
    connector_id: 'Connector',
    session_id: 'Session it belongs to, if any',
    ts: 'Time of the sample, corrected, UTC',
    sent_at: 'Time as sent',
    measurand: 'Measurand',
    phase: 'Phase; empty = total',
    location: 'Where it was measured',
    context: 'Why it was sent',
    value: 'Value in the base unit',
    unit: 'Base unit: Wh, W, A, V, Percent, ...',
    raw: 'Value as sent',
    signed: 'Signed meter data as sent',
    partition: 'Partition of its record',
    offset: 'Offset of its record',
  },
});
