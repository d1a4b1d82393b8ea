/**
 * From charging periods with their volumes and price components to amounts: the blocks of step_size, the fees, the
 * least and the most a session costs. Nothing is rounded here, so every part can be added up again.
 *
 *   period -> lines (volume x price) -> step_size on one line per kind -> sum -> min_price, max_price -> total
 */
import { type Applied, type Components, type Dimension, MEASURED, type Measured } from './components.js';
import { Exact } from './exact.js';
import { inBothWays, type OcpiPrice, type Tariff } from './shape.js';

/** kWh or hours. */
export type Volumes = Readonly<Partial<Record<Measured, Exact>>>;

/** What a bill needs to know of a charging period; whoever cuts them may know more. */
export interface Billable {
  readonly volumes: Volumes;
  /** One for each dimension that is priced in the period. */
  readonly components: Components;
}

export interface Amounts {
  readonly excl: Exact;
  readonly incl: Exact;
}

/** One price component at work in one period. */
export interface Line extends Amounts {
  readonly period: number;
  readonly dimension: Dimension;
  readonly applied: Applied;
  /** kWh, hours, or one for a fee. */
  readonly volume: Exact;
  /** What step_size adds to the volume. */
  readonly stepAdded: Exact;
}

/** A limit that changed the sum. */
export interface AppliedLimit {
  readonly limit: 'min_price' | 'max_price';
  readonly vat: 'excl' | 'incl';
  readonly before: Exact;
  readonly after: Exact;
}

export interface Bill<Period extends Billable = Billable> {
  readonly periods: readonly Period[];
  readonly lines: readonly Line[];
  readonly sum: Amounts;
  readonly limits: readonly AppliedLimit[];
  /** After limits. `incl` is null where a limit changed the price and nobody said the VAT on it. */
  readonly total: { readonly excl: Exact; readonly incl: Exact | null };
}

export interface Policy {
  /** Which components count at all. */
  readonly counts: (applied: Applied) => boolean;
  /** Whether min_price holds. */
  readonly minimum: boolean;
}

const EVERYTHING: Policy = { counts: () => true, minimum: true };

export function billOf<Period extends Billable>(
  tariff: Tariff,
  periods: readonly Period[],
  policy: Policy = EVERYTHING,
): Bill<Period> {
  const lines = priced(withSteps(unpriced(periods, policy)), vatApplies(tariff));
  const sum = {
    excl: Exact.sum(lines.map(({ excl }) => excl)),
    incl: Exact.sum(lines.map(({ incl }) => incl)),
  };
  return { periods, lines, sum, ...withinLimits(tariff, sum, policy.minimum) };
}

type Unpriced = Omit<Line, 'excl' | 'incl'>;

const ONE = Exact.of(1);
const HUNDRED = Exact.of(100);

/** A FLAT component once for each element, in the period in which it first counts; volumes in each period. */
function unpriced(periods: readonly Billable[], policy: Policy): Unpriced[] {
  const lines: Unpriced[] = [];
  const feesOf = new Set<number>();
  for (const [period, { volumes, components }] of periods.entries()) {
    const { FLAT: fee } = components;
    if (fee !== undefined && policy.counts(fee) && !feesOf.has(fee.element)) {
      feesOf.add(fee.element);
      lines.push({ period, dimension: 'FLAT', applied: fee, volume: ONE, stepAdded: Exact.zero });
    }
    for (const dimension of MEASURED) {
      const [volume, applied] = [volumes[dimension], components[dimension]];
      if (volume === undefined || volume.isZero || applied === undefined || !policy.counts(applied)) continue;
      lines.push({ period, dimension, applied, volume, stepAdded: Exact.zero });
    }
  }
  return lines;
}

/** Blocks of one: a watt-hour, a second (11.4.2). */
const STEP: Readonly<Record<Measured, Exact>> = {
  ENERGY: Exact.ratio(1, 1_000),
  TIME: Exact.ratio(1, 3_600),
  PARKING_TIME: Exact.ratio(1, 3_600),
  RESERVATION_TIME: Exact.ratio(1, 3_600),
};

