/**
 * Reading a payload that nobody has validated: every access says what it expects, takes what is near enough,
 * and notes what was not as it should be. Absent is never noted; only a reader knows what it needs.
 */
import type { Oddity } from '../charging/events.js';
import type { AnomalyKind } from './anomaly-kinds.js';
import { toMilli } from './decimal.js';
import { isObject, NOTHING, type Payload } from './payload.js';
import { readTime } from './time.js';

const NONE: readonly Oddity[] = Object.freeze([]);
const MAX_DETAIL = 200;

export class Reading {
  private notes: Map<AnomalyKind, { detail: string; more: number }> | undefined;

  /** One oddity per kind and frame: the first, and how many more there were. */
  note(kind: AnomalyKind, detail: string): void {
    this.notes ??= new Map();
    const known = this.notes.get(kind);
    if (known === undefined) this.notes.set(kind, { detail: detail.slice(0, MAX_DETAIL), more: 0 });
    else known.more++;
  }

  get oddities(): readonly Oddity[] {
    if (this.notes === undefined) return NONE;
    return [...this.notes].map(([kind, { detail, more }]) => ({
      kind,
      detail: more === 0 ? detail : `${detail} (and ${more} more)`,
    }));
  }

  /** A text, '' when absent. Numbers and truth values are taken as their text. */
  text(from: Payload, key: string): string {
    const value = from[key];
    if (typeof value === 'string') return value;
    if (value === undefined) return '';
    this.note('schema_violation', `${key} is ${nameOf(value)}, not a string`);
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  }

  /**
   * Whether these are there, and of their own type. `text` and `integer` take what is near enough, for no
   * transaction may be lost over a type; what no transaction hangs on need not be guessed at.
   */
  has(from: Payload, type: 'string' | 'number', ...keys: readonly string[]): boolean {
    return keys.every((key) => typeof from[key] === type);
  }

  /** An integer, NaN when absent or unreadable. A text with an integer is taken for it. */
  integer(from: Payload, key: string): number {
    const value = from[key];
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value === 0 ? 0 : value;
    if (value === undefined) return Number.NaN;
    this.note('schema_violation', `${key} is ${nameOf(value)}, not an integer`);
    return typeof value === 'string' && /^[+-]?\d{1,15}$/.test(value.trim()) ? Number(value) + 0 : Number.NaN;
  }

  /**
   * An integer that is only a name, as text in decimal digits; undefined when absent or unreadable. Beyond 2^53
   * (18446744073709551615 is somebody's unsigned -1) it has the digits that JSON numbers keep.
   */
  numericName(from: Payload, key: string): string | undefined {
    const value = from[key];
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 64) {
      if (!Number.isSafeInteger(value)) this.note('schema_violation', `${key} is beyond 2^53`);
      return BigInt(value).toString();
    }
    const integer = this.integer(from, key);
    return Number.isNaN(integer) ? undefined : String(integer);
  }

  /** A number of thousandths, NaN when absent or unreadable. Meters are integers by the schema; some send fractions. */
  milli(from: Payload, key: string): number {
    const value = from[key];
    if (value === undefined) return Number.NaN;
    if (!Number.isSafeInteger(value))
      this.note('schema_violation', `${key} is ${nameOf(value)}, not an integer`);
    return typeof value === 'number' || typeof value === 'string' ? toMilli(String(value)) : Number.NaN;
  }

  /** Epoch milliseconds, NaN when absent or unreadable. */
  time(from: Payload, key: string): number {
    const value = from[key];
    if (value === undefined) return Number.NaN;
    if (typeof value !== 'string') {
      this.note('schema_violation', `${key} is ${nameOf(value)}, not a time`);
      return Number.NaN;
    }
    const { at, zoneless } = readTime(value);
    if (Number.isNaN(at)) this.note('unreadable_time', `${key}: ${value}`);
    else if (zoneless) this.note('zoneless_time', `${key}: ${value}`);
    return at;
  }

  /** An object, the empty one when absent. */
  object(from: Payload, key: string): Payload {
    const value = from[key];
    if (isObject(value)) return value;
    if (value !== undefined) this.note('schema_violation', `${key} is ${nameOf(value)}, not an object`);
    return NOTHING;
  }

  /** The objects of a list, none when absent. */
  list(from: Payload, key: string): readonly Payload[] {
    const value = from[key];
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.note('schema_violation', `${key} is ${nameOf(value)}, not a list`);
      return [];
    }
    const items: unknown[] = value;
    if (items.every(isObject)) return items;
    this.note('schema_violation', `${key} has items that are no objects`);
    return items.filter(isObject);
  }

  /** Notes what a reader cannot do without. */
  missing(what: string): void {
    this.note('schema_violation', `${what} is missing or cannot be used`);
  }
}

const nameOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
