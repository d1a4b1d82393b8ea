/** Units of measure as chargers write them, and the base unit and power of ten they stand for. */
export interface Unit {
  /** Base unit, as in `Sample.unit`. */
  readonly base: string;
  /** Value x 10^exponent is in the base unit. */
  readonly exponent: number;
  /** For scales with another zero: milli of this unit into milli of the base unit. */
  readonly convert?: (milli: number) => number;
}

const halfAway = (value: number): number => (value < 0 ? -Math.round(-value) : Math.round(value));

/** OCPP 1.6 section 7.45 (UnitOfMeasure), 2.x Part 2 appendix 2 (standardized units), and the field's own. */
const UNITS: Record<string, Unit> = {
  mWh: { base: 'Wh', exponent: -3 },
  Wh: { base: 'Wh', exponent: 0 },
  kWh: { base: 'Wh', exponent: 3 },
  MWh: { base: 'Wh', exponent: 6 },
  varh: { base: 'varh', exponent: 0 },
  kvarh: { base: 'varh', exponent: 3 },
  VAh: { base: 'VAh', exponent: 0 },
  kVAh: { base: 'VAh', exponent: 3 },
  mW: { base: 'W', exponent: -3 },
  W: { base: 'W', exponent: 0 },
  kW: { base: 'W', exponent: 3 },
  MW: { base: 'W', exponent: 6 },
  var: { base: 'var', exponent: 0 },
  kvar: { base: 'var', exponent: 3 },
  VA: { base: 'VA', exponent: 0 },
  kVA: { base: 'VA', exponent: 3 },
  mA: { base: 'A', exponent: -3 },
  A: { base: 'A', exponent: 0 },
  mV: { base: 'V', exponent: -3 },
  V: { base: 'V', exponent: 0 },
  kV: { base: 'V', exponent: 3 },
  Hertz: { base: 'Hertz', exponent: 0 },
  Hz: { base: 'Hertz', exponent: 0 },
  Percent: { base: 'Percent', exponent: 0 },
  '%': { base: 'Percent', exponent: 0 },
  // OCPP 1.6 spells it both ways (section 7.45 and its schemas).
  Celsius: { base: 'Celsius', exponent: 0 },
  Celcius: { base: 'Celsius', exponent: 0 },
  K: { base: 'Celsius', exponent: 0, convert: (milli) => milli - 273_150 },
  Fahrenheit: { base: 'Celsius', exponent: 0, convert: (milli) => halfAway(((milli - 32_000) * 5) / 9) },
};

const exact = new Map(Object.entries(UNITS));
/** Chargers also write KWH and kwh. What differs by its case alone (mW, MW) is not guessed. */
const folded = new Map<string, Unit | undefined>();
for (const [name, unit] of exact) {
  const key = name.toLowerCase();
  folded.set(key, folded.has(key) ? undefined : unit);
}

export const unitOf = (text: string): Unit | undefined => exact.get(text) ?? folded.get(text.toLowerCase());