/** Kinds of volumes of which one is rounded up once. */
const TOGETHER: readonly (readonly Dimension[])[] = [
  ['ENERGY'],
  ['TIME', 'PARKING_TIME'],
  ['RESERVATION_TIME'],
];

/**
 * step_size counts once for ENERGY and once for TIME and PARKING_TIME together (10.3.1 "step_size"); reserved time is
 * apart, as in the examples of 11.3.1. What is rounded up is the total that is paid for in the dimension of the last such period, by
 * the step_size of that period's component; what that adds is paid at that component's price. So charging time is
 * not rounded when it is followed by paid parking, and parking time is not when it is followed by paid charging.
 */
function withSteps(lines: readonly Unpriced[]): Unpriced[] {
  let stepped = [...lines];
  for (const together of TOGETHER) {
    const index = stepped.findLastIndex(({ dimension }) => together.includes(dimension));
    const last = stepped[index];
    if (last === undefined || last.applied.component.step_size === 0) continue;
    const step = Exact.of(last.applied.component.step_size).times(STEP[last.dimension as Measured]);
    const total = Exact.sum(
      stepped.filter(({ dimension }) => dimension === last.dimension).map(({ volume }) => volume),
    );
    stepped = stepped.with(index, { ...last, stepAdded: total.ceilTo(step).minus(total) });
  }
  return stepped;
}

/** In 2.3.0 a tariff may say that there is no tax whatever its components say. */
const vatApplies = (tariff: Tariff): boolean => tariff.tax_included !== 'N/A';

const withVat = (excl: Exact, vat: number | null | undefined): Exact =>
  vat == null ? excl : excl.times(HUNDRED.plus(Exact.of(vat))).over(HUNDRED);

/** A component without VAT: none applies (11.4.2), so both amounts are the same. */
function priced(lines: readonly Unpriced[], vat: boolean): Line[] {
  return lines.map((line) => {
    const { component } = line.applied;
    const excl = line.volume.plus(line.stepAdded).times(Exact.of(component.price));
    return { ...line, excl, incl: vat ? withVat(excl, component.vat) : excl };
  });
}

/**
 * min_price and max_price hold for the sum without VAT and for the sum with VAT, each for itself (11.3.1, notes). Where
 * a limit is given without VAT only and changes the price, the VAT follows if the tariff knows but one rate.
 */
function withinLimits(tariff: Tariff, sum: Amounts, minimum: boolean): Pick<Bill, 'limits' | 'total'> {
  const limits: AppliedLimit[] = [];
  let excl = sum.excl;
  let incl: Exact | null = sum.incl;
  const apply = (limit: AppliedLimit['limit'], price: OcpiPrice | null | undefined) => {
    if (price == null) return;
    const given = inBothWays(price);
    const clamp = (before: Exact, to: number): Exact => {
      const bound = Exact.of(to);
      const breaks = limit === 'min_price' ? before.compare(bound) < 0 : before.compare(bound) > 0;
      return breaks ? bound : before;
    };
    const note = (vat: AppliedLimit['vat'], before: Exact, after: Exact) => {
      if (before.compare(after) !== 0) limits.push({ limit, vat, before, after });
    };
    const [exclBefore, inclBefore] = [excl, incl];
    excl = clamp(excl, given.excl);
    note('excl', exclBefore, excl);
    if (inclBefore === null) return;
    if (given.incl !== null) incl = clamp(inclBefore, given.incl);
    else if (excl !== exclBefore) incl = withOnlyRate(tariff, excl);
    if (incl !== null) note('incl', inclBefore, incl);
  };
  if (minimum) apply('min_price', tariff.min_price);
  apply('max_price', tariff.max_price);
  return { limits, total: { excl, incl } };
}

function withOnlyRate(tariff: Tariff, excl: Exact): Exact | null {
  if (!vatApplies(tariff)) return excl;
  const rates = new Set(
    tariff.elements
      .filter(({ restrictions }) => restrictions?.reservation == null)
      .flatMap(({ price_components }) => price_components.map(({ vat }) => vat ?? null)),
  );
  const [rate] = rates;
  return rates.size === 1 ? withVat(excl, rate) : null;
}
