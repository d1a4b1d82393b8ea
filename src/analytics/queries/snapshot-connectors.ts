import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, limit } from './params.js';

export const snapshotConnectors = namedQuery({
  name: 'snapshot-connectors',
  title: 'Status of every connector now, with the version of what is known of it (for live views)',
  params: z.strictObject({ charge_point_id: chargePoint, limit: limit(5_000, 100_000) }),
  columns: {
    charge_point_id: 'Charge point id',
    evse_id: 'EVSE; in OCPP 1.6 the connector',
    connector_id: 'Connector',
    status: 'Status in force, overlays included: Available, Charging, Faulted, Offline, ...',
    error_code: 'Error code as sent',
    vendor_code: "The vendor's error code",
    since: 'Since when, UTC',
    version: 'epoch * 2^48 + offset of the record this follows from',
  },
});
