/**
 * Why chargers' local lists should be looked at: one durable queue with one active consumer, fed by the exchanges of
 * events themselves. A message stays in it until the look that it asked for has ended.
 */
import { z } from 'zod';
import { messageNames } from '../../domain/messages/names.js';
import type { ListWake, ListWakes, Outcome } from '../ports.js';
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

const online = z
  .object({ type: z.literal('charger.online'), chargePointId: z.string() })
  .transform(({ chargePointId }): ListWake => ({ kind: 'online', chargePointId }));
const changed = z
  .object({
    type: z.string().startsWith('cms.'),
    kind: z.enum(['token', 'account', 'point']),
    entityId: z.string(),
    at: z.string(),
  })
  .transform(
    ({ kind, entityId, at }): ListWake => ({
      kind: 'changed',
      entity: kind,
      id: entityId,
      at,
      redelivered: false,
    }),
  );
const push = z
  .object({ type: z.literal('local-list.push'), chargePointId: z.string(), full: z.boolean() })
  .transform(({ chargePointId, full }): ListWake => ({ kind: 'push', chargePointId, full }));
/** What each message of the queue asks for. */
const listWake = z.union([online, changed, push]);

function wakeOf(body: unknown, redelivered: boolean): ListWake | undefined {
  const wake = listWake.safeParse(body).data;
  return wake?.kind === 'changed' ? { ...wake, redelivered } : wake;
}

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
        handle: ({ body, redelivered }) => {
          const wake = wakeOf(body, redelivered);
          // Not ours to understand (a later version's): nothing is lost with it, each charger is looked at when it comes.
          if (wake === undefined) return Promise.resolve({ outcome: 'ack' });
          return new Promise<Outcome>((resolve) => take(wake, () => resolve({ outcome: 'ack' })));
        },
      });
      return { close: (drainMs = 0) => consumer.close(drainMs) };
    },
    close: () => outbox.close(5_000),
  };
}
