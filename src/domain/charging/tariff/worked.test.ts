/** Worked cases, as a tariff manager would put them. What would break: a bill that a driver would dispute, rightly. */
import { describe, expect, it, test } from '@jest/globals';
import {
  always,
  charge,
  costIn,
  type Element,
  fee,
  park,
  perHour,
  perIdleHour,
  perKWh,
  stay,
  tariffOf,
  when,
} from '../../../../test/oracle/stays.js';
import type { Course } from './course.js';
import { priceSession } from './price-session.js';
import type { Tariff } from './shape.js';

const BERLIN = 'Europe/Berlin';
const MONDAY = '2026-03-02T10:00+01:00';

const costOf = (
  course: Course,
  elements: Element[],
  more: Partial<Tariff> = {},
  timeZone: string | null = BERLIN,
) => costIn(priceSession({ tariff: tariffOf(elements, more), course, timeZone }));
const total = (...args: Parameters<typeof costOf>) => costOf(...args).exclVat;
const reasonOf = (
  course: Course,
  elements: Element[],
  more: Partial<Tariff> = {},
  timeZone: string | null = BERLIN,
) => {
  const pricing = priceSession({ tariff: tariffOf(elements, more), course, timeZone });
  return pricing.kind === 'unpriced' ? pricing.reason : 'priced';
};
/** Where each period begins, and by which elements it is priced. */
const periodsOf = (cost: ReturnType<typeof costOf>) =>
  cost.explanation.periods.map(({ from, lines }) => [
    from.slice(0, 16),
    ...lines.map(({ dimension, element }) => `${dimension} ${element}`),
  ]);

describe('energy', () => {
  test('the first 10 kWh are cheap, exactly ten of them', () => {
    const tiers = [when({ max_kwh: 10 }, perKWh(0.1)), always(perKWh(0.5))];
    const cost = costOf(stay(MONDAY, charge(7, 10.000001)), tiers);
    expect(cost.explanation.sum.exclVat).toBe('1.0005'); // 10 kWh, and a watt-hour begun
    expect(total(stay(MONDAY, charge(97, 23)), tiers)).toBe('7.50');
    expect(total(stay(MONDAY, charge(97, 10)), tiers)).toBe('1.00');
  });

  test('a price that begins at 1 kWh begins with the first millisecond by which it is reached', () => {
    const cost = costOf(stay(MONDAY, charge(1, 7)), [when({ min_kwh: 1 }, perHour(1))]);
    expect(cost.explanation.periods[1]).toMatchObject({ from: '2026-03-02T09:00:08.572Z', energyFrom: '1' });
  });

  test('a watt-hour begun is a watt-hour billed; larger blocks likewise (11.4.2)', () => {
    const bill = (step_size: number) =>
      costOf(stay(MONDAY, charge(5, 0.1152)), [always(perKWh(0.25, { step_size }))]);
    expect([1, 25, 500, 0].map((step) => bill(step).explanation.sum.exclVat)).toEqual([
      '0.029',
      '0.03125',
      '0.125',
      '0.0288',
    ]);
  });

  test('blocks of half a kWh count for the session, not for each price in it (10.3.1)', () => {
    const dayAndEvening = [
      when({ end_time: '17:00' }, perKWh(0.2, { step_size: 500 })),
      always(perKWh(0.27, { step_size: 500 })),
    ];
    const course = stay('2026-03-02T16:00+01:00', charge(60, 4.3), charge(30, 1.1));
    expect(costOf(course, dayAndEvening).explanation.sum.exclVat).toBe('1.184'); // 4.3 * 0.20 + 1.2 * 0.27
  });

  test('the step of the last price counts, and what it adds costs the last price', () => {
    const byCurrent = [
      when({ max_current: 20 }, perKWh(2, { step_size: 10_000 })),
      always(perKWh(5, { step_size: 10_000 })),
    ];
    const course = stay(MONDAY, charge(60, 3, 10), charge(60, 3, 40), charge(60, 3, 10));
    expect(total(course, byCurrent)).toBe('29.00');
  });

  test('fast charging is dearer while it is fast: the price goes by the power', () => {
    const byPower = [when({ min_power: 50 }, perKWh(0.6)), always(perKWh(0.3))];
    const cost = costOf(stay(MONDAY, charge(30, 50), charge(60, 20)), byPower);
    expect(cost.exclVat).toBe('36.00');
    expect(periodsOf(cost)).toEqual([
      ['2026-03-02T09:00', 'ENERGY 0'],
      ['2026-03-02T09:30', 'ENERGY 1'],
    ]);
  });

  test('exactly 50 kW is at least 50 kW, and not less than 50 kW', () => {
    expect(total(stay(MONDAY, charge(30, 25)), [when({ min_power: 50 }, perKWh(1))])).toBe('25.00');
    expect(total(stay(MONDAY, charge(30, 25)), [when({ max_power: 50 }, perKWh(1))])).toBe('0.00');
  });

  test('power readings win over the mean between two register readings', () => {
    const course = { ...stay(MONDAY, charge(60, 30)) };
    const at = (minutes: number) => course.startAt + minutes * 60_000;
    const power = [
      { at: at(0), milli: 50_000_000 },
      { at: at(30), milli: 10_000_000 },
    ];
    const byPower = [when({ min_power: 40 }, perKWh(1)), always(perKWh(0.1))];
    expect(total({ ...course, power }, byPower)).toBe('16.50');
    expect(total(course, byPower)).toBe('3.00');
  });
});

