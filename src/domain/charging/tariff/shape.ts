/**
 * The tariff, in the shape of OCPI 2.2.1 (11.3.1, 11.4). Numbers stay as they were written; `Exact.of` reads them.
 *
 * What would make a price wrong without anybody noticing is refused: a misspelt restriction would make its element
 * always match, so elements are strict. The tariff around them is not: fields of other versions, or of nobody, are kept.
 * From OCPI 2.1.1 nothing differs that matters (no owner, no VAT); of 2.3.0 price limits are read in both spellings,
 * and `tax_included: YES` is refused, since its prices are other prices.
 */
import { z } from 'zod';

/** Senders write null for what is absent (OCPI allows both). */
const optional = <T extends z.ZodType>(shape: T) => shape.nullish();

/** RFC 3339 in UTC; a missing Z means UTC as well (OCPI 2.2.1, 16.2 DateTime). Other offsets are taken too. */
const OCPI_DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/;
export const ocpiDateTime = z
  .string()
  .regex(OCPI_DATE_TIME)
  .refine((text) => !Number.isNaN(instantOf(text)), 'is no date and time')
  .describe('UTC, for example 2026-11-25T22:00:00Z');

/** Epoch milliseconds of an `ocpiDateTime`. */
export const instantOf = (text: string): number =>
  Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);

/** A price in two ways (16.5 Price); 2.3.0 spells it differently. */
export const ocpiPrice = z.union([
  z.strictObject({ excl_vat: z.number(), incl_vat: optional(z.number()) }),
  z.strictObject({ before_taxes: z.number(), after_taxes: optional(z.number()) }),
]);
export type OcpiPrice = z.infer<typeof ocpiPrice>;

export const inBothWays = (price: OcpiPrice): { excl: number; incl: number | null } =>
  'excl_vat' in price
    ? { excl: price.excl_vat, incl: price.incl_vat ?? null }
    : { excl: price.before_taxes, incl: price.after_taxes ?? null };

const priceLimit = ocpiPrice.refine(
  (price) => {
    const { excl, incl } = inBothWays(price);
    return excl >= 0 && (incl === null || incl >= excl);
  },
  { message: 'must not be negative, nor smaller with VAT than without' },
);

/** What a price component prices (11.4.5 TariffDimensionType). */
export const TARIFF_DIMENSIONS = ['ENERGY', 'FLAT', 'PARKING_TIME', 'TIME'] as const;
export type TariffDimension = (typeof TARIFF_DIMENSIONS)[number];

export const priceComponent = z.strictObject({
  type: z.enum(TARIFF_DIMENSIONS),
  price: z.number().describe('Per kWh, hour or session, without VAT'),
  vat: optional(z.number().min(0).max(100)).describe('Per cent; left out: no VAT applies'),
  step_size: z
    .int()
    .min(0)
    .describe('Wh or seconds; billed in blocks of it, once per session; 0: no blocks; FLAT: no meaning'),
});
export type PriceComponent = z.infer<typeof priceComponent>;

export const WEEKDAYS = [
  'MONDAY',
  'TUESDAY',
  'WEDNESDAY',
  'THURSDAY',
  'FRIDAY',
  'SATURDAY',
  'SUNDAY',
] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
const localDate = z.string().regex(/^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/);
const amount = z.number().min(0);

/** All that are given must hold (11.4.6); what each means stands in `restrictions.ts`. */
export const tariffRestrictions = z.strictObject({
  start_time: optional(timeOfDay).describe('Local time of the station, from'),
  end_time: optional(timeOfDay).describe('Local time, until; not after start_time: over midnight'),
  start_date: optional(localDate).describe('Local date, from'),
  end_date: optional(localDate).describe('Local date, until, exclusive'),
  min_kwh: optional(amount).describe('Once this much has been taken'),
  max_kwh: optional(amount).describe('Until this much has been taken'),
  min_current: optional(amount).describe('While charging with at least this many A, all phases together'),
  max_current: optional(amount).describe('While charging with less'),
  min_power: optional(amount).describe('While charging with at least this many kW'),
  max_power: optional(amount).describe('While charging with less'),
  min_duration: optional(z.int().min(0)).describe('Once the session has lasted this many seconds'),
  max_duration: optional(z.int().min(0)).describe('Until it has'),
  day_of_week: optional(z.array(z.enum(WEEKDAYS))).describe('Local days of the week'),
  reservation: optional(z.enum(['RESERVATION', 'RESERVATION_EXPIRES'])).describe(
    'The element prices a reservation, not a charging session',
  ),
});
export type TariffRestrictions = z.infer<typeof tariffRestrictions>;

export const tariffElement = z
  .strictObject({
    price_components: z.array(priceComponent).min(1),
    restrictions: optional(tariffRestrictions),
  })
  .refine(({ price_components: all }) => new Set(all.map(({ type }) => type)).size === all.length, {
    message: 'has two price components of one type; OCPI does not say which of them counts',
  });
export type TariffElement = z.infer<typeof tariffElement>;

export const tariff = z
  .looseObject({
    country_code: optional(z.string().length(2)),
    party_id: optional(z.string().min(1).max(3)),
    id: z.string().min(1).max(64),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .describe('ISO 4217'),
    type: optional(z.enum(['AD_HOC_PAYMENT', 'PROFILE_CHEAP', 'PROFILE_FAST', 'PROFILE_GREEN', 'REGULAR'])),
    tariff_alt_text: optional(
      z.array(z.object({ language: z.string().length(2), text: z.string().max(512) })),
    ),
    tariff_alt_url: optional(z.url()),
    min_price: optional(priceLimit).describe('A session costs at least this'),
    max_price: optional(priceLimit).describe('A session costs at most this'),
    elements: z.array(tariffElement).min(1).describe('For each dimension the first that matches counts'),
    tax_included: optional(z.enum(['NO', 'N/A'])).describe(
      'OCPI 2.3.0; prices that include tax are not taken',
    ),
    start_date_time: optional(ocpiDateTime),
    end_date_time: optional(ocpiDateTime),
    last_updated: optional(ocpiDateTime),
  })
  .refine(
    ({ min_price: min, max_price: max }) => {
      if (min == null || max == null) return true;
      const [low, high] = [inBothWays(min), inBothWays(max)];
      return low.excl <= high.excl && (low.incl === null || high.incl === null || low.incl <= high.incl);
    },
    { message: 'min_price is above max_price', path: ['min_price'] },
  );
export type Tariff = z.infer<typeof tariff>;

const judged = new WeakMap<object, Tariff | string>();

/**
 * A tariff as it is kept somewhere, read; or what is wrong with it. Whoever keeps tariffs may let through what pricing
 * must not: a restriction that is not known here. Judged once for each object.
 */
export function readTariff(kept: unknown): Tariff | string {
  if (typeof kept !== 'object' || kept === null) return 'a tariff is an object';
  const known = judged.get(kept);
  if (known !== undefined) return known;
  const { data, error } = tariff.safeParse(kept);
  const verdict =
    data ?? (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  judged.set(kept, verdict);
  return verdict;
}
