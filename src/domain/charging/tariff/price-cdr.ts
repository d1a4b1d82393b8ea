/**
 * The price of a CDR out of its own charging periods, as its receiver would check it. The periods are taken as they
 * are: whoever made them had to cut them where prices change (OCPI 2.2.1, 10.3.1), and nothing in them says how to
 * divide one that was not. Such a one is priced by what held when it began, and noted.
 */
import { billOf, type Volumes } from './bill.js';
import type { CdrDimensionType, CdrToPrice } from './cdr-shape.js';
import { type Components, componentsAt, MEASURED, type Measured, sameComponents } from './components.js';
import { type ExplainablePeriod, type Pricing, unpriced } from './cost.js';
import { Exact } from './exact.js';
import { wallClock } from './local-time.js';
import { priced } from './price-session.js';
import { componentsFor, expiryPeriod } from './reservation.js';
import type { Moment, Range } from './restrictions.js';
import { instantOf, readTariff, type Tariff } from './shape.js';

type CdrPeriod = CdrToPrice['charging_periods'][number];

/**
 * What the periods of a CDR cost by a tariff. One of reserved time alone is of a reservation that expired (10.3.1).
 * @param kept the tariff, as in `priceSession`
 * @param timeZone IANA name of the location's zone; null matters only if the tariff speaks of local time
 */
export function priceCdr(kept: unknown, cdr: CdrToPrice, timeZone: string | null): Pricing {
  const known = readTariff(kept);
  if (typeof known !== 'string' && cdr.currency != null && cdr.currency !== known.currency) {
    return unpriced('currency-differs', `the CDR is in ${cdr.currency}, the tariff in ${known.currency}`);
  }
  return priced(kept, instantOf(cdr.start_date_time), timeZone, (tariff, zone) => {
    const { periods, expired, outlasting } = periodsOf(tariff, cdr, zone);
    const bill = billOf(tariff, periods, { counts: () => true, minimum: !expired });
    return { bill, notes: outlasting ? ['period-outlasts-component'] : [] };
  });
}

/** In order of time: "the last period" of step_size is the latest, wherever it stands in the list. */
const inOrder = (periods: readonly CdrPeriod[]): CdrPeriod[] =>
  [...periods].sort((a, b) => instantOf(a.start_date_time) - instantOf(b.start_date_time));

function periodsOf(tariff: Tariff, cdr: CdrToPrice, zone: string | undefined) {
  const given = inOrder(cdr.charging_periods).map((period) => ({
    period,
    from: instantOf(period.start_date_time),
    volumes: volumesOf(period),
  }));
  const dimensionsGiven = new Set(given.flatMap(({ volumes }) => Object.keys(volumes)));
  const expired = dimensionsGiven.size === 1 && dimensionsGiven.has('RESERVATION_TIME');
  const startAt = instantOf(cdr.start_date_time);
  // Reserved time is no part of the session, whose duration restrictions ask for.
  const chargingFrom = given.find(({ volumes }) => volumes.RESERVATION_TIME === undefined)?.from ?? startAt;
  const sessionAt = Math.max(startAt, chargingFrom);
  const periods: ExplainablePeriod[] = [];
  let outlasting = false;
  let energyFrom = Exact.zero;
  for (const [index, { period, from, volumes }] of given.entries()) {
    const to = given[index + 1]?.from ?? instantOf(cdr.end_date_time);
    const energyTo = energyFrom.plus(volumes.ENERGY ?? Exact.zero);
    const { power, current } = measured(period, volumes);
    const componentsWhen = (at: number, energy: Exact): Components => {
      const clock = zone === undefined ? undefined : wallClock(at, zone);
      const reserved = expired || volumes.RESERVATION_TIME !== undefined;
      const elapsedMs = at - (reserved ? startAt : sessionAt);
      const moment: Moment = { purpose: 'charging', clock, elapsedMs, energy, power, current };
      const dimensions = (Object.keys(volumes) as Measured[]).filter((one) => one !== 'RESERVATION_TIME');
      if (!reserved) return componentsAt(tariff, moment, ['FLAT', ...dimensions]);
      return { ...componentsAt(tariff, moment, dimensions), ...componentsFor(tariff, moment, expired) };
    };
    const components = componentsWhen(from, energyFrom);
    const atTheEnd = componentsWhen(Math.max(from, to - 1), justBefore(energyFrom, energyTo));
    outlasting ||= !sameComponents(components, atTheEnd);
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
  if (expired) {
    const { from, to } = { from: startAt, to: instantOf(cdr.end_date_time) };
    periods.push(expiryPeriod(tariff, { from, to, expired }, zone));
  }
  return { periods, expired, outlasting };
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
