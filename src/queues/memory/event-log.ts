/** An event stream in memory: appended to by `MemoryQueues`, followed like the real one. */
import { WattstreamError } from '../../platform/errors.js';
import type { EventLog, EventRecord, Following } from '../../streams/ports.js';

export class MemoryEventLog implements EventLog {
  readonly records: EventRecord[] = [];
  private readonly followers = new Set<MemoryFollower>();
  private away = false;

  append(record: Omit<EventRecord, 'offset'>): void {
    this.records.push({ offset: (this.records.at(-1)?.offset ?? -1) + 1, ...record });
    this.wake();
  }

  setAway(away: boolean): void {
    this.away = away;
    if (!away) this.wake();
  }

  get reachable(): boolean {
    return !this.away;
  }

  /** Retention. */
  truncateBefore(offset: number): void {
    const index = this.records.findIndex((record) => record.offset >= offset);
    this.records.splice(0, index === -1 ? this.records.length : index);
  }

  /** The stream is deleted and declared again: empty, offsets from 0. */
  recreate(): void {
    this.records.length = 0;
    for (const follower of this.followers) follower.reconnected();
  }

  follow(request: Parameters<EventLog['follow']>[0]): Following {
    const follower = new MemoryFollower(this, request, () => this.followers.delete(follower));
    this.followers.add(follower);
    follower.wake();
    return follower;
  }

  async bounds(): Promise<{ first: number | undefined; last: number | undefined }> {
    if (this.away) throw new WattstreamError('STREAM_CONNECT_FAILED', 'away', { canRetry: true });
    return { first: this.records[0]?.offset, last: this.records.at(-1)?.offset };
  }

  async close(): Promise<void> {
    await Promise.all([...this.followers].map((follower) => follower.close()));
  }

  private wake(): void {
    for (const follower of this.followers) follower.wake();
  }
}

class MemoryFollower implements Following {
  position: number;
  private placed: boolean;
  private level: number | undefined;
  private levelTold = false;
  private running = false;
  private closed = false;

  constructor(
    private readonly log: MemoryEventLog,
    private readonly request: Parameters<EventLog['follow']>[0],
    private readonly ended: () => void,
  ) {
    this.placed = 'after' in request.from;
    this.position = 'after' in request.from ? request.from.after : -1;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.ended();
  }

  wake(): void {
    setImmediate(() => void this.run());
  }

  /** After which it is found out whether the stream is still the same. */
  reconnected(): void {
    setImmediate(() => {
      if (this.trusts()) this.wake();
    });
  }

  private async run(): Promise<void> {
    if (this.running || this.closed || !this.log.reachable) return;
    if (this.level === undefined && !this.begin()) return;
    this.running = true;
    for (;;) {
      if (this.closed || !this.log.reachable) break;
      const record = this.log.records.find(({ offset }) => offset > this.position);
      if (!record) break;
      this.placed = true;
      await this.request.accept(record);
      this.position = record.offset;
      this.tellLevel();
    }
    this.running = false;
    this.tellLevel();
  }

  /** The first connection. */
  private begin(): boolean {
    const { from } = this.request;
    const last = this.log.records.at(-1);
    if (!this.trusts()) return false;
    if (!this.placed) {
      const isAfterAll = 'since' in from && from.since > (last?.publishedAt ?? Number.NEGATIVE_INFINITY);
      if (isAfterAll || ('from' in from && from.from === 'next')) {
        this.position = last?.offset ?? -1;
        this.placed = true;
      } else if ('since' in from) {
        const first = this.log.records.find(({ publishedAt }) => publishedAt >= from.since);
        this.position = (first?.offset ?? 0) - 1;
      }
    }
    this.level = last?.offset ?? -1;
    this.tellLevel();
    return true;
  }

  private trusts(): boolean {
    const first = this.log.records[0]?.offset;
    const last = this.log.records.at(-1)?.offset;
    if (!this.placed || this.position < 0) return true;
    let code: string | undefined;
    if (first !== undefined && first > this.position + 1) code = 'RETENTION_PASSED_POSITION';
    else if (last === undefined || last < this.position) code = 'LOG_DIFFERS_FROM_POSITION';
    if (code === undefined) return true;
    const error = new WattstreamError(code, 'The stream in memory is not what it was');
    void this.close();
    const { refused } = this.request;
    if (refused) refused(error);
    else
      queueMicrotask(() => {
        throw error;
      });
    return false;
  }

  private tellLevel(): void {
    if (this.levelTold || this.closed || this.level === undefined || this.position < this.level) return;
    this.levelTold = true;
    this.request.onLevel?.();
  }
}
