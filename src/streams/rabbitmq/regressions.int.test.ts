/**
 * What went wrong elsewhere and must not here: each test is named for a defect of the stock client, of the
 * protocol's pitfalls, or of a network. The wire between us and the broker is a proxy that the tests damage.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Channel, connect as connectAmqp } from 'amqplib';
import { connect as connectStock, Offset } from 'rabbitmq-stream-js-client';
import { CompressionType } from 'rabbitmq-stream-js-client/dist/compression.js';
import { CreateSuperStreamRequest } from 'rabbitmq-stream-js-client/dist/requests/create_super_stream_request.js';
import { StreamStatsRequest } from 'rabbitmq-stream-js-client/dist/requests/stream_stats_request.js';
import { createTestStreams, type TestStreams } from '../../../test/rabbitmq.js';
import { type BrokerAddress, readSettings } from '../../platform/config.js';
import { encodeMessage, recordHash } from '../codec.js';
import { streamNames } from '../names.js';
import type { FramePublisher, LogReader, StoredRecord } from '../ports.js';
import { chargePointIn, frame, Recorder, until } from '../streams.contract.js';
import { StreamClient } from './client.js';
import { createRabbitInspector } from './inspector.js';
import { createRabbitPublisher, type RabbitPublisherOptions } from './publisher.js';
import { createRabbitReader, type RabbitReaderOptions } from './reader.js';
import { ensureTopology, partitionsOf } from './topology.js';

const backoff = { firstMs: 20, maxMs: 200 };
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n);

let streams: TestStreams;
let unhandled: unknown[];
const open: { close(drainMs?: number): Promise<void> }[] = [];
const noteUnhandled = (reason: unknown) => unhandled.push(reason);

beforeEach(async () => {
  unhandled = [];
  process.on('unhandledRejection', noteUnhandled);
  streams = await createTestStreams(2);
});
afterEach(async () => {
  streams.proxy.refuse(false);
  streams.proxy.thaw();
  await Promise.all(open.splice(0).map((part) => part.close(100)));
  await streams.close();
  process.off('unhandledRejection', noteUnhandled);
  expect(unhandled).toEqual([]);
});

function publisher(options: Partial<RabbitPublisherOptions> = {}): FramePublisher {
  const { address, prefix, partitions } = streams;
  const made = createRabbitPublisher({ address, prefix, partitions, gateway: 'test', backoff, ...options });
  open.push(made);
  return made;
}
async function reading(handler: Recorder, options: Partial<RabbitReaderOptions> = {}): Promise<LogReader> {
  const { address, prefix, partitions } = streams;
  const made = createRabbitReader({ address, prefix, partitions, group: 'test', backoff, ...options });
  open.push(made);
  await made.start(handler);
  return made;
}
/** Everything that is stored, read past the proxy. */
async function stored(): Promise<StoredRecord[]> {
  const { direct: address, prefix, partitions } = streams;
  const inspector = createRabbitInspector({ address, prefix, partitions });
  const all: StoredRecord[] = [];
  for (const { partition, last } of await inspector.bounds())
    if (last !== undefined) for await (const record of inspector.read(partition, 0, last)) all.push(record);
  await inspector.close();
  return all;
}
const stockClient = () => {
  const { host: hostname, port, username, password, vhost } = streams.direct;
  return connectStock({ hostname, port, username, password, vhost });
};
const partitionStream = (partition: number) => streamNames(streams.prefix).partition(partition);

