import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, limit } from './params.js';

export const snapshotChargers = namedQuery({
  name: 'snapshot-chargers',
  title: 'Presence of every charger, with the version of what is known of it (for live views)',
  params: z.strictObject({ charge_point_id: chargePoint, limit: limit(5_000, 100_000) }),
  columns: {
    charge_point_id: 'Charge point id',
    online: 'Has an open connection',
    protocol: 'OCPP version of its newest connection',
    gateway: 'Ingest process of its newest connection',
    address: 'Remote address of its newest connection',
    since: 'Online since the newest connection, or offline since the last one ended, UTC',
    version: 'epoch * 2^48 + offset of the newest record about its connections',
  },
});
