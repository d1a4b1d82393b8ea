/** A reader asked to begin at a node that has just come back from a crash, and holds nothing yet. */
import { afterEach, expect, test } from '@jest/globals';
import type { WattstreamError } from '../../platform/errors.js';
import { silentLogger } from '../../platform/logger.js';
import type { PartitionHandler, Refusal } from '../ports.js';
import type { Kept } from '../start.js';
import type { StreamClient, Taps } from './client.js';
import { KEY } from './frames.js';
import { PartitionReader } from './partition-reader.js';

let reader: PartitionReader | undefined;
afterEach(() => reader?.close());

/** The broker's question: become active. */
const becomeActive = (): Buffer => {
  const frame = Buffer.alloc(10);
  frame.writeUInt16BE(KEY.consumerUpdate, 0);
  frame.writeUInt16BE(1, 2);
  frame.writeUInt32BE(7, 4);
  frame[9] = 1;
  return frame;
};

/** A connection to a replica that keeps nothing (the answer to a question about its statistics). */
function emptyReplica() {
  let die!: (reason: WattstreamError) => void;
  const gone = new Promise<WattstreamError>((resolve) => {
    die = resolve;
  });
  const client = {
    taps: { onFrame: () => {} } as Taps,
    alive: true,
    gone,
    call: async () => ({ ok: true, statistics: { committedChunkId: -1n, firstChunkId: -1n } }),
    write: () => {},
    die,
    close: async () => {},
  };
  return { client: client as unknown as StreamClient, gone };
}

/** @param atLeader what the leader says, time after time; the last holds on */
async function beginAfter(offset: number, ...atLeader: [Kept, ...Kept[]]) {
  const { client, gone } = emptyReplica();
  const refusals: Refusal[] = [];
  let refuse!: (why: Refusal) => void;
  const refused = new Promise<Refusal>((resolve) => {
    refuse = resolve;
  });
  const handler: PartitionHandler = {
    activate: async () => ({ after: offset, hash: 'h' }),
    accept: () => undefined,
    deactivate: async () => {},
    refused: (why) => {
      refusals.push(why);
      refuse(why);
    },
  };
  let connected = 0;
  let asked = 0;
  reader = new PartitionReader({
    partition: 3,
    stream: 'ocpp.frames-3',
    superStream: 'ocpp.frames',
    group: 'g',
    handler,
    acceptedGaps: new Map(),
    connect: () => (connected++ === 0 ? Promise.resolve(client) : new Promise(() => {})),
    boundsAtLeader: async () => atLeader[Math.min(asked++, atLeader.length - 1)] as Kept,
    backoff: { firstMs: 1, maxMs: 1 },
    log: silentLogger,
  });
  for (let turns = 0; turns < 50 && connected === 0; turns++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  client.taps.onFrame(KEY.consumerUpdate, becomeActive());
  return { refusals, refused, gone };
}

test('a replica that lags behind its leader is no reason to refuse: another attempt follows', async () => {
  const { refusals, gone } = await beginAfter(4_804, { first: 0, last: 4_900 });
  expect((await gone).message).toContain('not as far as its leader yet');
  expect(refusals).toEqual([]);
});

test('nor is a leader that has just come back, and says for a moment that it holds nothing, or less', async () => {
  const { refusals, gone } = await beginAfter(
    4_804,
    { first: undefined, last: undefined },
    { first: 0, last: 4_100 },
    { first: 0, last: 4_900 },
  );
  expect((await gone).message).toContain('not as far as its leader yet');
  expect(refusals).toEqual([]);
});

test('what retention took does not come back: that is refused at once', async () => {
  const { refused } = await beginAfter(4_804, { first: 4_900, last: 5_000 }, { first: 0, last: 5_000 });
  expect(await refused).toMatchObject({ code: 'RETENTION_PASSED_CHECKPOINT', partition: 3 });
});

test('when the leader goes on saying the same, the log is another one', async () => {
  const { refused, refusals } = await beginAfter(4_804, { first: undefined, last: undefined });
  await refused;
  expect(refusals).toEqual([expect.objectContaining({ code: 'LOG_DIFFERS_FROM_CHECKPOINT', partition: 3 })]);
});
