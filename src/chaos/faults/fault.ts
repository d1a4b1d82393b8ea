import type { Random } from '../../simulator/random.js';
import type { System } from '../system/system.js';

/** Something that goes wrong: one file each, listed in index.ts. */
export interface Fault {
  readonly name: string;
  readonly about: string;
  /** How many times as often as others it is drawn. What keeps the broker away for long comes seldom. */
  readonly share: number;
  /** Why it cannot be had on this machine, or with this broker; undefined = it can. */
  impossible?(system: System): string | undefined;
  /** Draws what hits whom for how long. Nothing happens yet. */
  plan(random: Random, system: System): Planned;
}

export interface Planned {
  /** What it needs for itself while it lasts: faults of the same thing follow one another, others overlap. */
  readonly on: string;
  /** As a person would say it: "kill -9 ingest-1". */
  readonly what: string;
  /** Does it, and undoes it; resolves when it is over. Whatever the signal says, nothing stays broken. */
  run(context: FaultContext): Promise<void>;
}

export interface FaultContext {
  /** Waits; returns early when the run is being stopped. */
  wait(ms: number): Promise<void>;
  /** Waits for a condition, for at most so long. Returns whether it came true. */
  until(condition: () => Promise<boolean> | boolean, ms: number): Promise<boolean>;
  /** For the protocol: what it did to the system. */
  note(text: string): void;
}

/** "1.2 s", for `what`. */
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
