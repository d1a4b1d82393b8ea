import { Offset, SubscribeRequest } from 'rabbitmq-stream-js-client/dist/requests/subscribe_request.js';
import type { BrokerAddress } from '../../platform/config.js';
import type { WattstreamError } from '../../platform/errors.js';
import { decodeMessage } from '../codec.js';
import { streamNames } from '../names.js';
import type { LogInspector, PartitionBounds, StoredRecord } from '../ports.js';
import { type ClientOptions, StreamClient } from './client.js';
import { type Chunk, creditFrame, KEY, messagesOf, parseDeliver } from './frames.js';
import { keptBounds } from './stats.js';

export interface RabbitInspectorOptions {
  readonly address: BrokerAddress;
  readonly tls?: ClientOptions['tls'];
  readonly prefix: string;
  readonly partitions: number;
  /** For connecting, and for each request. Default 10 000. */
  readonly timeoutMs?: number;
}

/** Chunks on their way while a range is read. */
const CREDIT = 4;

/**
 * Looks into the log without taking part in a group. `bounds`, which is asked for again and again, keeps one
 * connection per partition; each `read` has its own. A lost connection rejects the question with its STREAM_*
 * code: ask again.
 */
export function createRabbitInspector(options: RabbitInspectorOptions): LogInspector {
  const { address, tls, prefix, partitions, timeoutMs } = options;
  const names = streamNames(prefix);
  const open = new Set<StreamClient>();
  const connect = async (stream: string): Promise<StreamClient> => {
    const name = `wattstream inspector ${stream}`.slice(0, 255);
    // Of the leader: a replica that has just come back would say that there is less, or nothing.
    const client = await StreamClient.openFor(stream, 'leader', { address, tls, timeoutMs, name });
    open.add(client);
    void client.gone.then(() => open.delete(client));
    return client;
  };

  const kept: (StreamClient | undefined)[] = [];
  const turns: Promise<unknown>[] = Array.from({ length: partitions }, () => Promise.resolve());
  /** One question at a time per connection: its answer is a delivery that could be mistaken for another's. */
  const boundsOf = (partition: number): Promise<PartitionBounds> => {
    const asked = turns[partition]!.then(async () => {
      const stream = names.partition(partition);
      let client = kept[partition];
      if (!client?.alive) client = kept[partition] = await connect(stream);
      const { first, last } = await keptBounds(client, stream);
      return { partition, first, last };
    });
    turns[partition] = asked.catch(() => {});
    return asked;
  };

  return {
    bounds: () => Promise.all(Array.from({ length: partitions }, (_, partition) => boundsOf(partition))),

    async *read(partition, from, to): AsyncGenerator<StoredRecord> {
      const stream = names.partition(partition);
      const client = await connect(stream);
      try {
        // The broker moves an offset outside of the log silently, so what is kept is asked for first.
        const { last } = await keptBounds(client, stream);
        const until = Math.min(to, last ?? -1);
        if (from > until) return;
        for await (const chunk of chunks(client, stream, from)) {
          for (const { offset, bytes, start, end } of messagesOf(chunk)) {
            if (offset < from) continue;
            if (offset > until) return;
            yield Object.assign(decodeMessage(bytes, start, end), { partition, offset });
          }
          if (chunk.firstOffset + chunk.records > until) return;
        }
      } finally {
        await client.close();
      }
    },

    async close() {
      await Promise.all([...open].map((client) => client.close()));
    },
  };
}

/** The chunks of a stream from the one that holds `from`, for as long as somebody asks for them. */
async function* chunks(client: StreamClient, stream: string, from: number): AsyncGenerator<Chunk> {
  const arrived: Chunk[] = [];
  let wake = (): void => {};
  let gone: WattstreamError | undefined;
  void client.gone.then((reason) => {
    gone = reason;
    wake();
  });
  client.taps = {
    onFrame: (key, frame) => {
      if (key !== KEY.deliver) return;
      arrived.push(parseDeliver(frame));
      wake();
    },
  };
  await client.call(
    new SubscribeRequest({
      subscriptionId: 0,
      stream,
      credit: CREDIT,
      offset: Offset.offset(BigInt(from)),
      properties: {},
    }),
    `Reading ${stream}`,
  );
  for (;;) {
    const chunk = arrived.shift();
    if (chunk) {
      yield chunk;
      client.write(creditFrame(0, 1));
    } else if (gone) throw gone;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}
