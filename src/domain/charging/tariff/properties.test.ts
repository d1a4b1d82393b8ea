/** What must hold whatever the tariff and whatever the session. What would break: trust in any of the other tests. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ORACLE_UNIT, plainPrice, type SimpleTariff } from '../../../../test/oracle/price-oracle.js';
import {
  always,
  costIn,
  fee,
  perHour,
  perIdleHour,
  perKWh,
  tariffOf,
  when,
} from '../../../../test/oracle/stays.js';
import { cdrAmountsOf } from './cdr.js';
import type { CdrToPrice } from './cdr-shape.js';
import type { Cost } from './cost.js';
import type { Course } from './course.js';
import { Exact } from './exact.js';
import { priceCdr } from './price-cdr.js';
import { priceSession } from './price-session.js';
import { type PriceComponent, type Tariff, type TariffRestrictions, WEEKDAYS } from './shape.js';

const ZONE = 'Europe/Berlin';
/** Around the night in which clocks are put back. */
const BEGIN = Date.parse('2026-10-23T12:00:00Z');

const price = fc.integer({ min: 0, max: 20_000 }).map((n) => n / 10_000);
const vat = fc.option(
  fc.integer({ min: 0, max: 250 }).map((n) => n / 10),
  { nil: undefined },
);
const step = fc.constantFrom(0, 1, 60, 300, 900, 1_000);
const component: fc.Arbitrary<PriceComponent> = fc
  .record({ type: fc.constantFrom('ENERGY', 'FLAT', 'TIME', 'PARKING_TIME'), price, vat, step_size: step })
  .map((parts) => parts as PriceComponent);
const timeOfDay = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
const kWh = fc.integer({ min: 0, max: 400_000 }).map((n) => n / 10_000);
const restrictions: fc.Arbitrary<TariffRestrictions> = fc.record(
  {
    start_time: timeOfDay,
    end_time: timeOfDay,
    end_date: fc.constantFrom('2026-10-24', '2026-10-25', '2026-10-26'),
    min_kwh: kWh,
    max_kwh: kWh,
    min_power: fc.nat(60),
    max_power: fc.nat(60),
    min_duration: fc.nat(200_000),
    max_duration: fc.nat(200_000),
    day_of_week: fc.subarray([...WEEKDAYS]),
  },
  { requiredKeys: [] },
);
const elements = fc.array(
  fc.record({
    price_components: fc.uniqueArray(component, { minLength: 1, selector: ({ type }) => type }),
    restrictions: fc.option(restrictions, { nil: undefined }),
  }),
  { minLength: 1, maxLength: 5 },
);
const limits = fc.record(
  {
    min_price: fc.record({ excl_vat: fc.nat(5) }),
    max_price: fc.record({ excl_vat: fc.integer({ min: 5, max: 30 }), incl_vat: fc.constant(40) }),
  },
  { requiredKeys: [] },
);
const anyTariff = fc
  .tuple(elements, limits)
  .map(([all, more]) => tariffOf(all as Parameters<typeof tariffOf>[0], more as Partial<Tariff>));

const anyCourse: fc.Arbitrary<Course> = fc
  .tuple(
    fc.integer({ min: 0, max: 2 * 86_400_000 }),
    fc.array(
      fc.record({
        ms: fc.oneof(fc.nat(14_400_000), fc.constant(0)),
        milli: fc.oneof(fc.constant(0), fc.nat(20_000_000)),
      }),
      { maxLength: 8 },
    ),
  )
  .map(([offset, stretches]) => {
    const startAt = BEGIN + offset;
    const curve = [{ at: startAt, milli: 0 }];
    for (const { ms, milli } of stretches) {
      const last = curve.at(-1) as { at: number; milli: number };
      curve.push({ at: last.at + ms, milli: last.milli + milli });
    }
    return { startAt, endAt: (curve.at(-1) as { at: number }).at, curve };
  });

/** Energy that came in no time has no power: a tariff that goes by it has no price then, and there is nothing to see. */
function priced(tariff: Tariff, course: Course): Cost {
  const pricing = priceSession({ tariff, course, timeZone: ZONE });
  fc.pre(pricing.kind === 'priced' || pricing.reason !== 'power-unknown');
  return costIn(pricing);
}
const exact = Exact.of;
const total = (texts: Iterable<string>) => Exact.sum([...texts].map(exact)).toString();
const lines = (cost: Cost) => cost.explanation.periods.flatMap((period) => period.lines);

