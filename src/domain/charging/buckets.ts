/**
 * Quarter hours of a session. Energy is split at the boundaries by linear interpolation between readings;
 * the quarters sum to the session's energy exactly, the remainder going to the last (rules, "Energy").
 */
import type { CurvePoint } from './energy.js';
import type { Point } from './series.js';

export const QUARTER = 15 * 60_000;
/** About a month: a longer session's remainder is put into its last quarter. */
export const MAX_QUARTERS = 3_000;

export interface Quarter {
  readonly bucket: number;
  readonly energyMilli: number;
  readonly peakPowerMilli: number | undefined;
  readonly connectedMs: number;
  readonly chargingMs: number;
}

export const quarterOf = (at: number): number => Math.floor(at / QUARTER) * QUARTER;

/**
 * @param from  start of the session (ms)
 * @param to    its end, or the last evidence while it goes on (ms, >= from)
 * @param curve energy since the start, never falling
 */
export function quartersOf(
  from: number,
  to: number,
  curve: readonly CurvePoint[],
  power: readonly Point[],
): Quarter[] {
  const total = curve[curve.length - 1]?.milli ?? 0;
  const first = quarterOf(from);
  // The end belongs to the quarter before when it falls on a boundary, unless the session has no length.
  const last = Math.min(quarterOf(Math.max(from, to - 1)), first + (MAX_QUARTERS - 1) * QUARTER);
  const quarters: Quarter[] = [];
  const walk = walker(curve);
  let energyBefore = 0;
  let chargingBefore = 0;
  for (let bucket = first; bucket <= last; bucket += QUARTER) {
    const end = bucket === last ? Number.POSITIVE_INFINITY : bucket + QUARTER;
    const upTo = walk(end);
    const energy = bucket === last ? total : upTo.milli;
    quarters.push({
      bucket,
      energyMilli: energy - energyBefore,
      peakPowerMilli: peak(power, bucket === first ? Number.NEGATIVE_INFINITY : bucket, end),
      connectedMs: Math.max(0, Math.min(to, end) - Math.max(from, bucket)),
      chargingMs: upTo.chargingMs - chargingBefore,
    });
    energyBefore = energy;
    chargingBefore = upTo.chargingMs;
  }
  return quarters;
}

/** Time in which energy flowed: the stretches between readings over which the register rose. */
export const chargingMs = (curve: readonly CurvePoint[]): number =>
  walker(curve)(Number.POSITIVE_INFINITY).chargingMs;

/** Energy and charging time up to rising moments; each call goes on where the last one stopped. */
function walker(curve: readonly CurvePoint[]): (until: number) => { milli: number; chargingMs: number } {
  let index = 1;
  let charged = 0;
  return (until) => {
    while (index < curve.length && (curve[index] as CurvePoint).at <= until) {
      const [before, point] = [curve[index - 1] as CurvePoint, curve[index] as CurvePoint];
      if (point.milli > before.milli) charged += point.at - before.at;
      index++;
    }
    const before = curve[index - 1] as CurvePoint;
    const next = curve[index];
    if (next === undefined || until <= before.at) return { milli: before.milli, chargingMs: charged };
    return {
      milli: before.milli + shareOf(next.milli - before.milli, until - before.at, next.at - before.at),
      chargingMs: charged + (next.milli > before.milli ? until - before.at : 0),
    };
  };
}

/** `whole` * `part` / `of`, rounded down, exactly: a share of time is no number that a double holds. */
function shareOf(whole: number, part: number, of: number): number {
  const product = whole * part;
  return Number.isSafeInteger(product)
    ? Math.floor(product / of)
    : Number((BigInt(whole) * BigInt(part)) / BigInt(of));
}

function peak(power: readonly Point[], from: number, to: number): number | undefined {
  let highest: number | undefined;
  for (const point of power) {
    if (point.at >= from && point.at < to && (highest === undefined || point.milli > highest))
      highest = point.milli;
  }
  return highest;
}
