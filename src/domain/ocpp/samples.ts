/**
 * Sampled values of 1.6 (texts with a unit) and 2.x (numbers with a unit and a multiplier) into the same
 * samples: exact integers in thousandths of the base unit.
 */
import type { Sample } from '../charging/events.js';
import { toMilli } from './decimal.js';
import { DEFAULT_MEASURAND, measurandOf } from './measurands.js';
import { isObject, type Payload } from './payload.js';
import type { Reading } from './reading.js';
import { unitOf } from './units.js';

/** Whether a frame's text may carry signed meter data: 1.6 `format`, 2.x `signedMeterValue`. */
export const carriesSignedData = (text: string): boolean =>
  text.includes('SignedData') || text.includes('signedMeterValue');

/** What a sampled value says of its value, whichever version said it. */
interface Value {
  readonly raw: string;
  readonly exponent: number;
  /** '' when absent. */
  readonly unit: string;
  readonly signed: string | undefined;
  /** False: `raw` is signed data and no number. */
  readonly numeric: boolean;
}

type ReadValue = (sampled: Payload, reading: Reading) => Value | undefined;

/** `meterValue` (or `transactionData`) of 1.6: OCPP 1.6 section 7.33, 7.43. */
export const samples16 = (from: Payload, key: string, reading: Reading): Sample[] =>
  samples(from, key, reading, value16);

/** `meterValue` of 2.x: Part 2, MeterValueType and SampledValueType. */
export const samples2 = (from: Payload, key: string, reading: Reading): Sample[] =>
  samples(from, key, reading, value2);

function samples(from: Payload, key: string, reading: Reading, readValue: ReadValue): Sample[] {
  const read: Sample[] = [];
  for (const meterValue of reading.list(from, key)) {
    const at = reading.time(meterValue, 'timestamp');
    if (meterValue.timestamp === undefined) reading.missing(`timestamp of ${key}`);
    for (const sampled of reading.list(meterValue, 'sampledValue')) {
      const value = readValue(sampled, reading);
      if (value !== undefined) read.push(sample(sampled, value, at, reading));
    }
  }
  return read;
}

function sample(sampled: Payload, value: Value, at: number, reading: Reading): Sample {
  const measurand = reading.text(sampled, 'measurand') || DEFAULT_MEASURAND;
  const { milli, unit } = quantity(measurand, value, reading);
  const common = {
    at,
    measurand,
    phase: reading.text(sampled, 'phase'),
    location: reading.text(sampled, 'location') || 'Outlet',
    context: reading.text(sampled, 'context') || 'Sample.Periodic',
    milli,
    unit,
    raw: value.raw,
  };
  return value.signed === undefined ? common : { ...common, signed: value.signed };
}

function quantity(name: string, value: Value, reading: Reading): { milli: number; unit: string } {
  const measurand = measurandOf(name);
  if (!measurand.known) reading.note('unknown_measurand', name);
  const sent = value.unit || measurand.unit;
  const unit = unitOf(sent);
  if (unit === undefined && sent !== '') reading.note('unknown_unit', `${sent} of ${name}`);
  const fits = !measurand.strict || unit?.base === measurand.unit;
  if (!fits && unit !== undefined) reading.note('unit_mismatch', `${name} in ${sent}`);
  const base = unit?.base ?? sent;
  if (!value.numeric) return { milli: Number.NaN, unit: base };
  const milli = toMilli(value.raw, value.exponent + (unit?.exponent ?? 0));
  if (Number.isNaN(milli)) reading.note('unreadable_value', `${name}: ${value.raw}`);
  if (!fits) return { milli: Number.NaN, unit: base };
  return { milli: unit?.convert === undefined ? milli : unit.convert(milli), unit: base };
}

/** 1.6: the value is a text; with format SignedData that text is signed and no number. */
function value16(sampled: Payload, reading: Reading): Value | undefined {
  if (sampled.value === undefined) {
    reading.missing('value of a sampled value');
    return undefined;
  }
  const raw = reading.text(sampled, 'value');
  const signed = sampled.format === 'SignedData';
  return {
    raw,
    exponent: 0,
    unit: reading.text(sampled, 'unit'),
    signed: signed ? raw : undefined,
    numeric: !signed,
  };
}

/** Beyond any multiplier that OCPP lists (standardized prefixes go from -12 to 12). */
const MAX_MULTIPLIER = 30;

/** 2.x: the value is a number, unit and power of ten stand in `unitOfMeasure`. */
function value2(sampled: Payload, reading: Reading): Value | undefined {
  const sent = sampled.value;
  if (sent === undefined) {
    reading.missing('value of a sampled value');
    return undefined;
  }
  const raw = typeof sent === 'number' ? String(sent) : reading.text(sampled, 'value');
  if (typeof sent === 'string') reading.note('schema_violation', 'value is a string, not a number');
  const { unitOfMeasure, signedMeterValue } = sampled;
  let unit = '';
  let exponent = 0;
  if (unitOfMeasure !== undefined) {
    const measure = reading.object(sampled, 'unitOfMeasure');
    unit = reading.text(measure, 'unit');
    const multiplier = measure.multiplier === undefined ? 0 : reading.integer(measure, 'multiplier');
    exponent = Math.abs(multiplier) <= MAX_MULTIPLIER ? multiplier : Number.NaN;
  }
  const signed = isObject(signedMeterValue) ? JSON.stringify(signedMeterValue) : undefined;
  return { raw, exponent, unit, signed, numeric: true };
}
