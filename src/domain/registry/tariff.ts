/**
 * OCPI 2.2.1, 11.3.1 Tariff. A version never changes: sessions name the one they are priced by (`<id>@<version>`), and
 * it can be looked up also when the tariff is gone.
 */
import { z } from 'zod';
import { clockTime, displayText, id, instant } from './shape.js';

const amount = z.number().min(-1_000_000).max(1_000_000);
const price = z.object({ excl_vat: amount, incl_vat: amount.optional() });
const day = z.iso.date();
const quantity = z.number().nonnegative();

const restrictions = z.object({
  start_time: clockTime.optional().describe("The station's local time"),
  end_time: clockTime.optional(),
  start_date: day.optional(),
  end_date: day.optional(),
  min_kwh: quantity.optional(),
  max_kwh: quantity.optional(),
  min_current: quantity.optional(),
  max_current: quantity.optional(),
  min_power: quantity.optional().describe('kW'),
  max_power: quantity.optional().describe('kW'),
  min_duration: z.int().nonnegative().optional().describe('s'),
  max_duration: z.int().nonnegative().optional().describe('s'),
  day_of_week: z
    .array(z.enum(['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY']))
    .optional(),
  reservation: z.enum(['RESERVATION', 'RESERVATION_EXPIRES']).optional(),
});

const priceComponent = z.object({
  type: z.enum(['ENERGY', 'FLAT', 'PARKING_TIME', 'TIME']),
  price: amount.describe('Per kWh, per hour, or flat; without VAT'),
  vat: z.number().min(0).max(100).optional().describe('Percent; absent: not known, or not applicable'),
  step_size: z.int().positive().describe('Least quantity billed, in Wh or s'),
});

export const tariff = z
  .object({
    id,
    country_code: z.string().length(2).optional(),
    party_id: z.string().length(3).optional(),
    currency: z.string().regex(/^[A-Z]{3}$/, 'a currency is written as in ISO 4217'),
    type: z.enum(['AD_HOC_PAYMENT', 'PROFILE_CHEAP', 'PROFILE_FAST', 'PROFILE_GREEN', 'REGULAR']).optional(),
    tariff_alt_text: z.array(displayText).optional(),
    tariff_alt_url: z.url().max(255).optional(),
    min_price: price.optional(),
    max_price: price.optional(),
    elements: z
      .array(
        z.object({ price_components: z.array(priceComponent).min(1), restrictions: restrictions.optional() }),
      )
      .min(1),
    start_date_time: instant
      .optional()
      .describe('This version prices from then on; default: from its change'),
    end_date_time: instant.optional(),
  })
  .refine(
    ({ start_date_time: start, end_date_time: end }) =>
      start === undefined || end === undefined || Date.parse(start) < Date.parse(end),
    { path: ['end_date_time'], message: 'ends before it starts' },
  )
  .meta({ id: 'Tariff' });
export type Tariff = z.infer<typeof tariff>;

export const tariffName = (tariffId: string, version: number): string => `${tariffId}@${version}`;

/** undefined: it is no `<id>@<version>`. */
export function parseTariffName(name: string): { id: string; version: number } | undefined {
  const match = /^(.+)@([1-9]\d{0,14})$/.exec(name);
  return match === null ? undefined : { id: match[1] as string, version: Number(match[2]) };
}
