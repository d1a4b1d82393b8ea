/**
 * The price of a session out of its course: cut it, find the components of each slice, join what is alike, bill it.
 * Pure, and a function of sets: neither the order nor the repetition of readings changes anything.
 */
import { type Bill, billOf, type Policy } from './bill.js';
import { type Applied, Undecided } from './components.js';
import { costOf, type ExplainablePeriod, type Note, type Pricing, unpriced } from './cost.js';
import type { Course } from './course.js';
import { isTimeZone } from './local-time.js';
import { periodsOf } from './periods.js';
import { type Reservation, reservationPeriods } from './reservation.js';
import { instantOf, readTariff, type Tariff, type TariffRestrictions } from './shape.js';

export interface SessionToPrice {
  /**
   * The version in force when the session began, as it is kept: it prices the whole session. Null: none is known.
   * It is read by `tariff` (zod); what that refuses prices nothing.
   */
  readonly tariff: unknown;
  readonly course: Course;
  /** IANA name of the station's zone; null or unknown matters only if the tariff speaks of local time. */
  readonly timeZone: string | null;
  /** A reservation that led to the session. */
  readonly reservation?: Pick<Reservation, 'from' | 'to'>;
}

/**
 * What a session costs, or why nobody can say.
 *
 * A session that took no energy pays only what is expressly meant for such a one: parking time, and fees of elements
 * limited by max_kwh, or its reservation (rules, "Remote starts"); the result has the note `no-energy`.
 */
export function priceSession({ tariff: kept, course, timeZone, reservation }: SessionToPrice): Pricing {
  if (course.curve === null) return unpriced('energy-unknown', 'no meter reading says how much was taken');
  return priced(kept, course.startAt, timeZone, (tariff, zone) => {
    const before = reservation && reservationPeriods(tariff, { ...reservation, expired: false }, zone);
    const periods = [...(before ?? []), ...periodsOf(tariff, course, zone)];
    const empty = !(periods.at(-1)?.energyTo.isPositive ?? false);
    const notes: Note[] = empty ? ['no-energy'] : [];
    return { bill: billOf(tariff, periods, empty ? withoutEnergy(tariff) : undefined), notes };
  });
}

/** What a reservation costs that nobody came for. There is no session, so min_price does not hold. */
export function priceExpiredReservation({
  tariff: kept,
  reservation,
  timeZone,
}: Pick<SessionToPrice, 'tariff' | 'timeZone'> & {
  readonly reservation: Pick<Reservation, 'from' | 'to'>;
}): Pricing {
  return priced(kept, reservation.from, timeZone, (tariff, zone) => {
    const periods = reservationPeriods(tariff, { ...reservation, expired: true }, zone);
    return { bill: billOf(tariff, periods, { counts: () => true, minimum: false }), notes: [] };
  });
}

/** A bill, and what is to be said of it. */
export interface Billed {
  readonly bill: Bill<ExplainablePeriod>;
  readonly notes: readonly Note[];
}

/**
 * The cost of a bill by a tariff that is known, valid and in force; or what is missing.
 * @param kept the tariff as it is kept; null or undefined: none
 * @param startAt when it had to be in force
 * @param billWith zone: undefined where it is not known; may throw Undecided
 */
export function priced(
  kept: unknown,
  startAt: number,
  timeZone: string | null,
  billWith: (tariff: Tariff, zone: string | undefined) => Billed,
): Pricing {
  if (kept == null) return unpriced('no-tariff', 'no tariff is known');
  const tariff = readTariff(kept);
  if (typeof tariff === 'string') return unpriced('tariff-invalid', tariff);
  const outside = notInForce(tariff, startAt);
  if (outside !== undefined) return unpriced('tariff-not-in-force', outside);
  const zone = timeZone !== null && isTimeZone(timeZone) ? timeZone : undefined;
  try {
    const { bill, notes } = billWith(tariff, zone);
    return { kind: 'priced', cost: costOf(tariff, zone ?? null, bill, notes) };
  } catch (thrown) {
    if (thrown instanceof Undecided) return unpriced(`${thrown.unknown}-unknown`, thrown.message);
    throw thrown;
  }
}

/** Why the tariff does not price what begins at this instant; undefined: it does (11.3.1 start_date_time). */
function notInForce(tariff: Tariff, startAt: number): string | undefined {
  const { start_date_time: from, end_date_time: until } = tariff;
  if (from != null && startAt < instantOf(from)) return `tariff ${tariff.id} begins at ${from}`;
  if (until != null && startAt > instantOf(until)) return `tariff ${tariff.id} ended at ${until}`;
  return undefined;
}

const withoutEnergy = (tariff: Tariff): Policy => ({
  counts: ({ component, element }: Applied) =>
    component.type === 'PARKING_TIME' || isMeantFor(tariff.elements[element]?.restrictions),
  minimum: false,
});

/** Elements for sessions that took little or nothing, and for reservations. */
const isMeantFor = (restrictions: TariffRestrictions | null | undefined): boolean =>
  restrictions?.max_kwh != null || restrictions?.reservation != null;
