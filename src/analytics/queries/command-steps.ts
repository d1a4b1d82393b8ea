import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { BEGINNING, chargePoint, END, from, limit, to } from './params.js';

export const commandSteps = namedQuery({
  name: 'command-steps',
  title: 'Steps of commands, newest first; those after the first terminal one too',
  params: z.strictObject({
    charge_point_id: chargePoint,
    command_id: z
      .union([z.literal(''), z.uuid()])
      .default('')
      .describe('One command; without it all'),
    from: from(BEGINNING),
    to: to(END),
    limit: limit(200, 5_000),
  }),
  columns: {
    command_id: 'Id of the command',
    charge_point_id: 'Charge point id',
    step: 'requested, kept, released, sent, accepted, rejected, failed, timed-out, offline',
    at: 'When, by the clock of whoever said so, UTC',
    terminal: 'The first of these in the log is what came of the command',
    gateway: 'Ingest process',
    connection: 'Connection',
    status: "The charger's own word",
    code: "The charger's error code",
    detail: 'What was said, for people',
    delivery: 'not-delivered, delivery-unknown',
    epoch: 'Epoch of the stream of events',
    offset: 'Offset in it',
  },
});