describe('time', () => {
  test('a night tariff from 22:00 to 06:00 is one window over midnight', () => {
    const night = [when({ start_time: '22:00', end_time: '06:00' }, perKWh(0.2)), always(perKWh(0.4))];
    const cost = costOf(stay('2026-03-02T21:00+01:00', charge(600, 10)), night);
    expect(cost.exclVat).toBe('2.40'); // 8 h of 1 kW by night, 2 h by day
    expect(periodsOf(cost)).toEqual([
      ['2026-03-02T20:00', 'ENERGY 1'],
      ['2026-03-02T21:00', 'ENERGY 0'],
      ['2026-03-03T05:00', 'ENERGY 1'],
    ]);
  });

  test('the night in which clocks go forward is an hour shorter, the one in which they go back an hour longer', () => {
    const night = [when({ start_time: '22:00', end_time: '06:00' }, perHour(1))];
    const stayed = (start: string) => costOf(stay(start, charge(14 * 60, 14)), night);
    expect(stayed('2026-03-27T20:00+01:00').exclVat).toBe('8.00');
    expect(stayed('2026-03-28T20:00+01:00').exclVat).toBe('7.00');
    expect(stayed('2026-10-24T20:00+02:00').exclVat).toBe('9.00');
    expect(periodsOf(stayed('2026-03-28T20:00+01:00'))[2]).toEqual(['2026-03-29T04:00']);
    expect(periodsOf(stayed('2026-10-24T20:00+02:00'))[2]).toEqual(['2026-10-25T05:00']);
  });

  test('an hour that comes twice is dear twice, one that never comes costs nothing', () => {
    const dearHour = [when({ start_time: '02:00', end_time: '03:00' }, perHour(6))];
    expect(total(stay('2026-10-25T00:00+02:00', charge(360, 6)), dearHour)).toBe('12.00');
    expect(total(stay('2026-03-29T00:00+01:00', charge(360, 6)), dearHour)).toBe('0.00');
  });

  test('the weekend begins at local midnight, also for a car that came on Friday', () => {
    const weekend = [when({ day_of_week: ['SATURDAY', 'SUNDAY'] }, perKWh(0.2)), always(perKWh(0.6))];
    expect(total(stay('2026-03-06T23:00+01:00', charge(120, 10)), weekend)).toBe('4.00');
    expect(total(stay('2026-03-06T23:00-05:00', charge(120, 10)), weekend, {}, 'America/New_York')).toBe(
      '4.00',
    );
  });

  test('a Friday night window over midnight ends at midnight: Saturday morning is no Friday', () => {
    const fridayNight = [
      when({ day_of_week: ['FRIDAY'], start_time: '22:00', end_time: '06:00' }, perHour(1)),
    ];
    expect(total(stay('2026-03-06T20:00+01:00', charge(720, 12)), fridayNight)).toBe('2.00');
    expect(total(stay('2026-03-06T04:00+01:00', charge(240, 12)), fridayNight)).toBe('2.00');
  });

  test('a Christmas price holds from its first day to the end of the last before the end date', () => {
    const christmas = [
      when({ start_date: '2026-12-24', end_date: '2026-12-27' }, perHour(0)),
      always(perHour(1)),
    ];
    expect(total(stay('2026-12-23T22:00+01:00', charge(240, 4)), christmas)).toBe('2.00');
    expect(total(stay('2026-12-26T22:00+01:00', charge(240, 4)), christmas)).toBe('2.00');
  });

  test('only a start: until midnight; only an end: from midnight; an end of 00:00: all day', () => {
    const course = stay('2026-03-02T22:00+01:00', charge(240, 4));
    expect(total(course, [when({ start_time: '23:00' }, perHour(1))])).toBe('1.00');
    expect(total(course, [when({ end_time: '01:00' }, perHour(1))])).toBe('1.00');
    expect(total(course, [when({ end_time: '00:00' }, perHour(1))])).toBe('4.00');
    expect(total(course, [when({ start_time: '22:30', end_time: '00:00' }, perHour(1))])).toBe('1.50');
    expect(total(course, [when({ start_time: '08:00', end_time: '08:00' }, perHour(1))])).toBe('4.00');
  });

  test('minutes in blocks of ten count for the session: 6 before and 22 after 17:00 are 30 (10.3.1)', () => {
    const dayAndEvening = [
      when({ end_time: '17:00' }, perHour(5, { step_size: 600 })),
      always(perHour(7, { step_size: 600 })),
    ];
    const cost = costOf(stay('2026-03-02T16:54+01:00', charge(28, 4)), dayAndEvening);
    expect(cost.parts.time).toEqual({ billed: '0.5000', exclVat: '3.3000', inclVat: '3.3000' });
  });

  test('a third of an hour three times is an hour: thirds are not lost', () => {
    const thirds = [
      when({ max_duration: 1200 }, perHour(1)),
      when({ max_duration: 2400 }, perHour(1)),
      always(perHour(1)),
    ];
    const cost = costOf(stay(MONDAY, charge(60, 1)), thirds);
    expect(cost.explanation.periods.map(({ lines }) => lines[0]?.exclVat)).toEqual(['1/3', '1/3', '1/3']);
    expect(cost.explanation.sum.exclVat).toBe('1');
  });
});

