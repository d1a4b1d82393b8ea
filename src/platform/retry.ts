import { setTimeout as sleep } from 'node:timers/promises';
import { WattstreamError } from './errors.js';

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Exponential with full jitter: attempt 0 waits up to firstMs, each further one up to twice as long. */
export const backoffMs = (
  attempt: number,
  { firstMs, maxMs }: Backoff,
  random: () => number = Math.random,
): number => Math.round((0.5 + random() / 2) * Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30)));

/** Tries until `work` succeeds or the signal aborts (then rejects with the signal's reason). */
export async function untilSuccess<T>(
  work: (attempt: number) => Promise<T>,
  options: { backoff: Backoff; signal?: AbortSignal; onFailure?: (error: unknown, attempt: number) => void },
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      options.onFailure?.(error, attempt);
      await sleep(backoffMs(attempt, options.backoff), undefined, { signal: options.signal });
    }
  }
}

/** Rejects with code TIMEOUT when `promise` has not settled in time. The work itself goes on. */
export async function withTimeout<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new WattstreamError('TIMEOUT', `${what} took longer than ${ms} ms`, { canRetry: true })),
      ms,
    );
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
