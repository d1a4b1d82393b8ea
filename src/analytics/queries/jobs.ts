import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { BEGINNING, chargePoint, END, from, limit, to } from './params.js';

export const jobs = namedQuery({
  name: 'jobs',
  title: 'Firmware updates and uploads of diagnostics and logs, newest first',
  params: z.strictObject({
    charge_point_id: chargePoint,
    kind: z
      .enum(['', 'firmware', 'publish-firmware', 'diagnostics', 'log'])
      .default('')
      .describe('Only this kind; without it any'),
    state: z
      .enum(['', 'requested', 'running', 'done', 'failed', 'cancelled', 'unknown', 'not-begun'])
      .default('')
      .describe('Only this state; without it any'),
    from: from(BEGINNING),
    to: to(END),
    limit: limit(100, 1_000),
  }),
  columns: {
    charge_point_id: 'Charge point id',
    command_id: 'Command that asked for it',
    kind: 'firmware, publish-firmware, diagnostics, log',
    action: 'OCPP action of the command',
    request_id: 'requestId of the command, where it has one',
    actor: 'Who asked for it',
    protocol: 'OCPP version',
    requested_at: 'When it was asked for, UTC',
    command_status: 'What came of the command',
    charger_status: "The charger's own word in answer to it",
    state: 'requested, running, done, failed, cancelled, unknown (no answer, nothing heard), not-begun',
    status: 'What the charger told last: Downloading, Installed, Uploaded ...',
    status_at: 'When, UTC',
    reports: 'Everything it told of it: at, status',
    file: 'Name of the file that it said it would upload',
  },
});
