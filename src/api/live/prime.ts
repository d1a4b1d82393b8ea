/** What was announced lately, out of the events log: it keeps what no queue of this process got. */
import { chargingEvent } from '../../domain/messages/charging-events.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { withTimeout } from '../../platform/retry.js';
import type { EventLog, Following } from '../../streams/ports.js';

/** Rejects when it is not level within `timeoutMs`; what was found until then has been taken. */
export const primeFrom =
  (events: EventLog, timeoutMs: number) =>
  async (since: number, take: (notification: Notification) => void): Promise<void> => {
    let following: Following | undefined;
    try {
      const level = new Promise<void>((resolve) => {
        following = events.follow({
          from: { since },
          accept({ body }) {
            const event = parsed(body);
            if (event !== undefined) take(notificationOf(event));
          },
          onLevel: resolve,
        });
      });
      await withTimeout(level, timeoutMs, 'Reading the newest events');
    } finally {
      await following?.close();
    }
  };

function parsed(body: string) {
  try {
    return chargingEvent.safeParse(JSON.parse(body)).data;
  } catch {
    // Somebody else's record: the streams' business, and nothing to show.
    return undefined;
  }
}

/** Ids of notifications are those of their events. */
function notificationOf(
  event: Notification['event'] & { stationId?: string; accountId?: string },
): Notification {
  const { id, at, type, stationId, accountId } = event;
  return {
    id,
    schema: 1,
    at,
    type,
    audience: { stationId: stationId || null, accountId: accountId || null },
    event,
  };
}
