import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePointIds, limit } from './params.js';

export const outletsNow = namedQuery({
  name: 'outlets-now',
  title: 'Status of every connector of some charge points now',
  params: z.strictObject({
    charge_point_ids: chargePointIds,
    limit: limit(10_000, 100_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    evse_id: 'EVSE; in OCPP 1.6 the connector',
    connector_id: 'Connector',
    status: 'Status in force, overlays included: Available, Charging, Faulted, Offline, ...',
    since: 'Since when, UTC',
    protocol: 'OCPP version of its newest connection; empty when none is known',
    version: 'epoch * 2^48 + offset of the record this follows from',
  },
});
