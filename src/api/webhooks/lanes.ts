/**
 * The deliveries of one subscription: in order per lane (a charger), a few lanes side by side, each waiting on its own
 * after a failure. A lane whose turn it is holds back only what is behind it in the same lane.
 *
 * When several attempts in a row have failed and then one succeeds, the receiver is back: lanes that wait are tried at
 * once. A lane that fails alone (its contents displease the receiver) is not hurried by the others' success.
 */
import type { Posted } from './post.js';

export interface LanesOptions {
  readonly concurrency: number;
  /** First pause after a failure, the longest, and after how long it is given up (from `accepted`). */
  readonly retry: { readonly firstMs: number; readonly maxMs: number; readonly giveUpMs: number };
  readonly now: () => number;
  readonly random: () => number;
}

export interface Task {
  readonly lane: string;
  /** Epoch milliseconds from which giving up is counted. */
  readonly accepted: number;
  attempt(number: number): Promise<Posted>;
}

export type Ended =
  | { readonly ended: 'delivered' | 'gone' | 'closed' }
  | { readonly ended: 'given-up'; readonly reason: string };

interface Waiting extends Task {
  attempts: number;
  resolve(ended: Ended): void;
}

const DOWN_AFTER = 3;

export class Lanes {
  private readonly lanes = new Map<string, Waiting[]>();
  /** Lanes that may be tried now. */
  private readonly ready: string[] = [];
  private readonly pauses = new Map<string, NodeJS.Timeout>();
  private busy = 0;
  private failures = 0;
  private closed = false;

  constructor(private readonly options: LanesOptions) {}

  /** Resolves when it is delivered, given up, refused for good, or this is closed. Never rejects. */
  push(task: Task): Promise<Ended> {
    if (this.closed) return Promise.resolve({ ended: 'closed' });
    return new Promise((resolve) => {
      const waiting: Waiting = { ...task, attempt: (n) => task.attempt(n), attempts: 0, resolve };
      const lane = this.lanes.get(task.lane);
      if (lane !== undefined) lane.push(waiting);
      else {
        this.lanes.set(task.lane, [waiting]);
        this.ready.push(task.lane);
        this.pump();
      }
    });
  }

  close(): void {
    this.closed = true;
    for (const pause of this.pauses.values()) clearTimeout(pause);
    for (const lane of this.lanes.values()) for (const { resolve } of lane) resolve({ ended: 'closed' });
    this.lanes.clear();
  }

  private pump(): void {
    while (!this.closed && this.busy < this.options.concurrency) {
      const lane = this.ready.shift();
      if (lane === undefined) return;
      this.busy += 1;
      void this.work(lane).finally(() => {
        this.busy -= 1;
        this.pump();
      });
    }
  }

  private async work(name: string): Promise<void> {
    const lane = this.lanes.get(name);
    const task = lane?.[0];
    if (lane === undefined || task === undefined) return;
    task.attempts += 1;
    const posted = await task.attempt(task.attempts);
    if (this.closed) return;
    if (posted.outcome === 'failed') {
      this.failures += 1;
      if (!this.givesUp(task)) {
        this.pauseFor(name, posted, task.attempts);
        return;
      }
      task.resolve({
        ended: 'given-up',
        reason: `${posted.detail}; given up after ${task.attempts} attempts`,
      });
    } else {
      if (posted.outcome === 'delivered') this.receiverAnswers();
      task.resolve({ ended: posted.outcome });
    }
    lane.shift();
    if (lane.length > 0) this.ready.push(name);
    else this.lanes.delete(name);
  }

  private givesUp({ accepted }: Waiting): boolean {
    return this.options.now() - accepted >= this.options.retry.giveUpMs;
  }

  private pauseFor(name: string, { retryAfterMs = 0 }: Posted, attempts: number): void {
    const { firstMs, maxMs } = this.options.retry;
    const grown = Math.min(maxMs, firstMs * 3 ** Math.min(attempts - 1, 20));
    const ms = Math.max((0.75 + this.options.random() / 4) * grown, Math.min(maxMs, retryAfterMs));
    const pause = setTimeout(() => this.resume(name), ms);
    pause.unref();
    this.pauses.set(name, pause);
  }

  private resume(name: string): void {
    clearTimeout(this.pauses.get(name));
    this.pauses.delete(name);
    this.ready.push(name);
    this.pump();
  }

  private receiverAnswers(): void {
    const wasDown = this.failures >= DOWN_AFTER;
    this.failures = 0;
    if (wasDown) for (const name of [...this.pauses.keys()]) this.resume(name);
  }
}
