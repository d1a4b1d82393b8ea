/**
 * The course of a session as it is priced, and its cutting into slices over each of which nothing changes: the same
 * stretch between two readings, charging or not, the same answer of every restriction (OCPI 2.2.1, 10.3.1: a new
 * charging period at every moment that has relevance for the cost, interpolated where no reading says it).
 *
 * Whole mWh and ms throughout, as everywhere in `charging`; energies of slices sum to the session's exactly.
 */
import type { CurvePoint } from '../energy.js';
import { localCuts } from './local-time.js';
import type { Cut } from './restrictions.js';

/** A measured value: thousandths of W or A, as in `series.ts`. */
export interface Reading {
  readonly at: number;
  readonly milli: number;
}

export interface Course {
  /** Epoch milliseconds. */
  readonly startAt: number;
  /** Until when the session is to be paid for: stopped, unplugged, or now. */
  readonly endAt: number;
  /**
   * mWh since the start (`energyOf`), never falling; its last point is the session's energy. It charges where the
   * curve rises, elsewhere it is only parked. Null: no meter said anything, and so no cost can be known.
   */
  readonly curve: readonly CurvePoint[] | null;
  /** Power in mW. Each reading holds until the next. None: the slope of the curve says it. */
  readonly power?: readonly Reading[];
  /** Current in mA, the sum over all phases. Each reading holds until the next. */
  readonly current?: readonly Reading[];
}

/** A moment at which a slice begins or ends. */
export interface Edge {
  readonly at: number;
  /** mWh since the start. */
  readonly milli: number;
  /** Whether a reading says so; otherwise it lies on the line between two. */
  readonly read: boolean;
}

export interface Slice {
  readonly from: Edge;
  readonly to: Edge;
  readonly charging: boolean;
  /** mW, rounded down, which changes no answer of a limit in whole mW. Undefined where nothing says it. */
  readonly power: number | undefined;
  /** mA. */
  readonly current: number | undefined;
}

const HOUR = 3_600_000;

/** @param cuts where the tariff may change its mind; @param timeZone undefined: local times are not cut at */
export function slicesOf(course: Course, cuts: readonly Cut[], timeZone: string | undefined): Slice[] {
  const curve = spanned(course);
  const instants = instantsOf(course, cuts, timeZone);
  const levels = levelsOf(cuts);
  const power = inTimeOrder(course.power ?? []);
  const current = inTimeOrder(course.current ?? []);
  const slices: Slice[] = [];
  for (let i = 1; i < curve.length; i++) {
    const stretch = [curve[i - 1] as Edge, curve[i] as Edge] as const;
    const edges = edgesWithin(stretch, instants, levels);
    const charging = stretch[1].milli > stretch[0].milli;
    for (let j = 1; j < edges.length; j++) {
      const [from, to] = [edges[j - 1] as Edge, edges[j] as Edge];
      slices.push({
        from,
        to,
        charging,
        power: powerOf(stretch, power, from.at, slices.at(-1)?.power),
        current: charging ? inForce(current, from.at) : 0,
      });
    }
  }
  return slices;
}

/** The curve from the start to the end of the session: in order, with nothing before or after. */
function spanned({ startAt, endAt, curve }: Course): Edge[] {
  const end = Math.max(startAt, endAt);
  const edges: Edge[] = [{ at: startAt, milli: 0, read: true }];
  let highest = 0;
  for (const point of inTimeOrder(curve ?? [])) {
    const at = Math.min(Math.max(point.at, startAt), end);
    highest = Math.max(highest, point.milli);
    const last = edges.at(-1) as Edge;
    if (at !== last.at || highest !== last.milli) edges.push({ at, milli: highest, read: true });
  }
  const last = edges.at(-1) as Edge;
  if (last.at < end || edges.length === 1) edges.push({ at: end, milli: highest, read: last.at === end });
  return edges;
}

const inTimeOrder = <P extends Reading>(points: readonly P[]): P[] =>
  [...points].sort((a, b) => a.at - b.at || a.milli - b.milli);

