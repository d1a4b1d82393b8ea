/**
 * How much energy a session took, out of whatever the charger said: meterStart and meterStop, registers,
 * intervals, power. A pure function of sets, so order, delay and repetition of frames change nothing.
 * All quantities are integers in thousandths (mWh, mW), all times epoch milliseconds.
 *
 * Which figure wins (rules, "Energy"): a verified signed pair; else meterStop - meterStart; else
 * Transaction.End - Transaction.Begin; else last - first register; else the sum of one context's intervals; else
 * integrated power. Where figures disagree the lower one stands and the session is held: never bill more than
 * the charger's own last word.
 */
import { BEGIN, CONTEXTS, END, type Point, pick, type SeriesSet } from './series.js';
import type { SignedPair } from './signed.js';

export type EnergySource =
  | 'signed_pair'
  | 'meter_stop'
  | 'transaction_context'
  | 'registers'
  | 'intervals'
  | 'power'
  | 'none';

export interface Metering {
  readonly startAt: number;
  /** When the session ended; undefined while it goes on. */
  readonly endAt: number | undefined;
  /** Samples later than this never add. Equals endAt, but for samples that came inside the ending frame. */
  readonly cutAt: number | undefined;
  /** OCPP 1.6 meterStart and meterStop; undefined in 2.x or when absent. */
  readonly meterStart: number | undefined;
  readonly meterStop: number | undefined;
  /** Samples that named the transaction. */
  readonly tagged: SeriesSet;
  /** Samples of the same EVSE in the session's time that named none. */
  readonly untagged: SeriesSet;
  /** Readings of one register at begin and end whose signatures hold. */
  readonly signed?: SignedPair | undefined;
  /** Signed data came that does not fit the keys registered. */
  readonly signatureInvalid?: boolean;
}

export interface EnergyFinding {
  readonly kind: string;
  readonly detail: string;
  /** A person should look before this session is billed. */
  readonly hold: boolean;
}

export interface Energy {
  readonly milli: number | undefined;
  readonly source: EnergySource;
  readonly estimated: boolean;
  readonly exportMilli: number | undefined;
  /** The register readings that the figure rests on, where there are such. */
  readonly meterStart: number | undefined;
  readonly meterStop: number | undefined;
  /**
   * Energy taken since the start, never falling, from startAt on; the last point holds `milli`. Computed when asked
   * for: whoever wants to know how much does not ask when.
   */
  readonly curve: () => CurvePoint[];
  readonly findings: readonly EnergyFinding[];
}

export interface CurvePoint {
  readonly at: number;
  readonly milli: number;
}

/** meterStart and meterStop are whole watt-hours, samples are not: this much is no disagreement. */
const WHOLE_WH = 1_000;
/** No connector delivers more (the Megawatt Charging System's practical limit), in mWh per ms ... */
const LIMIT_PER_MS = 1_000_000_000 / 3_600_000;
/** ... with this much slack for clocks and sampling. */
const LIMIT_SLACK_MS = 60_000;

const undeliverable = (milli: number, ms: number): boolean =>
  milli > LIMIT_PER_MS * (Math.max(0, ms) + LIMIT_SLACK_MS);

export function energyOf(metering: Metering): Energy {
  const unsigned = unsignedEnergyOf(metering);
  const energy = metering.signed === undefined ? unsigned : fromSigned(metering, metering.signed, unsigned);
  if (metering.signatureInvalid !== true) return energy;
  const detail = 'signed meter data does not fit the keys registered; not used';
  return { ...energy, findings: [...energy.findings, { kind: 'signature_invalid', detail, hold: true }] };
}

/** The signed pair, shaped by whatever else was read; unless something else says less. */
function fromSigned(metering: Metering, { start, stop }: SignedPair, unsigned: Energy): Energy {
  const milli = stop - start;
  const other = unsigned.estimated ? undefined : unsigned.milli;
  if (other !== undefined && Math.abs(other - milli) > 2 * WHOLE_WH) {
    const detail = `signed pair ${wh(milli)} Wh, ${unsigned.source} ${wh(other)} Wh; the lower stands`;
    const findings = [...unsigned.findings, { kind: 'figures_disagree', detail, hold: true }];
    if (other < milli) return { ...unsigned, findings };
    return { ...signedEnergy(), findings };
  }
  return signedEnergy();

  function signedCurve(): CurvePoint[] {
    const read = unsigned.curve();
    const last = read.at(-1) as CurvePoint;
    const endAt = Math.max(metering.endAt ?? last.at, last.at);
    const curve = read.slice(0, -1).map((point) => ({ at: point.at, milli: Math.min(point.milli, milli) }));
    if (curve.length === 0) curve.push({ at: metering.startAt, milli: 0 });
    curve.push({ at: endAt, milli });
    return curve;
  }

  function signedEnergy(): Energy {
    return {
      ...unsigned,
      milli,
      source: 'signed_pair',
      estimated: false,
      meterStart: start,
      meterStop: stop,
      curve: signedCurve,
    };
  }
}

