/** What would break: every price, by a cent here and there that nobody can explain. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Exact } from './exact.js';

const fraction = fc
  .tuple(fc.bigInt(-(10n ** 18n), 10n ** 18n), fc.bigInt(1n, 10n ** 9n))
  .map(([n, d]) => Exact.ratio(n, d));

describe('an exact number', () => {
  it.each([
    [0.1, '0.1'],
    [0.1 + 0.2, '0.30000000000000004'],
    [1e-7, '0.0000001'],
    [1e21, '1000000000000000000000'],
    ['-1.50', '-1.5'],
    ['1.2E+2', '120'],
    ['100', '100'],
    ['2/6', '1/3'],
    [-0, '0'],
  ])('%s is %s', (written, said) => {
    expect(Exact.of(written).toString()).toBe(said);
  });

  it.each(['', '1,5', 'NaN', 'Infinity', '0x10', '1/0', ' 1', '1e9999'])('%j is refused', (written) => {
    expect(() => Exact.of(written)).toThrow(RangeError);
  });

  it('holds a third of an hour: three of them are the hour', () => {
    const third = Exact.of(1).over(Exact.of(3));
    expect(third.plus(third).plus(third).toString()).toBe('1');
  });

  it.each([
    ['0.125', 2, '0.13'],
    ['-0.125', 2, '-0.13'],
    ['0.1249999999999999999999', 2, '0.12'],
    ['-0.004', 2, '0.00'],
    ['1/3', 4, '0.3333'],
    ['2/3', 0, '1'],
    ['99.995', 2, '100.00'],
  ])('%s rounds to %i decimals as %s', (written, decimals, said) => {
    expect(Exact.of(written).round(decimals)).toBe(said);
  });

  it.each([
    ['5.4', '0.5', '5.5'],
    ['5.5', '0.5', '5.5'],
    ['0', '0.5', '0'],
    ['-0.7', '0.5', '-0.5'],
  ])('%s goes up to %s-steps as %s', (number, step, said) => {
    expect(Exact.of(number).ceilTo(Exact.of(step)).toString()).toBe(said);
  });

  it('comes back from its text', () => {
    fc.assert(fc.property(fraction, (number) => Exact.of(number.toString()).compare(number) === 0));
  });

  it('adds and multiplies like numbers do, whatever the order', () => {
    fc.assert(
      fc.property(fraction, fraction, fraction, (a, b, c) => {
        const left = a.plus(b).times(c);
        expect(left.toString()).toBe(c.times(b).plus(a.times(c)).toString());
        expect(a.minus(b).plus(b).compare(a)).toBe(0);
      }),
    );
  });

  it('is never more than half a unit away from what it is rounded to', () => {
    fc.assert(
      fc.property(fraction, fc.integer({ min: 0, max: 6 }), (number, decimals) => {
        const off = Exact.of(number.round(decimals)).minus(number);
        const half = Exact.ratio(1n, 2n * 10n ** BigInt(decimals));
        expect(half.atLeast(off) && off.atLeast(Exact.zero.minus(half))).toBe(true);
      }),
    );
  });
});
