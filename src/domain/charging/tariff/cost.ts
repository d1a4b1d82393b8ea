/**
 * What a session costs, as a value that can be stored and shown: numbers are texts, since no JSON number is a decimal.
 *
 * The one rounding policy: amounts are exact (`Exact`: `0.10008`, `1/3`) until they are shown; each shown amount is
 * rounded once, from the exact one, half away from zero: to 4 decimals where it is a part (as in all OCPI objects,
 * chapter 16 "number"), to the decimals of the currency where it is to be paid. OCPI leaves rounding to law and contract
 * (11.3.1, note), so this is ours. The VAT to be paid is the difference of the two totals.
 */
import type { AppliedLimit, Bill, Billable, Line } from './bill.js';
import { type Dimension, MEASURED, type Measured } from './components.js';
import { minorUnits } from './currency.js';
import { Exact } from './exact.js';
import type { Unknown } from './restrictions.js';
import type { Tariff } from './shape.js';

/** Decimals of numbers in OCPI objects. */
export const OCPI_DECIMALS = 4;

/** Why there is no cost. Unknown is never zero: such a session is held. */
export type UnpricedReason =
  | 'no-tariff'
  | 'tariff-invalid'
  | 'tariff-not-in-force'
  | 'currency-differs'
  | 'energy-unknown'
  | 'too-many-samples'
  | `${Unknown}-unknown`;

export type Pricing =
  | { readonly kind: 'priced'; readonly cost: Cost }
  | { readonly kind: 'unpriced'; readonly reason: UnpricedReason; readonly detail: string };

/** What somebody who reads the cost should know of it. */
export type Note =
  /** Nothing was charged: fees and the minimum price do not count, unless expressly meant for such a session. */
  | 'no-energy'
  /** A limit changed the price without VAT, says nothing with VAT, and the tariff knows several rates. */
  | 'vat-unknown'
  /** A period of a given CDR is longer than its price component holds; it should have been cut. */
  | 'period-outlasts-component';

export interface Cost {
  readonly currency: string;
  /** To be paid, in decimals of the currency. */
  readonly exclVat: string;
  /** Null where it cannot be known (note `vat-unknown`). */
  readonly inclVat: string | null;
  readonly parts: Readonly<Record<Part, PartCost>>;
  readonly notes: readonly Note[];
  readonly explanation: Explanation;
}

/** What the totals of a CDR tell apart (10.3.1): a fee for a reservation belongs to the reservation. */
export const PARTS = ['energy', 'time', 'parking', 'fixed', 'reservation'] as const;
export type Part = (typeof PARTS)[number];

/** Amounts before min_price and max_price, 4 decimals. */
export interface PartCost {
  /** kWh or hours that are paid for, step_size included; of `fixed` the number of fees. */
  readonly billed: string;
  readonly exclVat: string;
  readonly inclVat: string;
}

/** Everything the total was made of. Amounts and volumes are exact; parts add up to the total exactly. */
export interface Explanation {
  readonly tariffId: string;
  readonly timeZone: string | null;
  readonly periods: readonly ExplainedPeriod[];
  /** Of all lines. */
  readonly sum: ExactPrice;
  readonly limits: readonly ExplainedLimit[];
  /** After limits. */
  readonly total: { readonly exclVat: string; readonly inclVat: string | null };
  /** What rounding to the currency's decimals added to the total. */
  readonly rounding: { readonly decimals: number; readonly exclVat: string; readonly inclVat: string | null };
}

interface ExactPrice {
  readonly exclVat: string;
  readonly inclVat: string;
}

export interface ExplainedLimit {
  readonly limit: AppliedLimit['limit'];
  readonly vat: AppliedLimit['vat'];
  readonly before: string;
  readonly after: string;
}

export interface ExplainedPeriod {
  readonly from: string;
  readonly to: string;
  /** kWh since the session began, at both ends, and whether a reading says so or the line between two. */
  readonly energyFrom: string;
  readonly energyTo: string;
  readonly readFrom: boolean;
  readonly readTo: boolean;
  /** kWh and hours, also of what is free. */
  readonly volumes: Readonly<Partial<Record<Measured, string>>>;
  /** kW and A, the least and the most known of the period. */
  readonly power: ShownRange;
  readonly current: ShownRange;
  readonly lines: readonly ExplainedLine[];
}

export interface ShownRange {
  readonly least: string | null;
  readonly most: string | null;
}

export interface ExplainedLine extends ExactPrice {
  readonly dimension: Dimension;
  /** Place of the element in the tariff, from 0. */
  readonly element: number;
  readonly price: string;
  /** Per cent; null: none applies. */
  readonly vat: string | null;
  readonly stepSize: number;
  readonly volume: string;
  readonly stepAdded: string;
}

