/** How a change of a charging point's key over OCPP stands; what follows from what is in `rotating.ts`. */
import { z } from 'zod';
import { instant, text } from './shape.js';

export const ROTATION_STATES = [
  'sent',
  'reboot-required',
  'unknown',
  'unconfirmed',
  'accepted',
  'refused',
  'not-sent',
] as const;
export type RotationState = (typeof ROTATION_STATES)[number];

export const rotation = z
  .object({
    state: z
      .enum(ROTATION_STATES)
      .describe(
        'sent, reboot-required and unknown: it goes on; unconfirmed: another may begin. In all of them every key is let in that the charger may have',
      ),
    since: instant,
    commandId: z.uuid().describe('GET /api/charger/commands/<id>'),
    changedAt: instant.describe('When it came into this state'),
    detail: text(500).optional(),
  })
  .describe('The newest change of its key over OCPP (POST .../rotate-password)');
export type Rotation = z.infer<typeof rotation>;
