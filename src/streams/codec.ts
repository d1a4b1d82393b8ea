/**
 * A record of `ocpp.frames` and the AMQP 1.0 message it is stored as (OASIS AMQP 1.0, part 3, section 3.2):
 * body in a data section byte for byte; `subject`, `group-id` (charge point), `message-id` (OCPP message id)
 * and `creation-time` (receivedAt, ms) as properties; the rest as application properties, strings only.
 *
 * What is absent or empty is left out: other clients of the stream protocol crash on an empty property when
 * they read it back, at every start.
 */
import { createHash } from 'node:crypto';
import { murmur32 } from 'rabbitmq-stream-js-client/dist/hash/murmur32.js';
import { type FrameRecord, PROTOCOLS, type Protocol } from '../domain/ocpp/record.js';
import {
  AmqpReader,
  closeSection,
  openSection,
  type Scalar,
  writeData,
  writeText,
  writeTimestamp,
} from './amqp.js';

const PROPERTIES = 0x73;
const APPLICATION_PROPERTIES = 0x74;
const DATA = 0x75;
const AMQP_VALUE = 0x77;

/** Places in the properties list (part 3, section 3.2.4). */
const MESSAGE_ID = 0;
const SUBJECT = 3;
const CREATION_TIME = 9;
const GROUP_ID = 10;

/** Bytes that `writeMessage` may need at most: exact for the body, generous for the rest. */
export function messageBound(record: FrameRecord): number {
  const others =
    record.subject.length +
    record.chargePointId.length +
    record.gateway.length +
    (record.messageId?.length ?? 0) +
    (record.connection?.length ?? 0) +
    (record.answer?.length ?? 0) +
    (record.station?.length ?? 0) +
    (record.account?.length ?? 0) +
    (record.tariff?.length ?? 0) +
    (record.meterKeys?.length ?? 0);
  // One UTF-16 unit is at most 3 bytes of UTF-8; 320 covers section headers, keys and short fixed values.
  return Buffer.byteLength(record.body) + 3 * others + 320;
}

/** Writes the message at `start`; returns where it ends. `target` must have room for `messageBound`. */
export function writeMessage(record: FrameRecord, target: Buffer, start: number): number {
  let at = openSection(target, start, PROPERTIES, 'list');
  at = writeText(target, at, record.messageId);
  at = writeText(target, at, undefined); // user-id
  at = writeText(target, at, undefined); // to
  at = writeText(target, at, record.subject);
  for (let place = SUBJECT + 1; place < CREATION_TIME; place++) at = writeText(target, at, undefined);
  at = writeTimestamp(target, at, record.receivedAt);
  at = writeText(target, at, record.chargePointId);
  closeSection(target, start, GROUP_ID + 1, at);

  const properties = at;
  let count = 0;
  at = openSection(target, properties, APPLICATION_PROPERTIES, 'map');
  const put = (key: string, value: string | undefined) => {
    if (!value) return;
    at = writeText(target, writeText(target, at, key), value);
    count += 2;
  };
  put('protocol', record.protocol);
  put('direction', record.direction);
  put('gateway', record.gateway);
  put('connection', record.connection);
  put('seq', record.seq === undefined ? undefined : String(record.seq));
  put('answer', record.answer);
  put('station', record.station);
  put('account', record.account);
  put('tariff', record.tariff);
  put('meterKeys', record.meterKeys);
  closeSection(target, properties, count, at);

  return writeData(target, at, record.body);
}

/** The message as bytes of its own. */
export function encodeMessage(record: FrameRecord): Buffer {
  const target = Buffer.allocUnsafe(messageBound(record));
  return target.subarray(0, writeMessage(record, target, 0));
}

/**
 * The record in `bytes[start, end)`. Never throws: of a message that is not ours, or is damaged, whatever can
 * be read is handed on (texts '' and times 0 where there is nothing), so that it gets its place among the
 * anomalies instead of stopping the partition.
 */
export function decodeMessage(bytes: Buffer, start = 0, end = bytes.length): FrameRecord {
  const found = new Found();
  try {
    found.read(new AmqpReader(bytes, start, end));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return found.record();
}

/** What a Date can hold (ECMA-262, 21.4.1.1): others' messages may carry any number. */
const isTime = (value: Scalar): value is number =>
  Number.isInteger(value) && Math.abs(value as number) <= 8.64e15;

class Found {
  private body = '';
  private messageId: Scalar;
  private subject: Scalar;
  private groupId: Scalar;
  private createdAt: Scalar;
  private readonly application: Record<string, Scalar> = Object.create(null);

  read(reader: AmqpReader): void {
    while (!reader.done) {
      switch (reader.section()) {
        case PROPERTIES:
          this.readProperties(reader);
          break;
        case APPLICATION_PROPERTIES:
          for (let left = reader.enter(); left > 1; left -= 2) {
            const key = reader.scalar();
            const value = reader.scalar();
            if (typeof key === 'string') this.application[key] = value;
          }
          break;
        case DATA:
          this.body += reader.binary();
          break;
        case AMQP_VALUE: {
          const value = reader.scalar();
          if (typeof value === 'string') this.body += value;
          break;
        }
        default:
          reader.skip();
      }
    }
  }

  private readProperties(reader: AmqpReader): void {
    const count = reader.enter();
    for (let place = 0; place < count; place++) {
      const value = reader.scalar();
      if (value === undefined) continue;
      if (place === MESSAGE_ID) this.messageId = value;
      else if (place === SUBJECT) this.subject = value;
      else if (place === CREATION_TIME) this.createdAt = value;
      else if (place === GROUP_ID) this.groupId = value;
    }
  }

  record(): FrameRecord {
    const { protocol, direction, gateway, connection, seq, answer, station, account, tariff, meterKeys } =
      this.application;
    const optional: { -readonly [K in keyof FrameRecord]?: FrameRecord[K] } = {};
    if (text(this.messageId)) optional.messageId = text(this.messageId);
    if (PROTOCOLS.includes(protocol as Protocol)) optional.protocol = protocol as Protocol;
    if (text(connection)) optional.connection = text(connection);
    if (/^\d{1,15}$/.test(text(seq))) optional.seq = Number(seq);
    if (text(answer)) optional.answer = text(answer);
    if (text(station)) optional.station = text(station);
    if (text(account)) optional.account = text(account);
    if (text(tariff)) optional.tariff = text(tariff);
    if (text(meterKeys)) optional.meterKeys = text(meterKeys);
    return {
      body: this.body,
      subject: text(this.subject),
      chargePointId: text(this.groupId),
      receivedAt: isTime(this.createdAt) ? this.createdAt : 0,
      direction: direction === 'out' ? 'out' : 'in',
      gateway: text(gateway),
      ...optional,
    };
  }
}

const text = (value: Scalar): string => (value === undefined ? '' : String(value));

/**
 * Fingerprint of a record's whole content (128 bits of SHA-256, hex), kept in checkpoints: a record that is
 * read again at the same offset and differs means that the stream is another one. It is taken of the message,
 * where an absent field leaves no trace: a field added later changes no hash of a record without it.
 */
export const recordHash = (record: FrameRecord): string =>
  createHash('sha256').update(encodeMessage(record)).digest('hex').slice(0, 32);

/**
 * The partition of a charge point among `partitions`: murmur3 of the id (32 bits, seed 104729) modulo the
 * count, as every RabbitMQ stream client routes by key hash.
 */
export const partitionOf = (chargePointId: string, partitions: number): number =>
  murmur32(chargePointId) % partitions;
