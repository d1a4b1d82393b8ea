/**
 * How much waits for a client that reads slower than we write. Socket.io and ws queue without limit: in Engine.io's write
 * buffer while the transport is busy, and in the WebSocket below it. Both are looked at from outside, so what they are
 * called is checked by a test.
 */
import type { Socket } from 'socket.io';

interface Transport {
  readonly socket?: { readonly bufferedAmount?: number; terminate?(): void };
}

export class SendBuffer {
  private waiting = 0;
  private counted = 0;
  private seen: unknown;

  constructor(private readonly connection: Socket['conn']) {}

  /** Bytes (of text: characters) that were handed over and not yet to the kernel. Call after each sending. */
  bytes(): number {
    const { writeBuffer } = this.connection as unknown as { writeBuffer: { data?: unknown }[] };
    // It is emptied as a whole, into the WebSocket, by putting another one in its place.
    if (writeBuffer !== this.seen) {
      this.seen = writeBuffer;
      this.counted = 0;
      this.waiting = 0;
    }
    for (; this.counted < writeBuffer.length; this.counted++) {
      const { data } = writeBuffer[this.counted] as { data?: unknown };
      this.waiting += typeof data === 'string' ? data.length : 0;
    }
    return this.waiting + (this.transport.socket?.bufferedAmount ?? 0);
  }

  /** Ends the connection without waiting for what was not sent. */
  cut(): void {
    this.transport.socket?.terminate?.();
  }

  private get transport(): Transport {
    return this.connection.transport as unknown as Transport;
  }
}