describe('idling', () => {
  test('idle fee after 30 minutes of grace, counted from plugging in (min_duration is of the session)', () => {
    const grace = [when({ min_duration: 1800 }, perIdleHour(6))];
    expect(total(stay(MONDAY, charge(10, 5), park(20)), grace)).toBe('0.00');
    expect(total(stay(MONDAY, charge(10, 5), park(50)), grace)).toBe('3.00');
    expect(total(stay(MONDAY, charge(60, 5), park(10)), grace)).toBe('1.00'); // the grace is over by then
  });

  test('free parking in the first hour, 2.00 an hour up to the fourth, 3.00 after', () => {
    const parking = [
      when({ max_duration: 3600 }, perIdleHour(0)),
      when({ max_duration: 14_400 }, perIdleHour(2)),
      always(perIdleHour(3)),
    ];
    expect(total(stay(MONDAY, charge(30, 5), park(30)), parking)).toBe('0.00');
    expect(total(stay(MONDAY, charge(30, 5), park(270)), parking)).toBe('9.00');
  });

  test('no idle fee at night', () => {
    const byDay = [when({ start_time: '08:00', end_time: '22:00' }, perIdleHour(4)), always(perKWh(0.5))];
    expect(total(stay('2026-03-02T20:00+01:00', charge(60, 10), park(660)), byDay)).toBe('9.00');
  });

  test('5-minute blocks: charging for 21 minutes is not rounded, 7 minutes of parking are 10 (10.3.1)', () => {
    const both = [always(perHour(1, { step_size: 300 }), perIdleHour(1, { step_size: 300 }))];
    const { parts } = costOf(stay(MONDAY, charge(21, 5), park(7)), both);
    expect([parts.time.billed, parts.parking.billed]).toEqual(['0.3500', '0.1667']);
  });

  test('20 seconds of waiting for the first energy are not rounded up to a quarter of parking', () => {
    const both = [always(perHour(1, { step_size: 60 }), perIdleHour(36, { step_size: 900 }))];
    const { parts } = costOf(stay(MONDAY, park(1 / 3), charge(60, 10)), both);
    expect(parts.parking.exclVat).toBe('0.2000');
    expect(parts.time.exclVat).toBe('1.0000');
  });

  test('charging time is rounded up where parking after it costs nothing', () => {
    expect(total(stay(MONDAY, charge(61, 5), park(30)), [always(perHour(1, { step_size: 3600 }))])).toBe(
      '2.00',
    );
  });

  test('a car that pauses twice parks twice', () => {
    const both = [always(perKWh(0.5), perIdleHour(6))];
    const cost = costOf(stay(MONDAY, charge(30, 5), park(10), charge(30, 5), park(20)), both);
    expect(cost.exclVat).toBe('8.00');
    expect(cost.explanation.periods).toHaveLength(4);
  });
});

