/**
 * The CDR of OCPI 2.2.1 that a cost amounts to (10.3.1), made from the cost alone, so also later and elsewhere. Whoever
 * sends one adds the rest: owner, id, token, location, tariffs, signed data, last_updated.
 *
 * Volumes have 4 decimals (chapter 16), a third of an hour does not. The running totals of each dimension are rounded
 * down, so that volumes add up to the totals, are never more than was measured, and who prices them again is not
 * pushed over the next block of a step_size by a rounding of ours. Energies at which a price changes stay exact.
 */
import type { CdrAmounts, CdrDimensionType } from './cdr-shape.js';
import { MEASURED, type Measured } from './components.js';
import { type Cost, type ExplainedPeriod, OCPI_DECIMALS, type Part } from './cost.js';
import { Exact } from './exact.js';

/**
 * The priced fields of a CDR.
 * `total_cost` is after min_price and max_price; the totals of parts are before. All have 4 decimals; what is to
 * be paid, in the currency's decimals, is `cost.exclVat` and `cost.inclVat`.
 */
export function cdrAmountsOf(cost: Cost): CdrAmounts {
  const { periods, total } = cost.explanation;
  const [first, last] = [periods.at(0), periods.at(-1)] as [ExplainedPeriod, ExplainedPeriod];
  const rounded = runningTotals(periods);
  // The session's duration; a reservation before it is none of it.
  const lasted = Exact.ratio(Date.parse(last.to) - Date.parse(first.from), 3_600_000).minus(rounded.reserved);
  return {
    start_date_time: first.from,
    end_date_time: last.to,
    currency: cost.currency,
    charging_periods: periods.map((period, index) => ({
      start_date_time: period.from,
      dimensions: dimensionsOf(period, rounded.volumes[index] as Volumes),
      tariff_id: cost.explanation.tariffId,
    })),
    total_cost: price(total.exclVat, total.inclVat),
    total_fixed_cost: priceOf(cost, 'fixed'),
    total_energy: rounded.totals.ENERGY,
    total_energy_cost: priceOf(cost, 'energy'),
    total_time: down(lasted),
    total_time_cost: priceOf(cost, 'time'),
    total_parking_time: rounded.totals.PARKING_TIME,
    total_parking_cost: priceOf(cost, 'parking'),
    ...(periods.some(({ volumes }) => volumes.RESERVATION_TIME)
      ? { total_reservation_cost: priceOf(cost, 'reservation') }
      : {}),
  };
}

type Volumes = Partial<Record<Measured, number>>;

const UNIT = Exact.ratio(1, 10n ** BigInt(OCPI_DECIMALS));
const number = (exact: Exact): number => Number(exact.round(OCPI_DECIMALS));
const floor = (exact: Exact): Exact => Exact.zero.minus(Exact.zero.minus(exact).ceilTo(UNIT));
const down = (exact: Exact): number => number(floor(exact));

function runningTotals(periods: readonly ExplainedPeriod[]) {
  const running: Record<Measured, Exact> = {
    ENERGY: Exact.zero,
    TIME: Exact.zero,
    PARKING_TIME: Exact.zero,
    RESERVATION_TIME: Exact.zero,
  };
  const volumes = periods.map((period) => {
    const shown: Volumes = {};
    for (const dimension of MEASURED) {
      const volume = period.volumes[dimension];
      if (volume === undefined) continue;
      const before = running[dimension];
      running[dimension] = before.plus(Exact.of(volume));
      shown[dimension] = number(floor(running[dimension]).minus(floor(before)));
    }
    return shown;
  });
  const reserved = running.RESERVATION_TIME;
  return {
    volumes,
    reserved,
    totals: { ENERGY: down(running.ENERGY), PARKING_TIME: down(running.PARKING_TIME) },
  };
}

/** A period must have a dimension (10.4.6): one without any volume says so of its energy. */
function dimensionsOf(
  period: ExplainedPeriod,
  volumes: Volumes,
): { type: CdrDimensionType; volume: number }[] {
  const dimensions = MEASURED.flatMap((type) => {
    const volume = volumes[type];
    return volume === undefined ? [] : [{ type, volume }];
  });
  if (dimensions.length === 0) return [{ type: 'ENERGY', volume: 0 }];
  const range = (type: CdrDimensionType, value: string | null) =>
    value === null ? [] : [{ type, volume: down(Exact.of(value)) }];
  return [
    ...dimensions,
    ...range('MIN_POWER', period.power.least),
    ...range('MAX_POWER', period.power.most),
    ...range('MIN_CURRENT', period.current.least),
    ...range('MAX_CURRENT', period.current.most),
  ];
}

const price = (exclVat: string, inclVat: string | null): CdrAmounts['total_cost'] => ({
  excl_vat: number(Exact.of(exclVat)),
  ...(inclVat === null ? {} : { incl_vat: number(Exact.of(inclVat)) }),
});

/** Amounts of parts are rounded to 4 decimals already. */
const priceOf = (cost: Cost, part: Part) => price(cost.parts[part].exclVat, cost.parts[part].inclVat);
