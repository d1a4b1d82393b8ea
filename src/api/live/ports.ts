/** What the live view needs of the rest. */
import type { Notification } from '../../domain/messages/notifications.js';

export interface NotificationListener {
  /** One notification, in the order of the queue. Must not throw. */
  notification(notification: Notification): void;
  /** The queue of this process stands: from now on nothing is missed. Called at each (re)connection. */
  up(): void;
  /** The queue is gone: what is published from now on does not come, until `up`. */
  down(): void;
}

/** Every notification there is (exclusive queue of this process on `notifications`, binding `#`). */
export interface NotificationFeed {
  listen(listener: NotificationListener): { close(): Promise<void> };
}

/** Where charge points stand, as far as the registry knows. */
export interface Whereabouts {
  /** undefined: not registered, or at no station. */
  stationOf(chargePointId: string): string | undefined;
}