describe('fees and limits', () => {
  test('a start fee once, however often its price comes and goes', () => {
    const lowPower = [when({ max_power: 15 }, fee(1)), always(perKWh(0.5))];
    expect(total(stay(MONDAY, charge(60, 10), charge(60, 20), charge(60, 10)), lowPower)).toBe('21.00');
  });

  test('a second fee for whoever stays on into the night: once for each element that came to count', () => {
    const fees = [when({ start_time: '22:00', end_time: '06:00' }, fee(3)), always(fee(1))];
    expect(total(stay('2026-03-02T21:00+01:00', charge(120, 5)), fees)).toBe('4.00');
    expect(total(stay('2026-03-02T12:00+01:00', charge(120, 5)), fees)).toBe('1.00');
  });

  test('the first element that fits counts, not the best', () => {
    const elements = [when({ day_of_week: ['MONDAY'] }, perKWh(3)), always(perKWh(2)), always(perKWh(1))];
    expect(total(stay(MONDAY, charge(60, 10)), elements)).toBe('30.00');
  });

  test('each dimension looks for its own element', () => {
    const elements = [when({ min_kwh: 5 }, perKWh(1), perHour(6)), always(perKWh(0.1))];
    const cost = costOf(stay(MONDAY, charge(60, 10)), elements);
    expect(cost.exclVat).toBe('8.50'); // 5 at 0.10, 5 at 1.00, half an hour at 6.00
  });

  test('what nothing prices is free', () => {
    expect(total(stay(MONDAY, charge(60, 10)), [when({ max_duration: 1800 }, perKWh(1))])).toBe('5.00');
  });

  test('a minimum price lifts both totals, each to its own', () => {
    const least = { min_price: { excl_vat: 2, incl_vat: 2.38 } };
    const cost = costOf(stay(MONDAY, charge(10, 1)), [always(perKWh(0.5, { vat: 19 }))], least);
    expect(cost).toMatchObject({ exclVat: '2.00', inclVat: '2.38' });
    expect(cost.parts.energy).toEqual({ billed: '1.0000', exclVat: '0.5000', inclVat: '0.5950' });
    expect(cost.explanation.limits).toEqual([
      { limit: 'min_price', vat: 'excl', before: '0.5', after: '2' },
      { limit: 'min_price', vat: 'incl', before: '0.595', after: '2.38' },
    ]);
  });

  test('with mixed VAT a maximum may hold for one total only', () => {
    const most = { max_price: { excl_vat: 10, incl_vat: 11 } };
    const mixed = [always(fee(5, { vat: 25 }), perKWh(0.5, { vat: 10 }))];
    expect(costOf(stay(MONDAY, charge(60, 9)), mixed, most)).toMatchObject({
      exclVat: '9.50',
      inclVat: '11.00',
    });
  });

  test('a minimum without VAT only: the one rate of the tariff gives the other, of several none is guessed', () => {
    const least = { min_price: { excl_vat: 2 } };
    const course = stay(MONDAY, charge(10, 1));
    expect(costOf(course, [always(perKWh(0.5, { vat: 19 }))], least)).toMatchObject({
      exclVat: '2.00',
      inclVat: '2.38',
    });
    const mixed = costOf(course, [always(fee(0.1, { vat: 7 }), perKWh(0.5, { vat: 19 }))], least);
    expect(mixed).toMatchObject({ exclVat: '2.00', inclVat: null, notes: ['vat-unknown'] });
    const enough = costOf(
      stay(MONDAY, charge(60, 9)),
      [always(fee(1, { vat: 7 }), perKWh(1, { vat: 19 }))],
      least,
    );
    expect(enough).toMatchObject({ exclVat: '10.00', inclVat: '11.78', notes: [] });
  });

  test('0 % VAT is a rate; no VAT is none; both amounts are then the same', () => {
    expect(costOf(stay(MONDAY, charge(60, 10)), [always(perKWh(1, { vat: 0 }))]).inclVat).toBe('10.00');
    expect(costOf(stay(MONDAY, charge(60, 10)), [always(perKWh(1))]).inclVat).toBe('10.00');
  });

  test('yen have no decimals, dinars three', () => {
    const elements = [always(perKWh(12.3456))];
    expect(total(stay(MONDAY, charge(60, 10)), elements, { currency: 'JPY' })).toBe('123');
    expect(total(stay(MONDAY, charge(60, 10)), elements, { currency: 'KWD' })).toBe('123.456');
  });

  test('the total is rounded once: not the parts first, half a cent up', () => {
    const cost = costOf(stay(MONDAY, charge(60, 1), park(60)), [always(perKWh(0.004), perIdleHour(0.001))]);
    expect(cost.exclVat).toBe('0.01');
    expect(cost.explanation.rounding).toEqual({ decimals: 2, exclVat: '0.005', inclVat: '0.005' });
    expect(total(stay(MONDAY, charge(60, 1)), [always(perKWh(0.00499))])).toBe('0.00');
  });
});

