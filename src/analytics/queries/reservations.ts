import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { BEGINNING, chargePoint, END, from, limit, to } from './params.js';

export const reservations = namedQuery({
  name: 'reservations',
  title: 'Reservations that chargers accepted, and what became of each, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    state: z
      .string()
      .max(40)
      .default('')
      .describe('active, used, cancelled, replaced, removed, expired; without it any'),
    from: from(BEGINNING),
    to: to(END),
    limit: limit(100, 1_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    reservation_id: 'Id of the reservation at this charge point',
    connector_id: 'Connector (1.6; 0 = any)',
    evse_id: 'EVSE (2.x), when one was named',
    connector_type: 'Type of connector (2.x), when one was named',
    id_token_hash: 'First 16 digits of the SHA-256 of the upper-case token',
    reserved_at: 'When the charger accepted it, UTC',
    expires_at: 'Until when it holds, UTC',
    state: 'active, used, cancelled, replaced, removed, expired',
    ended_at: 'When it ended, UTC; empty when by its expiry alone',
    transaction_id: 'Transaction that used it',
    session_id: 'Session that used it',
    command_id: 'Command that made it',
    actor: 'Who asked for it',
    protocol: 'OCPP version',
  },
});
