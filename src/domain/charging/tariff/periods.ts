/**
 * The charging periods of a session: slices of its course with the components that count in each, those joined that
 * are priced alike (OCPI 2.2.1, 10.3.1: at least one for every change of a price component, so no more than that).
 * Whole numbers until a period is complete; a session may have thousands of readings.
 */
import type { Volumes } from './bill.js';
import {
  type Components,
  componentsAt,
  containsComponents,
  type Dimension,
  sameComponents,
} from './components.js';
import type { ExplainablePeriod } from './cost.js';
import { type Course, type Edge, type Slice, slicesOf } from './course.js';
import { Exact } from './exact.js';
import { type WallClock, wallClocksWithin } from './local-time.js';
import { cutsOf, type Moment, type Range } from './restrictions.js';
import type { Tariff } from './shape.js';

/** Slices that are one period. */
interface Piece {
  readonly from: Edge;
  readonly to: Edge;
  readonly chargingMs: number;
  readonly parkedMs: number;
  readonly power: Span;
  readonly current: Span;
  readonly components: Components;
}

/** Thousandths, least and most; undefined where one was not known. */
type Span = { readonly least: number; readonly most: number } | undefined;

/** @param zone undefined: not known @throws Undecided */
export function periodsOf(tariff: Tariff, course: Course, zone: string | undefined): ExplainablePeriod[] {
  const cuts = tariff.elements.flatMap(({ restrictions }) => cutsOf(restrictions));
  const clockAt = zone === undefined ? () => undefined : wallClocksWithin(course.startAt, course.endAt, zone);
  const pieces: Piece[] = [];
  for (const slice of slicesOf(course, cuts, zone)) {
    const components = componentsAt(tariff, momentOf(course, slice, clockAt), dimensionsOf(slice));
    const piece = pieceOf(slice, components);
    const last = pieces.at(-1);
    if (last !== undefined && belongTogether(last, piece)) pieces[pieces.length - 1] = joined(last, piece);
    else pieces.push(piece);
  }
  return pieces.map(periodOf);
}

/** Those of which the slice has a volume, and fees. */
function dimensionsOf({ from, to, charging }: Slice): Dimension[] {
  const dimensions: Dimension[] = ['FLAT'];
  if (to.milli > from.milli) dimensions.push('ENERGY');
  if (to.at > from.at) dimensions.push(charging ? 'TIME' : 'PARKING_TIME');
  return dimensions;
}

/** What restrictions may ask, worked out when one asks. */
function momentOf(
  course: Course,
  { from, power, current }: Slice,
  clockAt: (at: number) => WallClock | undefined,
): Moment {
  return {
    purpose: 'charging',
    elapsedMs: from.at - course.startAt,
    get clock() {
      return clockAt(from.at);
    },
    get energy() {
      return inMillions(from.milli);
    },
    get power() {
      const kW = power === undefined ? undefined : inMillions(power);
      return { least: kW, most: kW };
    },
    get current() {
      const amperes = current === undefined ? undefined : Exact.ratio(current, 1_000);
      return { least: amperes, most: amperes };
    },
  };
}

/** mWh in kWh, mW in kW. */
const inMillions = (milli: number): Exact => Exact.ratio(milli, 1_000_000);

function pieceOf({ from, to, charging, power, current }: Slice, components: Components): Piece {
  const ms = to.at - from.at;
  return {
    from,
    to,
    chargingMs: charging ? ms : 0,
    parkedMs: charging ? 0 : ms,
    power: power === undefined ? undefined : { least: power, most: power },
    current: current === undefined ? undefined : { least: current, most: current },
    components,
  };
}

/**
 * Slices with the same components are one period; so is what has no length (two readings of one instant) with its
 * neighbour, if it is priced no other way.
 */
function belongTogether(one: Piece, next: Piece): boolean {
  if (sameComponents(one.components, next.components)) return true;
  const within = (part: Piece, whole: Piece) =>
    part.from.at === part.to.at && containsComponents(whole.components, part.components);
  return within(next, one) || within(one, next);
}

const joined = (one: Piece, next: Piece): Piece => ({
  from: one.from,
  to: next.to,
  chargingMs: one.chargingMs + next.chargingMs,
  parkedMs: one.parkedMs + next.parkedMs,
  power: spanning(one.power, next.power),
  current: spanning(one.current, next.current),
  components: { ...one.components, ...next.components },
});

const spanning = (one: Span, other: Span): Span =>
  one && other && { least: Math.min(one.least, other.least), most: Math.max(one.most, other.most) };

function periodOf(piece: Piece): ExplainablePeriod {
  const { from, to, power, current, components } = piece;
  return {
    from: from.at,
    to: to.at,
    energyFrom: inMillions(from.milli),
    energyTo: inMillions(to.milli),
    readFrom: from.read,
    readTo: to.read,
    volumes: volumesOf(piece),
    power: range(power, 1_000_000),
    current: range(current, 1_000),
    components,
  };
}

function volumesOf({ from, to, chargingMs, parkedMs }: Piece): Volumes {
  const energy = to.milli - from.milli;
  return {
    ...(energy > 0 ? { ENERGY: inMillions(energy) } : {}),
    ...(chargingMs > 0 ? { TIME: Exact.ratio(chargingMs, 3_600_000) } : {}),
    ...(parkedMs > 0 ? { PARKING_TIME: Exact.ratio(parkedMs, 3_600_000) } : {}),
  };
}

const range = (span: Span, unit: number): Range =>
  span === undefined ? {} : { least: Exact.ratio(span.least, unit), most: Exact.ratio(span.most, unit) };
