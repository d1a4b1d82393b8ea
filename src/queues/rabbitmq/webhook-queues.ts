/**
 * The queues of webhooks. A subscription's messages wait unacknowledged with its consumer while the receiver is away, for
 * a day and longer: hence its own `x-consumer-timeout` (RabbitMQ's is 30 minutes) and no delivery limit (20 in 4.x).
 */
import type { Channel } from 'amqplib';
import { messageNames } from '../../domain/messages/names.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { closeAmqp, declareQueue } from '../../platform/amqp.js';
import { WattstreamError } from '../../platform/errors.js';
import type { WebhookQueues } from '../ports.js';
import type { QueueConnection } from './connection.js';
import { Outbox } from './outbox.js';
import { createWorkQueue } from './work-queue.js';

export interface WebhookQueuesOptions {
  readonly connection: QueueConnection;
  readonly prefix: string;
  readonly replicas?: number;
  readonly now?: () => number;
}

const CONSUMER_TIMEOUT_MS = 8 * 24 * 3_600_000;
/** A receiver that is away for long: beyond this the oldest go. */
const LONGEST_QUEUE = 1_000_000;
/** What is fanned out at once times subscriptions. */
const UNCONFIRMED = 100_000;

export function createWebhookQueues({
  connection,
  prefix,
  replicas,
  now = Date.now,
}: WebhookQueuesOptions): WebhookQueues {
  const names = messageNames(prefix);
  const outbox = new Outbox({ connection, name: 'webhooks', maxUnconfirmed: UNCONFIRMED });
  const attempts = new Outbox({ connection, name: 'attempts of webhooks', maxUnconfirmed: 10_000 });

  const withChannel = async (work: (channel: Channel) => Promise<unknown>): Promise<void> => {
    const { current } = connection;
    if (current === undefined)
      throw (
        connection.trouble ?? new WattstreamError('BROKER_UNREACHABLE', 'No connection', { canRetry: true })
      );
    const channel = await current.createChannel();
    channel.on('error', () => {});
    try {
      await work(channel);
    } finally {
      await closeAmqp(channel);
    }
  };
  return {
    incoming: () => createWorkQueue({ connection, prefix, queue: names.queues.notifications }),
    async ensure(id) {
      const { current } = connection;
      if (current === undefined)
        throw (
          connection.trouble ?? new WattstreamError('BROKER_UNREACHABLE', 'No connection', { canRetry: true })
        );
      const [major = 0] = String(current.connection.serverProperties.version).split('.').map(Number);
      await declareQueue(current, names.webhook(id), {
        'x-queue-type': 'quorum',
        'x-single-active-consumer': true,
        'x-consumer-timeout': CONSUMER_TIMEOUT_MS,
        'x-max-length': LONGEST_QUEUE,
        'x-overflow': 'drop-head',
        'x-queue-leader-locator': 'balanced',
        ...(major >= 4 ? { 'x-delivery-limit': -1 } : {}),
        ...(replicas === undefined ? {} : { 'x-quorum-initial-group-size': replicas }),
      });
    },
    remove: (id) => withChannel((channel) => channel.deleteQueue(names.webhook(id))),
    hand: (id, notification: Notification) =>
      outbox.send({
        exchange: '',
        routingKey: names.webhook(id),
        body: Buffer.from(JSON.stringify(notification)),
        properties: {
          messageId: notification.id,
          type: notification.type,
          timestamp: Math.floor(now() / 1_000),
          contentType: 'application/json',
          persistent: true,
          // Not mandatory: a subscription that was deleted meanwhile must hold nobody up.
        },
      }),
    work: (id) => createWorkQueue({ connection, prefix, queue: names.webhook(id) }),
    record(attempt) {
      attempts
        .send({
          exchange: '',
          routingKey: names.streams.webhookAttempts,
          body: Buffer.from(JSON.stringify(attempt)),
          properties: { messageId: `${now()}`, contentType: 'application/json', persistent: true },
        })
        .catch(() => {});
    },
    async close() {
      await outbox.close(5_000);
      await attempts.close(1_000);
    },
  };
}
