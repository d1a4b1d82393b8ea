/**
 * Steps of commands, and customers' starts and stops, are told to people as they happen: whoever publishes such an event
 * publishes its notification too, with the event's id, once the event is confirmed. (What analytics announces it tells
 * itself, and so does the registry.)
 *
 * Nobody waits for the notification: a command is not held up by those who watch it. A process that dies in between leaves
 * the event without its notification; the log has it, and snapshots are made of the log.
 */
import type { ChargingEventMessage } from '../domain/messages/charging-events.js';
import type { Notification } from '../domain/messages/notifications.js';
import { messageOf } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import type { EventPublisher } from './ports.js';

type Events = Pick<EventPublisher, 'publishChargingEvent'>;

export interface TellingOptions {
  readonly publisher: Pick<EventPublisher, 'publishChargingEvent' | 'publishNotification'>;
  readonly stationOf: (chargePointId: string) => string | undefined;
  readonly log: Logger;
}

export const telling = ({ publisher, stationOf, log }: TellingOptions): Events => ({
  async publishChargingEvent(event) {
    await publisher.publishChargingEvent(event);
    publisher
      .publishNotification(notificationOf(event, stationOf))
      .catch((error: unknown) =>
        log.warn(
          { event: event.id, type: event.type, error: messageOf(error) },
          'nobody was told of an event',
        ),
      );
  },
});

function notificationOf(event: ChargingEventMessage, stationOf: TellingOptions['stationOf']): Notification {
  const said = event as { stationId?: string; accountId?: string; chargePointId?: string };
  const station = said.stationId || (said.chargePointId && stationOf(said.chargePointId));
  return {
    id: event.id,
    schema: 1,
    at: event.at,
    type: event.type,
    audience: { stationId: station || null, accountId: said.accountId || null },
    event,
  };
}