describe('nothing charged', () => {
  const usual = [always(fee(1), perKWh(0.5), perHour(6))];

  test('costs nothing: no start fee, no minimum price', () => {
    const cost = costOf(stay(MONDAY, park(30)), usual, { min_price: { excl_vat: 5 } });
    expect(cost).toMatchObject({ exclVat: '0.00', inclVat: '0.00', notes: ['no-energy'] });
  });

  test('but parking, where parking has a price', () => {
    expect(total(stay(MONDAY, park(30)), [always(fee(1), perKWh(0.5), perIdleHour(4))])).toBe('2.00');
  });

  test('but a fee that is meant for it', () => {
    const blocking = [when({ max_kwh: 0.1 }, fee(2)), ...usual];
    expect(total(stay(MONDAY, park(30)), blocking)).toBe('2.00');
  });

  test('a session of no length is one period that costs nothing', () => {
    expect(costOf(stay(MONDAY), usual).explanation.periods).toHaveLength(1);
  });
});

describe('no cost, and why', () => {
  const course = stay(MONDAY, charge(60, 10));

  it('no tariff', () => {
    expect(priceSession({ tariff: null, course, timeZone: BERLIN })).toMatchObject({
      kind: 'unpriced',
      reason: 'no-tariff',
    });
  });

  it('a tariff that was kept with a restriction nobody here knows', () => {
    const element = { price_components: [perKWh(1)], restrictions: { max_soc: 80 } };
    const kept = { ...tariffOf([always(perKWh(1))]), elements: [element] };
    const pricing = priceSession({ tariff: kept, course, timeZone: BERLIN });
    expect(pricing).toMatchObject({ reason: 'tariff-invalid', detail: expect.stringMatching(/max_soc/) });
  });

  it.each([
    ['2026-03-02T09:00:00Z', '2026-03-02T09:00:00Z', 'priced'],
    ['2026-03-02T09:00:01Z', undefined, 'tariff-not-in-force'],
    [undefined, '2026-03-02T08:59:59Z', 'tariff-not-in-force'],
    [undefined, '2026-03-02T09:30:00', 'priced'],
    [undefined, '2026-03-02T09:30:00+01:00', 'tariff-not-in-force'],
  ])(
    'a tariff from %s to %s, a session from 09:00 to 10:00: %s',
    (start_date_time, end_date_time, reason) => {
      expect(reasonOf(course, [always(perKWh(1))], { start_date_time, end_date_time })).toBe(reason);
    },
  );

  it('no meter said anything', () => {
    expect(reasonOf({ ...course, curve: null }, [always(perKWh(1))])).toBe('energy-unknown');
  });

  it('a current that decides was not measured; where it does not decide it is not asked for', () => {
    const byCurrent = [when({ max_current: 16 }, perKWh(0.3)), always(perKWh(0.5))];
    expect(reasonOf(course, byCurrent)).toBe('current-unknown');
    const decidedOtherwise = [
      when({ max_current: 16, day_of_week: ['SUNDAY'] }, perKWh(0.3)),
      always(perKWh(0.5)),
    ];
    expect(reasonOf(course, decidedOtherwise)).toBe('priced');
    expect(reasonOf(course, [always(perKWh(1)), when({ min_current: 1 }, perIdleHour(1))])).toBe('priced');
  });

  it('all energy came within an instant, and the tariff goes by the power', () => {
    const { startAt } = course;
    const jump = { startAt, endAt: startAt, curve: [{ at: startAt, milli: 1_000 }] };
    expect(reasonOf(jump, [when({ max_power: 50 }, perKWh(1))])).toBe('power-unknown');
    expect(reasonOf(jump, [always(perKWh(1))])).toBe('priced');
  });

  it.each([null, 'Mars/Olympus'])('the time zone is %s, and the tariff knows nights', (timeZone) => {
    expect(reasonOf(course, [when({ start_time: '22:00' }, perKWh(1))], {}, timeZone)).toBe(
      'time-zone-unknown',
    );
    expect(reasonOf(course, [when({ start_time: '22:00', max_kwh: 0 }, perKWh(1))], {}, timeZone)).toBe(
      'priced',
    );
    expect(reasonOf(course, [always(perKWh(1))], {}, timeZone)).toBe('priced');
  });
});

