/**
 * The part of the AMQP 1.0 type system (OASIS AMQP 1.0, part 1) that messages in a stream are made of.
 *
 * Reading is lenient on purpose: whoever may write to the vhost can put any AMQP type into a message, and a
 * reader that throws on the first unknown byte stops at every start. A value we have no use for is skipped
 * by the width that its format code announces (part 1, section 1.2).
 */

export type Scalar = string | number | boolean | undefined;

const STR8 = 0xa1;
const STR32 = 0xb1;
const SYM8 = 0xa3;
const SYM32 = 0xb3;
const VBIN8 = 0xa0;
const VBIN32 = 0xb0;
const LIST0 = 0x45;
const NULL = 0x40;
const TIMESTAMP = 0x83;

/** Bytes of a fixed-width value by the upper half of its format code. */
const FIXED = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16];

export class AmqpReader {
  constructor(
    readonly bytes: Buffer,
    public at: number,
    readonly end: number,
  ) {}

  get done(): boolean {
    return this.at >= this.end;
  }

  /** Descriptor of a section (part 3, section 3.2), e.g. 0x73 = properties. */
  section(): number {
    if (this.bytes[this.at] !== 0x00) throw new RangeError(`no section at byte ${this.at}`);
    this.at += 1;
    const descriptor = this.scalar();
    if (typeof descriptor !== 'number') throw new RangeError('section with a descriptor that is no number');
    return descriptor;
  }

  /** Text, number or boolean; undefined for null and for every other type (which is skipped). */
  scalar(): Scalar {
    const code = this.byte();
    switch (code) {
      case NULL:
        return undefined;
      case 0x41:
        return true;
      case 0x42:
        return false;
      case 0x43:
      case 0x44:
        return 0;
      case 0x50:
      case 0x52:
      case 0x53:
        return this.byte();
      case 0x56:
        return this.byte() !== 0;
      case 0x51:
      case 0x54:
      case 0x55:
        return this.bytes.readInt8(this.take(1));
      case 0x60:
        return this.bytes.readUInt16BE(this.take(2));
      case 0x61:
        return this.bytes.readInt16BE(this.take(2));
      case 0x70:
        return this.bytes.readUInt32BE(this.take(4));
      case 0x71:
        return this.bytes.readInt32BE(this.take(4));
      case 0x72:
        return this.bytes.readFloatBE(this.take(4));
      case 0x80:
        return Number(this.bytes.readBigUInt64BE(this.take(8)));
      case 0x81:
      case TIMESTAMP:
        return Number(this.bytes.readBigInt64BE(this.take(8)));
      case 0x82:
        return this.bytes.readDoubleBE(this.take(8));
      case STR8:
      case SYM8:
        return this.text(this.byte());
      case STR32:
      case SYM32:
        return this.text(this.bytes.readUInt32BE(this.take(4)));
      default:
        this.skipBody(code);
        return undefined;
    }
  }

  /** Enters a list or map; returns how many elements follow (a map counts keys and values). */
  enter(): number {
    const code = this.byte();
    if (code === LIST0) return 0;
    if (code === 0xc0 || code === 0xc1) {
      this.take(1);
      return this.byte();
    }
    if (code === 0xd0 || code === 0xd1) {
      this.take(4);
      return this.bytes.readUInt32BE(this.take(4));
    }
    throw new RangeError(`format code 0x${code.toString(16)} where a list or map must stand`);
  }

  /** Binary as text (the body of a data section). */
  binary(): string {
    const code = this.byte();
    if (code === VBIN8) return this.text(this.byte());
    if (code === VBIN32) return this.text(this.bytes.readUInt32BE(this.take(4)));
    throw new RangeError(`format code 0x${code.toString(16)} where binary must stand`);
  }

  skip(): void {
    this.skipBody(this.byte());
  }

  private skipBody(code: number): void {
    if (code === 0x00) {
      this.skip();
      this.skip();
      return;
    }
    const group = code >> 4;
    const fixed = FIXED[group];
    if (fixed !== undefined && group >= 4) this.take(fixed);
    else if (group >= 0xa) this.take(group % 2 === 0 ? this.byte() : this.bytes.readUInt32BE(this.take(4)));
    else throw new RangeError(`unknown format code 0x${code.toString(16)}`);
  }

  private text(length: number): string {
    const start = this.take(length);
    return this.bytes.toString('utf8', start, this.at);
  }

  private byte(): number {
    return this.bytes[this.take(1)]!;
  }

  private take(count: number): number {
    const start = this.at;
    if (start + count > this.end) throw new RangeError('the message ends within a value');
    this.at = start + count;
    return start;
  }
}

/** Writes `text` as str8 or str32; returns where the next value goes. '' and undefined become null. */
export function writeText(target: Buffer, start: number, text: string | undefined): number {
  if (!text) {
    target[start] = NULL;
    return start + 1;
  }
  const length = text.length;
  if (length <= 64) {
    // For short ASCII a loop beats the call into C++ by three to one; almost all our texts are that.
    let at = start + 2;
    let index = 0;
    for (; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) break;
      target[at++] = unit;
    }
    if (index === length) {
      target[start] = STR8;
      target[start + 1] = length;
      return at;
    }
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= 255) {
    target[start] = STR8;
    target[start + 1] = bytes;
    return start + 2 + target.write(text, start + 2);
  }
  target[start] = STR32;
  target.writeUInt32BE(bytes, start + 1);
  return start + 5 + target.write(text, start + 5);
}

export function writeTimestamp(target: Buffer, start: number, epochMs: number): number {
  target[start] = TIMESTAMP;
  const high = Math.floor(epochMs / 0x1_0000_0000);
  target.writeInt32BE(high, start + 1);
  target.writeUInt32BE(epochMs - high * 0x1_0000_0000, start + 5);
  return start + 9;
}

/** Opens a described section whose value is a list32 or map32; `close` it with where its elements end. */
export function openSection(target: Buffer, start: number, descriptor: number, kind: 'list' | 'map'): number {
  target[start] = 0x00;
  target[start + 1] = 0x53;
  target[start + 2] = descriptor;
  target[start + 3] = kind === 'list' ? 0xd0 : 0xd1;
  return start + 12;
}

export function closeSection(target: Buffer, start: number, elements: number, end: number): void {
  // The size counts what follows it: the count field and the elements (part 1, section 1.6.22).
  target.writeUInt32BE(end - start - 8, start + 4);
  target.writeUInt32BE(elements, start + 8);
}

export function writeData(target: Buffer, start: number, body: string): number {
  target[start] = 0x00;
  target[start + 1] = 0x53;
  target[start + 2] = 0x75;
  target[start + 3] = VBIN32;
  const bytes = target.write(body, start + 8);
  target.writeUInt32BE(bytes, start + 4);
  return start + 8 + bytes;
}
