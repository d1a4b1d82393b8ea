import type { FrameRecord } from '../../domain/ocpp/record.js';
import { messageBound, writeMessage } from '../codec.js';
import { PUBLISH_HEADER, writeId, writePublishHeader } from './frames.js';

/** Ordinary batches share slabs of this size; a larger record gets one of its own. */
const SLAB = 128 * 1024;
/** Publishing id and size before each message. */
const ENTRY_HEADER = 12;

/** One publish frame: built, sent and, after a lost connection, sent again as the same bytes. */
export interface Batch {
  /** The whole frame, once sealed. */
  frame: Buffer;
  count: number;
  /** Records of it that no confirm has named yet. */
  unconfirmed: number;
}

/**
 * Encodes records straight into publish frames. Consecutive frames share a slab of memory, so that a record
 * costs no allocation of its own; the slab is freed when the last of its frames is confirmed.
 */
export class BatchWriter {
  private slab = Buffer.alloc(0);
  private start = 0;
  private at = 0;
  private open: Batch | undefined;

  /** Bytes that `record` takes in a frame at most. */
  static bound(record: FrameRecord): number {
    return ENTRY_HEADER + messageBound(record);
  }

  /**
   * Appends a record of at most `bound` bytes. `opened` is called with each batch that is begun, `sealed` with
   * the one before it when the record did not fit.
   */
  append(
    record: FrameRecord,
    publishingId: number,
    bound: number,
    on: { opened(batch: Batch): void; sealed(batch: Batch): void },
  ): { batch: Batch; bytes: number } {
    if (this.at + bound + PUBLISH_HEADER > this.slab.length) {
      const full = this.seal();
      if (full) on.sealed(full);
      this.slab = Buffer.allocUnsafeSlow(Math.max(SLAB, bound + PUBLISH_HEADER));
      this.start = this.at = 0;
    }
    if (!this.open) {
      this.open = { frame: this.slab, count: 0, unconfirmed: 0 };
      this.at = this.start + PUBLISH_HEADER;
      on.opened(this.open);
    }
    const entry = this.at;
    writeId(this.slab, publishingId, entry);
    this.at = writeMessage(record, this.slab, entry + ENTRY_HEADER);
    this.slab.writeUInt32BE(this.at - entry - ENTRY_HEADER, entry + 8);
    this.open.count += 1;
    this.open.unconfirmed += 1;
    return { batch: this.open, bytes: this.at - entry };
  }

  /** Ends the open batch, which is then ready to be sent; undefined when none is open. */
  seal(): Batch | undefined {
    const batch = this.open;
    if (!batch) return undefined;
    batch.frame = this.slab.subarray(this.start, this.at);
    writePublishHeader(batch.frame, 0, batch.count);
    this.start = this.at;
    this.open = undefined;
    return batch;
  }
}
