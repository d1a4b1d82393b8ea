/**
 * Where announcements arrive, for tests of the processor: each once, however often it comes; one that comes with
 * another content than before is refused. It can be away: then nothing is confirmed, and what waits arrives when it is
 * back. What a process has published when it dies may have arrived or not.
 */
import type { Announcement } from '../../../domain/messages/charging-events.js';
import type { Notification } from '../../../domain/messages/notifications.js';
import { WattstreamError } from '../../../platform/errors.js';
import type { EventPublisher } from '../../../queues/ports.js';

export interface Wire {
  readonly publisher: Pick<EventPublisher, 'publishChargingEvent' | 'publishNotification'>;
  /** From now on nothing is confirmed to this process; what it has published arrives all the same. */
  silence(): void;
  /** From now on nothing arrives any more. */
  cut(): void;
}

export interface WireOptions {
  /** Awaited before each arrival. */
  readonly delay?: () => Promise<void>;
  /** Ids that are not as their schema says. */
  readonly invalid?: (id: string) => boolean;
}

export class Broadcast {
  readonly events = new Map<string, string>();
  readonly notifications = new Map<string, string>();
  /** Arrivals, repeats included. */
  arrived = 0;
  away = false;
  private waiting: (() => void)[] = [];

  back(): void {
    this.away = false;
    for (const arrive of this.waiting.splice(0)) arrive();
  }

  connect({ delay, invalid = () => false }: WireOptions = {}): Wire {
    let isCut = false;
    let isSilent = false;
    const publish = async (known: Map<string, string>, id: string, text: string): Promise<void> => {
      if (invalid(id)) throw new WattstreamError('MESSAGE_INVALID', `${id} is not as its schema says`);
      await delay?.();
      if (this.away) await new Promise<void>((resolve) => this.waiting.push(resolve));
      if (isCut) return new Promise(() => {});
      const before = known.get(id);
      if (before !== undefined && before !== text)
        throw new Error(`two contents of ${id}: ${before} ${text}`);
      known.set(id, text);
      this.arrived++;
      return isSilent ? new Promise(() => {}) : undefined;
    };
    return {
      publisher: {
        publishChargingEvent: (event) => publish(this.events, event.id, JSON.stringify(event)),
        publishNotification: (told) => publish(this.notifications, told.id, JSON.stringify(told)),
      },
      silence() {
        isSilent = true;
      },
      cut() {
        isCut = true;
      },
    };
  }

  /** In the order of ids. */
  all(): Announcement[] {
    return [...this.events]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => JSON.parse(text) as Announcement);
  }

  told(): Notification[] {
    return [...this.notifications]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => JSON.parse(text) as Notification);
  }
}