/** A period that can be explained. */
export interface ExplainablePeriod extends Billable {
  readonly from: number;
  readonly to: number;
  readonly energyFrom: Exact;
  readonly energyTo: Exact;
  readonly readFrom: boolean;
  readonly readTo: boolean;
  readonly power: { readonly least?: Exact | undefined; readonly most?: Exact | undefined };
  readonly current: { readonly least?: Exact | undefined; readonly most?: Exact | undefined };
}

export const unpriced = (reason: UnpricedReason, detail: string): Pricing => ({
  kind: 'unpriced',
  reason,
  detail,
});

export function costOf(
  tariff: Tariff,
  timeZone: string | null,
  bill: Bill<ExplainablePeriod>,
  notes: readonly Note[],
): Cost {
  const decimals = minorUnits(tariff.currency);
  const linesOf = new Map<number, Line[]>();
  for (const line of bill.lines) linesOf.set(line.period, [...(linesOf.get(line.period) ?? []), line]);
  const { excl, incl } = bill.total;
  const [exclVat, inclVat] = [excl.round(decimals), incl?.round(decimals) ?? null];
  return {
    currency: tariff.currency,
    exclVat,
    inclVat,
    parts: partsOf(tariff, bill.lines),
    notes: incl === null ? [...notes, 'vat-unknown'] : notes,
    explanation: {
      tariffId: tariff.id,
      timeZone,
      periods: bill.periods.map((period, index) => explainedPeriod(period, linesOf.get(index) ?? [])),
      sum: exactPrice(bill.sum),
      limits: bill.limits.map((limit) => ({
        ...limit,
        before: limit.before.toString(),
        after: limit.after.toString(),
      })),
      total: { exclVat: excl.toString(), inclVat: incl?.toString() ?? null },
      rounding: {
        decimals,
        exclVat: Exact.of(exclVat).minus(excl).toString(),
        inclVat:
          incl === null
            ? null
            : Exact.of(inclVat as string)
                .minus(incl)
                .toString(),
      },
    },
  };
}

const PART: Readonly<Record<Dimension, Part>> = {
  ENERGY: 'energy',
  TIME: 'time',
  PARKING_TIME: 'parking',
  FLAT: 'fixed',
  RESERVATION_TIME: 'reservation',
};

function partsOf(tariff: Tariff, lines: readonly Line[]): Cost['parts'] {
  const partOf = ({ dimension, applied }: Line): Part =>
    tariff.elements[applied.element]?.restrictions?.reservation == null ? PART[dimension] : 'reservation';
  const of = (part: Part): PartCost => {
    const own = lines.filter((line) => partOf(line) === part);
    const measured = own.filter(({ dimension }) => dimension !== 'FLAT');
    const total = (among: readonly Line[], pick: (line: Line) => Exact) =>
      Exact.sum(among.map(pick)).round(OCPI_DECIMALS);
    return {
      billed: total(part === 'fixed' ? own : measured, ({ volume, stepAdded }) => volume.plus(stepAdded)),
      exclVat: total(own, ({ excl }) => excl),
      inclVat: total(own, ({ incl }) => incl),
    };
  };
  return Object.fromEntries(PARTS.map((part) => [part, of(part)])) as Cost['parts'];
}

function explainedPeriod(period: ExplainablePeriod, lines: readonly Line[]): ExplainedPeriod {
  const volumes: Partial<Record<Measured, string>> = {};
  for (const dimension of MEASURED) {
    const volume = period.volumes[dimension];
    if (volume !== undefined) volumes[dimension] = volume.toString();
  }
  return {
    from: new Date(period.from).toISOString(),
    to: new Date(period.to).toISOString(),
    energyFrom: period.energyFrom.toString(),
    energyTo: period.energyTo.toString(),
    readFrom: period.readFrom,
    readTo: period.readTo,
    volumes,
    power: shown(period.power),
    current: shown(period.current),
    lines: lines.map(explainedLine),
  };
}

const shown = ({ least, most }: ExplainablePeriod['power']): ShownRange => ({
  least: least?.toString() ?? null,
  most: most?.toString() ?? null,
});

const explainedLine = (line: Line): ExplainedLine => ({
  dimension: line.dimension,
  element: line.applied.element,
  price: Exact.of(line.applied.component.price).toString(),
  vat: line.applied.component.vat == null ? null : Exact.of(line.applied.component.vat).toString(),
  stepSize: line.applied.component.step_size,
  volume: line.volume.toString(),
  stepAdded: line.stepAdded.toString(),
  ...exactPrice(line),
});

const exactPrice = ({ excl, incl }: { excl: Exact; incl: Exact }): ExactPrice => ({
  exclVat: excl.toString(),
  inclVat: incl.toString(),
});
