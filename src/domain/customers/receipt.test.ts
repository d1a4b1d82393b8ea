/** What somebody is asked to pay, on paper. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { priceSession } from '../charging/tariff/price-session.js';
import { courseOf, type MeteredSample } from './course-of.js';
import { type ReceiptOf, receiptNumber, receiptOf } from './receipt.js';

const START = Date.parse('2026-10-24T23:40:00Z');
const HOUR = 3_600_000;
const register = (at: number, kWh: number): MeteredSample => ({
  at,
  measurand: 'Energy.Active.Import.Register',
  phase: '',
  location: 'Outlet',
  context: 'Sample.Periodic',
  milli: kWh * 1_000_000,
});
const session = {
  startedAt: START,
  stoppedAt: START + 6 * HOUR,
  lastSeenAt: START + 7 * HOUR,
  energyMilli: 30_000_000,
  meterStartMilli: 100_000_000,
  meterStopMilli: 130_000_000,
};
const tariff = {
  id: 'night',
  currency: 'EUR',
  elements: [
    {
      price_components: [{ type: 'ENERGY', price: 0.3, vat: 19, step_size: 1 }],
      restrictions: { start_time: '22:00', end_time: '06:00' },
    },
    {
      price_components: [
        { type: 'ENERGY', price: 0.5, vat: 19, step_size: 1 },
        { type: 'PARKING_TIME', price: 3, vat: 7, step_size: 60 },
      ],
    },
  ],
};
function receipt(samples: readonly MeteredSample[], more: Partial<ReceiptOf> = {}, by: object = tariff) {
  const pricing = priceSession({ tariff: by, course: courseOf(session, samples), timeZone: 'Europe/Berlin' });
  if (pricing.kind !== 'priced') throw new Error(pricing.detail);
  return receiptOf({
    sessionId: '5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f',
    evseId: 'DE*WAT*E1',
    chargePointId: 'CP-1',
    station: { id: 'st-1', name: null, address: null, city: null, country: null },
    timeZone: 'Europe/Berlin',
    startedAt: session.startedAt,
    stoppedAt: session.stoppedAt,
    energyMilli: session.energyMilli,
    estimated: false,
    tariff: 'night@1',
    supplier: { name: 'Wattstream', address: null, vatId: null },
    customer: { accountId: 'ac-1', name: null },
    cost: pricing.cost as ReceiptOf['cost'],
    ...more,
  });
}
/** 20 kWh until 05:00 local time, the rest by 06:40; the clocks go back in between. */
const SAMPLES = [register(START, 100), register(START + 4.5 * HOUR, 120), register(START + 6 * HOUR, 130)];

test('by the readings, the station’s clock and one rounding: until six by the night price, then by the day’s', () => {
  const { lines, total, vat } = receipt(SAMPLES);
  // 06:00 is 5.333 h after the start: 20 + 10 x 0.8333/1.5 = 25.5556 kWh by then.
  expect(lines).toMatchObject([
    { dimension: 'ENERGY', price: '0.3', quantity: '25.5556' },
    { dimension: 'ENERGY', price: '0.5', quantity: '4.4444' },
  ]);
  // 25.5556 x 0.3 + 4.4444 x 0.5 = 9.8889; x 1.19 = 11.7678.
  expect(total).toEqual({ exclVat: '9.89', vat: '1.88', inclVat: '11.77' });
  expect(vat).toEqual([{ rate: '19', basis: '9.89', amount: '1.88' }]);
});

test('times are the station’s, each with its own offset, and so is the date', () => {
  const { session: shown, date } = receipt(SAMPLES);
  expect(shown).toMatchObject({
    startedAt: '2026-10-25T01:40:00+02:00',
    stoppedAt: '2026-10-25T06:40:00+01:00',
    energyKWh: '30.000',
  });
  expect(date).toBe('2026-10-25');
});

test('two rates of VAT are told apart', () => {
  const { vat, total } = receipt([...SAMPLES, register(START + 5 * HOUR, 130)]);
  expect(vat.map(({ rate }) => rate)).toEqual(['19', '7']);
  const sum = vat.reduce((all, { amount }) => all + Number(amount), 0);
  expect(sum).toBeCloseTo(Number(total.vat), 1);
});

test('no VAT: the receipt says so, instead of 0 %', () => {
  const free = {
    ...tariff,
    elements: [{ price_components: [{ type: 'ENERGY', price: 0.3, step_size: 1 }] }],
  };
  expect(receipt(SAMPLES, {}, free)).toMatchObject({
    vat: [{ rate: null, basis: '9.00', amount: '0.00' }],
    total: { exclVat: '9.00', inclVat: '9.00' },
  });
});

describe('the same session has the same receipt', () => {
  test('whatever the order in which its samples come out of the tables', () => {
    const text = JSON.stringify(receipt(SAMPLES));
    fc.assert(
      fc.property(fc.shuffledSubarray(SAMPLES, { minLength: 3 }), (samples) => {
        expect(JSON.stringify(receipt([...samples, ...samples]))).toBe(text);
      }),
    );
  });
  test('what is paid for is the row’s energy, also where samples are missing or go beyond it', () => {
    for (const samples of [[], [register(START + HOUR, 140)], SAMPLES.slice(1)])
      expect(courseOf(session, samples).curve?.at(-1)).toEqual({ at: session.stoppedAt, milli: 30_000_000 });
  });
  test('without energy there is no curve, and so no cost', () => {
    expect(courseOf({ ...session, energyMilli: null }, SAMPLES).curve).toBeNull();
  });
});

test('numbers: one session, one number, for ever; no two sessions share one', () => {
  expect(receiptNumber('5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f')).toBe('R-2Z1GNN4TJK-BNY9Y3GA-3CP3TKJZ');
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), (one, other) => {
      expect(receiptNumber(one) === receiptNumber(other)).toBe(one === other);
      expect(receiptNumber(one)).toMatch(/^R-[0-9A-Z]{10}-[0-9A-Z]{8}-[0-9A-Z]{8}$/);
    }),
  );
});
