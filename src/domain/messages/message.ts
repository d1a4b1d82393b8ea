/**
 * What every message on the exchanges has in common. A message is one JSON object; who publishes it, and whether it
 * must survive, is a property of its type (`catalogue.ts`), declared once.
 */
import { z } from 'zod';

/** UTC, milliseconds: what `Date.prototype.toISOString` writes. */
export const instant = z.iso.datetime({ precision: 3 }).describe('UTC, with milliseconds');

export const chargePointId = z.string().min(1).max(48);

/** Numbers of the charging rules' tables leave as plain JSON numbers: Wh and W have 3 decimals, exact to 2^53. */
export const wattHours = z.number().describe('Wh');
export const watts = z.number().describe('W');

export const messageHead = {
  id: z
    .string()
    .min(1)
    .max(200)
    .describe('The same message has the same id however often it comes: drop what you have had'),
  schema: z.literal(1).describe('Version of the shape of this type; a breaking change raises it'),
  at: instant.describe('When it happened, by the clock of whoever knew first'),
};
