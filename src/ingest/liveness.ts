/**
 * A killed gateway writes no `Disconnected`. So it says that it lives, into every partition, and readers of the
 * log close its connections when it starts again or falls silent (RULES: Status and availability).
 */
import type { FrameRecord } from '../domain/ocpp/record.js';
import { messageOf } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import type { FramePublisher } from '../streams/ports.js';

export const ALIVE_MS = 30_000;

export interface Liveness {
  close(): void;
}

/** Publishes GatewayStarted now (ahead of every Connected of this process) and GatewayAlive from then on. */
export function sayAlive(options: {
  publisher: Pick<FramePublisher, 'publishToAll'>;
  gateway: string;
  now: () => number;
  log: Logger;
  everyMs?: number;
}): Liveness {
  const { publisher, gateway, now, log } = options;
  let waiting = false;
  const say = (subject: 'GatewayStarted' | 'GatewayAlive'): void => {
    // While confirms are missing one is enough: readers count from the last one stored.
    if (waiting) return;
    waiting = true;
    const record: FrameRecord = {
      body: '{}',
      subject,
      chargePointId: gateway,
      receivedAt: now(),
      direction: 'in',
      gateway,
    };
    publisher
      .publishToAll(record)
      .catch((error: unknown) => log.warn({ subject, error: messageOf(error) }, 'was not recorded'))
      .finally(() => {
        waiting = false;
      });
  };
  say('GatewayStarted');
  const timer = setInterval(() => say('GatewayAlive'), options.everyMs ?? ALIVE_MS).unref();
  return { close: () => clearInterval(timer) };
}
