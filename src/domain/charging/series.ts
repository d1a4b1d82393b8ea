/**
 * Meter samples of one transaction or one EVSE, kept as sets: whatever order they arrive in and however
 * often, the same set results. Samples are the same when time, measurand, phase, context and location are
 * the same; when their values differ the lower one stands, so that arrival decides nothing (rules, "Energy").
 */
import type { Sample } from './events.js';

/** Sorted, flat triples: time (ms), value (milli), index into CONTEXTS. Flat because there are millions. */
export type Points = number[];

/** Key: measurand code, phase, location. */
export type SeriesSet = Record<string, Points>;

export const CONTEXTS = [
  'Transaction.Begin',
  'Sample.Periodic',
  'Sample.Clock',
  'Trigger',
  'Interruption.Begin',
  'Interruption.End',
  'Other',
  'Transaction.End',
] as const;
export const BEGIN = 0;
export const END = CONTEXTS.length - 1;
const OTHER = CONTEXTS.indexOf('Other');
const contextIndex = new Map<string, number>(CONTEXTS.map((name, index) => [name, index]));

/** The measurands that energy, power and state of charge are computed from; all others only go to the table. */
export const MEASURANDS = {
  register: 'Energy.Active.Import.Register',
  exported: 'Energy.Active.Export.Register',
  interval: 'Energy.Active.Import.Interval',
  power: 'Power.Active.Import',
  soc: 'SoC',
} as const;
export type Quantity = keyof typeof MEASURANDS;
const quantityOf = new Map<string, Quantity>(
  (Object.entries(MEASURANDS) as [Quantity, string][]).map(([quantity, name]) => [name, quantity]),
);

export interface Point {
  readonly at: number;
  readonly milli: number;
  readonly context: number;
}

/** Adds a sample under its corrected time. True when the set changed. */
export function addSample(
  set: SeriesSet,
  sample: Pick<Sample, 'measurand' | 'location' | 'context' | 'milli'> & { readonly phase: string },
  at: number,
): boolean {
  const quantity = quantityOf.get(sample.measurand);
  if (quantity === undefined || Number.isNaN(sample.milli)) return false;
  const key = `${quantity}|${sample.phase}|${sample.location}`;
  let points = set[key];
  if (points === undefined) {
    points = [];
    set[key] = points;
  }
  return addPoint(points, at, sample.milli, contextIndex.get(sample.context) ?? OTHER);
}

function addPoint(points: Points, at: number, milli: number, context: number): boolean {
  let index = points.length;
  while (index > 0 && isBefore(at, context, points[index - 3] as number, points[index - 1] as number))
    index -= 3;
  if (index > 0 && points[index - 3] === at && points[index - 1] === context) {
    if ((points[index - 2] as number) <= milli) return false;
    points[index - 2] = milli;
    return true;
  }
  if (index === points.length) points.push(at, milli, context);
  else points.splice(index, 0, at, milli, context);
  return true;
}

const isBefore = (at: number, context: number, otherAt: number, otherContext: number): boolean =>
  at < otherAt || (at === otherAt && context < otherContext);

/** Adds the samples of another set from a time on and before another. */
export function addPoints(
  set: SeriesSet,
  added: SeriesSet,
  from = Number.NEGATIVE_INFINITY,
  before = Number.POSITIVE_INFINITY,
): void {
  for (const [key, points] of Object.entries(added)) {
    const target = set[key] ?? [];
    for (let i = 0; i < points.length; i += 3) {
      const at = points[i] as number;
      if (at >= from && at < before) addPoint(target, at, points[i + 1] as number, points[i + 2] as number);
    }
    if (target.length > 0) set[key] = target;
  }
}

/** Latest sample time in a set; -Infinity when empty. */
export function latest(set: SeriesSet): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const points of Object.values(set)) last = Math.max(last, points[points.length - 3] ?? last);
  return last;
}

