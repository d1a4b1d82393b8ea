/**
 * Times as chargers write them. Lenient on purpose: a frame whose time we refuse to read is a session lost,
 * while its text stays in the log for whoever wants to judge it again.
 */
export interface ReadTime {
  /** Epoch milliseconds; NaN when it is no time. */
  readonly at: number;
  /** Without a zone; read as UTC. */
  readonly zoneless: boolean;
}

const DATE =
  '(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))' +
  '|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)';
const CLOCK = '(?:(?:[01]\\d|2[0-3]):[0-5]\\d(?::([0-5]\\d|60)(?:[.,](\\d+))?)?|24:00(?::00(?:[.,]0+)?)?)';
const ZONE = '([Zz]|[+-](?:0\\d|1[0-8])(?::?[0-5]\\d)?)?';
/** What `readTime` reads, as a JSON Schema pattern: our validation asks no more of a time than this. */
export const TIME_PATTERN = `^${DATE}[Tt ]${CLOCK}\\s?${ZONE}$`;
const SHAPE = new RegExp(TIME_PATTERN);
const NO_TIME: ReadTime = { at: Number.NaN, zoneless: false };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/**
 * RFC 3339, and what the field adds to it: no zone (UTC is assumed and flagged), a space or a lower-case t
 * before the time, lower-case z, offsets as +0200 or +02, no seconds, a comma before the fraction, second 60
 * and hour 24 (both of the next minute or day). Fractions are cut to milliseconds.
 */
export function readTime(text: string): ReadTime {
  let sent = text;
  let parts = SHAPE.exec(sent);
  if (parts === null) {
    sent = text.trim();
    parts = SHAPE.exec(sent);
    if (parts === null) return NO_TIME;
  }
  const [, second, fraction, zone] = parts;
  const at =
    midnight(digits(sent, 0, 4), digits(sent, 5, 7), digits(sent, 8, 10)) +
    digits(sent, 11, 13) * HOUR +
    digits(sent, 14, 16) * MINUTE +
    (second === undefined ? 0 : Number(second) * 1000) +
    milli(fraction) -
    offsetOf(zone);
  return { at, zoneless: zone === undefined };
}

const digits = (text: string, from: number, to: number): number => Number(text.slice(from, to));

/** `readTime` for those who do not care about the zone: epoch milliseconds, or NaN. */
export const parseTime = (text: string): number => readTime(text).at;

const milli = (fraction: string | undefined): number =>
  fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));

/** Date.UTC takes the years 0 to 99 for 1900 to 1999. */
function midnight(year: number, month: number, day: number): number {
  return year >= 100 ? Date.UTC(year, month - 1, day) : new Date(0).setUTCFullYear(year, month - 1, day);
}

function offsetOf(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0;
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0;
  const offset = Number(zone.slice(1, 3)) * HOUR + minutes * MINUTE;
  return zone[0] === '-' ? -offset : offset;
}

/** OCPP 1.6 was published in October 2015: no firmware that speaks it has seen an earlier day. */
const FIRST_FIRMWARE = Date.UTC(2015, 9, 1);
/** Nothing has happened long after it was reported: such a clock runs wild. */
const FURTHEST_AHEAD = 366 * 24 * HOUR;

/**
 * Could a working clock have said this? Not: unreadable, 1970 (a clock that was never set), before OCPP 1.6
 * existed, or more than a year after receipt. Smaller errors are for `domain/charging` to flag.
 */
export const plausible = (at: number, receivedAt: number): boolean =>
  at >= FIRST_FIRMWARE && at <= receivedAt + FURTHEST_AHEAD;

/** As OCPP wants times: RFC 3339 in UTC with milliseconds. */
export const timeText = (at: number): string => new Date(at).toISOString();
