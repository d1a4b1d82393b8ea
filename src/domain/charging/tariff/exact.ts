/**
 * Exact numbers: fractions of whole numbers. Money is price times hours, and twenty minutes are a third of an hour:
 * no decimal of any length holds that. Nothing here ever rounds but `round`, and only that makes text for people
 * and for OCPI objects.
 */
export class Exact {
  static readonly zero = new Exact(0n, 1n);

  /** @param d above 0; numerator and denominator share no factor, so equal numbers look equal */
  private constructor(
    private readonly n: bigint,
    private readonly d: bigint,
  ) {}

  /**
   * The number as it was written: 0.1 is a tenth, not the double next to it.
   * @param written a finite number out of JSON, a decimal (`-1.5`, `1e-7`), or what `toString` made (`1/3`)
   * @throws RangeError when it is none of these
   */
  static of(written: number | string): Exact {
    if (typeof written === 'number' && Number.isSafeInteger(written)) return new Exact(BigInt(written), 1n);
    const text = String(written);
    const [numerator, denominator] = text.split('/');
    if (denominator !== undefined) return Exact.of(numerator as string).over(Exact.of(denominator));
    const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i.exec(text);
    if (match === null) throw new RangeError(`'${text}' is not a decimal number`);
    const [, sign, whole = '', decimals = '', exponent = '0'] = match;
    const digits = BigInt(`${sign}${whole}${decimals}`);
    const power = Number(exponent) - decimals.length;
    return power < 0
      ? Exact.ratio(digits, 10n ** BigInt(-power))
      : new Exact(digits * 10n ** BigInt(power), 1n);
  }

  /** n / d, both whole. */
  static ratio(n: number | bigint, d: number | bigint): Exact {
    let [top, bottom] = [BigInt(n), BigInt(d)];
    if (bottom === 0n) throw new RangeError('division by zero');
    if (bottom < 0n) [top, bottom] = [-top, -bottom];
    const shared = greatestCommonDivisor(top < 0n ? -top : top, bottom);
    return new Exact(top / shared, bottom / shared);
  }

  static sum(numbers: Iterable<Exact>): Exact {
    let sum = Exact.zero;
    for (const number of numbers) sum = sum.plus(number);
    return sum;
  }

  plus(other: Exact): Exact {
    return Exact.ratio(this.n * other.d + other.n * this.d, this.d * other.d);
  }

  minus(other: Exact): Exact {
    return Exact.ratio(this.n * other.d - other.n * this.d, this.d * other.d);
  }

  times(other: Exact): Exact {
    return Exact.ratio(this.n * other.n, this.d * other.d);
  }

  over(other: Exact): Exact {
    return Exact.ratio(this.n * other.d, this.d * other.n);
  }

  /** Negative, zero or positive, as for sorting. */
  compare(other: Exact): number {
    const difference = this.n * other.d - other.n * this.d;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  atLeast(other: Exact): boolean {
    return this.compare(other) >= 0;
  }

  get isZero(): boolean {
    return this.n === 0n;
  }

  get isPositive(): boolean {
    return this.n > 0n;
  }

  /** The smallest multiple of `step` that is not below this number. @param step above 0 */
  ceilTo(step: Exact): Exact {
    const steps = this.over(step);
    const whole = steps.n / steps.d;
    const up = steps.n > whole * steps.d ? whole + 1n : whole;
    return step.times(new Exact(up, 1n));
  }

  /** The smallest whole number not below `scale` times this one. */
  wholeUp(scale: number): number {
    const { n, d } = this.times(Exact.of(scale)).ceilTo(new Exact(1n, 1n));
    return Number(n / d);
  }

  /**
   * Rounded half away from zero: the commercial rounding that the published examples of OCPI use.
   * @returns exactly `decimals` decimals, never `-0.00`
   */
  round(decimals: number): string {
    const scale = 10n ** BigInt(decimals);
    const magnitude = this.n < 0n ? -this.n : this.n;
    const scaled = (2n * magnitude * scale + this.d) / (2n * this.d);
    const digits = scaled.toString().padStart(decimals + 1, '0');
    const sign = this.n < 0n && scaled > 0n ? '-' : '';
    const cut = digits.length - decimals;
    return decimals === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, cut)}.${digits.slice(cut)}`;
  }

  /** Loses nothing: a decimal where there is one (`0.125`), else the fraction (`1/3`). `Exact.of` reads both. */
  toString(): string {
    let rest = this.d;
    let decimals = 0;
    for (const factor of [10n, 2n, 5n]) {
      for (; rest % factor === 0n; rest /= factor) decimals++;
    }
    if (rest !== 1n) return `${this.n}/${this.d}`;
    const text = this.round(decimals);
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  }
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [big, small] = [a, b];
  while (small !== 0n) [big, small] = [small, big % small];
  return big;
}
