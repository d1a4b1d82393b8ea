/** What would break: the answer to "why do I have to pay this?" */
import { expect, test } from '@jest/globals';
import {
  always,
  charge,
  costIn,
  fee,
  park,
  perIdleHour,
  perKWh,
  stay,
  tariffOf,
  when,
} from '../../../../test/oracle/stays.js';
import { explain } from './explain.js';
import { priceSession } from './price-session.js';

const costOf = (
  ...args: [Parameters<typeof tariffOf>[0], Parameters<typeof tariffOf>[1], ReturnType<typeof stay>]
) => costIn(priceSession({ tariff: tariffOf(args[0], args[1]), course: args[2], timeZone: 'Europe/Berlin' }));

test('a cost says which readings, which element, which rounding', () => {
  const cost = costOf(
    [
      when({ start_time: '22:00', end_time: '06:00' }, perKWh(0.25, { vat: 19 })),
      always(perKWh(0.45, { vat: 19 }), perIdleHour(3, { vat: 19, step_size: 300 }), fee(0.35)),
    ],
    { max_price: { excl_vat: 9, incl_vat: 10.71 } },
    stay('2026-03-02T21:20+01:00', charge(60, 30), park(22)),
  );
  expect(explain(cost)).toEqual([
    'Tariff T-1, amounts in EUR, times in Europe/Berlin',
    'From 2026-03-02 21:20:00 at 0.0000 kWh (read) to 2026-03-02 22:00:00 at 20.0000 kWh (between two readings)',
    '  1.0000 fee x 0.35 (element 1) = 0.3500, no VAT',
    '  20.0000 kWh x 0.45 (element 1) = 9.0000, with 19 % VAT 10.7100',
    'From 2026-03-02 22:00:00 at 20.0000 kWh (between two readings) to 2026-03-02 22:20:00 at 30.0000 kWh (read)',
    '  10.0000 kWh x 0.25 (element 0) = 2.5000, with 19 % VAT 2.9750',
    'From 2026-03-02 22:20:00 at 30.0000 kWh (read) to 2026-03-02 22:42:00 at 30.0000 kWh (read)',
    '  0.3667 h parking + 0.0500 to full blocks (step_size 300) x 3 (element 1) = 1.2500, with 19 % VAT 1.4875',
    'Sum 13.1000, with VAT 15.5225',
    'max_price makes 13.1000 9.0000',
    'max_price makes 15.5225 10.7100 with VAT',
    'To be paid, rounded once to 2 decimals: 9.00, with VAT 10.71',
  ]);
});

test('what is free and what is unknown is said', () => {
  const free = costOf([when({ min_kwh: 100 }, perKWh(1))], {}, stay('2026-03-02T09:00Z', park(10)));
  expect(explain(free).slice(1, 2)).toEqual([expect.stringMatching(/: nothing has a price$/)]);
  expect(explain(free)).toContainEqual(expect.stringMatching(/^Nothing was charged/));
  const mixed = [always(fee(0.1, { vat: 7 }), perKWh(0.1, { vat: 19 }))];
  const unknown = costOf(mixed, { min_price: { excl_vat: 2 } }, stay('2026-03-02T09:00Z', charge(10, 1)));
  expect(explain(unknown).at(-1)).toBe('To be paid, rounded once to 2 decimals: 2.00, with VAT unknown');
});
