/** A log in memory and what publishes to it, as far as the tests of this folder need them. */
import type { CmsEvent } from '../../domain/messages/cms-events.js';
import type { Notification } from '../../domain/messages/notifications.js';
import type { EventLog, EventRecord } from '../../streams/ports.js';

type Follow = Parameters<EventLog['follow']>[0];

/** Hands on in later turns, as a broker does; `hold` keeps back what is appended until `release`. */
export class FakeLog implements EventLog {
  readonly records: EventRecord[] = [];
  private readonly followers = new Set<() => void>();
  firstKept = 0;
  away = false;

  append(id: string, body: string): void {
    const offset = this.records.length;
    this.records.push({ offset, id, body, routingKey: '', app: '', publishedAt: 0 });
    for (const wake of this.followers) wake();
  }

  follow({ from, accept, onLevel }: Follow) {
    let next =
      'after' in from
        ? from.after + 1
        : 'from' in from && from.from === 'next'
          ? this.records.length
          : this.firstKept;
    const levelAt = this.records.length;
    let open = true;
    let busy = false;
    let told = false;
    const wake = (): void => {
      if (busy || !open) return;
      busy = true;
      setImmediate(async () => {
        while (open && next < this.records.length) await accept(this.records[next++] as EventRecord);
        busy = false;
        if (open && !told && next >= levelAt) {
          told = true;
          onLevel?.();
        }
        if (open && next < this.records.length) wake();
      });
    };
    this.followers.add(wake);
    wake();
    return {
      get position() {
        return next - 1;
      },
      close: async () => {
        open = false;
        this.followers.delete(wake);
      },
    };
  }

  async bounds() {
    if (this.away) throw new Error('the broker is away');
    const { length } = this.records;
    return length === 0 ? { first: undefined, last: undefined } : { first: this.firstKept, last: length - 1 };
  }

  async close() {}
}

/** `stored`: what happens to an event that is published; by default it is in the log at once. */
export class FakePublisher {
  readonly notifications: Notification[] = [];
  stored: (event: CmsEvent) => void;

  constructor(readonly log: FakeLog) {
    this.stored = (event) => this.append(event);
  }

  append(event: CmsEvent): void {
    this.log.append(event.id, JSON.stringify(event));
  }

  async publishCMSEvent(event: CmsEvent): Promise<void> {
    this.stored(event);
  }

  async publishNotification(notification: Notification): Promise<void> {
    this.notifications.push(notification);
  }
}
