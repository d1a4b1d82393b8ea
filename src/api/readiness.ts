/** Whether the tables answer, asked in the background: a probe gets the newest answer at once, never a hang. */
import { messageOf } from '../platform/errors.js';
import type { Health } from '../platform/lifecycle.js';
import type { Logger } from '../platform/logger.js';

/** Asks at once, then `everyMs` after each answer. Each change is logged once. */
export function watchReadiness(options: {
  ask: () => Promise<void>;
  everyMs: number;
  log: Logger;
}): Health & { close(): void } {
  const { ask, everyMs, log } = options;
  let reason: string | undefined = 'the tables have not answered yet';
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function look(): Promise<void> {
    const before = reason;
    try {
      await ask();
      reason = undefined;
    } catch (error) {
      reason = messageOf(error);
    }
    if (closed) return;
    if (before !== undefined && reason === undefined) log.info({}, 'ready');
    if (before === undefined && reason !== undefined) log.warn({ reason }, 'not ready');
    timer = setTimeout(() => void look(), everyMs);
  }
  void look();

  return {
    ready: () => reason,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
