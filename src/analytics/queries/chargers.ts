import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, exactly, limit } from './params.js';

export const chargers = namedQuery({
  name: 'chargers',
  title: 'Charge points with presence, connectors and what is going on at them',
  params: z.strictObject({
    charge_point_id: chargePoint,
    connected: z
      .enum(['', 'true', 'false'])
      .default('')
      .describe('Only connected ones, or only those that are not'),
    after: exactly('Continue behind this charge point id'),
    limit: limit(200, 2_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    connected: 'Has an open connection',
    protocol: 'OCPP version of its newest connection',
    gateway: 'Ingest process of its newest connection',
    address: 'Remote address of its newest connection',
    last_seen_at: 'Newest evidence of it, UTC',
    connectors: 'evse_id, connector_id, status, error_code, vendor_code, since',
    active_sessions: 'session_id, evse_id, connector_id, transaction_id, started_at, energy_wh',
  },
});
