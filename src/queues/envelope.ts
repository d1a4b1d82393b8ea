/** How a message of ours looks on an exchange, whoever carries it. */
import { type ChargingEventMessage, chargingEvent } from '../domain/messages/charging-events.js';
import { type CmsEvent, cmsEvent } from '../domain/messages/cms-events.js';
import { type LoginEvent, loginEvent } from '../domain/messages/login-events.js';
import type { MessageNames } from '../domain/messages/names.js';
import { type Notification, notification, routingKeys } from '../domain/messages/notifications.js';
import { WattstreamError } from '../platform/errors.js';
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

/** AMQP's short strings: ids, types and routing keys. */
const SHORT_BYTES = 255;
/** The longest beginning of `text` that fits. */
const short = (text: string): string =>
  Buffer.byteLength(text) <= SHORT_BYTES
    ? text
    : Buffer.from(text)
        .toString('utf8', 0, SHORT_BYTES - 3)
        .replace(/\uFFFD$/, '');

const fits = (text: string, what: string): string => {
  if (Buffer.byteLength(text) <= SHORT_BYTES) return text;
  throw new WattstreamError(
    'MESSAGE_INVALID',
    `The ${what} of a message is longer than ${SHORT_BYTES} bytes`,
  );
};

const seconds = (instant: string): number => Math.floor(Date.parse(instant) / 1_000);

export const ofChargingEvent = (names: MessageNames, event: ChargingEventMessage): Envelope => {
  const message = validated(chargingEvent, event, 'A charging event');
  return {
    exchange: names.exchanges.chargingEvents,
    routingKey: message.type,
    cc: [],
    messageId: fits(message.id, 'id'),
    type: message.type,
    appId: short(subjectOf(message)),
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
    messageId: fits(message.id, 'id'),
    type: message.type,
    appId: short(message.entityId),
    timestamp: seconds(message.at),
    body: JSON.stringify(message),
  };
};

export const ofLoginEvent = (names: MessageNames, event: LoginEvent): Envelope => {
  const message = validated(loginEvent, event, 'An event of a login');
  return {
    exchange: names.exchanges.logins,
    routingKey: message.type,
    cc: [],
    messageId: fits(message.id, 'id'),
    type: message.type,
    appId: short(message.accountId),
    timestamp: seconds(message.at),
    body: JSON.stringify(message),
  };
};

export const ofNotification = (names: MessageNames, told: Notification): Envelope => {
  const message = validated(notification, told, 'A notification');
  const [first = '', ...cc] = routingKeys(message);
  return {
    exchange: names.exchanges.notifications,
    routingKey: fits(first, 'routing key'),
    cc,
    messageId: fits(message.id, 'id'),
    type: fits(message.type, 'type'),
    appId: short(subjectOf(message.event)),
    timestamp: seconds(message.at),
    body: JSON.stringify(message),
  };
};

const subjectOf = (event: ChargingEventMessage | CmsEvent): string =>
  'chargePointId' in event ? event.chargePointId : 'entityId' in event ? event.entityId : '';
