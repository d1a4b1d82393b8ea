import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, exactly, limit } from './params.js';

export const statusNow = namedQuery({
  name: 'status-now',
  title: 'The status of every connector now',
  params: z.strictObject({
    charge_point_id: chargePoint,
    status: exactly('Status'),
    limit: limit(1_000, 10_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    evse_id: 'EVSE; in OCPP 1.6 the connector',
    connector_id: 'Connector',
    status: 'Status in force, overlays included: Available, Charging, Faulted, Offline, ...',
    error_code: 'Error code as sent',
    vendor_code: "The vendor's error code",
    since: 'Since when, UTC',
    for_s: 'For how many seconds',
  },
});
