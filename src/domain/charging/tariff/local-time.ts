/**
 * The station's wall clock. Tariffs speak of local times and days (11.4.6), so what counts is what a clock on the
 * station's wall shows at an instant. On the day clocks go forward an hour of it never happens, on the day they go
 * back one happens twice: a night tariff is then as much shorter or longer as the night is.
 *
 * Rules of time zones come with Node's ICU. A government that changes them backwards changes past prices with the
 * next release of it; nothing else here depends on anything but its arguments.
 */
import { WEEKDAYS, type Weekday } from './shape.js';

export const DAY = 86_400_000;
const HOUR = 3_600_000;
/** No zone changes its offset twice within this time. */
const PROBE = 6 * HOUR;

export interface WallClock {
  /** Milliseconds since local midnight, as shown: a day with a missing hour has numbers that never come. */
  readonly timeOfDay: number;
  /** YYYY-MM-DD */
  readonly date: string;
  readonly weekday: Weekday;
}

/** A stretch of time over which the zone's offset to UTC is the same. */
export interface OffsetStretch {
  readonly from: number;
  readonly to: number;
  readonly offset: number;
}

const formats = new Map<string, Intl.DateTimeFormat | undefined>();

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  if (!formats.has(timeZone)) {
    let format: Intl.DateTimeFormat | undefined;
    try {
      format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    } catch {
      format = undefined;
    }
    formats.set(timeZone, format);
  }
  return formats.get(timeZone);
}

export const isTimeZone = (timeZone: string): boolean => formatOf(timeZone) !== undefined;

/** Local minus UTC, in milliseconds. @param timeZone one that `isTimeZone` knows */
export function offsetAt(at: number, timeZone: string): number {
  const parts = (formatOf(timeZone) as Intl.DateTimeFormat).formatToParts(at);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name);
  if (match?.[1] === undefined) return 0;
  const [, sign, hours, minutes, seconds] = match;
  const offset = Number(hours) * HOUR + Number(minutes) * 60_000 + Number(seconds ?? 0) * 1_000;
  return sign === '-' ? -offset : offset;
}

export const wallClock = (at: number, timeZone: string): WallClock => shownAt(at, offsetAt(at, timeZone));

/** `wallClock` for many instants within [from, to], without asking the zone each time. */
export function wallClocksWithin(from: number, to: number, timeZone: string): (at: number) => WallClock {
  const stretches = offsetStretches(from, to, timeZone);
  return (at) => {
    const { offset } = (stretches.find((stretch) => at < stretch.to) ?? stretches.at(-1)) as OffsetStretch;
    return shownAt(at, offset);
  };
}

function shownAt(at: number, offset: number): WallClock {
  const shown = at + offset;
  const day = Math.floor(shown / DAY);
  return {
    timeOfDay: shown - day * DAY,
    date: new Date(shown).toISOString().slice(0, 10),
    // 1 January 1970 was a Thursday.
    weekday: WEEKDAYS[(((day + 3) % 7) + 7) % 7] as Weekday,
  };
}

/** [from, to] cut where the clocks of the zone are changed. */
export function offsetStretches(from: number, to: number, timeZone: string): OffsetStretch[] {
  const stretches: OffsetStretch[] = [];
  let start = from;
  let offset = offsetAt(from, timeZone);
  for (let probe = from; probe < to; ) {
    const next = Math.min(probe + PROBE, to);
    const then = offsetAt(next, timeZone);
    if (then !== offset) {
      const change = firstWith(then, probe, next, timeZone);
      stretches.push({ from: start, to: change, offset });
      start = change;
      offset = then;
    }
    probe = next;
  }
  stretches.push({ from: start, to, offset });
  return stretches;
}

function firstWith(offset: number, before: number, after: number, timeZone: string): number {
  let [low, high] = [before, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, timeZone) === offset) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * All instants within (from, to) at which the wall clock comes to show one of these times of day, and those at which
 * it is put forward or back: nothing that depends on local time or date changes at any other.
 * @param timesOfDay milliseconds since local midnight
 */
export function localCuts(
  from: number,
  to: number,
  timeZone: string,
  timesOfDay: Iterable<number>,
): number[] {
  const times = [...timesOfDay];
  const cuts = new Set<number>();
  for (const stretch of offsetStretches(from, to, timeZone)) {
    cuts.add(stretch.from);
    const firstDay = Math.floor((stretch.from + stretch.offset) / DAY) * DAY;
    for (let day = firstDay; day <= stretch.to + stretch.offset; day += DAY) {
      for (const time of times) {
        const at = day + time - stretch.offset;
        if (at > stretch.from && at < stretch.to) cuts.add(at);
      }
    }
  }
  return [...cuts].filter((at) => at > from && at < to).sort((a, b) => a - b);
}
