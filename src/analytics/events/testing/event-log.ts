/** A stream of events in memory, for tests of its reader: it can be away, be cut short by retention, or be made anew. */
import { WattstreamError } from '../../../platform/errors.js';
import type { EventLog, EventRecord, FollowFrom, Following } from '../../../streams/ports.js';

export class FakeEventLog implements EventLog {
  private records: EventRecord[] = [];
  private next = 0;
  private readonly followers = new Set<() => void>();
  private readonly refusals = new Set<(error: WattstreamError) => void>();
  away = false;
  /** Handed on to anybody so far. */
  handedOn = 0;

  append(...bodies: readonly (string | Record<string, unknown>)[]): number[] {
    const offsets = bodies.map((body) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const message = typeof body === 'string' ? {} : body;
      const offset = this.next++;
      this.records.push({
        offset,
        routingKey: String(message.type ?? ''),
        id: String(message.id ?? ''),
        app: 'test',
        publishedAt: 0,
        body: text,
      });
      return offset;
    });
    for (const wake of this.followers) wake();
    return offsets;
  }

  /** Retention takes all before this offset. */
  expire(before: number): void {
    this.records = this.records.filter(({ offset }) => offset >= before);
  }

  /** As after a deletion: empty, and offsets from 0 again. Followers are told. */
  recreate(): void {
    this.records = [];
    this.next = 0;
    const message = 'The stream was followed to another offset; it ends at its beginning: it is empty';
    for (const refuse of this.refusals) refuse(new WattstreamError('LOG_DIFFERS_FROM_POSITION', message));
  }

  follow({ from, accept, onLevel, refused }: Parameters<EventLog['follow']>[0]): Following {
    let at = startOf(from, this.next);
    let position = -1;
    let closed = false;
    let wake: (() => void) | undefined;
    const onAppend = () => wake?.();
    this.followers.add(onAppend);
    if (refused) this.refusals.add(refused);
    const run = async () => {
      const levelAt = this.next;
      let told = false;
      while (!closed) {
        const record = this.away ? undefined : this.records.find(({ offset }) => offset >= at);
        if (!told && (at >= levelAt || record === undefined)) {
          told = true;
          onLevel?.();
        }
        if (record === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        at = record.offset + 1;
        position = record.offset;
        this.handedOn++;
        await accept(record);
      }
    };
    const running = run();
    return {
      get position() {
        return position;
      },
      close: async () => {
        closed = true;
        this.followers.delete(onAppend);
        if (refused) this.refusals.delete(refused);
        wake?.();
        await running;
      },
    };
  }

  bounds(): ReturnType<EventLog['bounds']> {
    if (this.away) return Promise.reject(new Error('connect ECONNREFUSED'));
    return Promise.resolve({ first: this.records[0]?.offset, last: this.records.at(-1)?.offset });
  }

  async close(): Promise<void> {}
}

const startOf = (from: FollowFrom, next: number): number => {
  if ('after' in from) return from.after + 1;
  if ('since' in from) return 0;
  return from.from === 'first' ? 0 : next;
};
