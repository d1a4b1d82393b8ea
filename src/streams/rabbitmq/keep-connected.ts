import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { type Backoff, backoffMs } from '../../platform/retry.js';
import type { StreamClient } from './client.js';

/** A connection that held this long counts as good: the next attempt is made at once again. */
const SETTLED_MS = 10_000;

/**
 * Keeps one connection for as long as the signal lets it: connects, hands it to `use`, waits until it is gone,
 * and begins again with a new one (fresh addresses, nothing carried over) after a pause that grows with each
 * failure in a row. Resolves when the signal aborts, after the last connection was closed; never rejects.
 */
export async function keepConnected(options: {
  connect(): Promise<StreamClient>;
  /** Prepares the connection. When it rejects, the connection is given up. */
  use(client: StreamClient): Promise<void>;
  /** The connection that `use` had is gone. */
  onGone(): void;
  signal: AbortSignal;
  backoff: Backoff;
  log: Logger;
}): Promise<void> {
  const { signal, log } = options;
  const aborted = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  for (let attempt = 0; !signal.aborted; attempt++) {
    let client: StreamClient | undefined;
    const startedAt = performance.now();
    try {
      const connecting = options.connect();
      client = (await Promise.race([connecting, aborted])) ?? undefined;
      if (!client) {
        // Nobody waits for it any more; should it still come, it is let go.
        connecting.then((late) => late.close()).catch(() => {});
        return;
      }
      // Whatever ends the connection also ends `use`, whose requests all go over it.
      await options.use(client);
      const reason = await Promise.race([client.gone, aborted]);
      if (reason) throw reason;
    } catch (error) {
      if (!signal.aborted)
        log.warn(
          {
            code: error instanceof WattstreamError ? error.code : 'STREAM_CONNECTION_LOST',
            error: messageOf(error),
            remedy: error instanceof WattstreamError ? error.remedy : undefined,
            attempt,
          },
          'no connection to RabbitMQ streams; a new one follows',
        );
    }
    if (client) {
      options.onGone();
      await client.close();
    }
    if (performance.now() - startedAt > SETTLED_MS) attempt = -1;
    await sleep(backoffMs(Math.max(0, attempt), options.backoff), undefined, { signal }).catch(() => {});
  }
}
