/**
 * amqplib hands each message to the socket by itself: a system call and, without Nagle, a packet for each, a fifth of the
 * processor time of whoever publishes thousands a second. With this, what it has at hand goes out in one piece; nothing
 * waits for anything.
 *
 * It reaches into amqplib's insides (`Mux`); where they are others than those of 2.3 it does nothing.
 * `gather-writes.int.test.ts` fails then.
 */
import type { ChannelModel } from 'amqplib';

interface Insides {
  readonly muxer?: { _readIncoming?: () => void };
  readonly stream?: { cork?: () => void; uncork?: () => void };
}

export function gatherWrites(model: Pick<ChannelModel, 'connection'>): void {
  const { muxer, stream } = model.connection as unknown as Insides;
  const write = muxer?._readIncoming;
  if (muxer === undefined || write === undefined || !stream?.cork || !stream.uncork) return;
  muxer._readIncoming = () => {
    stream.cork?.();
    try {
      write.call(muxer);
    } finally {
      stream.uncork?.();
    }
  };
}
