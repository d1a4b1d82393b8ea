/**
 * A WebSocket client that may break every rule (RFC 6455): it writes the bytes it is given, and reads what a proper
 * server sends. The library that chargers usually use would not let the broken things out.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export const OPCODE = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export interface FrameOptions {
  readonly fin?: boolean;
  readonly masked?: boolean;
  /** The three reserved bits, 0 to 7. */
  readonly reserved?: number;
  /** What the header says, when it is not the truth. */
  readonly length?: number;
}

/** A frame as a client writes it (section 5.2). */
export function frameOf(opcode: number, payload: Buffer, options: FrameOptions = {}): Buffer {
  const { fin = true, masked = true, reserved = 0, length = payload.length } = options;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + extra);
  header[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  header[1] = (masked ? 0x80 : 0) | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) header.writeUInt16BE(length, 2);
  if (extra === 8) header.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([header, payload]);
  const body = Buffer.from(payload);
  for (let at = 0; at < body.length; at++) body[at]! ^= MASK[at % 4]!;
  return Buffer.concat([header, MASK, body]);
}

/** A message in so many frames, at most one per byte. */
export function message(opcode: number, payload: Buffer, pieces = 1): Buffer {
  const size = Math.max(1, Math.ceil(payload.length / pieces));
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += size)
    frames.push(
      frameOf(at === 0 ? opcode : OPCODE.more, payload.subarray(at, at + size), {
        fin: at + size >= payload.length,
      }),
    );
  return Buffer.concat(frames);
}

export const upgradeRequest = (path: string, protocol: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Protocol: ${protocol}`,
    '\r\n',
  ].join('\r\n');

/** How a connection ended. `code` is that of the server's close frame; undefined without one. */
export interface Ending {
  readonly code: number | undefined;
  readonly reason: string;
}

export class Wire {
  /** Status of the answer to the handshake; undefined until there is one. */
  status: number | undefined;
  /** Text messages of the server, in order. */
  readonly texts: string[] = [];
  readonly pongs: Buffer[] = [];
  ending: Ending | undefined;
  private close: Ending | undefined;
  private unread = Buffer.alloc(0);
  private waiters: (() => void)[] = [];

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      this.unread = this.unread.length === 0 ? data : Buffer.concat([this.unread, data]);
      if (this.status === undefined) this.readHead();
      if (this.status === 101) while (this.readFrame()) {}
      this.wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ending = this.close ?? { code: undefined, reason: '' };
      this.wake();
    });
  }

  /** Writes `head`, and waits for nothing. */
  static begin(port: number, head: string | Buffer): Wire {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write(head);
    return new Wire(socket);
  }

  /** Writes `head` and resolves once it is answered or the connection is gone, which `limitMs` bounds. */
  static async open(port: number, head: string | Buffer, limitMs: number): Promise<Wire> {
    const wire = Wire.begin(port, head);
    await wire.until(() => wire.status !== undefined, limitMs);
    return wire;
  }

  write(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Our half of the connection ends; the server may still speak. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** True as soon as it is so, false when the connection is gone first; rejects after `limitMs`. */
  async until(condition: () => boolean, limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (!condition()) {
      if (this.ending !== undefined) return false;
      const left = deadline - performance.now();
      if (left <= 0)
        throw new Error(`neither answered nor closed within ${limitMs / 1_000} s: ${String(condition)}`);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.waiters.push(resolve);
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
    return true;
  }

  private wake(): void {
    for (const wake of this.waiters.splice(0)) wake();
  }

  private readHead(): void {
    const end = this.unread.indexOf('\r\n\r\n');
    const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(this.unread.toString('latin1', 0, 20)) ?? [];
    if (end < 0 || status === undefined) return;
    this.unread = this.unread.subarray(end + 4);
    this.status = Number(status);
  }

  /** Frames of a server are not masked, and ours are never in pieces. */
  private readFrame(): boolean {
    const { unread } = this;
    if (unread.length < 2) return false;
    const short = unread[1]! & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (unread.length < 2 + extra) return false;
    const length =
      extra === 0 ? short : extra === 2 ? unread.readUInt16BE(2) : Number(unread.readBigUInt64BE(2));
    if (unread.length < 2 + extra + length) return false;
    const body = unread.subarray(2 + extra, 2 + extra + length);
    this.unread = unread.subarray(2 + extra + length);
    switch (unread[0]! & 0x0f) {
      case OPCODE.text:
        this.texts.push(body.toString());
        break;
      case OPCODE.ping:
        this.write(frameOf(OPCODE.pong, body));
        break;
      case OPCODE.pong:
        this.pongs.push(Buffer.from(body));
        break;
      case OPCODE.close:
        this.close ??= {
          code: body.length < 2 ? undefined : body.readUInt16BE(0),
          reason: body.toString('utf8', 2),
        };
        this.write(frameOf(OPCODE.close, body.subarray(0, 2)));
        this.socket.end();
    }
    return true;
  }
}
