/** Webhooks on the real broker, with real receivers; the registry's log alone is in memory. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Webhook as Verifier } from 'standardwebhooks';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import type { Notification } from '../../domain/messages/notifications.js';
import type { Webhook } from '../../domain/registry/webhook.js';
import { readSettings } from '../../platform/config.js';
import { silentLogger } from '../../platform/logger.js';
import type { EventPublisher } from '../../queues/ports.js';
import { createDeadLetters } from '../../queues/rabbitmq/dead-letters.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { createWebhookQueues } from '../../queues/rabbitmq/webhook-queues.js';
import { Replica } from '../../registry/replica.js';
import { RegistryStore } from '../../registry/store.js';
import { FakeLog, FakePublisher } from '../../registry/testing/fakes.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { until } from '../../streams/streams.contract.js';
import { connectorNews } from '../live/testing/messages.js';
import { createWebhooks, type Webhooks } from './index.js';
import { newSecret, secretKeeper } from './secret.js';

jest.setTimeout(90_000);

const KEY = 'a passphrase of thirty-two bytes!';
const settings = readSettings({
  WATTSTREAM_SECRETS_KEY: KEY,
  WATTSTREAM_WEBHOOK_ALLOW_HTTP: 'true',
  WATTSTREAM_WEBHOOK_ALLOW_ADDRESSES: '127.0.0.1',
  WATTSTREAM_WEBHOOK_FIRST_RETRY_MS: '20',
});

let broker: TestQueues;
let publisher: EventPublisher;
let registryLog: FakeLog;
const closing: (() => Promise<unknown>)[] = [];
const subscribed: string[] = [];

beforeEach(async () => {
  broker = await createTestQueues();
  registryLog = new FakeLog();
  publisher = createEventPublisher({
    connection: broker.connect({ amqpUrl: broker.directUrl }),
    prefix: broker.prefix,
  });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  const channel = await broker.admin.createChannel();
  for (const id of subscribed.splice(0)) await channel.deleteQueue(broker.names.webhook(id));
  await broker.close();
});

interface Receiver {
  readonly url: string;
  readonly got: { id: string; event: Notification['event']; attempt: number }[];
  status: number;
}

/** Verifies what it gets; answers with `status`. */
async function receiver(secret: string, status = 200): Promise<Receiver> {
  const attempts = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const told = new Verifier(secret).verify(
        body,
        request.headers as Record<string, string>,
      ) as Notification;
      const attempt = (attempts.get(told.id) ?? 0) + 1;
      attempts.set(told.id, attempt);
      if (made.status === 200) made.got.push({ id: told.id, event: told.event, attempt });
      response.writeHead(made.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const made: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    got: [],
    status,
  };
  return made;
}

/** One api process, as far as webhooks are concerned. */
async function startProcess(more: Partial<typeof settings> = {}, amqpUrl = broker.directUrl) {
  const replica = new Replica({
    log: registryLog,
    newestSnapshot: async () => undefined,
    logger: silentLogger,
  });
  const store = new RegistryStore({
    replica,
    publisher: new FakePublisher(registryLog),
    writeMs: 10_000,
    now: Date.now,
    logger: silentLogger,
  });
  const connection = broker.connect({ amqpUrl });
  const attempts = createRabbitEventLog({
    address: broker.address,
    stream: broker.names.streams.webhookAttempts,
  });
  await until(() => connection.current !== undefined, 'a connection');
  const webhooks: Webhooks = createWebhooks({
    settings: { ...settings, ...more },
    store,
    queues: createWebhookQueues({ connection, prefix: broker.prefix }),
    attempts,
    log: silentLogger,
  });
  await replica.level;
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await webhooks.close();
    await attempts.close();
    await replica.close();
    await connection.close();
  };
  closing.push(close);
  return { store, webhooks, connection, close };
}
type Process = Awaited<ReturnType<typeof startProcess>>;

async function subscribe(
  { store }: Process,
  id: string,
  url: string,
  secret: string,
  more: Partial<Webhook> = {},
) {
  subscribed.push(id);
  await store.propose({
    kind: 'webhook',
    id,
    change: 'created',
    state: {
      id,
      url,
      patterns: ['connector.*'],
      enabled: true,
      secret: secretKeeper(KEY).seal(id, { current: secret }),
      ...more,
    },
    actor: 'test',
  });
  const channel = await broker.admin.createChannel();
  channel.on('error', () => {});
  // Its queue stands once its consumer does.
  await until(async () => {
    const look = await broker.admin.createChannel();
    look.on('error', () => {});
    return look.checkQueue(broker.names.webhook(id)).then(
      ({ consumerCount }) => look.close().then(() => consumerCount > 0),
      () => false,
    );
  }, `the queue of ${id}`);
  await channel.close();
}

