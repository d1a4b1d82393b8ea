/**
 * Chargers' clocks. A charger without a clock (1970, or before its firmware could exist) gets the receipt
 * time, with the gaps between its own frames preserved; other oddities are flagged and left as sent (rules,
 * "Time").
 */
import { plausible } from '../ocpp/time.js';

export interface ClockState {
  /** Milliseconds to add to the clockless charger's times since its last boot; null = not known yet. */
  shift: number | null;
}

export interface CorrectedTime {
  readonly at: number;
  /** Corrected or doubted. */
  readonly suspect: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A clock may run ahead of ours by this much unremarked. */
const AHEAD_TOLERATED = 5 * MINUTE;
/** How near to a whole number of hours a difference must be to look like a wrong time zone. */
const ZONE_TOLERANCE = 10_000;

/** `at` as sent (NaN when absent or unreadable), `receivedAt` from the log: never our own clock. */
export function correct(clock: ClockState, at: number, receivedAt: number): CorrectedTime {
  if (Number.isNaN(at)) return { at: receivedAt, suspect: true };
  if (plausible(at, receivedAt))
    return { at, suspect: isAhead(at, receivedAt) || isWholeHoursOff(at, receivedAt) };
  if (clock.shift === null || at + clock.shift > receivedAt + DAY) clock.shift = receivedAt - at;
  return { at: at + clock.shift, suspect: true };
}

/** After a boot a charger without a clock counts from its own beginning again. */
export const forgetShift = (clock: ClockState): void => {
  clock.shift = null;
};

const isAhead = (at: number, receivedAt: number): boolean => at - receivedAt > AHEAD_TOLERATED;

/** As if its clock had another time zone, or it had been offline for just so long. */
export function isWholeHoursOff(at: number, receivedAt: number): boolean {
  const difference = Math.abs(receivedAt - at);
  const hours = Math.round(difference / HOUR);
  return hours >= 1 && hours <= 14 && Math.abs(difference - hours * HOUR) <= ZONE_TOLERANCE;
}