describe('publishing', () => {
  test('frames cut in the middle, again and again: nothing lost, nothing twice, order kept', async () => {
    const to = publisher();
    const id = chargePointIn(0, 2);
    const waiting: Promise<unknown>[] = [];
    for (let n = 0; n < 3_000; n++) {
      waiting.push(
        to.publishOCPPMessage(frame(id, n, { body: `${n} `.padEnd(1 + ((n * 7_919) % 3_000), 'x') })),
      );
      if (n % 5 === 0) await sleep(1);
      if (n % 300 === 150) streams.proxy.cutAfter((n * 31) % 20_000);
    }
    streams.proxy.cutAfter(Number.POSITIVE_INFINITY);
    await Promise.all(waiting);
    expect((await stored()).map((record) => record.seq)).toEqual(numbers(3_000));
  });

  const management = process.env.RABBITMQ_MANAGEMENT_URL;
  const managed = management ? test : test.skip;
  managed(
    'a connection that the broker closes is replaced (management: DELETE /api/connections)',
    async () => {
      const to = publisher({ gateway: streams.prefix });
      const id = chargePointIn(1, 2);
      await to.publishOCPPMessage(frame(id, 0));
      const { username, password, vhost } = streams.direct;
      const headers = { authorization: `Basic ${btoa(`${username}:${password}`)}` };
      const list = `${management}/api/vhosts/${encodeURIComponent(vhost)}/connections`;
      // The list is refreshed every few seconds.
      const ours = async () =>
        (
          (await (await fetch(list, { headers })).json()) as { name: string; user_provided_name?: string }[]
        ).filter(
          (connection) =>
            JSON.stringify(connection).includes(`wattstream publisher ${streams.prefix}`) && connection.name,
        );
      await until(async () => (await ours()).length === 2, 'both connections are listed');
      const waiting = numbers(500, 1).map((n) => to.publishOCPPMessage(frame(id, n)));
      for (const { name } of await ours())
        await fetch(`${management}/api/connections/${encodeURIComponent(name)}`, {
          method: 'DELETE',
          headers,
        });
      waiting.push(...numbers(500, 501).map((n) => to.publishOCPPMessage(frame(id, n))));
      await Promise.all(waiting);
      expect((await stored()).map((record) => record.seq)).toEqual(numbers(1_001));
    },
  );

  test('a half-open connection is given up for want of confirms, and its records arrive by a new one', async () => {
    const to = publisher({ confirmTimeoutMs: 300, stallMs: 60_000 });
    const id = chargePointIn(0, 2);
    await to.publishOCPPMessage(frame(id, 0));
    streams.proxy.freezeOpen();
    await Promise.all(numbers(100, 1).map((n) => to.publishOCPPMessage(frame(id, n))));
    // What the dead wire held back arrives late, as it may; the broker knows those ids by now.
    streams.proxy.thaw();
    await to.publishOCPPMessage(frame(id, 101));
    await sleep(200);
    expect((await stored()).map((record) => record.seq)).toEqual(numbers(102));
  });

  test('a broker that is away at the start is waited for; records are kept meanwhile', async () => {
    streams.proxy.refuse(true);
    const to = publisher();
    expect(to.state).toBe('stalled');
    const waiting = numbers(50).map((n) => to.publishOCPPMessage(frame(chargePointIn(0, 2), n)));
    await sleep(200);
    expect(to.unconfirmed).toBe(50);
    streams.proxy.refuse(false);
    await Promise.all(waiting);
    await until(() => to.state === 'flowing', 'flowing');
    expect((await stored()).map((record) => record.seq)).toEqual(numbers(50));
  });

  test('with every connection gone for long the publisher is stalled, also when nothing waits', async () => {
    const to = publisher({ stallMs: 200 });
    await until(() => to.state === 'flowing', 'flowing');
    streams.proxy.refuse(true);
    streams.proxy.cut();
    await until(() => to.state === 'stalled', 'stalled');
    streams.proxy.refuse(false);
    await until(() => to.state === 'flowing', 'flowing again');
  });

  test('closing while the broker is away does not hang', async () => {
    const to = publisher();
    await until(() => to.state === 'flowing', 'flowing');
    streams.proxy.refuse(true);
    streams.proxy.cut();
    const lost = expect(to.publishOCPPMessage(frame('CP-1', 1))).rejects.toMatchObject({
      code: 'PUBLISHER_CLOSED',
    });
    await to.close(50);
    await lost;
  });

  test('many large records at once stay within the largest frame (the stock client loses such batches)', async () => {
    const to = publisher();
    await Promise.all(
      numbers(300).map((n) => to.publishOCPPMessage(frame('CP-1', n, { body: 'x'.repeat(10_600) }))),
    );
    expect((await stored()).map((record) => record.seq)).toEqual(numbers(300));
  });

  test('two processes of one gateway name do not deduplicate each other', async () => {
    const [one, two] = [publisher(), publisher()];
    await Promise.all(
      numbers(200).flatMap((n) => [
        one.publishOCPPMessage(frame('CP-1', n)),
        two.publishOCPPMessage(frame('CP-1', n)),
      ]),
    );
    const read = (await stored()).map((record) => record.seq!);
    expect(read.sort((a, b) => a - b)).toEqual(numbers(200).flatMap((n) => [n, n]));
  });

  test('a stream that is deleted and declared again takes what was not confirmed', async () => {
    const to = publisher();
    await to.publishOCPPMessage(frame('CP-1', 0));
    await streams.remove();
    const waiting = numbers(20, 1).map((n) => to.publishOCPPMessage(frame('CP-1', n)));
    await sleep(100);
    await streams.declare();
    await Promise.all(waiting);
    expect((await stored()).map((record) => record.seq)).toEqual(numbers(20, 1));
  });
});

