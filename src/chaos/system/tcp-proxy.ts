import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire that can be damaged: everything sent to `port` reaches `target`, until told otherwise. */
export interface TcpProxy {
  readonly host: string;
  readonly port: number;
  /** Connections open now. */
  readonly open: number;
  /** Resets every connection, as when a process or a cable dies and the peer says so. */
  cut(): void;
  /** Nothing goes either way any more, and nobody is told (half-open). New connections freeze too. */
  freeze(): void;
  /** As `freeze` for the connections there are; new ones work. */
  freezeOpen(): void;
  /** What was held back goes on its way. */
  thaw(): void;
  /** Each connection is reset after this many more bytes towards `target`: in the middle of a frame. */
  cutAfter(bytes: number): void;
  /** Flips a bit in this many of the next large pieces (2 000 bytes or more) on their way from `target`. */
  damage(pieces: number): void;
  /** New connections are reset at once. */
  refuse(refusing: boolean): void;
  /** So many bytes a second at most go each way on each connection; undefined = as many as there are. */
  slow(bytesPerSecond: number | undefined): void;
  close(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  budget: number;
  frozen: boolean;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let frozen = false;
  let refusing = false;
  let damaging = 0;
  let rate: number | undefined;

  const server = createServer((near) => {
    near.on('error', () => {});
    if (refusing) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target.port, target.host);
    far.on('error', () => {});
    near.setNoDelay(true);
    far.setNoDelay(true);
    const pair: Pair = { near, far, budget: Number.POSITIVE_INFINITY, frozen };
    pairs.add(pair);
    near.on('data', (data) => {
      const part = data.subarray(0, pair.budget);
      pair.budget -= part.length;
      far.write(part);
      dawdle(pair, near, part.length);
      if (pair.budget <= 0) far.end(() => end(pair));
    });
    far.on('data', (data) => {
      if (damaging > 0 && data.length >= 2_000) {
        damaging -= 1;
        data[data.length - 1]! ^= 1;
      }
      near.write(data);
      dawdle(pair, far, data.length);
    });
    near.on('close', () => end(pair));
    far.on('close', () => end(pair));
    if (frozen) hold(pair);
  });

  const end = (pair: Pair) => {
    // A half-open peer hears nothing of it.
    if (pair.frozen || !pairs.delete(pair)) return;
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
  };
  const cut = () => {
    for (const pair of pairs) {
      pair.frozen = false;
      end(pair);
    }
  };
  /** What was just taken from `from` has to be paid for in time before more is. */
  const dawdle = (pair: Pair, from: Socket, bytes: number) => {
    if (rate === undefined || pair.frozen) return;
    from.pause();
    setTimeout(
      () => {
        if (!pair.frozen) from.resume();
      },
      (bytes / rate) * 1_000,
    ).unref();
  };
  const hold = (pair: Pair) => {
    pair.frozen = true;
    pair.near.pause();
    pair.far.pause();
  };

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    host: '127.0.0.1',
    port,
    get open() {
      return pairs.size;
    },
    cut,
    freeze() {
      frozen = true;
      for (const pair of pairs) hold(pair);
    },
    freezeOpen() {
      for (const pair of pairs) hold(pair);
    },
    thaw() {
      frozen = false;
      for (const pair of pairs) {
        pair.frozen = false;
        if (pair.near.destroyed || pair.far.destroyed) end(pair);
        pair.near.resume();
        pair.far.resume();
      }
    },
    cutAfter(bytes) {
      for (const pair of pairs) pair.budget = bytes;
    },
    damage(pieces) {
      damaging = pieces;
    },
    refuse(value) {
      refusing = value;
    },
    slow(bytesPerSecond) {
      rate = bytesPerSecond;
      if (rate !== undefined) return;
      for (const pair of pairs) {
        if (pair.frozen) continue;
        pair.near.resume();
        pair.far.resume();
      }
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
