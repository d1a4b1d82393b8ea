/** Which faults come when: drawn from the seed before anything happens. */
import type { Random } from '../simulator/random.js';
import type { Fault, Planned } from './faults/fault.js';
import { shuffled } from './load.js';
import type { System } from './system/system.js';

export interface Scheduled extends Planned {
  readonly fault: string;
  /** Milliseconds after the beginning; later when something else has hold of what it is on. */
  readonly atMs: number;
}

/**
 * `count` faults at random moments of `durationMs`. Each kind comes as often as its share says: kinds are dealt
 * from a shuffled deck, so that in a short run, too, hardly one is missing.
 */
export function schedule(
  system: System,
  faults: readonly Fault[],
  { count, durationMs, random }: { count: number; durationMs: number; random: Random },
): Scheduled[] {
  const possible = faults.filter((fault) => fault.impossible?.(system) === undefined);
  if (possible.length === 0) return [];
  let deck: Fault[] = [];
  const kinds = Array.from({ length: count }, () => {
    if (deck.length === 0) deck = dealt(possible, random);
    return deck.pop() as Fault;
  });
  const times = kinds.map(() => random.between(0, durationMs)).sort((a, b) => a - b);
  return kinds.map((fault, index) => ({
    ...fault.plan(random, system),
    fault: fault.name,
    atMs: Math.round(times[index] as number),
  }));
}

/** Two of what has share 2; one of what has share 0.5 in every second deck. */
function dealt(faults: readonly Fault[], random: Random): Fault[] {
  const deck = faults.flatMap((fault) => {
    const whole = Math.floor(fault.share);
    const one = random.chance(fault.share - whole) ? 1 : 0;
    return Array.from({ length: whole + one }, () => fault);
  });
  return deck.length === 0 ? [...faults] : shuffled(deck, random);
}
