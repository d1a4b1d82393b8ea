/** A store on a log in memory, its publisher in the hands of the test. */
import type { CmsEvent } from '../../domain/messages/cms-events.js';
import type { LoginEvent } from '../../domain/messages/login-events.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { silentLogger } from '../../platform/logger.js';
import { MemoryEventLog } from '../../queues/memory/event-log.js';
import { MemoryKeyBooks } from '../keys/memory/key-books.js';
import { LoginReplica, LoginStore } from '../logins.js';
import { Replica } from '../replica.js';
import { RegistryStore } from '../store.js';

export { MemoryEventLog as FakeLog };

export const append = (log: MemoryEventLog, id: string, body: string): void =>
  log.append({ id, body, routingKey: '', app: '', publishedAt: 0 });

const books = new WeakMap<MemoryEventLog, MemoryKeyBooks>();

/** The key books that go with a log: the same for all processes on it. */
export function booksOf(log: MemoryEventLog): MemoryKeyBooks {
  const found = books.get(log) ?? new MemoryKeyBooks();
  books.set(log, found);
  return found;
}

/** `stored`: what happens to an event that is published; by default it is in the log at once. */
export class FakePublisher {
  readonly notifications: Notification[] = [];
  stored: (event: CmsEvent) => void;

  constructor(readonly log: MemoryEventLog) {
    this.stored = (event) => this.append(event);
  }

  append(event: CmsEvent): void {
    append(this.log, event.id, JSON.stringify(event));
  }

  async publishCMSEvent(event: CmsEvent): Promise<void> {
    this.stored(event);
  }

  async publishNotification(notification: Notification): Promise<void> {
    this.notifications.push(notification);
  }
}

/** As `FakePublisher`, for the log of logins. */
export class FakeLoginPublisher {
  stored: (event: LoginEvent) => void;

  constructor(readonly log: MemoryEventLog) {
    this.stored = (event) => this.append(event);
  }

  append(event: LoginEvent): void {
    append(this.log, event.id, JSON.stringify(event));
  }

  async publishLoginEvent(event: LoginEvent): Promise<void> {
    this.stored(event);
  }
}

/** Logins on a log in memory, which several may share. It is of use once `store.replica.level`. */
export function fakeLoginStore({
  log = new MemoryEventLog(),
  now = Date.now,
  writeMs = 10_000,
}: {
  log?: MemoryEventLog;
  now?: () => number;
  writeMs?: number;
} = {}): { log: MemoryEventLog; publisher: FakeLoginPublisher; store: LoginStore } {
  const publisher = new FakeLoginPublisher(log);
  const replica = new LoginReplica({ log, logger: silentLogger, backoff: { firstMs: 1, maxMs: 5 } });
  return { log, publisher, store: new LoginStore({ replica, publisher, writeMs, now }) };
}

/** It is of use once `store.replica.level`. */
export function fakeStore(): { log: MemoryEventLog; publisher: FakePublisher; store: RegistryStore } {
  const log = new MemoryEventLog();
  const publisher = new FakePublisher(log);
  const replica = new Replica({ log, newestSnapshot: async () => undefined, logger: silentLogger });
  const store = new RegistryStore({
    replica,
    publisher,
    writeMs: 10_000,
    now: Date.now,
    logger: silentLogger,
    keyBooks: booksOf(log),
  });
  return { log, publisher, store };
}
