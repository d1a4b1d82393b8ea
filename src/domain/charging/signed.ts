/**
 * Signed readings of one transaction, kept as a set, and the pair they amount to (rules, "Energy": a verified
 * signed pair comes before every other figure).
 */
import type { Sample } from './events.js';
import { type SignedReading, verifyOcmf } from './ocmf.js';

export interface SignedEvidence extends SignedReading {
  /** Corrected time of the sample that carried it. */
  readonly at: number;
}

export interface SignedSet {
  /** Sorted, each once. */
  readings: SignedEvidence[];
  /** Times of samples whose signature did not hold under the keys registered; sorted, each once. */
  invalidAt: number[];
}

/** Adds what a sample's signed data proves; true when the set changed. */
export function addSigned(set: SignedSet, sample: Sample, at: number, keys: readonly string[]): boolean {
  const verified = verifyOcmf(sample.signed ?? '', keys, sample.context);
  if (verified === 'unknown') return false;
  if (verified === 'invalid') {
    if (set.invalidAt.includes(at)) return false;
    set.invalidAt = [...set.invalidAt, at].sort((a, b) => a - b);
    return true;
  }
  const before = set.readings.length;
  const all = new Map(set.readings.map((reading) => [keyOf(reading), reading]));
  for (const reading of verified.readings) all.set(keyOf({ ...reading, at }), { ...reading, at });
  set.readings = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reading]) => reading);
  return set.readings.length !== before;
}

const keyOf = ({ edge, register, milli, at }: SignedEvidence): string => `${edge}|${register}|${milli}|${at}`;

export interface SignedPair {
  readonly start: number;
  readonly stop: number;
}

/**
 * Begin and end of one register. Where a begin or an end was read more than once, or several registers were,
 * the least energy stands: never bill more than the meter's own last word.
 */
export function signedPair(readings: readonly SignedEvidence[]): SignedPair | undefined {
  let least: SignedPair | undefined;
  for (const register of new Set(readings.map((reading) => reading.register))) {
    const of = (edge: SignedReading['edge']) =>
      readings.flatMap((one) => (one.register === register && one.edge === edge ? [one.milli] : []));
    const [start, stop] = [Math.max(...of('begin')), Math.min(...of('end'))];
    if (!Number.isFinite(start) || !Number.isFinite(stop) || stop < start) continue;
    if (least === undefined || stop - start < least.stop - least.start) least = { start, stop };
  }
  return least;
}
