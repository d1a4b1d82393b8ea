import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, END, exactly, from, limit, to } from './params.js';

export const statusIntervals = namedQuery({
  name: 'status-intervals',
  title: 'Stretches of connector status, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    status: exactly('Status'),
    from: from('-24h'),
    to: to(END),
    limit: limit(1_000, 10_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    evse_id: 'EVSE; in OCPP 1.6 the connector',
    connector_id: 'Connector',
    status: 'Status in force, overlays included',
    error_code: 'Error code as sent',
    vendor_code: "The vendor's error code",
    from: 'Begin, UTC',
    to: 'End, UTC; empty = still so',
  },
});
