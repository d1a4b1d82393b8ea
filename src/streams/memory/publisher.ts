import { WattstreamError } from '../../platform/errors.js';
import { partitionOf } from '../codec.js';
import type { FramePublisher, FrameRecord, PublisherState } from '../ports.js';
import type { MemoryPartition } from './partition.js';

/** What the log does with what publishers hand in. */
export type Mode = 'flowing' | 'held' | 'stalled';

interface Pending {
  readonly record: FrameRecord;
  readonly partition: MemoryPartition;
  readonly resolve: (stored: { partition: number }) => void;
  readonly reject: (reason: WattstreamError) => void;
}

export class MemoryPublisher implements FramePublisher {
  private pending: Pending[] = [];
  private flushing: NodeJS.Immediate | undefined;
  private current: PublisherState = 'flowing';
  private closed = false;
  private idle: (() => void)[] = [];
  private readonly listeners = new Set<(state: PublisherState) => void>();
  private readonly maxUnconfirmed: number;
  private readonly maxRecordBytes: number;

  constructor(
    private readonly log: readonly MemoryPartition[],
    private readonly mode: () => Mode,
    options: { readonly maxUnconfirmed?: number; readonly maxRecordBytes?: number },
  ) {
    this.maxUnconfirmed = options.maxUnconfirmed ?? 20_000;
    this.maxRecordBytes = options.maxRecordBytes ?? 256 * 1024;
    this.judge();
  }

  get partitions(): number {
    return this.log.length;
  }
  get state(): PublisherState {
    return this.current;
  }
  get unconfirmed(): number {
    return this.pending.length;
  }

  async publishOCPPMessage(record: FrameRecord): Promise<{ partition: number }> {
    this.admit(record);
    return this.append(record, this.log[partitionOf(record.chargePointId, this.log.length)]!);
  }

  async publishToAll(record: FrameRecord): Promise<void> {
    this.admit(record);
    await Promise.all(this.log.map((partition) => this.append(record, partition)));
  }

  onState(listener: (state: PublisherState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(drainMs = 10_000): Promise<void> {
    this.closed = true;
    if (this.pending.length > 0) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        new Promise<void>((resolve) => this.idle.push(resolve)),
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, drainMs);
        }),
      ]);
      clearTimeout(timer);
    }
    const closed = new WattstreamError(
      'PUBLISHER_CLOSED',
      'The publisher was closed before the record was confirmed',
    );
    for (const { reject } of this.pending) reject(closed);
    this.pending = [];
  }

  /** The log's mode is another one. */
  changed(): void {
    this.judge();
    this.schedule();
  }

  private admit(record: FrameRecord): void {
    if (this.closed) throw new WattstreamError('PUBLISHER_CLOSED', 'The publisher is closed');
    if (Buffer.byteLength(record.body) > this.maxRecordBytes)
      throw new WattstreamError('RECORD_TOO_LARGE', `A ${record.subject} record is too large`);
  }

  private append(record: FrameRecord, partition: MemoryPartition): Promise<{ partition: number }> {
    return new Promise((resolve, reject) => {
      this.pending.push({ record, partition, resolve, reject });
      this.schedule();
      this.judge();
    });
  }

  private schedule(): void {
    if (this.mode() === 'flowing' && this.pending.length > 0)
      this.flushing ??= setImmediate(() => this.flush());
  }

  private flush(): void {
    this.flushing = undefined;
    if (this.mode() !== 'flowing') return;
    const confirmed = this.pending;
    this.pending = [];
    for (const { record, partition, resolve } of confirmed) {
      partition.append(record);
      resolve({ partition: partition.index });
    }
    this.judge();
    for (const resolve of this.idle.splice(0)) resolve();
  }

  private judge(): void {
    const next =
      this.mode() === 'stalled' ? 'stalled' : this.pending.length >= this.maxUnconfirmed ? 'full' : 'flowing';
    if (next === this.current) return;
    this.current = next;
    for (const listener of this.listeners) listener(next);
  }
}