describe('whatever is priced', () => {
  it('adds up: lines to the sum, limits to the total, rounding to what is paid; volumes to the session', () => {
    fc.assert(
      fc.property(anyTariff, anyCourse, (tariff, course) => {
        const cost = priced(tariff, course);
        const { sum, limits: applied, total: after, rounding, periods } = cost.explanation;
        expect(total(lines(cost).map((line) => line.exclVat))).toBe(sum.exclVat);
        expect(total(lines(cost).map((line) => line.inclVat))).toBe(sum.inclVat);
        const lifted = applied.filter(({ vat: which }) => which === 'excl');
        expect(
          total([
            sum.exclVat,
            ...lifted.map((limit) => exact(limit.after).minus(exact(limit.before)).toString()),
          ]),
        ).toBe(after.exclVat);
        expect(total([after.exclVat, rounding.exclVat])).toBe(exact(cost.exclVat).toString());
        for (const line of lines(cost)) {
          const amount = exact(line.volume).plus(exact(line.stepAdded)).times(exact(line.price));
          expect(amount.toString()).toBe(line.exclVat);
        }
        const energy = (course.curve?.at(-1)?.milli ?? 0) / 1_000;
        expect(exact(total(periods.flatMap(({ volumes }) => volumes.ENERGY ?? []))).round(6)).toBe(
          Exact.ratio(Math.round(energy * 1_000), 1_000_000).round(6),
        );
        const hours = periods.flatMap(({ volumes }) => [volumes.TIME ?? '0', volumes.PARKING_TIME ?? '0']);
        expect(total(hours)).toBe(Exact.ratio(course.endAt - course.startAt, 3_600_000).toString());
      }),
    );
  });

  it('costs no less with VAT than without, and keeps to its limits', () => {
    fc.assert(
      fc.property(anyTariff, anyCourse, (tariff, course) => {
        const cost = priced(tariff, course);
        if (cost.inclVat !== null) expect(Number(cost.inclVat)).toBeGreaterThanOrEqual(Number(cost.exclVat));
        const { min_price: min, max_price: max } = tariff;
        if (max != null && 'excl_vat' in max) expect(Number(cost.exclVat)).toBeLessThanOrEqual(max.excl_vat);
        if (min != null && 'excl_vat' in min && !cost.notes.includes('no-energy')) {
          expect(Number(cost.exclVat)).toBeGreaterThanOrEqual(min.excl_vat);
        }
      }),
    );
  });

  it('has periods without gap or overlap, from start to end', () => {
    fc.assert(
      fc.property(anyTariff, anyCourse, (tariff, course) => {
        const { periods } = priced(tariff, course).explanation;
        const edges = periods.flatMap(({ from, to }) => [from, to]);
        expect(edges[0]).toBe(new Date(course.startAt).toISOString());
        expect(edges.at(-1)).toBe(new Date(course.endAt).toISOString());
        for (let i = 1; i < periods.length; i++) {
          expect(periods[i]?.from).toBe(periods[i - 1]?.to);
          expect(periods[i]?.energyFrom).toBe(periods[i - 1]?.energyTo);
        }
      }),
    );
  });

  it('does not depend on the order of readings, nor on readings that come twice', () => {
    fc.assert(
      fc.property(anyTariff, anyCourse, fc.infiniteStream(fc.nat()), (tariff, course, random) => {
        const keyed = [...(course.curve ?? []), ...(course.curve ?? [])].map((point) => ({
          point,
          key: random.next().value as number,
        }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ point }) => point);
        expect(priced(tariff, { ...course, curve: shuffled })).toEqual(priced(tariff, course));
      }),
      { numRuns: 60 },
    );
  });

  it('costs the same with one more reading that lies on the line between two', () => {
    const even = anyCourse.map((course) => ({
      ...course,
      curve: (course.curve ?? []).map(({ at, milli }) => ({
        at: course.startAt + (at - course.startAt) * 2,
        milli: milli * 2,
      })),
      endAt: course.startAt + (course.endAt - course.startAt) * 2,
    }));
    fc.assert(
      fc.property(anyTariff, even, fc.nat(7), (tariff, course, index) => {
        const [one, next] = [course.curve[index], course.curve[index + 1]];
        fc.pre(one !== undefined && next !== undefined && next.at > one.at);
        const between = { at: (one.at + next.at) / 2, milli: (one.milli + next.milli) / 2 };
        const more = priced(tariff, { ...course, curve: [...course.curve, between] });
        const less = priced(tariff, course);
        expect([more.exclVat, more.inclVat, more.explanation.sum]).toEqual([
          less.exclVat,
          less.inclVat,
          less.explanation.sum,
        ]);
      }),
    );
  });

  // Where the next kWh is cheaper, a block begun at the dearer price may cost more than going on (10.3.1): one price.
  it('never costs less for more energy, where prices are not negative and blocks are alike', () => {
    const tiers = fc
      .tuple(step, fc.array(restrictions, { maxLength: 4 }), price, price)
      .map(([step_size, given, base, start]) =>
        tariffOf([
          ...given.map(({ start_time, end_time, min_kwh, max_kwh }) =>
            when({ start_time, end_time, min_kwh, max_kwh }, perKWh(base, { step_size })),
          ),
          always(perKWh(base, { step_size }), fee(start)),
        ]),
      );
    fc.assert(
      fc.property(tiers, fc.nat(50_000_000), fc.nat(50_000_000), (tariff, some, more) => {
        const taking = (milli: number): Course => ({
          startAt: BEGIN,
          endAt: BEGIN + 1,
          curve: [
            { at: BEGIN, milli: 0 },
            { at: BEGIN + 1, milli },
          ],
        });
        const cost = (milli: number) => exact(priced(tariff, taking(milli)).explanation.total.exclVat);
        expect(cost(some + more).atLeast(cost(some))).toBe(true);
      }),
    );
  });

  it('costs what the plain way says, minute by minute', () => {
    const hour = fc.nat(23);
    const thousandths = fc.nat(2_000);
    const simple: fc.Arbitrary<SimpleTariff> = fc.record({
      cheap: thousandths,
      dear: thousandths,
      cheapWh: fc.nat(5_000),
      nightHour: thousandths,
      dayHour: thousandths,
      nightFrom: hour,
      nightUntil: hour,
      idleHour: thousandths,
      graceMinutes: fc.nat(200),
      fee: thousandths,
    });
    const wh = fc.array(fc.oneof(fc.constant(0), fc.nat(200)), { minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(simple, fc.nat(1_439), wh, (rules, start, taken) => {
        const clock = (time: number) => `${String(time).padStart(2, '0')}:00`;
        const [start_time, end_time] = [clock(rules.nightFrom), clock(rules.nightUntil)];
        const exactly = { step_size: 0 };
        const tariff = tariffOf([
          when({ max_kwh: rules.cheapWh / 1_000 }, perKWh(rules.cheap / 1_000, exactly)),
          when({ start_time, end_time }, perHour(rules.nightHour / 1_000, exactly)),
          when({ min_duration: rules.graceMinutes * 60 }, perIdleHour(rules.idleHour / 1_000, exactly)),
          always(
            perKWh(rules.dear / 1_000, exactly),
            perHour(rules.dayHour / 1_000, exactly),
            fee(rules.fee / 1_000),
          ),
        ]);
        const startAt = Date.parse('2026-05-05T00:00:00Z') + start * 60_000;
        let milli = 0;
        const curve = [{ at: startAt, milli }];
        taken.forEach((each, i) => {
          milli += each * 1_000;
          curve.push({ at: startAt + (i + 1) * 60_000, milli });
        });
        const course = { startAt, endAt: startAt + taken.length * 60_000, curve };
        const cost = costIn(priceSession({ tariff, course, timeZone: 'UTC' }));
        const expected = Exact.ratio(plainPrice(rules, { start, wh: taken }), ORACLE_UNIT);
        expect(cost.explanation.sum.exclVat).toBe(expected.toString());
      }),
    );
  });
});