/** When, by the clock alone, a restriction may change its mind. */
function instantsOf(course: Course, cuts: readonly Cut[], timeZone: string | undefined): number[] {
  const instants: number[] = [];
  const timesOfDay: number[] = [];
  for (const cut of cuts) {
    if (cut.when === 'time-of-day') timesOfDay.push(cut.ms);
    if (cut.when === 'elapsed') instants.push(course.startAt + cut.ms);
    if (cut.when === 'power') instants.push(...(course.power ?? []).map(({ at }) => at));
    if (cut.when === 'current') instants.push(...(course.current ?? []).map(({ at }) => at));
  }
  if (timesOfDay.length > 0 && timeZone !== undefined) {
    instants.push(...localCuts(course.startAt, course.endAt, timeZone, new Set(timesOfDay)));
  }
  return ascending(instants);
}

/** Energies in mWh from which on a restriction on kWh is judged anew. */
const levelsOf = (cuts: readonly Cut[]): number[] =>
  ascending(cuts.flatMap((cut) => (cut.when === 'energy' ? [cut.kWh.wholeUp(1_000_000)] : [])));

const ascending = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);

/**
 * The ends of a stretch and what is cut within it. At a level the energy is that level exactly, its time the first
 * millisecond by which it is reached; at an instant the energy is what was taken by then, rounded down. So both rise.
 */
function edgesWithin(
  [start, end]: readonly [Edge, Edge],
  instants: readonly number[],
  levels: readonly number[],
): Edge[] {
  const [ms, milli] = [end.at - start.at, end.milli - start.milli];
  const edges: Edge[] = [start, end];
  // A session without length, and without energy, is one slice all the same.
  if (ms === 0 && milli === 0) return edges;
  for (const at of between(instants, start.at, end.at)) {
    edges.push({ at, milli: start.milli + shareOf(milli, at - start.at, ms), read: false });
  }
  for (const level of between(levels, start.milli, end.milli)) {
    edges.push({ at: start.at - shareOf(-ms, level - start.milli, milli), milli: level, read: false });
  }
  edges.sort((a, b) => a.at - b.at || a.milli - b.milli);
  return edges.filter((edge, i) => edge.at !== edges[i - 1]?.at || edge.milli !== edges[i - 1]?.milli);
}

function between(ascendingNumbers: readonly number[], above: number, below: number): readonly number[] {
  if (above >= below || ascendingNumbers.length === 0) return [];
  let [low, high] = [0, ascendingNumbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascendingNumbers[middle] as number) > above) high = middle;
    else low = middle + 1;
  }
  let last = low;
  while (last < ascendingNumbers.length && (ascendingNumbers[last] as number) < below) last++;
  return ascendingNumbers.slice(low, last);
}

/** `whole` * `part` / `of`, rounded towards negative infinity, exactly. */
function shareOf(whole: number, part: number, of: number): number {
  const small = whole * part;
  if (Number.isSafeInteger(small)) return Math.floor(small / of);
  const product = BigInt(whole) * BigInt(part);
  const divisor = BigInt(of);
  const quotient = product / divisor;
  return Number(product < 0n && quotient * divisor !== product ? quotient - 1n : quotient);
}

/** A register that rises within no time says nothing of the power: what was before goes on. */
function powerOf(
  [start, end]: readonly [Edge, Edge],
  readings: readonly Reading[],
  at: number,
  before: number | undefined,
): number | undefined {
  if (end.milli === start.milli) return 0;
  const reading = inForce(readings, at);
  if (reading !== undefined) return reading;
  const ms = end.at - start.at;
  return ms === 0 ? before : shareOf(HOUR, end.milli - start.milli, ms);
}

/** The last reading at or before `at`; before the first, the first. */
function inForce(readings: readonly Reading[], at: number): number | undefined {
  let [low, high] = [0, readings.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((readings[middle] as Reading).at > at) high = middle;
    else low = middle + 1;
  }
  return readings[Math.max(0, low - 1)]?.milli;
}
