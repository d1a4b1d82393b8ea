/**
 * Declares what must exist in the broker before anybody publishes or reads: the super stream `ocpp.frames`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateSuperStreamRequest } from 'rabbitmq-stream-js-client/dist/requests/create_super_stream_request.js';
import { PartitionsQuery } from 'rabbitmq-stream-js-client/dist/requests/partitions_query.js';
import type { PartitionsResponse } from 'rabbitmq-stream-js-client/dist/responses/partitions_response.js';
import type { BrokerAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { backoffMs } from '../../platform/retry.js';
import { streamNames } from '../names.js';
import { brokerCodeOf, type ClientOptions, StreamClient } from './client.js';

const STREAM_DOES_NOT_EXIST = 2;
const STREAM_ALREADY_EXISTS = 5;
const INTERNAL_ERROR = 15;
const RETRIES = 5;
/** Equal counts in a row, 250 ms apart, that make a count final. */
const SETTLED_LOOKS = 8;

export interface TopologyOptions {
  readonly address: BrokerAddress;
  readonly tls?: ClientOptions['tls'];
  readonly prefix: string;
  readonly partitions: number;
  /** Age at which frames may go. Whole segments go, and the newest segment always stays. */
  readonly retentionDays: number;
  /** Bytes of one segment file: the grain of retention. Default 100 MB (the broker's own is 500 MB). */
  readonly segmentBytes?: number;
  readonly log?: Logger;
}

/**
 * Makes sure that the super stream exists with exactly `partitions` partitions. Safe to call from many
 * processes at once, and at every start. Retention of an existing stream is left as it is (change it with a
 * policy). Rejects with PARTITIONS_DIFFER, or as `StreamClient.open`.
 */
export async function ensureTopology(options: TopologyOptions): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const count = await declare(options);
      if (count === options.partitions) return;
      if (count > 0 || attempt >= RETRIES) throw differs(options, count);
    } catch (error) {
      // The connection of one who creates what another is creating may be the one that the broker drops.
      const dropped = error instanceof WattstreamError && error.code === 'STREAM_CONNECTION_LOST';
      if (!dropped || attempt >= RETRIES) throw error;
    }
    await sleep(backoffMs(attempt, { firstMs: 200, maxMs: 2_000 }));
  }
}

/** Creates the super stream where there is none; resolves with its number of partitions. */
async function declare(options: TopologyOptions): Promise<number> {
  const { address, tls, prefix, partitions } = options;
  const { superStream } = streamNames(prefix);
  const client = await StreamClient.open({ address, tls, name: 'wattstream topology' });
  try {
    const existing = await partitionsOf(client, superStream);
    if (existing.length === partitions) return partitions;
    if (existing.length === 0)
      await create(client, options).catch((error: unknown) => {
        // Two processes at once: one wins, or the broker undoes the work of both. The count below tells.
        if (![STREAM_ALREADY_EXISTS, INTERNAL_ERROR].includes(brokerCodeOf(error) ?? 0)) throw error;
      });
    return await settledCount(client, superStream, partitions);
  } finally {
    await client.close();
  }
}

async function create(client: StreamClient, options: TopologyOptions): Promise<void> {
  const { superStream, partition } = streamNames(options.prefix);
  const indexes = Array.from({ length: options.partitions }, (_, index) => index);
  await client.call(
    new CreateSuperStreamRequest({
      streamName: superStream,
      partitions: indexes.map(partition),
      bindingKeys: indexes.map(String),
      arguments: {
        'max-age': `${options.retentionDays}D`,
        'stream-max-segment-size-bytes': options.segmentBytes ?? 100_000_000,
        'queue-leader-locator': 'least-leaders',
      },
    }),
    `Creating the super stream ${superStream}`,
  );
  options.log?.info({ superStream, partitions: indexes.length }, 'super stream declared');
}

/** The broker binds one partition after the other: a count that still moves is another process at work. */
async function settledCount(client: StreamClient, superStream: string, wanted: number): Promise<number> {
  let count = -1;
  for (let unchanged = 0; unchanged < SETTLED_LOOKS; unchanged++) {
    const now = (await partitionsOf(client, superStream)).length;
    if (now === wanted) return now;
    if (now !== count) unchanged = 0;
    count = now;
    await sleep(250);
  }
  return count;
}

function differs(options: TopologyOptions, count: number): WattstreamError {
  const { superStream } = streamNames(options.prefix);
  return new WattstreamError(
    'PARTITIONS_DIFFER',
    `The super stream ${superStream} has ${count} partitions, ${options.partitions} are wanted`,
    {
      remedy:
        count === 0
          ? `Streams named ${superStream}-<n> exist without being bound to it: delete them if nothing is in them.`
          : `Set WATTSTREAM_PARTITIONS=${count}. A different count moves charge points to other partitions: it ` +
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
