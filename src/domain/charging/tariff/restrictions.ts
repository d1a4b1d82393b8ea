/**
 * What each restriction of a tariff element means (OCPI 2.2.1, 11.4.6): one row each, which says whether it holds at a
 * moment and where it may change its mind. The type asks for a row for every restriction that the schema knows.
 *
 * All that are given must hold. One may be undecided, where what it asks for was not measured; an element that
 * hangs on such a one has no answer, and a cost that hangs on such an element is not made up (`components.ts`).
 */
import { Exact } from './exact.js';
import type { WallClock } from './local-time.js';
import type { TariffRestrictions } from './shape.js';

/** What is known of a quantity that was measured: it is not below `least` and not above `most`. */
export interface Range {
  readonly least?: Exact | undefined;
  readonly most?: Exact | undefined;
}

/** What is paid for at a moment; a reservation has prices of its own, and so has letting one expire. */
export type Purpose = 'charging' | 'reservation' | 'expiry';

/** Everything that a restriction can ask about a moment of a session. */
export interface Moment {
  readonly purpose: Purpose;
  /** Undefined where the station's time zone is not known. */
  readonly clock: WallClock | undefined;
  /** Since the session began. */
  readonly elapsedMs: number;
  /** kWh taken since the session began. */
  readonly energy: Exact;
  /** kW */
  readonly power: Range;
  /** A, all phases together */
  readonly current: Range;
}

/** What a moment may lack. */
export type Unknown = 'time-zone' | 'power' | 'current';

/** Whether a restriction holds; or what would have to be known to tell. */
export type Verdict = boolean | Unknown;

/** Where in a session a restriction may begin or cease to hold. */
export type Cut =
  | { readonly when: 'time-of-day'; readonly ms: number }
  | { readonly when: 'elapsed'; readonly ms: number }
  | { readonly when: 'energy'; readonly kWh: Exact }
  | { readonly when: 'power' }
  | { readonly when: 'current' };

type RestrictionName = keyof TariffRestrictions;
type Given<Name extends RestrictionName> = NonNullable<TariffRestrictions[Name]>;

interface Rule<Name extends RestrictionName> {
  holds(value: Given<Name>, moment: Moment, all: TariffRestrictions): Verdict;
  cuts(value: Given<Name>): readonly Cut[];
}

const MIDNIGHT: Cut = { when: 'time-of-day', ms: 0 };

const timeOfDay = (text: string): number => {
  const [hours, minutes] = text.split(':').map(Number) as [number, number];
  return (hours * 60 + minutes) * 60_000;
};

const atTimeOfDay = (text: string): readonly Cut[] => [
  MIDNIGHT,
  { when: 'time-of-day', ms: timeOfDay(text) },
];
const atMidnight = (): readonly Cut[] => [MIDNIGHT];
const atEnergy = (kWh: number): readonly Cut[] => [{ when: 'energy', kWh: Exact.of(kWh) }];
const atElapsed = (seconds: number): readonly Cut[] => [{ when: 'elapsed', ms: seconds * 1_000 }];

const onClock = (moment: Moment, holds: (clock: WallClock) => boolean): Verdict =>
  moment.clock === undefined ? 'time-zone' : holds(moment.clock);

/**
 * start_time and end_time are one window. It lies over midnight when it ends no later than it begins: so 22:00 to
 * 06:00 is the night, and a window that ends where it begins is the whole day (11.4.6 says the first; the second is
 * what its rule makes of it, and the reading that gives nothing away for free).
 */
function inWindow(moment: Moment, { start_time, end_time }: TariffRestrictions): Verdict {
  const from = timeOfDay(start_time ?? '00:00');
  const until = timeOfDay(end_time ?? '00:00');
  return onClock(moment, ({ timeOfDay: now }) =>
    from < until ? now >= from && now < until : now >= from || now < until,
  );
}

/** Undecided where the quantity is known too little, or lay on both sides of the limit within the period. */
function reaches(range: Range, limit: number, unknown: Unknown): Verdict {
  const least = Exact.of(limit);
  if (range.least?.atLeast(least)) return true;
  return range.most !== undefined && !range.most.atLeast(least) ? false : unknown;
}

