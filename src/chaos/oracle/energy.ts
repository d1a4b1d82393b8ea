/** What a register says was taken, and when (rules, "Energy"). mWh and epoch milliseconds throughout. */
import type { Reading } from './delivered.js';

export interface Taken {
  readonly at: number;
  /** Since the start. Never falls. */
  readonly milli: number;
}

export interface Register {
  readonly taken: readonly Taken[];
  /** It fell, and stayed down. */
  readonly reset: boolean;
}

/**
 * Rises add; a dip that comes back to at least its predecessor is dropped; a fall that stays is a new base and
 * adds nothing. Readings in time order.
 */
export function follow(readings: readonly Pick<Reading, 'at' | 'milli'>[]): Register {
  const taken: Taken[] = [];
  let reset = false;
  let before: number | undefined;
  let sum = 0;
  readings.forEach((reading, index) => {
    if (before !== undefined && reading.milli < before) {
      const highest = Math.max(...readings.slice(index).map((later) => later.milli));
      if (highest >= before) return;
      reset = true;
    } else {
      sum += before === undefined ? 0 : reading.milli - before;
    }
    before = reading.milli;
    taken.push({ at: reading.at, milli: sum });
  });
  return { taken, reset };
}

/** Transaction.End - Transaction.Begin, where both were read and the difference is not negative. */
export function framed(readings: readonly Reading[]): number | undefined {
  const begin = readings.find((reading) => reading.context === 'Transaction.Begin');
  const end = readings.findLast((reading) => reading.context === 'Transaction.End');
  if (begin === undefined || end === undefined || end.milli < begin.milli) return undefined;
  return end.milli - begin.milli;
}

/** From nothing at the start over the readings to the whole at the end, between which it rises evenly. */
export function course(
  startAt: number,
  endAt: number,
  total: number,
  taken: readonly Taken[],
): readonly Taken[] {
  const points: Taken[] = [{ at: startAt, milli: 0 }];
  for (const { at, milli } of taken) {
    if (at < startAt || at > endAt) continue;
    points.push({ at, milli: Math.max((points.at(-1) as Taken).milli, Math.min(total, milli)) });
  }
  return [...points, { at: endAt, milli: total }];
}

/** By `at`, rounded down; exact. */
export function takenBy(points: readonly Taken[], at: number): number {
  const next = points.findIndex((point) => point.at > at);
  if (next === -1) return (points.at(-1) as Taken).milli;
  if (next === 0) return 0;
  const [from, to] = [points[next - 1] as Taken, points[next] as Taken];
  const share = (BigInt(to.milli - from.milli) * BigInt(at - from.at)) / BigInt(to.at - from.at);
  return from.milli + Number(share);
}

/** Milliseconds within [from, to) over which it rose. */
export function risingMs(points: readonly Taken[], from: number, to: number): number {
  let sum = 0;
  for (let index = 1; index < points.length; index++) {
    const [before, point] = [points[index - 1] as Taken, points[index] as Taken];
    if (point.milli > before.milli) sum += Math.max(0, Math.min(point.at, to) - Math.max(before.at, from));
  }
  return sum;
}

const QUARTER = 15 * 60_000;

export interface Quarter {
  readonly bucket: number;
  readonly milli: number;
  readonly peakMilli: number | null;
  readonly connectedMs: number;
  readonly chargingMs: number;
}

/** Every quarter hour of a session; what rounding leaves goes to the last. */
export function quarters(
  startAt: number,
  endAt: number,
  points: readonly Taken[],
  power: readonly Pick<Reading, 'at' | 'milli'>[],
): Quarter[] {
  const first = startAt - (startAt % QUARTER);
  // An end on a boundary still belongs to the quarter before.
  const last = Math.max(first, endAt - 1 - ((endAt - 1) % QUARTER));
  const found: Quarter[] = [];
  for (let bucket = first; bucket <= last; bucket += QUARTER) {
    const end = bucket + QUARTER;
    const upTo = bucket === last ? (points.at(-1) as Taken).milli : takenBy(points, end);
    const earlier = bucket === first ? 0 : takenBy(points, bucket);
    const peaks = power.filter(
      ({ at }) => (bucket === first || at >= bucket) && (bucket === last || at < end),
    );
    found.push({
      bucket,
      milli: upTo - earlier,
      peakMilli: peaks.length === 0 ? null : Math.max(...peaks.map(({ milli }) => milli)),
      connectedMs: Math.min(endAt, end) - Math.max(startAt, bucket),
      chargingMs: risingMs(points, bucket, end),
    });
  }
  return found;
}
