import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, exactly, limit } from './params.js';

export const chargingProfiles = namedQuery({
  name: 'charging-profiles',
  title: 'Charging profiles that chargers accepted, and what ended each, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    outlet: exactly('Number of the connector (1.6) or EVSE (2.x); 0 is the charge point as a whole'),
    state: z
      .string()
      .max(40)
      .default('')
      .describe('active, cleared, replaced, transaction-ended, expired; without it any'),
    limit: limit(100, 1_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    connector_id: 'Connector (1.6); 0 is the charge point as a whole',
    evse_id: 'EVSE (2.x); 0 is the charge point as a whole',
    profile_id: 'Id of the profile',
    stack_level: 'Stack level',
    purpose: 'What it limits: ChargePointMaxProfile, TxDefaultProfile, TxProfile ...',
    kind: 'Absolute, Recurring, Relative, Dynamic',
    recurrency: 'Daily, Weekly',
    valid_from: 'From when it is valid, UTC',
    valid_to: 'Until when it is valid, UTC',
    transaction_id: 'Transaction it is for',
    schedule: 'chargingSchedule as it was sent, JSON',
    set_at: 'When the charger accepted it, UTC',
    state: 'active, cleared, replaced, transaction-ended, expired',
    ended_at: 'When it ended, UTC; empty when by its validity alone',
    command_id: 'Command that set it',
    actor: 'Who asked for it',
    protocol: 'OCPP version',
  },
});