describe('what others write and read', () => {
  test('the stock client and AMQP 0.9.1 read what we write, byte for byte', async () => {
    const record = frame(chargePointIn(0, 2), 3, {
      body: '[3,"ü",{"größe":"⚡"}]',
      answer: 'a'.repeat(300),
      tariff: 'T@1',
    });
    await publisher().publishOCPPMessage(record);

    const stock = await stockClient();
    const byStock = await new Promise<Record<string, never>>((resolve) => {
      void stock.declareConsumer({ stream: partitionStream(0), offset: Offset.first() }, (message) => {
        resolve(message as never);
      });
    });
    await stock.close();
    expect(byStock).toMatchObject({
      content: Buffer.from(record.body),
      messageProperties: {
        messageId: 'm3',
        subject: 'Heartbeat',
        groupId: record.chargePointId,
        creationTime: new Date(record.receivedAt),
      },
      applicationProperties: {
        protocol: 'ocpp1.6',
        direction: 'in',
        gateway: 'gateway-1',
        connection: record.connection,
        seq: '3',
        answer: record.answer,
        tariff: 'T@1',
      },
    });

    const amqp = await connectAmqp(readSettings().RABBITMQ_URL);
    const channel = await amqp.createChannel();
    await channel.prefetch(10);
    const byAmqp = await new Promise<{ content: Buffer; properties: Record<string, unknown> }>((resolve) => {
      void channel.consume(partitionStream(0), (message) => resolve(message as never), {
        arguments: { 'x-stream-offset': 'first' },
      });
    });
    await amqp.close();
    expect(byAmqp.content).toEqual(Buffer.from(record.body));
    expect(byAmqp.properties).toMatchObject({
      messageId: 'm3',
      timestamp: Math.floor(record.receivedAt / 1_000),
      headers: { protocol: 'ocpp1.6', seq: '3', tariff: 'T@1' },
    });
  });

  test('messages with types that end the stock client are read past, each in its place', async () => {
    const to = publisher();
    const id = chargePointIn(1, 2);
    await to.publishOCPPMessage(frame(id, 1));
    const amqp = await connectAmqp(readSettings().RABBITMQ_URL);
    const channel = await amqp.createConfirmChannel();
    const send = (body: string, options: object) =>
      channel.sendToQueue(partitionStream(1), Buffer.from(body), options);
    send('numbers', {
      headers: { int: 1, long: 2 ** 40, double: 0.5, negative: -1, yes: true, nothing: null },
    });
    send('nested', {
      headers: {
        list: [1, 'a', { deep: true }],
        table: { a: { b: 'c' } },
        empty: '',
        when: { '!': 'timestamp', value: 5 },
      },
    });
    send('properties', {
      priority: 3,
      expiration: '60000',
      correlationId: '',
      messageId: '',
      userId: streams.direct.username,
      type: 't',
      appId: 'a',
      timestamp: 7,
      contentType: 'application/json',
      deliveryMode: 2,
    });
    send('', {});
    await channel.waitForConfirms();
    await amqp.close();
    await to.publishOCPPMessage(frame(id, 2));
    const handler = new Recorder();
    await reading(handler);
    await until(() => handler.sink.rows.size === 6, 'all six');
    expect(handler.refusals).toEqual([]);
    const read = [...handler.sink.rows.values()];
    expect(read.map((record) => record.body)).toEqual([
      frame(id, 1).body,
      'numbers',
      'nested',
      'properties',
      '',
      frame(id, 2).body,
    ]);
    expect(read.map((record) => record.offset)).toEqual(numbers(6));
    expect(read[1]).toMatchObject({ gateway: '', direction: 'in' });
  });

  test('sub-entries, of which the stock client delivers the first batch only, are read whole', async () => {
    const stock = await stockClient();
    const writer = await stock.declarePublisher({ stream: partitionStream(0) });
    const batch = (from: number) => numbers(3, from).map((n) => ({ content: Buffer.from(`s${n}`) }));
    for (const from of [0, 3, 6]) await writer.sendSubEntries(batch(from), CompressionType.Gzip);
    await writer.send(Buffer.from('plain'));
    await writer.flush();
    const handler = new Recorder();
    await reading(handler);
    await until(() => handler.sink.rows.size === 10, 'all ten');
    await stock.close();
    const read = [...handler.sink.rows.values()];
    expect(read.map((record) => record.body)).toEqual([...numbers(9).map((n) => `s${n}`), 'plain']);
    expect(read.map((record) => record.offset)).toEqual(numbers(10));
  });
});

