/**
 * Samples that go by connector and time (rules, "Sessions"): those that named no transaction, and those that
 * named one whose start is not known. The latter stay with their transaction, for as soon as its start comes,
 * however late, they are its own and nobody else's.
 */
import { addPoints, type SeriesSet } from './series.js';
import type { ChargePointState } from './state.js';
import { evseOf } from './state.js';

/** Notes that a transaction without a known start was measured at this EVSE. True when that is new. */
export function noteUnstarted(state: ChargePointState, evseId: number, key: string): boolean {
  const { unstarted } = evseOf(state, evseId);
  if (unstarted.includes(key)) return false;
  unstarted.push(key);
  unstarted.sort();
  return true;
}

/** The EVSEs at which a transaction was measured before its start was known. */
export const evsesMeasuring = (state: ChargePointState, key: string): number[] =>
  Object.entries(state.core.evses).flatMap(([evseId, evse]) =>
    evse.unstarted.includes(key) ? [Number(evseId)] : [],
  );

/** Sets of samples that may belong to whoever charges at the EVSE; `own` are parts that are tagged to them anyway. */
export function untaggedAt(
  state: ChargePointState,
  evseId: number | null,
  own: readonly string[],
): SeriesSet[] {
  // EVSE 0 is the main meter: never.
  const evse = evseId === null || evseId === 0 ? undefined : state.core.evses[evseId];
  if (evse === undefined) return [];
  const unstarted = evse.unstarted.flatMap((key) => {
    const part = state.parts.get(key);
    return part === undefined || part.starts.length > 0 || own.includes(key) ? [] : [part.samples];
  });
  return [evse.samples, ...unstarted];
}

/** Before a transaction is forgotten whose start never came: its samples become nobody's. */
export function releaseSamples(state: ChargePointState, key: string): void {
  const part = state.parts.get(key);
  for (const evse of Object.values(state.core.evses)) {
    if (!evse.unstarted.includes(key)) continue;
    evse.unstarted = evse.unstarted.filter((other) => other !== key);
    if (part !== undefined && part.starts.length === 0) addPoints(evse.samples, part.samples);
  }
}