/** Drops samples before a time; for sets that would otherwise grow for ever. */
export function dropBefore(set: SeriesSet, time: number): void {
  for (const [key, points] of Object.entries(set)) {
    let index = 0;
    while (index < points.length && (points[index] as number) < time) index += 3;
    if (index === points.length) delete set[key];
    else if (index > 0) points.splice(0, index);
  }
}

/** Outlet before other locations (rules, "Energy"); Upstream last, it may be shared with other EVSEs. */
const LOCATIONS = ['Outlet', 'Cable', 'EV', 'Inlet', 'Body', 'Upstream'];
const PHASE_SETS = [
  ['L1', 'L2', 'L3'],
  ['L1-N', 'L2-N', 'L3-N'],
];

/**
 * One curve out of a set: the best location, its total if there is one, else the sum of its phases at the
 * times when all of them were read. Never total and phases together.
 */
export function pick(set: SeriesSet, quantity: Quantity): Point[] {
  const location = locationOf(set, quantity);
  if (location === undefined) return [];
  const total = set[`${quantity}||${location}`];
  if (total !== undefined) return unfold(total);
  for (const phases of PHASE_SETS) {
    const present = phases.flatMap((phase) => set[`${quantity}|${phase}|${location}`] ?? []);
    if (present.length > 0)
      return sumPhases(phases.map((phase) => set[`${quantity}|${phase}|${location}`] ?? []));
  }
  return [];
}

function locationOf(set: SeriesSet, quantity: Quantity): string | undefined {
  const keys = Object.keys(set).filter((key) => key.startsWith(`${quantity}|`));
  if (keys.length === 1) return (keys[0] as string).split('|')[2] as string;
  const rank = (key: string) => {
    const known = LOCATIONS.indexOf(key.split('|')[2] as string);
    return known < 0 ? LOCATIONS.length : known;
  };
  return keys.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))[0]?.split('|')[2];
}

export interface Span {
  readonly first: number;
  readonly last: number;
  readonly highest: number;
}

/** First, last and highest of what `pick` gives, up to `cutAt`; undefined when that is nothing. */
export function spanOf(
  set: SeriesSet,
  quantity: Quantity,
  cutAt = Number.POSITIVE_INFINITY,
): Span | undefined {
  const location = locationOf(set, quantity);
  if (location === undefined) return undefined;
  // A total as it is kept: whoever looks for three figures of thousands of samples need not unfold them.
  const total = set[`${quantity}||${location}`];
  const points = total ?? pick(set, quantity).flatMap(({ at, milli, context }) => [at, milli, context]);
  let end = points.length;
  while (end > 0 && (points[end - 3] as number) > cutAt) end -= 3;
  if (end === 0) return undefined;
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 1; i < end; i += 3) if ((points[i] as number) > highest) highest = points[i] as number;
  return { first: points[1] as number, last: points[end - 2] as number, highest };
}

export const upTo = (points: Point[], cutAt: number | undefined): Point[] =>
  cutAt === undefined ? points : points.filter((point) => point.at <= cutAt);

function unfold(points: Points): Point[] {
  const unfolded: Point[] = [];
  for (let i = 0; i < points.length; i += 3) {
    unfolded.push({
      at: points[i] as number,
      milli: points[i + 1] as number,
      context: points[i + 2] as number,
    });
  }
  return unfolded;
}

function sumPhases(series: Points[]): Point[] {
  const used = series.filter((points) => points.length > 0);
  const sums = new Map<string, { point: Point; phases: number }>();
  for (const points of used) {
    for (const point of unfold(points)) {
      const key = `${point.at}|${point.context}`;
      const sum = sums.get(key);
      sums.set(key, {
        point: { ...point, milli: (sum?.point.milli ?? 0) + point.milli },
        phases: (sum?.phases ?? 0) + 1,
      });
    }
  }
  return [...sums.values()]
    .filter(({ phases }) => phases === used.length)
    .map(({ point }) => point)
    .sort(byTime);
}

const byTime = (a: Point, b: Point): number => a.at - b.at || a.context - b.context || a.milli - b.milli;
