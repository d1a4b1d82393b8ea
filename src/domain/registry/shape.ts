/**
 * What the shapes of all kinds are made of. What OCPI 2.2.1 has is named and spelt as OCPI does (`time_zone`,
 * `power_type`); what is ours is camelCase.
 *
 * Shapes are judged at every event of the log, by every process, whatever its version. So they may be widened, never
 * narrowed, and they ask nothing of the machine (no Intl, no clock): fields they do not know are let through, and
 * what only people should be told (an unknown time zone) is the API's business.
 */
import { z } from 'zod';

const PRINTABLE = /^[\x21-\x7e]+$/;

/** Of anything but a charging point. */
export const id = z
  .string()
  .min(1)
  .max(64)
  .regex(PRINTABLE, 'an id is printable ASCII without spaces')
  .refine((text) => !text.includes('/'), 'an id has no "/"');

/** OCPP identity: compared as it is, case included. */
export const chargingPointId = z
  .string()
  .regex(/^[\x20-\x7e]{1,48}$/, 'an id has 1 to 48 printable ASCII characters')
  .refine((text) => !text.includes('/'), 'an id has no "/"');

/** UTC or with an offset, as people write it. */
export const instant = z.iso.datetime({ offset: true });

export const text = (max: number) => z.string().min(1).max(max);

/** OCPI 2.2.1, 16.3 DisplayText. */
export const displayText = z.object({ language: z.string().length(2), text: text(512) });

/** OCPI 2.2.1, 8.4.2 BusinessDetails. */
export const businessDetails = z.object({ name: text(100), website: z.url().max(255).optional() });

export const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time is written HH:MM');
