/**
 * Declares what must exist in the broker before anybody publishes or reads: the super stream `ocpp.frames`.
 *
 * A super stream is a direct exchange, a stream queue per partition, and a binding each (RabbitMQ, "Super
 * Streams"). It is declared over AMQP, where each of the three is idempotent. The stream protocol's own command
 * is not: two at once undo each other's work, and one that is interrupted leaves streams that no later one
 * takes up. Partition 0 is bound last, so a super stream without it is one that is still being made.
 */
import { PartitionsQuery } from 'rabbitmq-stream-js-client/dist/requests/partitions_query.js';
import type { PartitionsResponse } from 'rabbitmq-stream-js-client/dist/responses/partitions_response.js';
import { closeAmqp, declareQueue, openAmqp, refusedDeclaration } from '../../platform/amqp.js';
import type { BrokerAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { streamNames } from '../names.js';
import { brokerCodeOf, type ClientOptions, StreamClient } from './client.js';

const STREAM_DOES_NOT_EXIST = 2;

export interface TopologyOptions {
  /** amqp[s]://user:password@host:port/vhost of the same broker, or several. Used only where something is missing. */
  readonly amqpUrl: string;
  readonly address: BrokerAddress;
  readonly tls?: ClientOptions['tls'];
  readonly prefix: string;
  readonly partitions: number;
  /** Age at which frames may go. Whole segments go, and the newest segment always stays. */
  readonly retentionDays: number;
  /**
   * Nodes that have a copy of each partition, as far as the cluster has so many when the stream is made.
   * An existing stream is left as it is (rabbitmq-streams add_replica). Default: all nodes.
   */
  readonly replicas?: number;
  /** Bytes of one segment file: the grain of retention. Default 100 MB (the broker's own is 500 MB). */
  readonly segmentBytes?: number;
  readonly log?: Logger;
}

/**
 * Makes sure that the super stream exists with exactly `partitions` partitions. Safe to call from many
 * processes at once, and at every start; what an interrupted one left behind is completed. Retention of an
 * existing stream is left as it is (change it with a policy). Rejects with PARTITIONS_DIFFER, TOPOLOGY_REFUSED,
 * BROKER_UNREACHABLE, or as `StreamClient.open`.
 */
export async function ensureTopology(options: TopologyOptions): Promise<void> {
  const { address, tls, prefix, partitions } = options;
  const { superStream, partition } = streamNames(prefix);
  const client = await StreamClient.open({ address, tls, name: 'wattstream topology' });
  try {
    let existing = await partitionsOf(client, superStream);
    const isWhole = () => existing.includes(partition(0));
    if (!isWhole()) {
      await declare(options);
      existing = await partitionsOf(client, superStream);
    }
    if (!isWhole() || existing.length !== partitions) throw differs(options, existing.length);
  } finally {
    await client.close();
  }
}

/** Declares exchange, partitions and bindings, where they are missing. */
async function declare({ amqpUrl, prefix, log, ...options }: TopologyOptions): Promise<void> {
  const { superStream, partition } = streamNames(prefix);
  const connection = await openAmqp(amqpUrl, 'wattstream topology', options.tls);
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    await channel.assertExchange(superStream, 'direct', {
      durable: true,
      arguments: { 'x-super-stream': true },
    });
    for (let index = options.partitions - 1; index >= 0; index--) {
      await declareQueue(connection, partition(index), {
        'x-queue-type': 'stream',
        'x-max-age': `${options.retentionDays}D`,
        'x-stream-max-segment-size-bytes': options.segmentBytes ?? 100_000_000,
        'x-queue-leader-locator': 'balanced',
        ...(options.replicas === undefined ? {} : { 'x-initial-cluster-size': options.replicas }),
      });
      await channel.bindQueue(partition(index), superStream, String(index), {
        'x-stream-partition-order': index,
      });
    }
    log?.info({ superStream, partitions: options.partitions }, 'super stream declared');
  } catch (error) {
    throw refusedDeclaration(`The super stream ${superStream}`, error);
  } finally {
    await closeAmqp(connection);
  }
}

function differs(options: TopologyOptions, count: number): WattstreamError {
  const { superStream } = streamNames(options.prefix);
  return new WattstreamError(
    'PARTITIONS_DIFFER',
    `The super stream ${superStream} has ${count} partitions, ${options.partitions} are wanted`,
    {
      remedy:
        `Set WATTSTREAM_PARTITIONS=${count}. A different count moves charge points to other partitions: it ` +
        'needs a new super stream (WATTSTREAM_PREFIX), a higher WATTSTREAM_EPOCH, and the old one drained first.',
    },
  );
}

/** Names of the partitions, in order; empty when there is no such super stream. */
export async function partitionsOf(client: StreamClient, superStream: string): Promise<string[]> {
  try {
    const found = await client.call<PartitionsResponse>(
      new PartitionsQuery({ superStream }),
      `Partitions of ${superStream}`,
    );
    return found.streams;
  } catch (error) {
    if (brokerCodeOf(error) === STREAM_DOES_NOT_EXIST) return [];
    throw error;
  }
}
