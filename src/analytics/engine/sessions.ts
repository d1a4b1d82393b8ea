import type { Connection, Engine } from './ports.js';
import { ClickHouseException } from './protocol/errors.js';

export interface SessionLease {
  readonly connection: Connection;
  release(): void;
}

/** `session_id`: a connection that lives across requests, with its temporary tables and its SETs. */
export class Sessions {
  private readonly open = new Map<
    string,
    { connection: Connection; busy: boolean; timer: NodeJS.Timeout | undefined }
  >();
  constructor(
    private readonly engine: Engine,
    private readonly most: number,
  ) {}

  get size(): number {
    return this.open.size;
  }

  /** One query at a time: SESSION_IS_LOCKED (373) else. SESSION_NOT_FOUND (372) when it must exist and does not. */
  lease(user: string, session: { id: string; timeoutSeconds: number; mustExist: boolean }): SessionLease {
    const key = `${user}\0${session.id}`;
    let found = this.open.get(key);
    if (found?.busy)
      throw ClickHouseException.of(
        'SESSION_IS_LOCKED',
        `Session ${session.id} is locked by a concurrent client.`,
      );
    if (found === undefined) {
      if (session.mustExist)
        throw ClickHouseException.of('SESSION_NOT_FOUND', `Session ${session.id} not found`);
      if (this.open.size >= this.most)
        throw ClickHouseException.of(
          'TOO_MANY_SIMULTANEOUS_QUERIES',
          `Too many sessions: ${this.most} are open`,
        );
      found = { connection: this.engine.open(), busy: false, timer: undefined };
      this.open.set(key, found);
    }
    const held = found;
    held.busy = true;
    clearTimeout(held.timer);
    return {
      connection: held.connection,
      release: () => {
        held.busy = false;
        held.timer = setTimeout(() => {
          this.open.delete(key);
          held.connection.close();
        }, session.timeoutSeconds * 1_000);
        held.timer.unref();
      },
    };
  }

  close(): void {
    for (const { connection, timer } of this.open.values()) {
      clearTimeout(timer);
      connection.close();
    }
    this.open.clear();
  }
}