describe('readings at the edges', () => {
  test('readings before the start and after the end count within the session', () => {
    const course = stay(MONDAY, charge(60, 10));
    const { startAt, endAt } = course;
    const curve = [
      { at: startAt - 60_000, milli: 0 },
      { at: endAt + 60_000, milli: 10_000_000 },
    ];
    const cost = costOf({ startAt, endAt, curve }, [always(perKWh(1), perHour(1), perIdleHour(1))]);
    expect(cost.explanation.sum.exclVat).toBe('11');
  });

  test('two readings of the last instant make no period of their own', () => {
    const course = stay(MONDAY, charge(60, 10));
    const curve = [...(course.curve ?? []), { at: course.endAt, milli: 10_010_000 }];
    const cost = costOf({ ...course, curve }, [always(perKWh(1), perHour(1))]);
    expect(cost.exclVat).toBe('11.01');
    expect(cost.explanation.periods).toHaveLength(1);
  });

  test('time after the last reading is parking, and its end is no reading', () => {
    const course = stay(MONDAY, charge(60, 10));
    const cost = costOf({ ...course, endAt: course.endAt + 1_800_000 }, [always(perIdleHour(4))]);
    expect(cost.exclVat).toBe('2.00');
    expect(cost.explanation.periods.map(({ readFrom, readTo }) => [readFrom, readTo])).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  test('a dip is no energy given back, nor taken twice', () => {
    const course = stay(MONDAY, charge(60, 10), charge(60, -4), charge(60, 6));
    expect(total(course, [always(perKWh(1))])).toBe('12.00');
  });

  test('a parked car draws nothing, whatever the last power reading was', () => {
    const course = stay(MONDAY, charge(60, 10), park(60));
    const power = [{ at: course.startAt, milli: 10_000_000 }];
    const drawing = [when({ min_power: 5 }, perIdleHour(9)), always(perIdleHour(1))];
    expect(total({ ...course, power }, drawing)).toBe('1.00');
  });

  test('a period of several readings says the least and the most power of them', () => {
    const { periods } = costOf(stay(MONDAY, charge(60, 20), charge(60, 30), charge(60, 10)), [
      always(perKWh(1)),
    ]).explanation;
    expect(periods.map(({ power }) => power)).toEqual([{ least: '10', most: '30' }]);
  });
});
