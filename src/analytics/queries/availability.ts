import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, from, limit, to } from './params.js';

export const availability = namedQuery({
  name: 'availability',
  title: 'Up-time per connector, the worst first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    from: from('-30d'),
    to: to('now'),
    limit: limit(1_000, 10_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    evse_id: 'EVSE; in OCPP 1.6 the connector',
    connector_id: 'Connector',
    up_s: 'Seconds neither offline nor faulted nor unavailable',
    offline_s: 'Seconds without a connection',
    faulted_s: 'Seconds Faulted',
    unavailable_s: 'Seconds Unavailable',
    known_s: 'Seconds of the window since its first report',
    availability: 'up_s / known_s, 0 to 1',
  },
});
