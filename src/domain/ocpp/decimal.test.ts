import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toMilli } from './decimal.js';

test.each([
  ['0', 0, 0],
  ['-0', 0, 0],
  ['+7', 0, 7000],
  ['1234', 0, 1_234_000],
  ['1.5', 0, 1500],
  ['.5', 0, 500],
  ['5.', 0, 5000],
  [' 2 ', 0, 2000],
  ['0.15006999999999998', 3, 150_070],
  ['0.45000999999999997', 3, 450_010],
  ['1e-3', 0, 1],
  ['1.5E2', 0, 150_000],
  ['0.0005', 0, 1],
  ['-0.0005', 0, -1],
  ['0.0004999', 0, 0],
  ['-0.0001', 0, 0],
  ['0.00004', 0, 0],
  ['9007199254740.991', 0, 9_007_199_254_740_991],
  ['123', -3, 123],
  ['0000000000000000000000000000000012', 0, 12_000],
  ['0e999', 0, 0],
])('%s x 10^%i is %i thousandths', (text, exponent, milli) => {
  const result = toMilli(text, exponent);
  expect(result).toBe(milli);
});

test.each([
  '',
  '.',
  '-',
  'NaN',
  'Infinity',
  '1,5',
  '0x10',
  '1 000',
  '1e',
  '12kWh',
  '9007199254740.992',
  '1e300',
  'e5',
])('%p is no number of ours', (text) => {
  expect(toMilli(text)).toBeNaN();
});

test('as exact as integers are: any milli, written as a decimal with any exponent, comes back', () => {
  const milli = fc.integer({ min: -9_007_199_254_740_991, max: 9_007_199_254_740_991 });
  fc.assert(
    fc.property(milli, fc.integer({ min: -12, max: 12 }), (value, exponent) => {
      const digits = String(Math.abs(value)).padStart(40, '0');
      const point = digits.length - 3 - exponent;
      const text = `${value < 0 ? '-' : ''}${`${digits}${'0'.repeat(20)}`.slice(0, point)}.${digits.slice(point)}`;
      expect(toMilli(text, exponent)).toBe(value);
    }),
  );
});

test('float noise of a meter that counts in milli disappears', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), (milliWh) => {
      const noisy = (milliWh / 1e6) * 1.0000000000000002;
      expect(toMilli(String(noisy), 3)).toBe(milliWh);
    }),
  );
});
