import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, END, from, limit, to } from './params.js';

export const connections = namedQuery({
  name: 'connections',
  title: 'Connections of charge points, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    from: from('-24h'),
    to: to(END),
    limit: limit(1_000, 10_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    connection: 'Id of the connection',
    gateway: 'Ingest process that held it',
    protocol: 'OCPP version',
    address: 'Remote address',
    from: 'Opened, UTC',
    to: 'Closed, UTC; empty = open',
    close_code: 'WebSocket close code (RFC 6455, 7.4), when one was seen',
    duration_s: 'Seconds, until now when open',
  },
});