function unsignedEnergyOf(metering: Metering): Energy {
  const findings: EnergyFinding[] = [];
  const found = (kind: string, detail: string, hold = true) => findings.push({ kind, detail, hold });

  const registers = registersOf(metering);
  const exported = steadied(within(pick(metering.tagged, 'exported'), metering.cutAt), () => {});
  const exportMilli = exported.length === 0 ? undefined : gain(exported);

  const start = readableStart(metering, registers, found);
  const stop = readableStop(metering, start, found);
  const common = { exportMilli, meterStart: start, meterStop: stop, findings };

  if (start !== undefined && stop !== undefined) {
    return { ...common, ...fromStartAndStop(metering, start, stop, registers, found) };
  }
  if (registers.length > 0) return { ...common, ...fromRegisters(metering, start, registers, found) };
  const indirect = fromIntervals(metering) ?? fromPower(metering);
  if (indirect !== undefined) return { ...common, ...indirect };
  return {
    ...common,
    ...(start === undefined ? nothing(metering) : fromRegisters(metering, start, [], found)),
  };
}

/** Register samples of the session in time order; untagged ones only where they fit between tagged ones. */
function registersOf(metering: Metering): Point[] {
  const tagged = within(pick(metering.tagged, 'register'), metering.cutAt);
  const untagged = within(pick(metering.untagged, 'register'), metering.cutAt);
  if (untagged.length === 0) return inTimeOrder(tagged);
  const known = tagged.map((point) => point.milli);
  if (metering.meterStart !== undefined) known.push(metering.meterStart);
  const lowest = known.length > 0 ? Math.min(...bounds(known)) : Number.NEGATIVE_INFINITY;
  const ended = metering.endAt !== undefined && (tagged.length > 0 || metering.meterStop !== undefined);
  const highest = ended
    ? Math.max(...bounds([...known, metering.meterStop ?? lowest]))
    : Number.POSITIVE_INFINITY;
  const fits = untagged.every((point) => point.milli >= lowest && point.milli <= highest);
  return fits ? inTimeOrder([...tagged, ...untagged]) : inTimeOrder(tagged);
}

