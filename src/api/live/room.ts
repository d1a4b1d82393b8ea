/**
 * One room of one process: its changes, numbered without gaps, and the newest of them kept for those who come back.
 *
 * A number means something only together with the epoch: a random name for one unbroken run of numbers. It ends when
 * something may have been missed (the queue was gone), when the room was given up, and with the process; whoever comes
 * back with another epoch gets a snapshot.
 */
import { randomBytes } from 'node:crypto';
import type { News } from './news.js';

export interface Change {
  readonly room: string;
  readonly epoch: string;
  readonly seq: number;
  readonly notification: News;
}

export class Room {
  private current = newEpoch();
  private last = 0;
  /** The newest `keep` changes, as a ring: change `seq` stands at `seq % keep`. */
  private readonly ring: Change[] = [];
  /** Those who are in it, and those whose snapshot is being read. */
  holders = 0;
  emptySince = 0;

  constructor(
    readonly name: string,
    private readonly keep: number,
  ) {}

  get epoch(): string {
    return this.current;
  }
  /** Of the newest change; 0 before the first. */
  get seq(): number {
    return this.last;
  }

  append(notification: News): Change {
    this.last += 1;
    const change = { room: this.name, epoch: this.current, seq: this.last, notification };
    this.ring[this.last % this.keep] = change;
    return change;
  }

  /** What came after `seq`; undefined when that is no longer, or never was, known here. */
  since(epoch: string, seq: number): Change[] | undefined {
    if (epoch !== this.current || seq > this.last || this.last - seq > this.keep) return undefined;
    const changes: Change[] = [];
    for (let at = seq + 1; at <= this.last; at++) changes.push(this.ring[at % this.keep] as Change);
    return changes;
  }

  restart(): void {
    this.current = newEpoch();
    this.last = 0;
    this.ring.length = 0;
  }
}

const newEpoch = (): string => randomBytes(9).toString('base64url');
