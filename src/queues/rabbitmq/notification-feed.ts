/** Every notification, to this process alone: an exclusive queue that vanishes with its connection. */
import { messageNames } from '../../domain/messages/names.js';
import { notification } from '../../domain/messages/notifications.js';
import { messageOf } from '../../platform/errors.js';
import type { NotificationFeed } from '../ports.js';
import type { QueueConnection } from './connection.js';

export interface NotificationFeedOptions {
  readonly connection: QueueConnection;
  readonly prefix: string;
  /** Notifications on their way here at most; beyond them the oldest in the queue are dropped. Default 10 000. */
  readonly maxLength?: number;
}

export const createNotificationFeed = ({
  connection,
  prefix,
  maxLength = 10_000,
}: NotificationFeedOptions): NotificationFeed => ({
  listen(listener) {
    const { exchanges } = messageNames(prefix);
    let isUp = false;
    const kept = connection.channel({
      name: 'notifications in',
      async use(channel) {
        const { queue } = await channel.assertQueue('', {
          exclusive: true,
          autoDelete: true,
          durable: false,
          // A process that hangs is not to fill the broker. Who misses one sees it by its version.
          arguments: { 'x-max-length': maxLength },
        });
        await channel.bindQueue(queue, exchanges.notifications, '#');
        await channel.consume(
          queue,
          (message) => {
            if (!message) {
              void kept.renew();
              return;
            }
            try {
              const told = notification.parse(JSON.parse(message.content.toString()));
              if (isUp) listener.notification(told);
            } catch (error) {
              connection.log.error(
                {
                  code: 'NOTIFICATION_UNREADABLE',
                  message: message.properties.messageId,
                  error: messageOf(error),
                },
                'a notification was dropped',
              );
            }
          },
          { noAck: true, exclusive: true },
        );
        // Before the first message: they come in later turns.
        isUp = true;
        listener.up();
      },
      onGone() {
        if (!isUp) return;
        isUp = false;
        listener.down();
      },
    });
    return { close: () => kept.close() };
  },
});
