/** An event is published, comes back through the log, and is judged at its place there: waiting for that. */
import { WattstreamError } from '../platform/errors.js';
import { withTimeout } from '../platform/retry.js';
import type { JudgedIn } from './replica.js';

export interface JudgementsOptions<Event extends { readonly id: string }, Judgement> {
  readonly replica: { onJudged(listener: (judged: JudgedIn<Event, Judgement>) => void): () => void };
  publish(event: Event): Promise<void>;
  /** Longest wait for a judgement (WATTSTREAM_REGISTRY_WRITE_MS). */
  readonly writeMs: number;
  /** For who does not hear in time. */
  readonly remedy: string;
}

export class Judgements<Event extends { readonly id: string }, Judgement> {
  private readonly waiting = new Map<string, (judged: JudgedIn<Event, Judgement>) => void>();

  constructor(private readonly options: JudgementsOptions<Event, Judgement>) {
    options.replica.onJudged((judged) => this.waiting.get(judged.event.id)?.(judged));
  }

  /** Publishes it. Rejects with REGISTRY_UNANSWERED (it may still apply), and as the publisher does. */
  async of(event: Event): Promise<JudgedIn<Event, Judgement>> {
    const judged = new Promise<JudgedIn<Event, Judgement>>((resolve, reject) => {
      this.waiting.set(event.id, resolve);
      // The confirm itself is not waited for: what has come back through the log is in it.
      this.options.publish(event).catch(reject);
    });
    try {
      return await this.withinTime(judged, 'Its judgement');
    } finally {
      this.waiting.delete(event.id);
    }
  }

  async withinTime<T>(work: Promise<T>, what: string): Promise<T> {
    try {
      return await withTimeout(work, this.options.writeMs, what);
    } catch (error) {
      if (!(error instanceof WattstreamError) || error.code !== 'TIMEOUT') throw error;
      throw new WattstreamError('REGISTRY_UNANSWERED', `${error.message}; it may still apply`, {
        canRetry: true,
        cause: error,
        remedy: this.options.remedy,
      });
    }
  }
}
