/**
 * A wire to the stream listener that understands frames (RabbitMQ stream protocol: a four-byte size, then key and
 * version of two bytes each), so that it can deliver records a second time: what a reader would see of a broker
 * whose stream was replaced under it.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const DELIVER = 8;

interface Wire {
  readonly near: Socket;
  /** Newest first. */
  deliveries: Buffer[];
}

export interface RepeatingProxy {
  readonly port: number;
  /** Sends the newest delivery that holds all these texts once more, on each connection; how many there were. */
  repeat(...texts: string[]): number;
  close(): Promise<void>;
}

export async function startRepeatingProxy(target: { host: string; port: number }): Promise<RepeatingProxy> {
  const wires = new Set<Wire>();
  const server = createServer((near) => {
    const far = connect(target.port, target.host);
    const wire: Wire = { near, deliveries: [] };
    wires.add(wire);
    let rest = Buffer.alloc(0);
    // Whole frames only, so that what is repeated never lands within another.
    far.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const frame = rest.subarray(0, 4 + rest.readUInt32BE(0));
        rest = rest.subarray(frame.length);
        if (frame.readUInt16BE(4) === DELIVER)
          wire.deliveries = [Buffer.from(frame), ...wire.deliveries].slice(0, 50);
        near.write(frame);
      }
    });
    near.on('data', (data) => far.write(data));
    const end = (): void => {
      wires.delete(wire);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    repeat(...texts) {
      let repeated = 0;
      for (const { near, deliveries } of wires) {
        const delivery = deliveries.find((one) => texts.every((text) => one.includes(text)));
        if (delivery === undefined) continue;
        near.write(delivery);
        repeated++;
      }
      return repeated;
    },
    async close() {
      for (const { near } of wires) near.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
