/**
 * Reservations: time and fees before a session, or instead of one (OCPI 2.2.1, 11.4.3, 11.4.6 `reservation`). Only
 * elements that say so price them, by FLAT and TIME components.
 *
 * One that expires is paid by RESERVATION_EXPIRES where that has a price for time, else by RESERVATION (11.4.3, note).
 * Fees are two: one for having reserved, one for not having come.
 */
import { type Components, componentsAt } from './components.js';
import type { ExplainablePeriod } from './cost.js';
import { Exact } from './exact.js';
import { localCuts, wallClock } from './local-time.js';
import { cutsOf, type Moment } from './restrictions.js';
import type { Tariff } from './shape.js';

export interface Reservation {
  /** Epoch milliseconds: when it was made, and when charging began or it expired. */
  readonly from: number;
  readonly to: number;
  readonly expired: boolean;
}

const NOTHING = { least: Exact.zero, most: Exact.zero };

const momentAt = (reservation: Reservation, at: number, zone: string | undefined): Moment => ({
  purpose: 'reservation',
  clock: zone === undefined ? undefined : wallClock(at, zone),
  elapsedMs: at - reservation.from,
  energy: Exact.zero,
  power: NOTHING,
  current: NOTHING,
});

const periodOf = (from: number, to: number, components: Components): ExplainablePeriod => ({
  from,
  to,
  energyFrom: Exact.zero,
  energyTo: Exact.zero,
  readFrom: true,
  readTo: true,
  volumes: to > from ? { RESERVATION_TIME: Exact.ratio(to - from, 3_600_000) } : {},
  power: NOTHING,
  current: NOTHING,
  components,
});

/** @param zone undefined: not known */
export function reservationPeriods(
  tariff: Tariff,
  reservation: Reservation,
  zone: string | undefined,
): ExplainablePeriod[] {
  const { from, to, expired } = reservation;
  const instants = [from, ...cutsBetween(tariff, reservation, zone), to];
  const periods: ExplainablePeriod[] = [];
  for (let i = 1; i < instants.length; i++) {
    const [start, end] = [instants[i - 1] as number, instants[i] as number];
    periods.push(periodOf(start, end, componentsFor(tariff, momentAt(reservation, start, zone), expired)));
  }
  if (expired) periods.push(expiryPeriod(tariff, reservation, zone));
  return periods;
}

/** The moment of expiry, which has a fee of its own. */
export function expiryPeriod(
  tariff: Tariff,
  reservation: Reservation,
  zone: string | undefined,
): ExplainablePeriod {
  const moment = momentAt(reservation, reservation.to, zone);
  const components = componentsAt(tariff, { ...moment, purpose: 'expiry' }, ['FLAT']);
  return periodOf(reservation.to, reservation.to, components);
}

/** Prices of reserved time at a moment, and the fee for reserving. */
export function componentsFor(tariff: Tariff, moment: Moment, expired: boolean): Components {
  const reserved = componentsAt(tariff, { ...moment, purpose: 'reservation' }, ['FLAT', 'RESERVATION_TIME']);
  if (!expired) return reserved;
  return { ...reserved, ...componentsAt(tariff, { ...moment, purpose: 'expiry' }, ['RESERVATION_TIME']) };
}

function cutsBetween(tariff: Tariff, { from, to }: Reservation, zone: string | undefined): number[] {
  const cuts = tariff.elements.flatMap(({ restrictions }) => cutsOf(restrictions));
  const timesOfDay = cuts.flatMap((cut) => (cut.when === 'time-of-day' ? [cut.ms] : []));
  const local =
    zone === undefined || timesOfDay.length === 0 ? [] : localCuts(from, to, zone, new Set(timesOfDay));
  const elapsed = cuts.flatMap((cut) => (cut.when === 'elapsed' ? [from + cut.ms] : []));
  return [...new Set([...local, ...elapsed])].filter((at) => at > from && at < to).sort((a, b) => a - b);
}