function staysBelow(range: Range, limit: number, unknown: Unknown): Verdict {
  const verdict = reaches(range, limit, unknown);
  return typeof verdict === 'boolean' ? !verdict : verdict;
}

type Rules = { readonly [Name in RestrictionName]: Rule<Name> };

const RESERVATION: Readonly<Record<Purpose, TariffRestrictions['reservation']>> = {
  charging: undefined,
  reservation: 'RESERVATION',
  expiry: 'RESERVATION_EXPIRES',
};

const RULES: Rules = {
  start_time: { holds: (_, moment, all) => inWindow(moment, all), cuts: atTimeOfDay },
  end_time: { holds: (_, moment, all) => inWindow(moment, all), cuts: atTimeOfDay },
  start_date: { holds: (day, moment) => onClock(moment, ({ date }) => date >= day), cuts: atMidnight },
  end_date: { holds: (day, moment) => onClock(moment, ({ date }) => date < day), cuts: atMidnight },
  // The day of the moment itself, also within a window over midnight: restrictions are judged one by one.
  day_of_week: {
    holds: (days, moment) => days.length === 0 || onClock(moment, ({ weekday }) => days.includes(weekday)),
    cuts: atMidnight,
  },
  min_kwh: { holds: (kWh, { energy }) => energy.atLeast(Exact.of(kWh)), cuts: atEnergy },
  max_kwh: { holds: (kWh, { energy }) => !energy.atLeast(Exact.of(kWh)), cuts: atEnergy },
  min_duration: { holds: (seconds, { elapsedMs }) => elapsedMs >= seconds * 1_000, cuts: atElapsed },
  max_duration: { holds: (seconds, { elapsedMs }) => elapsedMs < seconds * 1_000, cuts: atElapsed },
  min_power: { holds: (kW, { power }) => reaches(power, kW, 'power'), cuts: () => [{ when: 'power' }] },
  max_power: { holds: (kW, { power }) => staysBelow(power, kW, 'power'), cuts: () => [{ when: 'power' }] },
  min_current: {
    holds: (amperes, { current }) => reaches(current, amperes, 'current'),
    cuts: () => [{ when: 'current' }],
  },
  max_current: {
    holds: (amperes, { current }) => staysBelow(current, amperes, 'current'),
    cuts: () => [{ when: 'current' }],
  },
  reservation: { holds: (kind, { purpose }) => kind === RESERVATION[purpose], cuts: () => [] },
};

const NAMES = Object.keys(RULES) as RestrictionName[];

function ask<Name extends RestrictionName>(name: Name, moment: Moment, all: TariffRestrictions): Verdict {
  const value = all[name];
  const rule: Rule<Name> = RULES[name];
  return value == null ? true : rule.holds(value as Given<Name>, moment, all);
}

/**
 * Whether all restrictions hold. One that does not decides, whatever is unknown about the others. Reservations are
 * priced only by elements that say they are for reservations; without that even an unrestricted one is for charging.
 */
export function holds(restrictions: TariffRestrictions | null | undefined, moment: Moment): Verdict {
  if (moment.purpose !== 'charging' && restrictions?.reservation == null) return false;
  if (restrictions == null) return true;
  let verdict: Verdict = true;
  for (const name of NAMES) {
    const one = ask(name, moment, restrictions);
    if (one === false) return false;
    if (one !== true) verdict = one;
  }
  return verdict;
}

function cutsBy<Name extends RestrictionName>(name: Name, all: TariffRestrictions): readonly Cut[] {
  const value = all[name];
  const rule: Rule<Name> = RULES[name];
  return value == null ? [] : rule.cuts(value as Given<Name>);
}

/** Where these restrictions may begin or cease to hold. */
export const cutsOf = (restrictions: TariffRestrictions | null | undefined): Cut[] =>
  restrictions == null ? [] : NAMES.flatMap((name) => cutsBy(name, restrictions));
