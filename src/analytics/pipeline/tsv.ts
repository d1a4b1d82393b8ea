/**
 * Values as ClickHouse's TabSeparated takes them: of the text formats the cheapest to write and to parse, since
 * a frame's quotes need no escaping. A field ends at a tab, a row at a line feed, and a backslash escapes both.
 */

export const NULL = '\\N';

const SPECIAL = /[\\\t\n\r\0\b\f]/;
const SPECIALS = /[\\\t\n\r\0\b\f]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
  '\b': '\\b',
  '\f': '\\f',
};

/** UTF-8 has no half of a surrogate pair, JSON texts of chargers may: those become U+FFFD. */
export function text(value: string): string {
  const whole = value.isWellFormed() ? value : value.toWellFormed();
  return SPECIAL.test(whole) ? whole.replace(SPECIALS, (special) => ESCAPES[special] as string) : whole;
}

/** Inside an array or a map a text stands in single quotes. */
const quoted = (value: string): string => `'${text(value).replaceAll("'", "\\'")}'`;

export const array = (values: readonly string[]): string => `[${values.map(quoted).join(',')}]`;

export const map = (values: Readonly<Record<string, string>>): string =>
  `{${Object.entries(values)
    .map(([key, value]) => `${quoted(key)}:${quoted(value)}`)
    .join(',')}}`;

export const bool = (value: boolean): string => (value ? '1' : '0');

/** An unsigned integer within its column's range; null otherwise. */
export const uint = (value: number | null, largest = 0xffff_ffff): string =>
  value === null || !Number.isInteger(value) || value < 0 || value > largest ? NULL : String(value);

const EARLIEST = Date.UTC(1900, 0, 1);
const LATEST = Date.UTC(2299, 11, 31);
const DAY = 86_400_000;
const TWO = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
const days = new Map<number, string>();

/** DateTime64(3, 'UTC'), whose range is 1900 to 2299; what lies outside is put at its edge. */
export function dateTime(at: number): string {
  const ms = Number.isNaN(at) ? 0 : Math.min(LATEST, Math.max(EARLIEST, Math.floor(at)));
  const day = Math.floor(ms / DAY);
  let date = days.get(day);
  if (date === undefined) {
    date = new Date(day * DAY).toISOString().slice(0, 10);
    if (days.size > 10_000) days.clear();
    days.set(day, date);
  }
  const rest = ms - day * DAY;
  const seconds = Math.floor(rest / 1_000);
  const milli = rest - seconds * 1_000;
  const clock = `${TWO[Math.floor(seconds / 3_600)]}:${TWO[Math.floor(seconds / 60) % 60]}:${TWO[seconds % 60]}`;
  return `${date} ${clock}.${milli < 10 ? '00' : milli < 100 ? '0' : ''}${milli}`;
}

export const dateTimeOrNull = (at: number | null): string => (at === null ? NULL : dateTime(at));

/** Thousandths as a decimal with three places. */
export function decimal(milli: number): string {
  if (milli < 0) return `-${decimal(-milli)}`;
  const whole = Math.floor(milli / 1_000);
  const rest = milli - whole * 1_000;
  return rest === 0 ? String(whole) : `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`;
}

export const decimalOrNull = (milli: number | null, largest = Number.MAX_SAFE_INTEGER): string =>
  milli === null || !Number.isSafeInteger(milli) || Math.abs(milli) > largest ? NULL : decimal(milli);
