/**
 * A stretch of time in which a port did not work for a reason that availability leaves out (23 CFR 680.116(b)): people
 * say so, with evidence.
 */
import { z } from 'zod';
import { chargingPointId, id, instant, text } from './shape.js';

export const OUTAGE_CAUSES = [
  'utility',
  'vehicle',
  'maintenance',
  'vandalism',
  'disaster',
  'closed-hours',
] as const;

export const outage = z
  .object({
    id,
    point: chargingPointId,
    evseId: z.int().positive().optional().describe('The port; absent: all of the charging point'),
    from: instant,
    to: instant.nullable().describe('null: it goes on'),
    cause: z.enum(OUTAGE_CAUSES),
    evidence: text(4_000).describe('Ticket, letter, photograph: where to find it, or what it says'),
  })
  .refine(({ from, to }) => to === null || Date.parse(from) < Date.parse(to), {
    path: ['to'],
    message: 'ends before it begins',
  })
  .meta({ id: 'Outage' });
export type Outage = z.infer<typeof outage>;