describe('the CDR of whatever is priced', () => {
  it('adds up, in 4 decimals', () => {
    fc.assert(
      fc.property(anyTariff, anyCourse, (tariff, course) => {
        const cost = priced(tariff, course);
        const cdr = cdrAmountsOf(cost);
        const sumOf = (type: string) =>
          cdr.charging_periods
            .flatMap(({ dimensions }) => dimensions.filter((dimension) => dimension.type === type))
            .reduce((sum, { volume }) => sum + Math.round(volume * 10_000), 0) / 10_000;
        expect(sumOf('ENERGY')).toBe(cdr.total_energy);
        expect(sumOf('PARKING_TIME')).toBe(cdr.total_parking_time);
        expect(Math.abs(sumOf('TIME') + sumOf('PARKING_TIME') - cdr.total_time)).toBeLessThan(0.00021);
        expect(Math.abs(cdr.total_cost.excl_vat - Number(cost.exclVat))).toBeLessThanOrEqual(0.00505);
      }),
    );
  });

  it('costs the same again for who receives it, where its volumes have 4 decimals', () => {
    const rounded = anyCourse.map((course) => ({
      startAt: BEGIN,
      endAt: BEGIN + Math.round((course.endAt - course.startAt) / 360_000) * 360_000,
      curve: (course.curve ?? []).map(({ at, milli }) => ({
        at: BEGIN + Math.round((at - course.startAt) / 360_000) * 360_000,
        milli: Math.round(milli / 1_000_000) * 1_000_000,
      })),
    }));
    const byEnergyAndFees = fc
      .array(fc.tuple(price, fc.nat(40), fc.boolean()), { maxLength: 4 })
      .map((tiers) =>
        tariffOf([
          ...tiers.map(([each, from, below]) =>
            when(below ? { max_kwh: from } : { min_kwh: from }, perKWh(each, { step_size: 500, vat: 19 })),
          ),
          always(
            perKWh(0.3, { vat: 19 }),
            perHour(1, { step_size: 60 }),
            perIdleHour(2, { step_size: 300 }),
            fee(0.5),
          ),
        ]),
      );
    fc.assert(
      fc.property(byEnergyAndFees, rounded, (tariff, course) => {
        const cost = priced(tariff, course);
        fc.pre(!cost.notes.includes('no-energy'));
        const cdr = cdrAmountsOf(cost);
        const again = cdrAmountsOf(costIn(priceCdr(tariff, cdr, ZONE)));
        expect(again.total_energy_cost).toEqual(cdr.total_energy_cost);
        expect(again.total_fixed_cost).toEqual(cdr.total_fixed_cost);
        expect(again.total_parking_cost).toEqual(cdr.total_parking_cost);
      }),
    );
  });

  it('costs the same when its periods are cut in two', () => {
    const cdr = (halves: boolean, volumes: readonly [number, number][]): CdrToPrice => {
      const hour = 3_600_000;
      const pieces = halves ? 2 : 1;
      return {
        start_date_time: new Date(BEGIN).toISOString(),
        end_date_time: new Date(BEGIN + volumes.length * hour).toISOString(),
        charging_periods: volumes.flatMap(([energy, time], i) =>
          Array.from({ length: pieces }, (_, piece) => ({
            start_date_time: new Date(BEGIN + (i + piece / pieces) * hour).toISOString(),
            dimensions: [
              { type: 'ENERGY' as const, volume: energy / pieces },
              {
                type: time % 2 === 0 ? ('TIME' as const) : ('PARKING_TIME' as const),
                volume: time / 256 / pieces,
              },
            ],
          })),
        ),
      };
    };
    const unrestricted = fc
      .uniqueArray(component, { minLength: 1, selector: ({ type }) => type })
      .map((components) => tariffOf([always(...components)]));
    fc.assert(
      fc.property(
        unrestricted,
        fc.array(fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 512 })), { minLength: 1, maxLength: 6 }),
        (tariff, volumes) => {
          const costs = [false, true].map((halves) => costIn(priceCdr(tariff, cdr(halves, volumes), ZONE)));
          expect(costs[1]?.explanation.sum).toEqual(costs[0]?.explanation.sum);
        },
      ),
    );
  });
});
