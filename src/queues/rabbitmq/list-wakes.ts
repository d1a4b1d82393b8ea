/**
 * Why chargers' local lists should be looked at: one durable queue with one active consumer, fed by the exchanges of
 * events themselves. A message stays in it until the first look that it asked for has ended at each charger.
 */
import { messageNames } from '../../domain/messages/names.js';
import { listWakeOf } from '../list-wake.js';
import type { ListWakes, Outcome } from '../ports.js';
import type { QueueConnection } from './connection.js';
import { Outbox } from './outbox.js';
import { createWorkQueue } from './work-queue.js';

export interface ListWakesOptions {
  readonly connection: QueueConnection;
  readonly prefix: string;
  readonly now?: () => number;
}

/** Handed over at once, so that a thousand changes are one look. */
const PREFETCH = 20_000;

export function createListWakes({ connection, prefix, now = Date.now }: ListWakesOptions): ListWakes {
  const queue = messageNames(prefix).queues.localLists;
  const outbox = new Outbox({ connection, name: 'local lists', maxUnconfirmed: 1_000 });
  let pushed = 0;
  return {
    async push(chargePointId, full) {
      const at = now();
      await outbox.send({
        exchange: '',
        routingKey: queue,
        body: Buffer.from(JSON.stringify({ type: 'local-list.push', chargePointId, full })),
        properties: {
          messageId: `local-list/${at}/${pushed++}`,
          type: 'local-list.push',
          appId: chargePointId,
          timestamp: Math.floor(at / 1_000),
          contentType: 'application/json',
          persistent: true,
          mandatory: true,
        },
      });
    },
    consume(take, lost) {
      const consumer = createWorkQueue({ connection, prefix, queue }).consume({
        prefetch: PREFETCH,
        attempts: 1,
        ...(lost === undefined ? {} : { lost }),
        handle: ({ body }) => {
          const wake = listWakeOf(body);
          // Nobody's, or not ours to understand (a later version's): each charger is looked at when it comes.
          if (wake === undefined) return Promise.resolve({ outcome: 'ack' });
          return new Promise<Outcome>((resolve) => take(wake, () => resolve({ outcome: 'ack' })));
        },
      });
      return { close: (drainMs = 0) => consumer.close(drainMs) };
    },
    close: () => outbox.close(5_000),
  };
}
