/**
 * The frames of the stream protocol that carry data (deps/rabbitmq_stream/docs/PROTOCOL.adoc of
 * rabbitmq-server): publish and its confirms, deliveries and credit, and who is the active consumer. The
 * client's own handling of these loses sub-entries, the `active` flag and the ids of errors, and a single odd
 * message ends the process; every other command is left to it.
 */
import { crc32, gunzipSync } from 'node:zlib';

export const KEY = {
  publish: 0x0002,
  publishConfirm: 0x0003,
  publishError: 0x0004,
  deliver: 0x0008,
  credit: 0x0009,
  metadataUpdate: 0x0010,
  close: 0x0016,
  heartbeat: 0x0017,
  consumerUpdate: 0x001a,
  creditResponse: 0x8009,
} as const;

const OK = 1;
/** No chunk comes near it; a larger announced size means that we read garbage. */
const MAX_FRAME = 256 * 1024 * 1024;

/** Cuts a byte stream into frames: `size` (uint32, without itself), then `size` bytes. */
export class FrameSplitter {
  private parts: Buffer[] = [];
  private held = 0;
  private needed = 4;

  /** Calls `onFrame` with each whole frame, without its size. Throws RangeError on an absurd size. */
  push(data: Buffer, onFrame: (frame: Buffer) => void): void {
    this.parts.push(data);
    this.held += data.length;
    if (this.held < this.needed) return;
    const bytes = this.parts.length === 1 ? data : Buffer.concat(this.parts, this.held);
    let at = 0;
    this.needed = 4;
    while (bytes.length - at >= 4) {
      const size = bytes.readUInt32BE(at);
      if (size > MAX_FRAME) throw new RangeError(`a frame of ${size} bytes was announced`);
      if (bytes.length - at - 4 < size) {
        this.needed = size + 4;
        break;
      }
      onFrame(bytes.subarray(at + 4, at + 4 + size));
      at += 4 + size;
    }
    this.held = bytes.length - at;
    this.parts = this.held > 0 ? [bytes.subarray(at)] : [];
  }
}

/** Bytes before the first message of a publish frame. */
export const PUBLISH_HEADER = 13;

/** Fills the first 13 bytes of `frame`, whose rest are `count` times publishing id, size, message. */
export function writePublishHeader(frame: Buffer, publisherId: number, count: number): void {
  frame.writeUInt32BE(frame.length - 4, 0);
  frame.writeUInt16BE(KEY.publish, 4);
  frame.writeUInt16BE(1, 6);
  frame[8] = publisherId;
  frame.writeUInt32BE(count, 9);
}

/** A publishing id or offset: 64 bits on the wire, exact as a number up to 2^53. */
export function writeId(target: Buffer, id: number, at: number): void {
  const high = Math.floor(id / 0x1_0000_0000);
  target.writeUInt32BE(high, at);
  target.writeUInt32BE(id - high * 0x1_0000_0000, at + 4);
}

const readId = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);

/** PublishConfirm => Key Version PublisherId [PublishingId] */
export function eachConfirmed(frame: Buffer, visit: (publishingId: number) => void): void {
  const count = frame.readUInt32BE(5);
  for (let index = 0, at = 9; index < count; index++, at += 8) visit(readId(frame, at));
}

/** PublishError => Key Version PublisherId [PublishingId Code]: the first of them. */
export const firstPublishError = (frame: Buffer): { publishingId: number; code: number } => ({
  publishingId: readId(frame, 9),
  code: frame.readUInt16BE(17),
});

/** MetadataUpdate => Key Version Code Stream */
export const metadataUpdate = (frame: Buffer): { code: number; stream: string } => ({
  code: frame.readUInt16BE(4),
  stream: frame.toString('utf8', 8, 8 + frame.readUInt16BE(6)),
});

/** Close => Key Version CorrelationId Code Reason */
export const closeReason = (frame: Buffer): { code: number; reason: string } => ({
  code: frame.readUInt16BE(8),
  reason: frame.toString('utf8', 12, 12 + frame.readUInt16BE(10)),
});

/** CreditResponse => Key Version Code SubscriptionId; sent only when something is wrong. */
export const creditError = (frame: Buffer): number | undefined => {
  const code = frame.readUInt16BE(4);
  return code === OK ? undefined : code;
};

export interface ConsumerUpdate {
  readonly correlationId: number;
  readonly subscriptionId: number;
  readonly active: boolean;
}

/** ConsumerUpdateQuery => Key Version CorrelationId SubscriptionId Active */
export const consumerUpdate = (frame: Buffer): ConsumerUpdate => ({
  correlationId: frame.readUInt32BE(4),
  subscriptionId: frame[8]!,
  active: frame[9] === 1,
});

