/**
 * Times in questions: ISO 8601 (`2026-11-23`, `2026-11-23T10:00Z`; without a zone it is UTC), `now`, or a
 * distance from now: `-15m`, `-24h`, `-7d`, `+1h`, `-2w`.
 */
const RELATIVE = /^([+-])(\d{1,6})(s|m|h|d|w)$/;
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** What `DateTime64(3)` can hold. */
const EARLIEST = Date.UTC(1900, 0, 1);
const LATEST = Date.UTC(2299, 11, 31);

/** Epoch milliseconds, or undefined when the text is no time (or one that no column can hold). */
export function instantOf(text: string, now: number): number | undefined {
  const at = read(text, now);
  return at !== undefined && at >= EARLIEST && at <= LATEST ? at : undefined;
}

function read(text: string, now: number): number | undefined {
  if (text === 'now') return now;
  const relative = RELATIVE.exec(text);
  if (relative !== null) {
    const [, sign, amount, unit] = relative as unknown as [string, '+' | '-', string, keyof typeof UNIT_MS];
    return now + (sign === '-' ? -1 : 1) * Number(amount) * UNIT_MS[unit];
  }
  const iso = ISO.exec(text);
  if (iso === null) return undefined;
  const zoned = iso[1] !== undefined || text.length === 10 ? text : `${text}Z`;
  const at = Date.parse(zoned.replace(' ', 'T').toUpperCase());
  return Number.isNaN(at) ? undefined : at;
}

/** As ClickHouse reads a DateTime64(3, 'UTC') parameter. */
export const toClickHouseTime = (at: number): string =>
  new Date(at).toISOString().slice(0, -1).replace('T', ' ');
