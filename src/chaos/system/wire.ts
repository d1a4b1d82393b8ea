/** The way of one process to the broker: both of its doors behind proxies that are damaged together. */
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

export interface Wire {
  readonly amqpUrl: string;
  readonly streamUrl: string;
  /** Each of the proxies, whatever should happen to them. */
  readonly ways: readonly TcpProxy[];
  close(): Promise<void>;
}

/** @param broker addresses of one node */
export async function startWire(broker: { amqpUrl: string; streamUrl: string }): Promise<Wire> {
  const [amqp, stream] = await Promise.all([through(broker.amqpUrl), through(broker.streamUrl)]);
  const ways = [amqp.proxy, stream.proxy];
  return {
    amqpUrl: amqp.url,
    streamUrl: stream.url,
    ways,
    close: async () => void (await Promise.all(ways.map((way) => way.close()))),
  };
}

async function through(url: string): Promise<{ proxy: TcpProxy; url: string }> {
  const { hostname, port } = new URL(url);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  return { proxy, url: url.replace(`${hostname}:${port}`, `${proxy.host}:${proxy.port}`) };
}
