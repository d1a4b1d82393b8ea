/** Commands that wait for their charger: in one durable queue with one active consumer, unacknowledged for days if need be. */
import { type KeptCommand, keptCommand } from '../../domain/messages/commands.js';
import { messageNames } from '../../domain/messages/names.js';
import type { KeptCommands, Outcome } from '../ports.js';
import { validated } from '../validate.js';
import type { QueueConnection } from './connection.js';
import { Outbox } from './outbox.js';
import { createWorkQueue } from './work-queue.js';

export interface KeptCommandsOptions {
  readonly connection: QueueConnection;
  readonly prefix: string;
  readonly maxUnconfirmed?: number;
}

/** Handed over at once: one that waits in the broker behind others would not be sent when its charger comes. */
const PREFETCH = 20_000;

export function createKeptCommands({
  connection,
  prefix,
  maxUnconfirmed = 1_000,
}: KeptCommandsOptions): KeptCommands {
  const queue = messageNames(prefix).queues.keptCommands;
  const outbox = new Outbox({ connection, name: 'kept commands', maxUnconfirmed });
  return {
    async keep(command: KeptCommand) {
      const message = validated(keptCommand, command, 'A kept command');
      await outbox.send({
        exchange: '',
        routingKey: queue,
        body: Buffer.from(JSON.stringify(message)),
        properties: {
          messageId: message.id,
          type: message.type,
          appId: message.chargePointId,
          timestamp: Math.floor(Date.parse(message.at) / 1_000),
          contentType: 'application/json',
          persistent: true,
          mandatory: true,
        },
      });
    },
    consume(take) {
      const consumer = createWorkQueue({ connection, prefix, queue }).consume({
        prefetch: PREFETCH,
        attempts: 1,
        handle: ({ body }) => {
          const parsed = keptCommand.safeParse(body);
          if (!parsed.success)
            return Promise.resolve({ outcome: 'dead-letter', reason: parsed.error.message });
          return new Promise<Outcome>((resolve) => take(parsed.data, () => resolve({ outcome: 'ack' })));
        },
      });
      // What is not settled is nobody's work to finish.
      return { close: (drainMs = 0) => consumer.close(drainMs) };
    },
    close: () => outbox.close(5_000),
  };
}