describe('reading', () => {
  test('a member that dies without a word is replaced, and its zombie does no harm', async () => {
    const to = publisher({ address: streams.direct });
    const one = new Recorder();
    const two = new Recorder(one.sink);
    const first = await reading(one, { heartbeatSeconds: 1 });
    await until(() => first.active.length === 2, 'the first reads');
    const second = await reading(two, { address: streams.direct, heartbeatSeconds: 1 });
    await until(() => first.active.length === 1 && second.active.length === 1, 'shared');
    await Promise.all(numbers(300).map((n) => to.publishOCPPMessage(frame(`CP-${n % 9}`, n))));
    await until(() => one.sink.rows.size === 300, 'read by both');
    streams.proxy.freezeOpen();
    await Promise.all(numbers(300, 300).map((n) => to.publishOCPPMessage(frame(`CP-${n % 9}`, n))));
    await until(() => one.sink.rows.size === 600, 'the second has taken over');
    // The first has noticed as well, and has come back by a new connection.
    await until(
      () => first.active.length + second.active.length === 2 && first.active.length > 0,
      'both again',
    );
    streams.proxy.thaw();
    await Promise.all(numbers(300, 600).map((n) => to.publishOCPPMessage(frame(`CP-${n % 9}`, n))));
    await until(() => one.sink.rows.size === 900, 'the rest');
    expect([...one.breaches, ...two.breaches, ...one.refusals, ...two.refusals]).toEqual([]);
  });

  test('records that were on their way to a member that lost its place are dropped by it', async () => {
    const to = publisher({ address: streams.direct });
    const id = chargePointIn(0, 2);
    await Promise.all(numbers(200).map((n) => to.publishOCPPMessage(frame(id, n))));
    const slow = new Recorder();
    const other = new Recorder(slow.sink);
    let handled = 0;
    slow.onAccept = async () => {
      handled += 1;
      await sleep(20);
    };
    await reading(slow);
    await until(() => slow.sink.rows.size >= 3, 'the slow one has begun');
    streams.proxy.refuse(true);
    streams.proxy.cut();
    await until(() => slow.held.size === 0, 'it has stepped back');
    const atThatMoment = handled;
    await reading(other, { address: streams.direct });
    await until(() => slow.sink.rows.size === 200, 'the other has read on');
    expect(handled).toBe(atThatMoment);
    expect(slow.sink.repeated).toBe(0);
    expect([...slow.breaches, ...other.breaches]).toEqual([]);
  });

  test('a broker that comes and goes: every record is handled, in order', async () => {
    const to = publisher({ address: streams.direct });
    const id = chargePointIn(1, 2);
    const handler = new Recorder();
    await reading(handler);
    for (let n = 0; n < 1_000; n++) {
      void to.publishOCPPMessage(frame(id, n));
      if (n % 10 === 0) await sleep(1);
      if (n % 200 === 100) streams.proxy.cut();
    }
    await until(() => handler.sink.rows.size === 1_000, 'all read');
    expect(handler.sink.of(id).map((record) => record.seq)).toEqual(numbers(1_000));
    expect(handler.sink.repeated).toBe(0);
    expect(handler.breaches).toEqual([]);
  });

  test('a delivery that was damaged on its way is fetched again; one that stays damaged is given up', async () => {
    const to = publisher({ address: streams.direct });
    const id = chargePointIn(0, 2);
    const large = (n: number) => frame(id, n, { body: String(n).repeat(3_000) });
    await to.publishOCPPMessage(large(0));
    streams.proxy.damage(2);
    const handler = new Recorder();
    await reading(handler);
    await until(() => handler.sink.rows.size === 1, 'read in the end');
    expect(handler.refusals).toEqual([]);
    streams.proxy.damage(1_000);
    await to.publishOCPPMessage(large(1));
    await until(() => handler.refusals.length === 1, 'given up');
    expect(handler.refusals[0]).toMatchObject({
      code: 'POISON_RECORD',
      partition: 0,
      message: expect.stringContaining('checksum'),
    });
    expect(handler.sink.rows.size).toBe(1);
    expect(handler.breaches).toEqual([]);
  });

  test('when retention has passed the checkpoint nothing is skipped in silence', async () => {
    const prefix = `${streams.prefix}short.`;
    const names = streamNames(prefix);
    const client = await StreamClient.open({ address: streams.direct, name: 'test' });
    await client.call(
      new CreateSuperStreamRequest({
        streamName: names.superStream,
        partitions: [names.partition(0)],
        bindingKeys: ['0'],
        arguments: { 'max-length-bytes': 200_000, 'stream-max-segment-size-bytes': 50_000 },
      }),
      'Creating',
    );
    await client.close();
    const { direct: address } = streams;
    const to = publisher({ address, prefix, partitions: 1 });
    const inspector = createRabbitInspector({ address, prefix, partitions: 1 });
    open.push(inspector);
    let n = 0;
    await until(async () => {
      for (let more = 0; more < 100; more++)
        await to.publishOCPPMessage(frame('CP-1', n++, { body: 'x'.repeat(1_000) }));
      return (await inspector.bounds())[0]!.first! > 0;
    }, 'the beginning is gone');
    const handler = new Recorder();
    handler.startAt = () => ({ after: 0, hash: recordHash(frame('CP-1', 0, { body: 'x'.repeat(1_000) })) });
    await reading(handler, { address, prefix, partitions: 1 });
    await until(() => handler.refusals.length > 0, 'refused');
    expect(handler.refusals[0]).toMatchObject({
      code: 'RETENTION_PASSED_CHECKPOINT',
      partition: 0,
      offset: 0,
    });
    expect(handler.sink.rows.size).toBe(0);
    // What is kept can still be read, from its first offset to its last.
    const { first, last } = (await inspector.bounds())[0]!;
    const kept: StoredRecord[] = [];
    for await (const record of inspector.read(0, first!, last!)) kept.push(record);
    expect(kept.at(-1)).toMatchObject({ offset: last, seq: n - 1 });
    expect(kept.map((record) => record.seq)).toEqual(numbers(kept.length, n - kept.length));
  });
});

