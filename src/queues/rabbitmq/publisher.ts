/** Facts onto the exchanges: confirmed, persistent, at least once, in the order in which they were given. */
import type { ChargingEventMessage } from '../../domain/messages/charging-events.js';
import type { CmsEvent } from '../../domain/messages/cms-events.js';
import type { LoginEvent } from '../../domain/messages/login-events.js';
import { messageNames } from '../../domain/messages/names.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { type Envelope, ofChargingEvent, ofCmsEvent, ofLoginEvent, ofNotification } from '../envelope.js';
import type { EventPublisher } from '../ports.js';
import type { QueueConnection } from './connection.js';
import { Outbox } from './outbox.js';

export interface EventPublisherOptions {
  readonly connection: QueueConnection;
  readonly prefix: string;
  /** Default 20 000 (WATTSTREAM_EVENTS_UNCONFIRMED_MAX). */
  readonly maxUnconfirmed?: number;
}

export function createEventPublisher({
  connection,
  prefix,
  maxUnconfirmed = 20_000,
}: EventPublisherOptions): EventPublisher {
  const names = messageNames(prefix);
  const outbox = new Outbox({ connection, name: 'events', maxUnconfirmed });
  const send = (envelope: Envelope): Promise<void> =>
    outbox.send({
      exchange: envelope.exchange,
      routingKey: envelope.routingKey,
      body: Buffer.from(envelope.body),
      properties: {
        messageId: envelope.messageId,
        type: envelope.type,
        appId: envelope.appId,
        timestamp: envelope.timestamp,
        contentType: 'application/json',
        persistent: true,
        // Each of the exchanges has a queue or stream bound to all of it: what comes back was not kept.
        mandatory: true,
        ...(envelope.cc.length > 0 ? { CC: [...envelope.cc] } : {}),
      },
    });
  return {
    publishChargingEvent: async (event: ChargingEventMessage) => send(ofChargingEvent(names, event)),
    publishCMSEvent: async (event: CmsEvent) => send(ofCmsEvent(names, event)),
    publishLoginEvent: async (event: LoginEvent) => send(ofLoginEvent(names, event)),
    publishNotification: async (notification: Notification) => send(ofNotification(names, notification)),
    get unconfirmed() {
      return outbox.unconfirmed;
    },
    close: (drainMs = 5_000) => outbox.close(drainMs),
  };
}
