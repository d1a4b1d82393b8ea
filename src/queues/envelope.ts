/** How a message of ours looks on an exchange, whoever carries it. */
import { type ChargingEventMessage, chargingEvent } from '../domain/messages/charging-events.js';
import { type CmsEvent, cmsEvent } from '../domain/messages/cms-events.js';
import type { MessageNames } from '../domain/messages/names.js';
import { type Notification, notification, routingKeys } from '../domain/messages/notifications.js';
import { validated } from './validate.js';

export interface Envelope {
  readonly exchange: string;
  readonly routingKey: string;
  /** Further routing keys: a queue that matches several gets the message once. */
  readonly cc: readonly string[];
  readonly messageId: string;
  readonly type: string;
  /** Charge point or entity. Arrives in a stream as its group id. */
  readonly appId: string;
  /** Epoch seconds: AMQP 0-9-1 has no finer time. The exact one is in the body. */
  readonly timestamp: number;
  readonly body: string;
}

const seconds = (instant: string): number => Math.floor(Date.parse(instant) / 1_000);

export const ofChargingEvent = (names: MessageNames, event: ChargingEventMessage): Envelope => {
  const message = validated(chargingEvent, event, 'A charging event');
  return {
    exchange: names.exchanges.chargingEvents,
    routingKey: message.type,
    cc: [],
    messageId: message.id,
    type: message.type,
    appId: subjectOf(message),
    timestamp: seconds(message.at),
    body: JSON.stringify(message),
  };
};

export const ofCmsEvent = (names: MessageNames, event: CmsEvent): Envelope => {
  const message = validated(cmsEvent, event, 'A CMS event');
  return {
    exchange: names.exchanges.cmsEvents,
    routingKey: message.type,
    cc: [],
    messageId: message.id,
    type: message.type,
    appId: message.entityId,
    timestamp: seconds(message.at),
    body: JSON.stringify(message),
  };
};

export const ofNotification = (names: MessageNames, told: Notification): Envelope => {
  const message = validated(notification, told, 'A notification');
  const [first = '', ...cc] = routingKeys(message);
  return {
    exchange: names.exchanges.notifications,
    routingKey: first,
    cc,
    messageId: message.id,
    type: message.type,
    appId: subjectOf(message.event),
    timestamp: seconds(message.at),
    body: JSON.stringify(message),
  };
};

const subjectOf = (event: ChargingEventMessage | CmsEvent): string =>
  'chargePointId' in event ? event.chargePointId : 'entityId' in event ? event.entityId : '';
