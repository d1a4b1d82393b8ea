/**
 * The price of a CDR out of its own charging periods, as its receiver would check it. The periods are taken as they
 * are: whoever made them had to cut them where prices change (OCPI 2.2.1, 10.3.1), and nothing in them says how to
 * divide one that was not. Such a one is priced by what held when it began, and noted.
 */
import { billOf, MEASURED, type Measured, type Volumes } from './bill.js';
import type { CdrDimensionType, CdrToPrice } from './cdr-shape.js';
import { componentsAt, sameComponents, Undecided } from './components.js';
import { costOf, type ExplainablePeriod, type Note, type Pricing, unpriced } from './cost.js';
import { Exact } from './exact.js';
import { isTimeZone, wallClock } from './local-time.js';
import { notInForce } from './price-session.js';
import type { Moment, Range } from './restrictions.js';
import { instantOf, type Tariff } from './shape.js';

type CdrPeriod = CdrToPrice['charging_periods'][number];

/**
 * What the periods of a CDR cost by a tariff. Reservations are not priced (README).
 * @param timeZone IANA name of the location's zone; null matters only if the tariff speaks of local time
 */
export function priceCdr(tariff: Tariff, cdr: CdrToPrice, timeZone: string | null): Pricing {
  const startAt = instantOf(cdr.start_date_time);
  if (cdr.currency != null && cdr.currency !== tariff.currency) {
    return unpriced('currency-differs', `the CDR is in ${cdr.currency}, the tariff in ${tariff.currency}`);
  }
  const outside = notInForce(tariff, startAt);
  if (outside !== undefined) return unpriced('tariff-not-in-force', outside);
  const zone = timeZone !== null && isTimeZone(timeZone) ? timeZone : undefined;
  try {
    const { periods, outlasting } = periodsOf(tariff, cdr, startAt, zone);
    const notes: Note[] = outlasting ? ['period-outlasts-component'] : [];
    return { kind: 'priced', cost: costOf(tariff, zone ?? null, billOf(tariff, periods), notes) };
  } catch (thrown) {
    if (thrown instanceof Undecided) return unpriced(`${thrown.unknown}-unknown`, thrown.message);
    throw thrown;
  }
}

/** In order of time: "the last period" of step_size is the latest, wherever it stands in the list. */
const inOrder = (periods: readonly CdrPeriod[]): CdrPeriod[] =>
  [...periods].sort((a, b) => instantOf(a.start_date_time) - instantOf(b.start_date_time));

function periodsOf(tariff: Tariff, cdr: CdrToPrice, startAt: number, zone: string | undefined) {
  const given = inOrder(cdr.charging_periods);
  const periods: ExplainablePeriod[] = [];
  let outlasting = false;
  let energyFrom = Exact.zero;
  for (const [index, period] of given.entries()) {
    const from = instantOf(period.start_date_time);
    const to = instantOf(given[index + 1]?.start_date_time ?? cdr.end_date_time);
    const volumes = volumesOf(period);
    const energyTo = energyFrom.plus(volumes.ENERGY ?? Exact.zero);
    const momentAt = (at: number, energy: Exact): Moment => ({
      clock: zone === undefined ? undefined : wallClock(at, zone),
      elapsedMs: at - startAt,
      energy,
      ...measured(period, volumes),
    });
    const dimensions = ['FLAT', ...(Object.keys(volumes) as Measured[])] as const;
    const moment = momentAt(from, energyFrom);
    const components = componentsAt(tariff, moment, dimensions);
    const atTheEnd = componentsAt(
      tariff,
      momentAt(Math.max(from, to - 1), justBefore(energyFrom, energyTo)),
      dimensions,
    );
    outlasting ||= !sameComponents(components, atTheEnd);
    const { power, current } = moment;
    periods.push({
      from,
      to,
      energyFrom,
      energyTo,
      readFrom: true,
      readTo: true,
      volumes,
      power,
      current,
      components,
    });
    energyFrom = energyTo;
  }
  return { periods, outlasting };
}

/** The energy shortly before a period ends: at its end the next component may count already. */
const justBefore = (from: Exact, to: Exact): Exact =>
  to.compare(from) > 0 ? to.minus(to.minus(from).over(Exact.of(1_000_000_000))) : to;

function volumeOf(period: CdrPeriod, type: CdrDimensionType): Exact | undefined {
  const volumes = period.dimensions.filter((dimension) => dimension.type === type);
  return volumes.length === 0 ? undefined : Exact.sum(volumes.map(({ volume }) => Exact.of(volume)));
}

function volumesOf(period: CdrPeriod): Volumes {
  const volumes: Partial<Record<Measured, Exact>> = {};
  for (const dimension of MEASURED) {
    const volume = volumeOf(period, dimension);
    if (volume !== undefined && !volume.isZero) volumes[dimension] = volume;
  }
  return volumes;
}

/** Power and current as the period says; nothing flows while it only parks; else the mean power is known. */
function measured(
  period: CdrPeriod,
  { ENERGY, TIME, PARKING_TIME }: Volumes,
): Pick<Moment, 'power' | 'current'> {
  const idle = ENERGY === undefined && TIME === undefined && PARKING_TIME !== undefined;
  const usual = idle ? Exact.zero : undefined;
  const mean =
    ENERGY !== undefined && TIME !== undefined && PARKING_TIME === undefined ? ENERGY.over(TIME) : usual;
  const range = (least: CdrDimensionType, most: CdrDimensionType, otherwise: Exact | undefined): Range => {
    const said = { least: volumeOf(period, least), most: volumeOf(period, most) };
    return said.least === undefined && said.most === undefined ? { least: otherwise, most: otherwise } : said;
  };
  return {
    power: range('MIN_POWER', 'MAX_POWER', mean),
    current: range('MIN_CURRENT', 'MAX_CURRENT', usual),
  };
}
