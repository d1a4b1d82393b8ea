/** Which of several nodes to connect to. */
import { WattstreamError } from './errors.js';

/** An attempt that takes longer than this gets company: a node that hangs accepts connections and says nothing. */
export const HEAD_START_MS = 1_000;

/**
 * Opens the addresses in their order: the next one when the one before has failed, or has not answered within
 * `headStartMs`. The first that answers wins; others that answer later are dropped. Rejects when all have
 * failed: with what says most, which is a refusal rather than silence.
 */
export function firstToAnswer<A, T>(
  addresses: readonly A[],
  open: (address: A) => Promise<T>,
  drop: (late: T) => unknown,
  headStartMs = HEAD_START_MS,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const failures: unknown[] = [];
    let next = 0;
    let won = false;
    let timer: NodeJS.Timeout | undefined;
    const tryNext = (): void => {
      clearTimeout(timer);
      const address = addresses[next++];
      if (won || address === undefined) return;
      if (next < addresses.length) timer = setTimeout(tryNext, headStartMs);
      open(address).then(
        (opened) => {
          clearTimeout(timer);
          if (won) drop(opened);
          else resolve(opened);
          won = true;
        },
        (error: unknown) => {
          failures.push(error);
          if (failures.length === addresses.length) reject(failures.find(isRefusal) ?? failures[0]);
          else tryNext();
        },
      );
    };
    tryNext();
  });
}

const SILENCE = ['STREAM_CONNECT_FAILED', 'BROKER_UNREACHABLE'];
const isRefusal = (error: unknown): boolean =>
  !(error instanceof WattstreamError && SILENCE.includes(error.code));
