/**
 * What was valid when: late frames are judged by what the registry said at the time of the event, not of its arrival.
 *
 * - A charging point or token stands as its newest version made at or before that time; before its first one, as the
 *   first: nothing else has ever been known of it.
 * - A tariff version prices from its `start_date_time`, or from its change where that is later (prices are not changed
 *   backwards), until the next one does, its `end_date_time`, or its deletion. Only the first version may reach back
 *   to before its own making, if it says so. Before it there is no price: unknown, never zero.
 */
import type { EntityKind } from '../messages/cms-events.js';
import type { StateOf } from './kinds.js';
import type { Entity, Past } from './state.js';
import type { Tariff } from './tariff.js';

/** null: it was deleted then. Of versions whose state is no longer kept the nearest kept one stands. */
export function stateAt<K extends EntityKind>(entity: Entity<K>, at: number): StateOf[K] | null {
  if (entity.past.length === 0 || Date.parse(entity.at) <= at) return entity.state;
  let earliest: StateOf[K] | null = entity.state;
  for (let index = entity.past.length - 1; index >= 0; index--) {
    const former = entity.past[index] as Past<K>;
    if (former.state === undefined) break;
    if (Date.parse(former.at) <= at) return former.state;
    if (former.state !== null) earliest = former.state;
  }
  return earliest;
}

export interface PriceSpan {
  /** Epoch milliseconds. */
  readonly from: number;
  /** undefined: no price from here on. */
  readonly version: number | undefined;
}

/** In order of time. */
export function priceSpans(tariff: Entity<'tariff'>): PriceSpan[] {
  const spans: PriceSpan[] = [];
  for (const { version, at, state } of [...tariff.past, tariff] as Past<'tariff'>[]) {
    const made = Date.parse(at);
    const start = startOf(state);
    const from = start === undefined ? made : version === 1 ? start : Math.max(made, start);
    // What an older version had planned for that time or later is overruled.
    while ((spans.at(-1)?.from ?? Number.NEGATIVE_INFINITY) >= from) spans.pop();
    spans.push({ from, version: state ? version : undefined });
    if (state?.end_date_time !== undefined)
      spans.push({ from: Math.max(from, Date.parse(state.end_date_time)), version: undefined });
  }
  return spans;
}

const startOf = (state: Tariff | null | undefined): number | undefined =>
  state?.start_date_time === undefined ? undefined : Date.parse(state.start_date_time);

/** The version that prices at this time. `spans` as `priceSpans` gives them. */
export function versionAt(spans: readonly PriceSpan[], at: number): number | undefined {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as PriceSpan).from <= at) low = middle + 1;
    else high = middle;
  }
  return spans[low - 1]?.version;
}

/** A version of a tariff, deleted since or not. */
export function tariffVersion(tariff: Entity<'tariff'>, version: number): Tariff | undefined {
  const found = tariff.version === version ? tariff : tariff.past.find((one) => one.version === version);
  return found?.state ?? undefined;
}
