/** A corner of the broker for one test: streams under a prefix of their own, reached through a damageable wire. */
import { randomBytes } from 'node:crypto';
import { DeleteSuperStreamRequest } from 'rabbitmq-stream-js-client/dist/requests/delete_super_stream_request.js';
import { type BrokerAddress, readSettings, streamAddress } from '../src/platform/config.js';
import { streamNames } from '../src/streams/names.js';
import { StreamClient } from '../src/streams/rabbitmq/client.js';
import { ensureTopology } from '../src/streams/rabbitmq/topology.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

export interface TestStreams {
  readonly prefix: string;
  readonly partitions: number;
  /** The broker itself. */
  readonly direct: BrokerAddress;
  /** The broker through `proxy`. */
  readonly address: BrokerAddress;
  readonly proxy: TcpProxy;
  declare(): Promise<void>;
  remove(): Promise<void>;
  close(): Promise<void>;
}

/** Declared unless `bare`. The broker is the one that RABBITMQ_URL or RABBITMQ_STREAM_URL names. */
export async function createTestStreams(
  partitions: number,
  options: { bare?: boolean } = {},
): Promise<TestStreams> {
  const settings = readSettings();
  const direct = streamAddress(settings);
  const prefix = `${settings.WATTSTREAM_PREFIX}t${randomBytes(5).toString('hex')}.`;
  const declare = () =>
    ensureTopology({ amqpUrl: settings.RABBITMQ_URL, address: direct, prefix, partitions, retentionDays: 1 });
  const remove = async () => {
    const client = await StreamClient.open({ address: direct, name: 'wattstream test' });
    await client
      .call(new DeleteSuperStreamRequest(streamNames(prefix).superStream), 'Deleting')
      .catch(() => {})
      .finally(() => client.close());
  };
  if (!options.bare) await declare();
  const proxy = await startTcpProxy(direct);
  return {
    prefix,
    partitions,
    direct,
    address: { ...direct, host: proxy.host, port: proxy.port },
    proxy,
    declare,
    remove,
    async close() {
      await remove();
      await proxy.close();
    },
  };
}
