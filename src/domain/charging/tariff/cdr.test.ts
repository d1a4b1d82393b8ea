/** CDRs that are given, and CDRs that are made. What would break: settling with other companies. */
import { describe, expect, it } from '@jest/globals';
import {
  always,
  charge,
  costIn,
  fee,
  park,
  perHour,
  perIdleHour,
  perKWh,
  stay,
  tariffOf,
  when,
} from '../../../../test/oracle/stays.js';
import { cdrAmountsOf } from './cdr.js';
import { type CdrToPrice, cdrAmounts, cdrToPrice } from './cdr-shape.js';
import { priceCdr } from './price-cdr.js';
import { priceSession } from './price-session.js';

type Dimensions = Partial<
  Record<CdrToPrice['charging_periods'][number]['dimensions'][number]['type'], number>
>;

/** Periods of an hour each from 09:00 UTC on. */
const cdr = (...periods: Dimensions[]): CdrToPrice =>
  cdrToPrice.parse({
    start_date_time: '2026-03-02T09:00:00Z',
    end_date_time: `2026-03-02T${String(9 + periods.length).padStart(2, '0')}:00:00Z`,
    charging_periods: periods.map((dimensions, i) => ({
      start_date_time: `2026-03-02T${String(9 + i).padStart(2, '0')}:00:00Z`,
      dimensions: Object.entries(dimensions).map(([type, volume]) => ({ type, volume })),
    })),
  });

const cost = (tariff: Parameters<typeof priceCdr>[0], given: CdrToPrice, zone = 'UTC') =>
  costIn(priceCdr(tariff, given, zone));

describe('a given CDR', () => {
  it('is priced by what held when each period began, and one that outlasts its price is noted', () => {
    const byTime = tariffOf([when({ end_time: '10:30' }, perKWh(1)), always(perKWh(2))]);
    const { exclVat, notes } = cost(byTime, cdr({ ENERGY: 10 }, { ENERGY: 10 }));
    expect([exclVat, notes]).toEqual(['20.00', ['period-outlasts-component']]);
    const cutRightly = tariffOf([when({ end_time: '10:00' }, perKWh(1)), always(perKWh(2))]);
    expect(cost(cutRightly, cdr({ ENERGY: 10 }, { ENERGY: 10 }))).toMatchObject({
      exclVat: '30.00',
      notes: [],
    });
  });

  it('is noted too when a period runs over the energy at which the price changes', () => {
    const tiers = tariffOf([when({ max_kwh: 10 }, perKWh(1)), always(perKWh(2))]);
    expect(cost(tiers, cdr({ ENERGY: 10 }, { ENERGY: 1 })).notes).toEqual([]);
    expect(cost(tiers, cdr({ ENERGY: 10.0001 })).notes).toEqual(['period-outlasts-component']);
  });

  it('is read in the order of time, whatever the order of its list', () => {
    const stepped = tariffOf([
      when({ end_time: '10:00' }, perKWh(1, { step_size: 1 })),
      always(perKWh(2, { step_size: 9_000 })),
    ]);
    const given = cdr({ ENERGY: 5 }, { ENERGY: 5 });
    const reversed = { ...given, charging_periods: [...given.charging_periods].reverse() };
    expect(cost(stepped, reversed)).toEqual(cost(stepped, given));
    expect(cost(stepped, given).exclVat).toBe('31.00');
  });

  it('says its power and current in ranges: what lies beyond a limit is decided, what straddles it is not', () => {
    const strong = tariffOf([when({ min_current: 32 }, perKWh(2)), always(perKWh(1))]);
    expect(cost(strong, cdr({ ENERGY: 1, MIN_CURRENT: 32 })).exclVat).toBe('2.00');
    expect(cost(strong, cdr({ ENERGY: 1, MAX_CURRENT: 31 })).exclVat).toBe('1.00');
    const straddling = [cdr({ ENERGY: 1, MIN_CURRENT: 10, MAX_CURRENT: 40 }), cdr({ ENERGY: 1 })];
    for (const given of straddling) {
      expect(priceCdr(strong, given, 'UTC')).toMatchObject({ kind: 'unpriced', reason: 'current-unknown' });
    }
  });

  it('that says no power is taken at the mean of its charging time', () => {
    const fast = tariffOf([when({ min_power: 50 }, perKWh(2)), always(perKWh(1))]);
    expect(cost(fast, cdr({ ENERGY: 50, TIME: 1 }, { ENERGY: 49, TIME: 1 })).exclVat).toBe('149.00');
    expect(cost(fast, cdr({ ENERGY: 10, TIME: 1, MIN_POWER: 60 })).exclVat).toBe('20.00');
  });

  it('draws nothing in a period that only parks', () => {
    const quiet = tariffOf([when({ max_current: 1, max_power: 1 }, perIdleHour(3))]);
    expect(cost(quiet, cdr({ ENERGY: 1, TIME: 1 }, { PARKING_TIME: 1 })).exclVat).toBe('3.00');
  });

  it('that begins with a reservation counts durations from its first charging period', () => {
    const grace = tariffOf([when({ min_duration: 3_600 }, perIdleHour(5))]);
    const given = cdr({ RESERVATION_TIME: 1 }, { PARKING_TIME: 1 }, { PARKING_TIME: 1, ENERGY: 1 });
    expect(cost(grace, given).exclVat).toBe('5.00');
  });

  it('in another currency than the tariff has no price', () => {
    const given = { ...cdr({ ENERGY: 1 }), currency: 'GBP' };
    expect(priceCdr(tariffOf([always(perKWh(1))]), given, 'UTC')).toMatchObject({
      reason: 'currency-differs',
    });
  });

  it('in which energy went back to the grid is credited', () => {
    expect(cost(tariffOf([always(perKWh(0.5))]), cdr({ ENERGY: 10 }, { ENERGY: -4 })).exclVat).toBe('3.00');
  });
});