/** Smallest and largest, without spreading long arrays over the stack. */
function bounds(values: number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

const within = (points: Point[], cutAt: number | undefined): Point[] =>
  cutAt === undefined ? points : points.filter((point) => point.at <= cutAt);

const inTimeOrder = (points: Point[]): Point[] => points.sort((a, b) => a.at - b.at || a.milli - b.milli);

type Found = (kind: string, detail: string, hold?: boolean) => void;

/** meterStart, or the first sample where meterStart 0 was a register that had not been read. */
function readableStart(metering: Metering, registers: Point[], found: Found): number | undefined {
  const first = registers[0];
  const { meterStart, meterStop } = metering;
  if (meterStart !== 0 || first === undefined) return meterStart;
  const stopIsAbsolute = meterStop === undefined || meterStop >= first.milli;
  if (!stopIsAbsolute || !undeliverable(first.milli, first.at - metering.startAt)) return meterStart;
  found(
    'meter_start_unread',
    `meterStart was 0, the first sample ${wh(first.milli)} Wh; counted from the sample`,
  );
  return first.milli;
}

/** meterStop; absent when negative or below meterStart. */
function readableStop(metering: Metering, start: number | undefined, found: Found): number | undefined {
  const stop = metering.meterStop;
  if (stop === undefined || start === undefined) return undefined;
  if (stop >= start && stop >= 0) return stop;
  found('meter_stop_invalid', `meterStop ${wh(stop)} Wh is below meterStart ${wh(start)} Wh; not used`);
  return undefined;
}

function fromStartAndStop(
  metering: Metering,
  start: number,
  stop: number,
  registers: Point[],
  found: Found,
): Pick<Energy, 'milli' | 'source' | 'estimated' | 'curve'> {
  const relative = start > 0 && registers.length > 0 && registers.every((point) => point.milli < start);
  if (relative)
    found('registers_session_relative', 'all samples lie below meterStart: they count from 0', false);
  const shape = relative ? registers.map((point) => ({ ...point, milli: point.milli + start })) : registers;
  const steady = steadied(shape, found);

  let milli = stop - start;
  const last = shape[shape.length - 1];
  if (last !== undefined && !relative && stop < last.milli - WHOLE_WH) {
    found(
      'meter_stop_below_samples',
      `meterStop ${wh(stop)} Wh, last sample before the stop ${wh(last.milli)} Wh`,
    );
  }
  const endAt = metering.endAt ?? metering.startAt;
  const lastSteady = steady[steady.length - 1];
  const before = lastSteady ?? { at: metering.startAt, milli: start };
  if (undeliverable(stop - before.milli, endAt - before.at)) {
    found(
      'meter_jump',
      `${wh(stop - before.milli)} Wh more at the stop than the connector could deliver since`,
    );
  }
  const framed = contextDifference(registers);
  if (framed !== undefined && framed < milli - 2 * WHOLE_WH) {
    found(
      'figures_disagree',
      `meterStop - meterStart ${wh(milli)} Wh, Transaction.End - Begin ${wh(framed)} Wh; the lower stands`,
    );
    milli = framed;
  }
  return {
    milli,
    source: 'meter_stop',
    estimated: false,
    curve: () => curveBetween(metering.startAt, endAt, milli, steady, start),
  };
}

function fromRegisters(
  metering: Metering,
  start: number | undefined,
  registers: Point[],
  found: Found,
): Pick<Energy, 'milli' | 'source' | 'estimated' | 'curve'> {
  const points =
    start === undefined ? registers : [{ at: metering.startAt, milli: start, context: BEGIN }, ...registers];
  const steady = steadied(points, found);
  let milli = gain(steady);
  let source: EnergySource = 'registers';
  const framed = contextDifference(registers);
  if (framed !== undefined) {
    source = 'transaction_context';
    if (Math.abs(framed - milli) > WHOLE_WH) {
      found(
        'figures_disagree',
        `Transaction.End - Begin ${wh(framed)} Wh, registers ${wh(milli)} Wh; the lower stands`,
      );
    }
    milli = Math.min(framed, milli);
  }
  const base = steady[0]?.milli ?? 0;
  const endAt = metering.endAt ?? steady[steady.length - 1]?.at ?? metering.startAt;
  return {
    milli,
    source,
    estimated: false,
    curve: () => curveBetween(metering.startAt, endAt, milli, steady, base),
  };
}

/** Transaction.End - Transaction.Begin, where both were read and the difference is not negative. */
function contextDifference(registers: Point[]): number | undefined {
  const begin = registers.find((point) => point.context === BEGIN);
  const end = registers.findLast((point) => point.context === END);
  if (begin === undefined || end === undefined || end.milli < begin.milli) return undefined;
  return end.milli - begin.milli;
}

function fromIntervals(
  metering: Metering,
): Pick<Energy, 'milli' | 'source' | 'estimated' | 'curve'> | undefined {
  const all = within(inTimeOrder(pick(metering.tagged, 'interval')), metering.cutAt);
  if (all.length === 0) return undefined;
  // Intervals of different contexts overlap in time: one context only, periodic before clock-aligned.
  const preferred = ['Sample.Periodic', 'Sample.Clock', ...CONTEXTS].map((name) =>
    CONTEXTS.indexOf(name as 'Other'),
  );
  const context = preferred.find((index) => all.some((point) => point.context === index));
  let sum = 0;
  const curve: CurvePoint[] = [{ at: metering.startAt, milli: 0 }];
  for (const point of all) {
    if (point.context !== context || point.milli < 0) continue;
    sum += point.milli;
    curve.push({ at: Math.max(point.at, metering.startAt), milli: sum });
  }
  return { milli: sum, source: 'intervals', estimated: false, curve: () => curve };
}

/** Trapezoids between power samples; an estimate, and said so. */
function fromPower(metering: Metering): Pick<Energy, 'milli' | 'source' | 'estimated' | 'curve'> | undefined {
  const tagged = within(pick(metering.tagged, 'power'), metering.cutAt);
  const points = inTimeOrder(
    tagged.length > 0 ? tagged : within(pick(metering.untagged, 'power'), metering.cutAt),
  );
  if (points.length < 2) return undefined;
  const curve: CurvePoint[] = [{ at: Math.min(metering.startAt, (points[0] as Point).at), milli: 0 }];
  let sum = 0;
  for (let i = 1; i < points.length; i++) {
    const [before, point] = [points[i - 1] as Point, points[i] as Point];
    sum +=
      ((Math.max(0, before.milli) + Math.max(0, point.milli)) / 2) * ((point.at - before.at) / 3_600_000);
    curve.push({ at: point.at, milli: Math.round(sum) });
  }
  return { milli: Math.round(sum), source: 'power', estimated: true, curve: () => curve };
}

const nothing = (metering: Metering): Pick<Energy, 'milli' | 'source' | 'estimated' | 'curve'> => ({
  milli: undefined,
  source: 'none',
  estimated: false,
  curve: () => [{ at: metering.startAt, milli: 0 }],
});

/** A register reading freed of glitches; `base` rises where a reset was, so that milli - base never falls. */
interface SteadyPoint extends CurvePoint {
  /** What was counted before the last reset, as an offset to add to milli. Absent on the sample as it was read: 0. */
  readonly carried?: number;
}

/**
 * Registers in time order without glitches: a dip that comes back to at least its predecessor is dropped;
 * so is a peak the connector could not have delivered and that the next reading takes back. A fall that
 * stays is a reset: a new base, adding nothing for the gap.
 */
function steadied(all: readonly Point[], found: Found): SteadyPoint[] {
  // A reading that came twice, with its transaction and without, is one.
  const isTold = (point: Point, i: number) =>
    point.at === all[i - 1]?.at && point.milli === all[i - 1]?.milli;
  const points = all.some(isTold) ? all.filter((point, i) => !isTold(point, i)) : all;
  let maxima: number[] | undefined;
  const highestFrom = (i: number) => {
    maxima ??= suffixMaxima(points);
    return maxima[i] as number;
  };
  const steady: SteadyPoint[] = [];
  let carried = 0;
  // Few meters ever reset: most points are kept as they were read.
  const steadyPoint = (point: Point) =>
    carried === 0 ? point : { at: point.at, milli: point.milli, carried };
  for (let i = 0; i < points.length; i++) {
    const point = points[i] as Point;
    const before = steady[steady.length - 1];
    if (before === undefined) {
      steady.push(steadyPoint(point));
      continue;
    }
    if (point.milli < before.milli) {
      if (highestFrom(i) >= before.milli) {
        found(
          'meter_glitch',
          `${wh(point.milli)} Wh after ${wh(before.milli)} Wh, taken back later; dropped`,
          false,
        );
        continue;
      }
      if (before.milli - point.milli <= WHOLE_WH) {
        lowerTo(steady, point.milli);
        steady.push(steadyPoint(point));
        continue;
      }
      found('meter_reset', `the register fell from ${wh(before.milli)} to ${wh(point.milli)} Wh and stayed`);
      carried += before.milli - point.milli;
      steady.push(steadyPoint(point));
      continue;
    }
    if (undeliverable(point.milli - before.milli, point.at - before.at)) {
      const next = points[i + 1];
      if (next !== undefined && next.milli < point.milli && next.milli >= before.milli) {
        found('meter_glitch', `a peak of ${wh(point.milli)} Wh that the next reading takes back; dropped`);
        continue;
      }
      found(
        'meter_jump',
        `${wh(point.milli - before.milli)} Wh more than the connector could deliver in between`,
      );
    }
    steady.push(steadyPoint(point));
  }
  return steady;
}

function suffixMaxima(points: readonly Point[]): number[] {
  const maxima = new Array<number>(points.length);
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = points.length - 1; i >= 0; i--) {
    highest = Math.max(highest, (points[i] as Point).milli);
    maxima[i] = highest;
  }
  return maxima;
}

