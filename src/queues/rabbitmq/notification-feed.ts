/**
 * Notifications for one process that shows them: an exclusive queue that vanishes with the connection, taken without
 * acknowledgement. What is published while there is no queue is not missed unnoticed: `down` and `up` say so, and whoever
 * listens begins anew.
 *
 * `up` comes after the binding and before the consumer: what is in the queue was published after `up`.
 */
import { randomBytes } from 'node:crypto';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { messageNames } from '../../domain/messages/names.js';
import type { Notification } from '../../domain/messages/notifications.js';
import type { Consumer, NotificationFeed, NotificationListener } from '../ports.js';
import type { KeptChannel, QueueConnection } from './connection.js';

/**
 * A process that cannot follow loses the oldest: listeners notice by `previous`. One that is halted is cut off by its
 * heartbeats long before.
 */
const LONGEST_QUEUE = 200_000;

export const createNotificationFeed = ({
  connection,
  prefix,
}: {
  connection: QueueConnection;
  prefix: string;
}): NotificationFeed => ({
  listen(listener: NotificationListener): Consumer {
    const names = messageNames(prefix);
    const { log } = connection;
    const accept = (message: ConsumeMessage | null): void => {
      // The broker took the queue away (somebody deleted it): as good as a connection lost.
      if (message === null) return void kept.renew();
      const notification = parsed(message);
      if (notification === undefined)
        log.warn({ id: message.properties.messageId }, 'a notification that is none was left out');
      else listener.notification(notification);
    };
    const kept: KeptChannel = connection.channel({
      name: 'notifications to show',
      async use(channel: ConfirmChannel) {
        const queue = names.shown(randomBytes(9).toString('base64url'));
        await channel.assertQueue(queue, {
          exclusive: true,
          autoDelete: true,
          durable: false,
          arguments: { 'x-max-length': LONGEST_QUEUE, 'x-overflow': 'drop-head' },
        });
        await channel.bindQueue(queue, names.exchanges.notifications, '#');
        listener.up();
        await channel.consume(queue, accept, { noAck: true, exclusive: true });
      },
      onGone: () => listener.down(),
    });
    return { close: () => kept.close() };
  },
});

/** Publishers validate; here only what a listener cannot do without. */
function parsed({ content }: ConsumeMessage): Notification | undefined {
  try {
    const value = JSON.parse(content.toString()) as Partial<Notification>;
    const { id, type, at, audience, event } = value;
    const usable =
      typeof id === 'string' &&
      typeof type === 'string' &&
      typeof at === 'string' &&
      typeof audience === 'object' &&
      audience !== null &&
      typeof event?.type === 'string';
    return usable ? (value as Notification) : undefined;
  } catch {
    return undefined;
  }
}
