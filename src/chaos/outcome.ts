/** The result of one run, as it is written down. */
import type { LoadProgress } from './load.js';
import type { Entry } from './protocol.js';

export interface CheckOutcome {
  readonly name: string;
  readonly about: string;
  readonly compared: Readonly<Record<string, number>>;
  readonly differences: number;
  readonly first: readonly string[];
}

export interface RunOutcome {
  readonly seed: number;
  readonly settings: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly versions: Readonly<Record<string, string>>;
  /** By kind, how many came. */
  readonly faults: Readonly<Record<string, number>>;
  /** Kinds that could not be had, and why. */
  readonly impossible: Readonly<Record<string, string>>;
  /** Faults that others injected meanwhile. */
  readonly fromOutside: number;
  /** Processes that ended by themselves: no difference in what is stored, but a defect to look at. */
  readonly crashes: number;
  /** Warnings and errors of the processes, numbers left out; how often each came. */
  readonly complaints: Readonly<Record<string, number>>;
  readonly scenarios: Readonly<Record<string, number>>;
  readonly load: LoadProgress;
  readonly checks: readonly CheckOutcome[];
  /** Differences over all checks. */
  readonly differences: number;
  /** Why the run did not come to its end; undefined when it did. */
  readonly broken: string | undefined;
  readonly seconds: number;
  readonly protocol: readonly Entry[];
}

/** Nothing differed, and everything was looked at. */
export const isClean = (outcome: RunOutcome): boolean =>
  outcome.broken === undefined && outcome.differences === 0;