describe('the CDR of a cost', () => {
  const tariff = tariffOf(
    [
      when({ start_time: '22:00', end_time: '06:00' }, perKWh(0.25, { vat: 19 })),
      always(perKWh(0.45, { vat: 19 }), perIdleHour(3, { vat: 19, step_size: 300 }), fee(0.35, { vat: 19 })),
    ],
    { max_price: { excl_vat: 9, incl_vat: 10.71 } },
  );
  const session = priceSession({
    tariff,
    course: stay('2026-03-02T21:20:00Z', charge(60, 30), park(20)),
    timeZone: 'UTC',
  });

  it('has its periods, its totals before limits, and its total after them', () => {
    const made = cdrAmountsOf(costIn(session));
    expect(cdrAmounts.parse(made)).toEqual(made);
    expect(made).toEqual({
      start_date_time: '2026-03-02T21:20:00.000Z',
      end_date_time: '2026-03-02T22:40:00.000Z',
      currency: 'EUR',
      charging_periods: [
        {
          start_date_time: '2026-03-02T21:20:00.000Z',
          tariff_id: 'T-1',
          dimensions: [
            { type: 'ENERGY', volume: 20 },
            { type: 'TIME', volume: 0.6666 },
            { type: 'MIN_POWER', volume: 30 },
            { type: 'MAX_POWER', volume: 30 },
          ],
        },
        {
          start_date_time: '2026-03-02T22:00:00.000Z',
          tariff_id: 'T-1',
          dimensions: [
            { type: 'ENERGY', volume: 10 },
            { type: 'TIME', volume: 0.3334 },
            { type: 'MIN_POWER', volume: 30 },
            { type: 'MAX_POWER', volume: 30 },
          ],
        },
        {
          start_date_time: '2026-03-02T22:20:00.000Z',
          tariff_id: 'T-1',
          dimensions: [
            { type: 'PARKING_TIME', volume: 0.3333 },
            { type: 'MIN_POWER', volume: 0 },
            { type: 'MAX_POWER', volume: 0 },
            { type: 'MIN_CURRENT', volume: 0 },
            { type: 'MAX_CURRENT', volume: 0 },
          ],
        },
      ],
      total_cost: { excl_vat: 9, incl_vat: 10.71 },
      total_fixed_cost: { excl_vat: 0.35, incl_vat: 0.4165 },
      total_energy: 30,
      total_energy_cost: { excl_vat: 11.5, incl_vat: 13.685 },
      total_time: 1.3333,
      total_time_cost: { excl_vat: 0, incl_vat: 0 },
      total_parking_time: 0.3333,
      total_parking_cost: { excl_vat: 1, incl_vat: 1.19 },
    });
  });

  it('is not pushed over a block by its own rounding: 40 minutes stay 40 minutes', () => {
    const blocks = tariffOf([always(perHour(6, { step_size: 2_400 }))]);
    const made = cdrAmountsOf(
      costIn(
        priceSession({ tariff: blocks, course: stay('2026-03-02T09:00Z', charge(40, 5)), timeZone: 'UTC' }),
      ),
    );
    expect(made.charging_periods[0]?.dimensions).toContainEqual({ type: 'TIME', volume: 0.6666 });
    expect(cost(blocks, made).exclVat).toBe('4.00');
  });

  it('leaves out the VAT that nobody can know', () => {
    const mixed = tariffOf([always(fee(0.1, { vat: 7 }), perKWh(0.1, { vat: 19 }))], {
      min_price: { excl_vat: 2 },
    });
    const pricing = priceSession({
      tariff: mixed,
      course: stay('2026-03-02T09:00Z', charge(60, 5)),
      timeZone: null,
    });
    expect(cdrAmountsOf(costIn(pricing)).total_cost).toEqual({ excl_vat: 2 });
  });
});
