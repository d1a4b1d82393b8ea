import { expect, test } from '@jest/globals';
import { kW, kWh, lasting, outlet, percent, tookMs, utc } from './units.js';

test('people read kWh, kW, percent and UTC', () => {
  expect([kWh(2_500.125), kWh(0), kWh(null)]).toEqual(['2.500', '0.000', '?']);
  expect([kW(7_360), kW(null)]).toEqual(['7.4', '']);
  expect([percent(80.4), percent(null)]).toEqual(['80 %', '']);
  expect([utc('2026-11-23T10:00:05.123Z'), utc(null)]).toEqual(['2026-11-23 10:00:05', '']);
});

test.each([
  [0, '0 s'],
  [59.6, '1 min'],
  [3_599, '59 min'],
  [11_100, '3 h 05 min'],
  [187_200, '2 d 4 h'],
])('%d s are %s', (seconds, text) => expect(lasting(seconds)).toBe(text));

test('an outlet is named as its protocol does', () => {
  expect(outlet({ evse_id: 0, connector_id: 2 })).toBe('2');
  expect(outlet({ evse_id: null, connector_id: 2 })).toBe('2');
  expect(outlet({ evse_id: 1, connector_id: 2 })).toBe('EVSE 1/2');
  expect(outlet({ evse_id: 1, connector_id: null })).toBe('EVSE 1');
  expect(outlet({ evse_id: null, connector_id: null })).toBe('');
});

test('short times are told in milliseconds and tenths', () => {
  expect([tookMs(0), tookMs(849.6), tookMs(1_234), tookMs(45_000), tookMs(null)]).toEqual([
    '0 ms',
    '850 ms',
    '1.2 s',
    '45 s',
    '',
  ]);
});