/** The charger's last word is a little lower than an earlier reading (rounding): none may exceed it. */
function lowerTo(steady: SteadyPoint[], milli: number): void {
  for (let i = steady.length - 1; i >= 0 && (steady[i] as SteadyPoint).milli > milli; i--) {
    steady[i] = { ...(steady[i] as SteadyPoint), milli };
  }
}

function gain(steady: readonly SteadyPoint[]): number {
  const first = steady[0];
  const last = steady[steady.length - 1];
  if (first === undefined || last === undefined) return 0;
  return Math.max(0, last.milli + (last.carried ?? 0) - first.milli);
}

/** From (startAt, 0) over the readings to (endAt, milli), never falling, never above milli. */
function curveBetween(
  startAt: number,
  endAt: number,
  milli: number,
  steady: readonly SteadyPoint[],
  base: number,
): CurvePoint[] {
  const curve: CurvePoint[] = [{ at: startAt, milli: 0 }];
  let highest = 0;
  for (const point of steady) {
    if (point.at < startAt || point.at > endAt) continue;
    highest = Math.max(highest, Math.min(milli, point.milli + (point.carried ?? 0) - base));
    curve.push({ at: point.at, milli: highest });
  }
  curve.push({ at: Math.max(endAt, startAt), milli });
  return curve;
}

const wh = (milli: number): string => String(milli / 1_000);
