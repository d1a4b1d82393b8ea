import { crc32, gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeMessage } from '../codec.js';
import type { FrameRecord } from '../ports.js';
import { BatchWriter } from './batch.js';
import { eachConfirmed, FrameSplitter, messagesOf, PUBLISH_HEADER, parseDeliver, writeId } from './frames.js';

const record = (n: number, body = `body ${n}`): FrameRecord => ({
  body,
  subject: 'Heartbeat',
  chargePointId: 'CP-1',
  receivedAt: n,
  direction: 'in',
  gateway: 'g',
});

test('frames come out whole, however the wire cuts them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 60 })),
      (payloads, cuts) => {
        const wire = Buffer.concat(
          payloads.map((payload) => {
            const size = Buffer.alloc(4);
            size.writeUInt32BE(payload.length);
            return Buffer.concat([size, payload]);
          }),
        );
        const splitter = new FrameSplitter();
        const out: Buffer[] = [];
        for (let at = 0; at < wire.length; ) {
          const size = cuts.next().value as number;
          splitter.push(wire.subarray(at, at + size), (frame) => out.push(Buffer.from(frame)));
          at += size;
        }
        expect(out).toEqual(payloads.map((payload) => Buffer.from(payload)));
      },
    ),
  );
});

test('a size that no frame can have is noticed instead of waited for', () => {
  expect(() => new FrameSplitter().push(Buffer.from('ffffffff00', 'hex'), () => {})).toThrow(RangeError);
});

test('publishing ids are exact beyond 32 bits', () => {
  const ids = [1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER];
  const frame = Buffer.alloc(9 + 8 * ids.length);
  frame.writeUInt32BE(ids.length, 5);
  ids.forEach((id, index) => {
    writeId(frame, id, 9 + 8 * index);
  });
  const seen: number[] = [];
  eachConfirmed(frame, (id) => seen.push(id));
  expect(seen).toEqual(ids);
});

test('batches are publish frames, bounded in bytes, and none is touched once it was sealed', () => {
  const writer = new BatchWriter();
  const frames: Buffer[] = [];
  const copies: Buffer[] = [];
  const keep = (frame: Buffer) => {
    frames.push(frame);
    copies.push(Buffer.from(frame));
  };
  const on = { opened: () => {}, sealed: (batch: { frame: Buffer }) => keep(batch.frame) };
  for (let n = 1; n <= 2_000; n++) {
    const some = record(n, 'x'.repeat(n % 97 === 0 ? 256 * 1024 : n % 700));
    writer.append(some, n, BatchWriter.bound(some), on);
    if (n % 13 === 0) keep(writer.seal()!.frame);
  }
  const last = writer.seal();
  if (last) keep(last.frame);

  expect(frames.every((frame, index) => frame.equals(copies[index]!))).toBe(true);
  let next = 1;
  for (const frame of frames) {
    expect(frame.length).toBeLessThanOrEqual(0.8 * 1024 * 1024);
    expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
    expect(frame.subarray(4, 9).toString('hex')).toBe('0002000100');
    let at = PUBLISH_HEADER;
    for (let left = frame.readUInt32BE(9); left > 0; left--) {
      expect(Number(frame.readBigUInt64BE(at))).toBe(next);
      const size = frame.readUInt32BE(at + 8);
      expect(decodeMessage(frame, at + 12, at + 12 + size).receivedAt).toBe(next++);
      at += 12 + size;
    }
    expect(at).toBe(frame.length);
  }
  expect(next).toBe(2_001);
});

const plain = (message: string) => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(message.length);
  return Buffer.concat([size, Buffer.from(message)]);
};
const sub = (compression: number, ...messages: string[]) => {
  const inner = Buffer.concat(messages.map(plain));
  const packed = compression === 1 ? gzipSync(inner) : inner;
  const head = Buffer.alloc(11);
  head[0] = 0x80 | (compression << 4);
  head.writeUInt16BE(messages.length, 1);
  head.writeUInt32BE(inner.length, 3);
  head.writeUInt32BE(packed.length, 7);
  return Buffer.concat([head, packed]);
};
const deliver = (firstOffset: number, records: number, ...entries: Buffer[]) => {
  const data = Buffer.concat(entries);
  const head = Buffer.alloc(13 + 48);
  head.writeUInt16BE(2, 2);
  head[13] = 0x50;
  head.writeUInt16BE(entries.length, 15);
  head.writeUInt32BE(records, 17);
  writeId(head, firstOffset, 13 + 24);
  head.writeUInt32BE(crc32(data), 13 + 32);
  head.writeUInt32BE(data.length, 13 + 36);
  return Buffer.concat([head, data]);
};
const contents = (frame: Buffer) =>
  [...messagesOf(parseDeliver(frame))].map(
    ({ offset, bytes, start, end }) => `${offset}:${bytes.toString('latin1', start, end)}`,
  );

test('sub-entries of other writers keep their messages and offsets, mixed with plain ones', () => {
  expect(contents(deliver(10, 6, sub(0, 'a', 'b'), plain('c'), sub(1, 'd', 'e'), plain('f')))).toEqual([
    '10:a',
    '11:b',
    '12:c',
    '13:d',
    '14:e',
    '15:f',
  ]);
});

test('a compression we cannot undo costs its own messages only', () => {
  expect(contents(deliver(10, 4, plain('a'), sub(4, 'b', 'c'), plain('d')))).toEqual([
    '10:a',
    '11:',
    '12:',
    '13:d',
  ]);
});

test('a chunk that was damaged on its way is not handed on', () => {
  const frame = deliver(0, 1, plain('abc'));
  frame[frame.length - 1]! ^= 1;
  expect(() => parseDeliver(frame)).toThrow(/checksum/);
  expect(() => parseDeliver(deliver(0, 1, plain('abc')).subarray(0, -1))).toThrow(RangeError);
});
