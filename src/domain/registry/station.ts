/** A place with charging points: OCPI 2.2.1, 8.3.1 Location, without what follows from its points. */
import { z } from 'zod';
import { businessDetails, clockTime, displayText, id, instant, text } from './shape.js';

const degrees = (whole: number, limit: number) =>
  z
    .string()
    .regex(new RegExp(`^-?\\d{1,${whole}}\\.\\d{5,7}$`), 'degrees have 5 to 7 decimals, as 52.37022')
    .refine((value) => Math.abs(Number(value)) <= limit, `beyond ${limit} degrees`);

const period = z.object({ period_begin: instant, period_end: instant });

/** OCPI 2.2.1, 8.4.14 Hours. */
const hours = z
  .object({
    twentyfourseven: z.boolean(),
    regular_hours: z
      .array(z.object({ weekday: z.int().min(1).max(7), period_begin: clockTime, period_end: clockTime }))
      .optional()
      .describe('Local time; weekday 1 is Monday'),
    exceptional_openings: z.array(period).optional(),
    exceptional_closings: z.array(period).optional(),
  })
  .refine((open) => open.twentyfourseven !== (open.regular_hours !== undefined), {
    path: ['regular_hours'],
    message: 'either twentyfourseven or regular_hours',
  });

export const station = z
  .object({
    id,
    country_code: z.string().length(2).optional(),
    party_id: z.string().length(3).optional(),
    publish: z.boolean().default(true).describe('Customers may find it'),
    name: text(255).optional(),
    address: text(45),
    city: text(45),
    postal_code: text(10).optional(),
    state: text(20).optional(),
    country: z
      .string()
      .regex(/^[A-Z]{3}$/, 'a country is written as in ISO 3166-1 alpha-3')
      .describe('ISO 3166-1 alpha-3'),
    coordinates: z.object({ latitude: degrees(2, 90), longitude: degrees(3, 180) }),
    time_zone: z
      .string()
      .max(255)
      .regex(/^[A-Za-z][\w+-]*(\/[\w+-]+)*$/, 'a time zone is named as Europe/Amsterdam')
      .describe('IANA name: for people and for tariffs'),
    opening_times: hours.optional(),
    charging_when_closed: z.boolean().optional(),
    parking_type: z
      .enum([
        'ALONG_MOTORWAY',
        'PARKING_GARAGE',
        'PARKING_LOT',
        'ON_DRIVEWAY',
        'ON_STREET',
        'UNDERGROUND_GARAGE',
      ])
      .optional(),
    directions: z.array(displayText).optional(),
    facilities: z.array(text(40)).optional().describe('OCPI Facility: HOTEL, RESTAURANT, CAFE ...'),
    operator: businessDetails.optional(),
    suboperator: businessDetails.optional(),
    owner: businessDetails.optional(),
  })
  .meta({ id: 'Station' });
export type Station = z.infer<typeof station>;
