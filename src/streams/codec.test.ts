import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeMessage,
  encodeMessage,
  messageBound,
  partitionOf,
  recordHash,
  writeMessage,
} from './codec.js';
import type { FrameRecord } from './ports.js';

const record: FrameRecord = {
  body: '[2,"m1","Heartbeat",{}]',
  subject: 'Heartbeat',
  chargePointId: 'CP-1',
  messageId: 'm1',
  receivedAt: 1_700_000_000_123,
  protocol: 'ocpp1.6',
  direction: 'in',
  gateway: 'gateway-1',
  connection: 'c1',
  seq: 7,
};

const anyText = fc.string({ unit: 'binary', maxLength: 400 }).map((text) => text.toWellFormed());
const someText = anyText.filter((text) => text !== '');
const records: fc.Arbitrary<FrameRecord> = fc.record(
  {
    body: anyText,
    subject: anyText,
    chargePointId: anyText,
    receivedAt: fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }),
    direction: fc.constantFrom('in', 'out'),
    gateway: anyText,
    messageId: someText,
    protocol: fc.constantFrom('ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'),
    connection: someText,
    seq: fc.nat(),
    answer: someText,
    station: someText,
    account: someText,
    tariff: someText,
    meterKeys: someText,
  },
  { requiredKeys: ['body', 'subject', 'chargePointId', 'receivedAt', 'direction', 'gateway'] },
);

test('every record comes back as it was', () => {
  fc.assert(
    fc.property(records, (some) => {
      expect(decodeMessage(encodeMessage(some))).toEqual(some);
    }),
  );
});

test('no record needs more room than was asked for', () => {
  fc.assert(
    fc.property(records, (some) => {
      const target = Buffer.alloc(messageBound(some) + 1, 0xee);
      expect(writeMessage(some, target, 0)).toBeLessThan(target.length);
      expect(target.at(-1)).toBe(0xee);
    }),
  );
});

test('bytes of nobody we know never throw: they become a record that analytics can only call undecodable', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(typeof decodeMessage(Buffer.from(bytes)).body).toBe('string');
    }),
  );
});

test('a damaged message keeps what could be read before the damage', () => {
  const whole = encodeMessage(record);
  for (let length = 0; length < whole.length; length++) {
    const part = decodeMessage(whole.subarray(0, length));
    expect([part.subject, '']).toContain(part.subject);
  }
  expect(decodeMessage(whole.subarray(0, whole.length - 3))).toMatchObject({
    subject: 'Heartbeat',
    body: '',
  });
});

test('the bytes are those of the specification, so that every AMQP 1.0 reader agrees', () => {
  const small = {
    body: 'b',
    subject: 's',
    chargePointId: 'c',
    receivedAt: 1,
    direction: 'in',
    gateway: 'g',
  } as const;
  const hex = [
    '005373 d0 0000001b 0000000b', // properties: list32 of 27 bytes, 11 fields
    '40 40 40 a10173 40 40 40 40 40', // no message-id, user-id, to; subject; 5 absent
    '83 0000000000000001 a10163', // creation-time, group-id
    '005374 d1 0000001f 00000004', // application properties: map32 of 31 bytes, 2 keys and 2 values
    'a109646972656374696f6e a102696e', // direction: in
    'a10767617465776179 a10167', // gateway: g
    '005375 b0 00000001 62', // data: vbin32
  ];
  expect(encodeMessage(small).toString('hex')).toBe(hex.join('').replaceAll(' ', ''));
});

test('empty texts are left out, since other clients confirm them and crash on reading them back', () => {
  const bare = { ...record, messageId: '', connection: '', answer: '', station: '', account: '', tariff: '' };
  const { messageId: _, connection: __, ...rest } = record;
  expect(encodeMessage(bare)).toEqual(encodeMessage(rest));
  expect(decodeMessage(encodeMessage(bare))).toEqual(rest);
});

test('the hash names the content: each field changes it, absent and empty are the same', () => {
  const hash = recordHash(record);
  expect(hash).toMatch(/^[0-9a-f]{32}$/);
  expect(recordHash(decodeMessage(encodeMessage(record)))).toBe(hash);
  expect(recordHash({ ...record, station: '' })).toBe(hash);
  const others: Partial<FrameRecord>[] = [
    { body: 'x' },
    { subject: 'x' },
    { chargePointId: 'x' },
    { messageId: 'x' },
    { receivedAt: 1 },
    { protocol: 'ocpp2.1' },
    { direction: 'out' },
    { gateway: 'x' },
    { connection: 'x' },
    { seq: 8 },
    { answer: 'x' },
    { station: 'x' },
    { account: 'x' },
    { tariff: 'x' },
    { meterKeys: 'x' },
  ];
  expect(new Set([hash, ...others.map((other) => recordHash({ ...record, ...other }))]).size).toBe(16);
});

test.each([2n ** 63n - 1n, -(2n ** 63n), 8_640_000_000_000_001n])(
  'a time that no clock shows (%s) is read as none, and can be hashed',
  (time) => {
    const bytes = encodeMessage(record);
    const at = bytes.indexOf(0x83) + 1;
    bytes.writeBigInt64BE(time, at);
    const read = decodeMessage(bytes);
    expect(read).toEqual({ ...record, receivedAt: 0 });
    expect(recordHash(read)).toBe(recordHash({ ...record, receivedAt: 0 }));
  },
);

test('charge points go where every RabbitMQ client sends them (murmur3 vectors of the Java client)', () => {
  // rabbitmq-stream-java-client, HashUtilsTest; modulo 2^32 shows the whole hash.
  const whole = 4_294_967_296;
  expect(['hello', 'brave', 'new', 'world'].map((key) => partitionOf(key, whole))).toEqual([
    1_321_743_225, 3_825_276_426, 2_970_740_106, 2_453_398_188,
  ]);
});