describe('topology and connecting', () => {
  const { RABBITMQ_URL: amqpUrl } = readSettings();
  const undeclared = async () => {
    const empty = await createTestStreams(4, { bare: true });
    open.push(empty);
    const { direct: address, prefix, partitions } = empty;
    return { amqpUrl, address, prefix, partitions, retentionDays: 1 };
  };
  const partitionsIn = async ({ address, prefix }: { address: BrokerAddress; prefix: string }) => {
    const client = await StreamClient.open({ address, name: 'test' });
    return partitionsOf(client, streamNames(prefix).superStream).finally(() => client.close());
  };
  const overAmqp = async (use: (channel: Channel) => Promise<unknown>) => {
    const connection = await connectAmqp(amqpUrl);
    await use(await connection.createChannel()).finally(() => connection.close());
  };

  test('declaring is idempotent, and safe at once from many processes', async () => {
    const options = await undeclared();
    await Promise.all(numbers(8).map(() => ensureTopology(options)));
    await ensureTopology(options);
    const { partition } = streamNames(options.prefix);
    expect(await partitionsIn(options)).toEqual(numbers(4).map(partition));
    await expect(ensureTopology({ ...options, partitions: 5 })).rejects.toMatchObject({
      code: 'PARTITIONS_DIFFER',
      remedy: expect.stringContaining('WATTSTREAM_PARTITIONS=4'),
    });
  });

  test('a super stream that was declared halfway is completed, whatever retention it was begun with', async () => {
    const options = await undeclared();
    const { superStream, partition } = streamNames(options.prefix);
    await overAmqp(async (channel) => {
      await channel.assertExchange(superStream, 'direct', { arguments: { 'x-super-stream': true } });
      for (const index of [3, 2, 1])
        await channel.assertQueue(partition(index), {
          arguments: { 'x-queue-type': 'stream', 'x-max-age': '9D' },
        });
      await channel.bindQueue(partition(3), superStream, '3', { 'x-stream-partition-order': 3 });
    });
    await ensureTopology(options);
    expect(await partitionsIn(options)).toEqual(numbers(4).map(partition));
  });

  test("a super stream made by the broker's own tools is taken as it is", async () => {
    const options = await undeclared();
    const { superStream, partition } = streamNames(options.prefix);
    const client = await StreamClient.open({ address: options.address, name: 'test' });
    await client.call(
      new CreateSuperStreamRequest({
        streamName: superStream,
        partitions: numbers(4).map(partition),
        bindingKeys: numbers(4).map(String),
        arguments: {},
      }),
      'Creating',
    );
    await client.close();
    await ensureTopology({ ...options, amqpUrl: 'amqp://nobody@127.0.0.1:1' });
    expect(await partitionsIn(options)).toHaveLength(4);
  });

  test('what AMQP refuses is said with what to do', async () => {
    const options = await undeclared();
    await overAmqp((channel) => channel.assertExchange(streamNames(options.prefix).superStream, 'fanout'));
    await expect(ensureTopology(options)).rejects.toMatchObject({
      code: 'TOPOLOGY_REFUSED',
      canRetry: false,
      message: expect.stringContaining('PRECONDITION_FAILED'),
    });
    await overAmqp((channel) => channel.deleteExchange(streamNames(options.prefix).superStream));
    await expect(ensureTopology({ ...options, amqpUrl: 'amqp://guest@127.0.0.1:1' })).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      canRetry: true,
    });
  });

  // The broker keeps a refused client waiting for 3 s.
  const connecting = (over: object, timeoutMs = 10_000) =>
    StreamClient.open({
      address: { ...streams.direct, ...over },
      name: 'test',
      timeoutMs,
    });

  test('a wrong password, virtual host or port is said plainly (the stock client hangs or ends the process)', async () => {
    await expect(connecting({ password: 'wrong' })).rejects.toMatchObject({
      code: 'STREAM_AUTH_FAILED',
      canRetry: false,
      remedy: expect.stringContaining('RABBITMQ_URL'),
    });
    await expect(connecting({ vhost: 'nowhere' })).rejects.toMatchObject({
      code: 'STREAM_VHOST_REFUSED',
      message: expect.stringContaining('nowhere'),
    });
    await expect(connecting({ port: 1 })).rejects.toMatchObject({
      code: 'STREAM_CONNECT_FAILED',
      canRetry: true,
    });
  });

  test('a request after the connection went is refused with the reason, and ends no process', async () => {
    const client = await StreamClient.open({ address: streams.address, name: 'test' });
    streams.proxy.cut();
    await client.gone;
    const asked = client.call(new StreamStatsRequest('any'), 'Asking');
    await expect(asked).rejects.toMatchObject({ code: 'STREAM_CONNECTION_LOST' });
    // For the rejection that nobody would have heard; `afterEach` looks at it.
    await sleep(20);
  });

  test('a peer that accepts and says nothing is given up in time', async () => {
    streams.proxy.freeze();
    const { host, port } = streams.proxy;
    await expect(connecting({ host, port }, 300)).rejects.toMatchObject({
      code: 'STREAM_CONNECT_FAILED',
      message: expect.stringContaining('300 ms'),
    });
  });

  test('TLS: the broker must show a certificate that we trust (the stock client takes any)', async () => {
    const file = (name: string) =>
      readFileSync(new URL(`../../../test/certificates/${name}`, import.meta.url), 'utf8');
    const { direct } = streams;
    const server = createServer({ key: file('localhost.key'), cert: file('localhost.crt') }, (near) => {
      const far = connectTcp(direct.port, direct.host);
      near.on('error', () => far.destroy()).pipe(far);
      far.on('error', () => near.destroy()).pipe(near);
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const secured = { ...direct, host: '127.0.0.1', port, tls: true };
    try {
      await expect(StreamClient.open({ address: secured, name: 'test' })).rejects.toMatchObject({
        code: 'STREAM_CONNECT_FAILED',
        message: expect.stringContaining('self-signed'),
      });
      const client = await StreamClient.open({
        address: secured,
        tls: { ca: file('localhost.crt') },
        name: 'test',
      });
      expect(client.alive).toBe(true);
      await client.close();
    } finally {
      server.close();
    }
  });

  test('a name outside of ASCII is refused before it hangs the connection', () => {
    const { address, partitions } = streams;
    expect(() => createRabbitPublisher({ address, partitions, prefix: '', gateway: 'tor-ö' })).toThrow(
      expect.objectContaining({ code: 'NAME_NOT_ASCII' }),
    );
    expect(() => createRabbitReader({ address, partitions, prefix: 'ø', group: 'g' })).toThrow(
      expect.objectContaining({ code: 'NAME_NOT_ASCII' }),
    );
  });

  test('what the broker stored of a record is exactly what was encoded', async () => {
    const record = frame('CP-1', 1);
    await publisher().publishOCPPMessage(record);
    const [read] = await stored();
    const { partition: _, offset: __, ...back } = read!;
    expect(encodeMessage(back)).toEqual(encodeMessage(record));
  });
});
