import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, END, exactly, from, limit, to } from './params.js';

export const chargingEvents = namedQuery({
  name: 'charging-events',
  title: 'What was published about chargers, sessions and commands, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    type: exactly('Type, or its first words: session, command.sent'),
    session_id: z
      .union([z.literal(''), z.uuid()])
      .default('')
      .describe('One session; without it all'),
    from: from('-24h'),
    to: to(END),
    limit: limit(100, 1_000),
  }),
  columns: {
    id: 'Id of the event; the same however often it was published',
    type: 'Type',
    at: 'When it happened, UTC',
    charge_point_id: 'Charge point id',
    session_id: 'Session it is about, if one',
    command_id: 'Command it is about, if one',
    station_id: 'Station, where the event has it',
    account_id: 'Account, where the event has it',
    status: 'Status that it tells of',
    payload: 'The message as it was published, JSON (secrets redacted)',
    epoch: 'Epoch of the stream of events',
    offset: 'Offset in it',
  },
});
