import type { StoredRecord } from '../../streams/ports.js';
import type { Delivered } from '../load.js';
import type { DeliveredCall } from '../oracle/delivered.js';
import type { System } from '../system/system.js';

/** Everything a check may look at, when all is quiet: the log does not grow any more, and analytics is level with it. */
export interface Evidence {
  readonly system: System;
  /** What the chargers know. */
  readonly delivered: Delivered;
  /** The whole log, partition by partition, in its order. */
  readonly log: readonly StoredRecord[];
  /** Calls of each charge point that arrived, in the order of the log. */
  readonly calls: ReadonlyMap<string, readonly DeliveredCall[]>;
  /** A line of progress. */
  say(text: string): void;
}

export interface Outcome {
  /** How many of what were compared. */
  readonly compared: Readonly<Record<string, number>>;
  readonly differences: Differences;
}

/** One sentence each in the report; what is checked by whom stands in the README. */
export interface Check {
  readonly name: string;
  readonly about: string;
  run(evidence: Evidence): Promise<Outcome>;
}

/** Counts all, keeps the first. */
export class Differences {
  static readonly KEPT = 20;
  readonly first: string[] = [];
  count = 0;

  add(text: string): void {
    this.count++;
    if (this.first.length < Differences.KEPT) this.first.push(text);
  }
}
