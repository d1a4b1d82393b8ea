/** A log in memory and what publishes to it, as far as the tests of this folder need them. */
import type { CmsEvent } from '../../domain/messages/cms-events.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { WattstreamError } from '../../platform/errors.js';
import { silentLogger } from '../../platform/logger.js';
import type { EventLog, EventRecord } from '../../streams/ports.js';
import { Replica } from '../replica.js';
import { RegistryStore } from '../store.js';

type Follow = Parameters<EventLog['follow']>[0];

/** Hands on in later turns, as a broker does; `hold` keeps back what is appended until `release`. */
export class FakeLog implements EventLog {
  readonly records: EventRecord[] = [];
  private readonly followers = new Set<() => void>();
  private readonly refusals = new Set<(error: WattstreamError) => void>();
  firstKept = 0;
  away = false;

  append(id: string, body: string): void {
    const offset = this.records.length;
    this.records.push({ offset, id, body, routingKey: '', app: '', publishedAt: 0 });
    for (const wake of this.followers) wake();
  }

  /** As when the stream turns out to be another one. */
  refuse(): void {
    for (const refused of this.refusals)
      refused(new WattstreamError('LOG_DIFFERS_FROM_POSITION', 'the log is another one'));
  }

  follow({ from, accept, onLevel, refused }: Follow) {
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
    if (refused !== undefined) this.refusals.add(refused);
    wake();
    return {
      get position() {
        return next - 1;
      },
      close: async () => {
        open = false;
        this.followers.delete(wake);
        if (refused !== undefined) this.refusals.delete(refused);
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

/** A store on a log in memory; it is of use once `store.replica.level`. */
export function fakeStore(): { log: FakeLog; publisher: FakePublisher; store: RegistryStore } {
  const log = new FakeLog();
  const publisher = new FakePublisher(log);
  const replica = new Replica({ log, newestSnapshot: async () => undefined, logger: silentLogger });
  const store = new RegistryStore({
    replica,
    publisher,
    writeMs: 10_000,
    now: Date.now,
    logger: silentLogger,
  });
  return { log, publisher, store };
}
