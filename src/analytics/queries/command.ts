import { z } from 'zod';
import { COMMAND_COLUMNS } from './command-columns.js';
import { namedQuery } from './named-query.js';

export const command = namedQuery({
  name: 'command',
  title: 'One command with its whole life',
  params: z.strictObject({ command_id: z.uuid().describe('Id of the command') }),
  columns: {
    ...COMMAND_COLUMNS,
    connection: 'Connection it was sent over',
    digest: 'Of what was asked for: by it an Idempotency-Key is held to its request',
    request: 'Payload that was asked for, JSON (secrets redacted)',
    response: "The charger's answer, JSON; empty without one",
    events: 'The messages themselves in the order of the log, JSON',
    steps: 'In the order of the log: step, at, terminal, gateway, status, code, detail, delivery',
  },
});
