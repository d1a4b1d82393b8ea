/** A corner of the broker for one test: exchanges and queues under a prefix of their own, through a damageable wire. */
import { randomBytes } from 'node:crypto';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { messageNames, RETRY_DELAYS, type RetryDelay } from '../src/domain/messages/names.js';
import { openAmqp } from '../src/platform/amqp.js';
import { type BrokerAddress, readSettings, streamAddress } from '../src/platform/config.js';
import { QueueConnection, type QueueConnectionOptions } from '../src/queues/rabbitmq/connection.js';
import { ensureQueueTopology } from '../src/queues/rabbitmq/topology.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

export interface TestQueues {
  readonly prefix: string;
  readonly names: ReturnType<typeof messageNames>;
  /** The broker itself, and through `proxy`. */
  readonly directUrl: string;
  readonly amqpUrl: string;
  readonly proxy: TcpProxy;
  /** The stream listener, through `streamProxy`. */
  readonly address: BrokerAddress;
  readonly streamProxy: TcpProxy;
  /** A connection that no proxy damages, to look and to prepare with. */
  readonly admin: ChannelModel;
  declare(): Promise<void>;
  remove(): Promise<void>;
  /** Through the proxy; closed with everything else. */
  connect(options?: Partial<QueueConnectionOptions>): QueueConnection;
  /** Bodies in a queue, which are taken out of it. */
  drain(queue: string): Promise<string[]>;
  count(queue: string): Promise<number>;
  close(): Promise<void>;
}

export async function createTestQueues(
  options: { bare?: boolean; retryMs?: Readonly<Record<RetryDelay, number>> } = {},
): Promise<TestQueues> {
  const settings = readSettings();
  const directUrl = settings.RABBITMQ_URL.split(',')[0]!;
  const prefix = `${settings.WATTSTREAM_PREFIX}q${randomBytes(5).toString('hex')}.`;
  const names = messageNames(prefix);
  const declare = () =>
    ensureQueueTopology({
      amqpUrl: directUrl,
      prefix,
      eventsRetentionDays: 1,
      loginDays: 1,
      ...(options.retryMs === undefined ? {} : { retryMs: options.retryMs }),
    });
  if (!options.bare) await declare();
  const url = new URL(directUrl);
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port || 5672) });
  url.hostname = proxy.host;
  url.port = String(proxy.port);
  const stream = streamAddress(settings);
  const streamProxy = await startTcpProxy(stream);
  const admin = await openAmqp(directUrl, 'wattstream test');
  const opened: QueueConnection[] = [];

  const count = async (queue: string): Promise<number> => {
    const channel = await admin.createChannel();
    try {
      return (await channel.checkQueue(queue)).messageCount;
    } finally {
      await channel.close();
    }
  };
  return {
    prefix,
    names,
    directUrl,
    amqpUrl: url.toString(),
    proxy,
    address: { ...stream, host: streamProxy.host, port: streamProxy.port },
    streamProxy,
    admin,
    declare,
    remove: () => removeQueues(prefix, admin),
    connect(more = {}) {
      const connection = new QueueConnection({
        amqpUrl: url.toString(),
        name: 'wattstream test',
        reconnectMs: 50,
        repair: declare,
        ...more,
      });
      opened.push(connection);
      return connection;
    },
    // By consuming: a queue with a single active consumer cannot be asked for one message.
    async drain(queue) {
      const waiting = await count(queue);
      const channel = await admin.createChannel();
      const bodies: string[] = [];
      if (waiting > 0)
        await new Promise<void>((resolve, reject) => {
          const take = (message: ConsumeMessage | null) => {
            if (message !== null) bodies.push(message.content.toString());
            if (bodies.length === waiting) resolve();
          };
          channel.consume(queue, take, { noAck: true }).catch(reject);
        });
      await channel.close();
      return bodies;
    },
    count,
    async close() {
      proxy.thaw();
      await Promise.all(opened.map((connection) => connection.close()));
      await removeQueues(prefix, admin);
      await admin.close();
      await proxy.close();
      await streamProxy.close();
    },
  };
}

/** Takes away what `ensureQueueTopology` made. */
export async function removeQueues(prefix: string, connection?: ChannelModel): Promise<void> {
  const { exchanges, queues, streams, retry } = messageNames(prefix);
  const admin = connection ?? (await openAmqp(readSettings().RABBITMQ_URL, 'wattstream test'));
  const channel = await admin.createChannel();
  channel.on('error', () => {});
  for (const queue of [...Object.values(queues), ...Object.values(streams)]) {
    await channel.deleteQueue(queue);
    for (const delay of RETRY_DELAYS) await channel.deleteQueue(retry(queue, delay));
  }
  for (const exchange of Object.values(exchanges)) await channel.deleteExchange(exchange);
  await channel.close();
  if (!connection) await admin.close();
}
