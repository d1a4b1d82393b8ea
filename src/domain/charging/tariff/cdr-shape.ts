/** The charge detail record of OCPI 2.2.1 (10.3.1, 10.4), as far as prices are concerned. */
import { z } from 'zod';
import { ocpiDateTime } from './shape.js';

/** 10.4.3 CdrDimensionType, without those that only sessions have. */
export const CDR_DIMENSIONS = [
  'ENERGY',
  'MAX_CURRENT',
  'MIN_CURRENT',
  'MAX_POWER',
  'MIN_POWER',
  'PARKING_TIME',
  'RESERVATION_TIME',
  'TIME',
] as const;
export type CdrDimensionType = (typeof CDR_DIMENSIONS)[number];

export const chargingPeriod = z.looseObject({
  start_date_time: ocpiDateTime,
  dimensions: z.array(z.looseObject({ type: z.enum(CDR_DIMENSIONS), volume: z.number() })),
  tariff_id: z.string().nullish(),
});

const price = z.looseObject({ excl_vat: z.number(), incl_vat: z.number().nullish() });

/** What pricing a CDR needs of it; everything else is let through. */
export const cdrToPrice = z.looseObject({
  start_date_time: ocpiDateTime,
  end_date_time: ocpiDateTime,
  currency: z.string().nullish(),
  charging_periods: z.array(chargingPeriod).min(1),
});
export type CdrToPrice = z.infer<typeof cdrToPrice>;

/** The fields of a CDR that follow from its price. Amounts and volumes have at most 4 decimals. */
export const cdrAmounts = z.object({
  start_date_time: ocpiDateTime,
  end_date_time: ocpiDateTime,
  currency: z.string().length(3),
  charging_periods: z.array(chargingPeriod).min(1),
  total_cost: price,
  total_fixed_cost: price.optional(),
  total_energy: z.number(),
  total_energy_cost: price.optional(),
  total_time: z.number(),
  total_time_cost: price.optional(),
  total_parking_time: z.number().optional(),
  total_parking_cost: price.optional(),
  total_reservation_cost: price.optional(),
});
export type CdrAmounts = z.infer<typeof cdrAmounts>;
