import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePointRequired, cursor, END, exactly, from, limit, to } from './params.js';

export const framesOfChargePoint = namedQuery({
  name: 'frames-of-charge-point',
  title: 'The frames of one charge point, newest first',
  params: z.strictObject({
    charge_point_id: chargePointRequired,
    action: exactly('OCPP action, CallResult, Connected, ...'),
    from: from('-24h'),
    to: to(END),
    limit: limit(100, 500),
    cursor: cursor(/^\d{1,5}_\d{1,5}_\d{1,20}$/),
  }),
  columns: {
    epoch: 'Epoch of the stream',
    partition: 'Partition',
    offset: 'Offset',
    received_at: 'When ingest had it, UTC',
    direction: 'in = from the charger',
    protocol: 'OCPP version',
    action: 'OCPP action, or the kind of record',
    message_id: 'OCPP message id',
    frame: 'The frame, byte for byte (secrets redacted)',
    answer: 'The decision it was answered with, if any',
    properties: 'Gateway, connection, enrichment',
    cursor: 'Give this as `cursor` to continue after this row',
  },
});