/** Where a subscription begins. `none` answers a deactivation. */
export type OffsetSpec = 'none' | 'first' | 'last' | { readonly offset: number };

/** ConsumerUpdateResponse => Key Version CorrelationId ResponseCode OffsetSpecification */
export function consumerUpdateReply(correlationId: number, spec: OffsetSpec): Buffer {
  const numeric = typeof spec === 'object';
  const frame = Buffer.alloc(16 + (numeric ? 8 : 0));
  frame.writeUInt32BE(frame.length - 4, 0);
  frame.writeUInt16BE(0x8000 | KEY.consumerUpdate, 4);
  frame.writeUInt16BE(1, 6);
  frame.writeUInt32BE(correlationId, 8);
  frame.writeUInt16BE(OK, 12);
  frame.writeUInt16BE(numeric ? 4 : { none: 0, first: 1, last: 2 }[spec], 14);
  if (numeric) writeId(frame, spec.offset, 16);
  return frame;
}

/** Credit => Key Version SubscriptionId Credit */
export function creditFrame(subscriptionId: number, credit: number): Buffer {
  const frame = Buffer.alloc(11);
  frame.writeUInt32BE(7, 0);
  frame.writeUInt16BE(KEY.credit, 4);
  frame.writeUInt16BE(1, 6);
  frame[8] = subscriptionId;
  frame.writeUInt16BE(credit, 9);
  return frame;
}

export const HEARTBEAT = Buffer.from([0, 0, 0, 4, 0, KEY.heartbeat, 0, 1]);

/** A run of entries as the broker stored and replicated it. */
export interface Chunk {
  readonly subscriptionId: number;
  readonly firstOffset: number;
  /** When the broker wrote it, epoch milliseconds. */
  readonly writtenAt: number;
  readonly records: number;
  readonly entries: number;
  readonly data: Buffer;
}

/**
 * Deliver => Key Version SubscriptionId [CommittedChunkId, version 2] OsirisChunk. Throws RangeError when it is
 * not a chunk. The data is not looked at.
 */
export function parseChunk(frame: Buffer): Chunk & { readonly checksum: number; readonly whole: boolean } {
  const start = frame.readUInt16BE(2) === 2 ? 13 : 5;
  if (frame[start] !== 0x50) throw new RangeError(`unknown chunk format 0x${frame[start]?.toString(16)}`);
  const length = frame.readUInt32BE(start + 36);
  const data = frame.subarray(start + 48, start + 48 + length);
  return {
    subscriptionId: frame[4]!,
    firstOffset: readId(frame, start + 24),
    writtenAt: readId(frame, start + 8),
    records: frame.readUInt32BE(start + 4),
    entries: frame.readUInt16BE(start + 2),
    data,
    checksum: frame.readUInt32BE(start + 32),
    whole: data.length === length,
  };
}

/**
 * A chunk whose messages can be read. Throws RangeError also when its data differs from its checksum, which
 * the broker leaves to the client to compare.
 */
export function parseDeliver(frame: Buffer): Chunk {
  const chunk = parseChunk(frame);
  if (!chunk.whole || crc32(chunk.data) !== chunk.checksum)
    throw new RangeError(`the chunk at offset ${chunk.firstOffset} differs from its checksum`);
  return chunk;
}

/**
 * Every message of a chunk with its offset, in order. Sub-entries (batches inside an entry, written by other
 * clients only) take one offset per message; those compressed by something else than gzip are visited as
 * empty messages, so that the offsets after them stay right.
 */
export function* messagesOf(
  chunk: Chunk,
): Generator<{ offset: number; bytes: Buffer; start: number; end: number }> {
  const { data } = chunk;
  let offset = chunk.firstOffset;
  let at = 0;
  for (let entry = 0; entry < chunk.entries; entry++) {
    const head = data[at]!;
    if (head < 0x80) {
      const size = data.readUInt32BE(at);
      yield { offset: offset++, bytes: data, start: at + 4, end: at + 4 + size };
      at += 4 + size;
      continue;
    }
    const compression = (head >> 4) & 0x07;
    const count = data.readUInt16BE(at + 1);
    const stored = data.readUInt32BE(at + 7);
    const packed = data.subarray(at + 11, at + 11 + stored);
    at += 11 + stored;
    const inner = compression === 0 ? packed : compression === 1 ? gunzipSync(packed) : undefined;
    let inside = 0;
    for (let index = 0; index < count; index++) {
      const size = inner ? inner.readUInt32BE(inside) : 0;
      yield {
        offset: offset++,
        bytes: inner ?? packed,
        start: inner ? inside + 4 : 0,
        end: inner ? inside + 4 + size : 0,
      };
      inside += 4 + size;
    }
  }
}
