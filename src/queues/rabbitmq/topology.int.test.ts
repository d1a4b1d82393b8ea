import { afterEach, expect, jest, test } from '@jest/globals';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { until } from '../../streams/streams.contract.js';
import { ensureQueueTopology } from './topology.js';

jest.setTimeout(60_000);

let broker: TestQueues;
afterEach(() => broker.close());

const exists = async (): Promise<string[]> => {
  const missing: string[] = [];
  const { exchanges, queues, streams } = broker.names;
  for (const [names, check] of [
    [Object.values(exchanges), 'checkExchange'],
    [[...Object.values(queues), ...Object.values(streams)], 'checkQueue'],
  ] as const)
    for (const name of names) {
      const channel = await broker.admin.createChannel();
      channel.on('error', () => {});
      await channel[check](name).then(
        () => channel.close(),
        () => void missing.push(name),
      );
    }
  return missing;
};

test('ten that start at once make it together; once more changes nothing', async () => {
  broker = await createTestQueues({ bare: true });
  await Promise.all(Array.from({ length: 10 }, () => broker.declare()));
  await broker.declare();
  expect(await exists()).toEqual([]);
});

test('one that was killed halfway is completed by the next', async () => {
  broker = await createTestQueues({ bare: true });
  for (const bytes of [600, 1_500, 3_000, 5_000]) {
    const dying = ensureQueueTopology({
      amqpUrl: broker.amqpUrl,
      prefix: broker.prefix,
      eventsRetentionDays: 1,
    }).catch(() => {});
    // It may be over before it was seen, on a busy machine.
    await Promise.race([dying, until(() => broker.proxy.open > 0, 'the connection').catch(() => {})]);
    broker.proxy.cutAfter(bytes);
    await dying;
  }
  await broker.declare();
  expect(await exists()).toEqual([]);
});

test('the stream keeps what its exchange got before, and a queue with other arguments is left as it is', async () => {
  broker = await createTestQueues();
  const { exchanges, streams } = broker.names;
  const channel = await broker.admin.createConfirmChannel();
  channel.publish(exchanges.chargingEvents, 'any.key', Buffer.from('{}'));
  await channel.waitForConfirms();
  const warned: unknown[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    warn: (fields: object) => void warned.push(fields),
    error: () => {},
    child: () => log,
  };
  await ensureQueueTopology({
    amqpUrl: broker.directUrl,
    prefix: broker.prefix,
    eventsRetentionDays: 7,
    log,
  });
  expect(warned).toEqual([{ code: 'QUEUE_ARGUMENTS_DIFFER', queue: streams.chargingEvents }]);
  const got: string[] = [];
  await channel.prefetch(10);
  await channel.consume(
    streams.chargingEvents,
    (message) => message && got.push(message.content.toString()),
    {
      arguments: { 'x-stream-offset': 'first' },
    },
  );
  await until(() => got.length === 1, 'the message');
});

test.each([
  ['nobody listens', () => 'amqp://guest:guest@127.0.0.1:1', 'BROKER_UNREACHABLE'],
  ['a wrong password', () => changed((url) => (url.password = 'wrong')), 'BROKER_AUTH_FAILED'],
  [
    'an unknown virtual host',
    () => changed((url) => (url.pathname = '/nobody-has-this')),
    'BROKER_VHOST_REFUSED',
  ],
  ['a name that is taken by another kind of exchange', () => broker.directUrl, 'TOPOLOGY_REFUSED'],
])('%s: the error says what to do', async (_, url, code) => {
  broker = await createTestQueues({ bare: true });
  const channel = await broker.admin.createChannel();
  await channel.assertExchange(broker.names.exchanges.commands, 'headers');
  const refused = ensureQueueTopology({ amqpUrl: url(), prefix: broker.prefix, eventsRetentionDays: 1 });
  await expect(refused).rejects.toMatchObject({ code, remedy: expect.any(String) });
});

function changed(change: (url: URL) => unknown): string {
  const url = new URL(broker.directUrl);
  change(url);
  return url.toString();
}
