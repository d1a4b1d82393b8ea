import { StreamStatsRequest } from 'rabbitmq-stream-js-client/dist/requests/stream_stats_request.js';
import { Offset, SubscribeRequest } from 'rabbitmq-stream-js-client/dist/requests/subscribe_request.js';
import { UnsubscribeRequest } from 'rabbitmq-stream-js-client/dist/requests/unsubscribe_request.js';
import type { StreamStatsResponse } from 'rabbitmq-stream-js-client/dist/responses/stream_stats_response.js';
import { withTimeout } from '../../platform/retry.js';
import type { Kept } from '../start.js';
import type { StreamClient } from './client.js';
import { type Chunk, KEY, parseChunk } from './frames.js';

/** Subscription id of the look at the last chunk; readers use 0. */
const PEEK = 200;

/**
 * First and last offset that a stream keeps. The broker's statistics name the *first* offset of the last chunk
 * only, so that chunk is fetched and its
 * records are counted. The connection's owner goes on getting its own frames meanwhile.
 */
export async function keptBounds(
  client: StreamClient,
  stream: string,
): Promise<Kept & { readonly lastWrittenAt?: number }> {
  const { statistics } = await client.call<StreamStatsResponse>(
    new StreamStatsRequest(stream),
    `Statistics of ${stream}`,
  );
  // -1 = nothing yet.
  if (statistics.committedChunkId < 0n) return { first: undefined, last: undefined };
  const chunk = await lastChunk(client, stream);
  const last = chunk.firstOffset + chunk.records - 1;
  return { first: Math.max(0, Number(statistics.firstChunkId)), last, lastWrittenAt: chunk.writtenAt };
}

async function lastChunk(client: StreamClient, stream: string): Promise<Chunk> {
  const { taps } = client;
  try {
    const arrived = new Promise<Chunk>((resolve) => {
      client.taps = {
        onFrame: (key, frame) => {
          if (key !== KEY.deliver || frame[4] !== PEEK) taps.onFrame(key, frame);
          else resolve(parseChunk(frame));
        },
      };
    });
    await client.call(
      new SubscribeRequest({
        subscriptionId: PEEK,
        stream,
        credit: 1,
        offset: Offset.last(),
        properties: {},
      }),
      `A look at the end of ${stream}`,
    );
    return await withTimeout(
      Promise.race([arrived, client.gone.then((reason) => Promise.reject(reason))]),
      10_000,
      `The last chunk of ${stream}`,
    );
  } finally {
    if (client.alive) await client.call(new UnsubscribeRequest(PEEK), 'Ending the look').catch(() => {});
    client.taps = taps;
  }
}
