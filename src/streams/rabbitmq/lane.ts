/**
 * Publishing to one partition: one connection at a time, one sequence of publishing ids, one list of batches
 * that are not wholly confirmed.
 *
 * States: `down` (no connection: records are encoded and kept) <-> `up` (declared; batches go out at the end of
 * the event loop's turn in which their first record came, so that whatever arrived together travels together
 * and nothing waits for a timer). On the crossing to `up` all kept batches are sent in order, byte for byte as
 * before: the broker drops the publishing ids that it has (deduplication by reference) and confirms them again.
 */
import { DeclarePublisherRequest } from 'rabbitmq-stream-js-client/dist/requests/declare_publisher_request.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { FrameRecord } from '../ports.js';
import { type Batch, BatchWriter } from './batch.js';
import type { StreamClient } from './client.js';
import { eachConfirmed, KEY } from './frames.js';
import { keepConnected } from './keep-connected.js';

export interface LaneOptions {
  readonly partition: number;
  readonly stream: string;
  /** Unique to this process and partition: two writers with one reference lose each other's records. */
  readonly reference: string;
  readonly connect: (stream: string) => Promise<StreamClient>;
  /** Unconfirmed records without any confirm for this long: the connection is replaced. */
  readonly confirmTimeoutMs: number;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly log: Logger;
  /** Something that the publisher's state depends on has changed. */
  readonly onChange: () => void;
}

interface Waiter {
  readonly batch: Batch;
  readonly bytes: number;
  readonly resolve: (stored: { partition: number }) => void;
  readonly reject: (reason: WattstreamError) => void;
}

export class Lane {
  private readonly writer = new BatchWriter();
  /** In publishing order; the last one may still be open. */
  private readonly batches: Batch[] = [];
  private readonly waiters = new Map<number, Waiter>();
  private readonly stored: { readonly partition: number };
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;
  private client: StreamClient | undefined;
  private lastId = 0;
  private flushing: NodeJS.Immediate | undefined;
  private pendingBytes = 0;
  /** When the last confirm came, or the first record since then. */
  private waitingSince = performance.now();
  private upSince = 0;
  private downSince: number | undefined = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: LaneOptions) {
    this.stored = { partition: options.partition };
    this.running = keepConnected({
      connect: () => options.connect(options.stream),
      use: (client) => this.up(client),
      onGone: () => this.down(),
      signal: this.stop.signal,
      backoff: options.backoff,
      log: options.log,
    });
  }

  /** Records and bytes without a confirm. */
  get unconfirmed(): number {
    return this.waiters.size;
  }
  get unconfirmedBytes(): number {
    return this.pendingBytes;
  }

  /** Milliseconds for which there has been no connection; 0 = there is one; Infinity = there never was. */
  downMs(now: number): number {
    return this.downSince === undefined ? 0 : now - this.downSince;
  }

  /** Milliseconds for which records have waited without any confirm. */
  waitedMs(now: number): number {
    return this.waiters.size === 0 ? 0 : now - this.waitingSince;
  }

  publish(record: FrameRecord, bound: number): Promise<{ partition: number }> {
    const id = ++this.lastId;
    if (this.waiters.size === 0) this.waitingSince = performance.now();
    const { batch, bytes } = this.writer.append(record, id, bound, {
      opened: (opened) => {
        this.batches.push(opened);
        this.flushing ??= setImmediate(() => this.flush());
      },
      sealed: (full) => this.client?.write(full.frame),
    });
    this.pendingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.waiters.set(id, { batch, bytes, resolve, reject });
    });
  }

  /** To be called now and then: replaces a connection that confirms nothing. */
  watch(now: number): void {
    const tried = Math.min(this.waitedMs(now), now - this.upSince);
    if (!this.client || tried < this.options.confirmTimeoutMs) return;
    this.client.die(
      new WattstreamError(
        'CONFIRM_TIMEOUT',
        `${this.waiters.size} records of ${this.options.stream} had no confirm for ${this.options.confirmTimeoutMs} ms`,
        {
          canRetry: true,
          remedy: 'Is the broker out of memory or disk, or a majority of its replicas away?',
        },
      ),
    );
  }

  /** Lets go of the connection; whatever is unconfirmed rejects with PUBLISHER_CLOSED. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
    if (this.flushing) clearImmediate(this.flushing);
    const closed = new WattstreamError(
      'PUBLISHER_CLOSED',
      'The publisher was closed before the record was confirmed',
    );
    for (const waiter of this.waiters.values()) waiter.reject(closed);
    this.waiters.clear();
    this.batches.length = 0;
    this.pendingBytes = 0;
  }

  private async up(client: StreamClient): Promise<void> {
    client.taps = {
      onFrame: (key, frame) => {
        if (key === KEY.publishConfirm) this.confirmed(frame);
      },
    };
    const { stream, reference: publisherRef } = this.options;
    await client.call(
      new DeclarePublisherRequest({ stream, publisherRef, publisherId: 0 }),
      'Declaring the publisher',
    );
    // From here to the assignment nothing else runs: no batch can be sent twice or before its predecessors.
    this.writer.seal();
    for (const batch of this.batches) client.write(batch.frame);
    this.client = client;
    this.upSince = performance.now();
    this.downSince = undefined;
    this.options.onChange();
  }

  private down(): void {
    this.client = undefined;
    this.downSince ??= performance.now();
    this.options.onChange();
  }

  private flush(): void {
    this.flushing = undefined;
    if (!this.client) return;
    const batch = this.writer.seal();
    if (batch) this.client.write(batch.frame);
  }

  private confirmed(frame: Buffer): void {
    eachConfirmed(frame, (id) => {
      const waiter = this.waiters.get(id);
      // Confirmed before, and sent again with the rest of its batch after a lost connection.
      if (!waiter) return;
      this.waiters.delete(id);
      waiter.batch.unconfirmed -= 1;
      this.pendingBytes -= waiter.bytes;
      waiter.resolve(this.stored);
    });
    this.waitingSince = performance.now();
    let done = 0;
    while (done < this.batches.length && this.batches[done]!.unconfirmed === 0) done++;
    if (done > 0) this.batches.splice(0, done);
    this.options.onChange();
  }
}