/** So many of each charger, in order; returns their ids by charger. */
async function tell(chargers: string[], count: number, from = 1): Promise<void> {
  for (let n = from; n < from + count; n++)
    for (const chargePointId of chargers)
      await publisher.publishNotification(
        connectorNews(`S${n}`, {
          id: `${chargePointId}/${n}`,
          chargePointId,
          version: n,
          previous: n === 1 ? null : n - 1,
        }),
      );
}
const inOrder = (got: Receiver['got'], charger: string): string[] => [
  ...new Set(got.filter(({ id }) => id.startsWith(`${charger}/`)).map(({ id }) => id)),
];
const expected = (charger: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${charger}/${n + 1}`);

test('each receiver gets all it asked for, signed, in order per charger; one that is dead holds up nobody', async () => {
  const [one] = [await startProcess(), await startProcess()];
  const secret = newSecret();
  const [good, dead] = [await receiver(secret), await receiver(secret, 500)];
  await subscribe(one, 'good', good.url, secret);
  await subscribe(one, 'dead', dead.url, secret);
  await subscribe(one, 'other', dead.url, secret, { patterns: ['session.*'] });
  await tell(['CP-1', 'CP-2'], 30);
  await until(() => new Set(good.got.map(({ id }) => id)).size === 60, 'all to be delivered');
  for (const charger of ['CP-1', 'CP-2']) expect(inOrder(good.got, charger)).toEqual(expected(charger, 30));
  dead.status = 200;
  await until(() => new Set(dead.got.map(({ id }) => id)).size === 60, 'the dead one to catch up');
  for (const charger of ['CP-1', 'CP-2']) expect(inOrder(dead.got, charger)).toEqual(expected(charger, 30));
  expect(await broker.count(broker.names.webhook('other'))).toBe(0);
});

test('the process that delivers goes; the other one goes on where it was, and every process knows what came of it', async () => {
  const first = await startProcess();
  const secret = newSecret();
  const hook = await receiver(secret, 503);
  await subscribe(first, 'hook', hook.url, secret);
  const second = await startProcess();
  await tell(['CP-1'], 20);
  await until(() => first.webhooks.routes.recent('hook').length > 2, 'attempts');
  expect(first.webhooks.routes.recent('hook')[0]).toMatchObject({ outcome: 'failed', status: 503 });
  await first.close();
  hook.status = 200;
  await until(() => new Set(hook.got.map(({ id }) => id)).size === 20, 'all to be delivered');
  expect(inOrder(hook.got, 'CP-1')).toEqual(expected('CP-1', 20));
  await until(
    () => second.webhooks.routes.recent('hook')[0]?.outcome === 'delivered',
    'the other process to know',
  );
  await until(async () => (await broker.count(broker.names.webhook('hook'))) === 0, 'an empty queue');
});

test('what cannot be delivered in its time is a dead letter with the reason, and can be sent again', async () => {
  const process = await startProcess({ WATTSTREAM_WEBHOOK_RETRY_SECONDS: 0 });
  const secret = newSecret();
  const hook = await receiver(secret, 500);
  await subscribe(process, 'hook', hook.url, secret);
  await tell(['CP-1'], 1);
  const letters = createDeadLetters({ amqpUrl: broker.directUrl, prefix: broker.prefix, events: publisher });
  closing.push(() => letters.close());
  await until(async () => (await broker.count(broker.names.queues.deadLetters)) === 1, 'a dead letter');
  const [letter] = (await letters.list({ limit: 10 })).letters;
  expect(letter).toMatchObject({
    type: 'connector.status',
    queue: broker.names.webhook('hook'),
    reason: 'it answers 500; given up after 1 attempts',
  });
  hook.status = 200;
  await letters.redrive('all', 'eve');
  await until(() => hook.got.length === 1, 'the delivery');
});

test('410 Gone disables the subscription: nothing more is sent', async () => {
  const process = await startProcess();
  const secret = newSecret();
  const hook = await receiver(secret, 410);
  await subscribe(process, 'hook', hook.url, secret);
  await tell(['CP-1'], 1);
  await until(
    () => process.store.replica.get('webhook', 'hook')?.state.enabled === false,
    'it to be disabled',
  );
  await until(async () => (await broker.count(broker.names.queues.deadLetters)) === 1, 'a dead letter');
  hook.status = 200;
  await tell(['CP-1'], 5, 2);
  await until(async () => (await broker.count(broker.names.queues.notifications)) === 0, 'all handed out');
  expect(hook.got).toEqual([]);
});

test('the connection is cut again and again: nothing is lost, nothing is out of order', async () => {
  const process = await startProcess({}, broker.amqpUrl);
  const secret = newSecret();
  const hook = await receiver(secret);
  await subscribe(process, 'hook', hook.url, secret);
  for (let round = 0; round < 5; round++) {
    await tell(['CP-1'], 20, round * 20 + 1);
    broker.proxy.cut();
  }
  await until(() => new Set(hook.got.map(({ id }) => id)).size === 100, 'all to be delivered');
  expect(inOrder(hook.got, 'CP-1')).toEqual(expected('CP-1', 100));
});

test('what is given back more often than RabbitMQ 4 allows by itself (20 times) is still there', async () => {
  const queues = createWebhookQueues({
    connection: (await startProcess()).connection,
    prefix: broker.prefix,
  });
  subscribed.push('hook');
  await queues.ensure('hook');
  await queues.hand('hook', connectorNews('S'));
  const channel = await broker.admin.createChannel();
  await channel.prefetch(1);
  let given = 0;
  await channel.consume(broker.names.webhook('hook'), (message) => {
    given += 1;
    if (message !== null && given <= 30) channel.nack(message, false, true);
  });
  await until(() => given === 31, 'it to come once more');
  await channel.close();
  await queues.close();
});
