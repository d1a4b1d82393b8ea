/** Reading the newest snapshot out of the stream `cms.snapshots`, and writing one now and then. */
import { randomUUID } from 'node:crypto';
import { messageOf } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import type { EventLog, Following } from '../streams/ports.js';
import type { Replica } from './replica.js';
import { anchorOf, type Snapshot, SnapshotCollector, snapshotRecords } from './snapshot.js';

export interface SnapshotStream {
  readonly log: EventLog;
  /** Appends a record. Resolves when it is confirmed; rejects when it cannot be. `id` is the same for the same record. */
  append(record: { readonly id: string; readonly body: string }): Promise<void>;
}

/** Records at the end of the stream that are looked at first: enough for the newest of a large registry. */
const RECENT = 1_000;

/** Rejects when the broker is away. */
export async function newestSnapshot(log: EventLog): Promise<Snapshot | undefined> {
  const { first, last } = await log.bounds();
  if (first === undefined || last === undefined) return undefined;
  const recent = last - RECENT;
  if (recent > first) {
    const found = await newestAfter(log, recent);
    if (found !== undefined) return found;
  }
  return newestAfter(log, undefined);
}

async function newestAfter(log: EventLog, offset: number | undefined): Promise<Snapshot | undefined> {
  const collector = new SnapshotCollector();
  let following: Following | undefined;
  await new Promise<void>((resolve, reject) => {
    following = log.follow({
      from: offset === undefined ? { from: 'first' } : { after: offset },
      accept: ({ body }) => collector.take(body),
      onLevel: resolve,
      refused: reject,
    });
  }).finally(() => following?.close());
  return collector.newest();
}

export interface SnapshotterOptions {
  readonly replica: Replica;
  readonly stream: SnapshotStream;
  /** Events after which the next one is due (WATTSTREAM_REGISTRY_SNAPSHOT_EVENTS). */
  readonly everyEvents: number;
  readonly now: () => number;
  readonly logger: Logger;
  /** 0 to 1: processes that are due at the same event should not all write. */
  readonly random?: () => number;
}

/** Any number of processes may have one: each hears of the others' snapshots, and two of the same do no harm. */
export class Snapshotter {
  private since = -1;
  private readonly due: number;
  private writing: Promise<void> | undefined;
  private following: Following | undefined;
  private closed = false;

  constructor(private readonly options: SnapshotterOptions) {
    const { replica, everyEvents, random = Math.random } = options;
    this.due = Math.ceil(everyEvents * (1 + random() / 2));
    void replica.level.then(() => this.begin());
    replica.onJudged(() => this.look());
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.following?.close();
    await this.writing;
  }

  private begin(): void {
    if (this.closed) return;
    const { replica, stream } = this.options;
    this.since = Math.max(this.since, replica.position - replica.readSinceSnapshot);
    this.following = stream.log.follow({
      from: { from: 'next' },
      accept: ({ body }) => {
        this.since = Math.max(this.since, anchorOf(body)?.offset ?? -1);
      },
      refused: (error) =>
        this.options.logger.warn({ code: error.code, error: error.message }, 'snapshots are not followed'),
    });
    this.look();
  }

  private look(): void {
    const { replica } = this.options;
    if (this.closed || this.writing !== undefined || replica.ready() !== undefined) return;
    if (replica.position - this.since < this.due) return;
    this.writing = this.write()
      .catch((error: unknown) =>
        this.options.logger.warn(
          { code: 'REGISTRY_SNAPSHOT_FAILED', error: messageOf(error) },
          'no snapshot of the registry was written; the one before stands',
        ),
      )
      .finally(() => {
        this.writing = undefined;
      });
  }

  /** Writes one now, whether it is due or not. */
  async write(): Promise<void> {
    const { replica, stream, now, logger } = this.options;
    const { anchor } = replica;
    if (anchor.offset < 0) return;
    this.since = anchor.offset;
    const id = randomUUID();
    let index = 0;
    const takenAt = new Date(now()).toISOString();
    for await (const body of snapshotRecords(replica.state, anchor, { id, takenAt })) {
      if (this.closed) return;
      await stream.append({ id: `${id}.${index++}`, body });
    }
    logger.info({ offset: anchor.offset, records: index }, 'a snapshot of the registry was written');
  }
}
