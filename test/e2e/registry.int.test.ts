/**
 * The registry as ingest uses it, each a process of its own: who is let in, what a frame is enriched with at its time,
 * and that nobody is let in by half a registry.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { messageNames } from '../../src/domain/messages/names.js';
import { examples } from '../../src/domain/registry/testing/examples.js';
import { openAmqp } from '../../src/platform/amqp.js';
import { readSettings, streamAddress } from '../../src/platform/config.js';
import { silentLogger } from '../../src/platform/logger.js';
import { QueueConnection } from '../../src/queues/rabbitmq/connection.js';
import { createEventPublisher } from '../../src/queues/rabbitmq/publisher.js';
import { hashPassword } from '../../src/registry/passwords.js';
import { type OpenRegistry, openRegistry } from '../../src/registry/rabbitmq/open.js';
import { createRabbitInspector } from '../../src/streams/rabbitmq/inspector.js';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';

const LONG = 90_000;
const PASSWORD = '0123456789abcdef';
const { station, point, tariff, token, account } = examples;
const settings = readSettings();

let installation: TestInstallation;
let registry: OpenRegistry;
let closeRegistry: () => Promise<void>;
let ingest: RunningRole;

beforeAll(async () => {
  installation = await testInstallation({ WATTSTREAM_ACCEPT_UNKNOWN: 'false' });
  const prefix = installation.env.WATTSTREAM_PREFIX as string;
  const connection = new QueueConnection({ amqpUrl: settings.RABBITMQ_URL, name: 'wattstream test' });
  const publisher = createEventPublisher({ connection, prefix });
  registry = openRegistry({
    address: streamAddress(settings),
    topology: { amqpUrl: settings.RABBITMQ_URL, prefix, eventsRetentionDays: 1 },
    connection,
    publisher,
    writeMs: 30_000,
    snapshotEvents: 1_000_000,
    log: silentLogger,
  });
  closeRegistry = async () => {
    await registry.close();
    await publisher.close(0);
    await connection.close();
  };
  ingest = await installation.start('ingest');
  await registry.store.replica.level;
}, LONG);

afterAll(async () => {
  await closeRegistry?.();
  await installation?.stop();
}, LONG);

const put = (kind: 'station' | 'point' | 'tariff' | 'token' | 'account', state: object, id: string) =>
  registry.store.propose({
    kind,
    id,
    change: registry.store.replica.get(kind, id) === undefined ? 'created' : 'updated',
    state: state as never,
    actor: 'test',
  });

/** The status with which the door answered; 101: inside. */
const knock = (password: string): Promise<{ status: number; socket: WebSocket }> =>
  new Promise((resolve) => {
    const socket = new WebSocket(`${ocppUrl(ingest)}/CP-1`, ['ocpp1.6'], { auth: `CP-1:${password}` });
    socket.once('open', () => resolve({ status: 101, socket }));
    socket.on('unexpected-response', (_, response) => resolve({ status: response.statusCode ?? 0, socket }));
    socket.on('error', () => {});
  });

let calls = 0;
const call = (
  socket: WebSocket,
  action: string,
  payload: object,
): Promise<{ idTagInfo: { status: string } }> =>
  new Promise((resolve) => {
    const id = `m${++calls}`;
    const onMessage = (data: Buffer): void => {
      const [, answered, body] = JSON.parse(data.toString());
      if (answered !== id) return;
      socket.off('message', onMessage);
      resolve(body);
    };
    socket.on('message', onMessage);
    socket.send(JSON.stringify([2, id, action, payload]));
  });

test(
  'a charger is let in as soon as it is registered, and its frames carry what was valid at their time',
  async () => {
    expect((await knock(PASSWORD)).status).toBe(404);
    await put('station', station, 'st-1');
    await put('tariff', tariff, 'day');
    await put('account', account, 'ac-1');
    await put('token', token, token.uid);
    await put('point', { ...point, passwordHash: await hashPassword(PASSWORD) }, 'CP-1');
    const { socket } = await installation.until(
      () => knock(PASSWORD),
      ({ status }) => status === 101,
    );
    expect((await knock('another password')).status).toBe(401);

    const before = new Date();
    await installation.until(
      async () => Date.now(),
      (now) => now > before.getTime(),
    );
    await put('tariff', { ...tariff, currency: 'DKK' }, 'day');
    await put('token', { ...token, status: 'Blocked' }, token.uid);
    const authorize = () => call(socket, 'Authorize', { idTag: token.uid.toLowerCase() });
    await installation.until(authorize, (answer) => answer.idTagInfo.status === 'Blocked');
    socket.close();
    const { socket: back } = await knock(PASSWORD);
    const start = (timestamp: Date, meterStart: number) =>
      call(back, 'StartTransaction', {
        connectorId: 1,
        idTag: token.uid,
        meterStart,
        timestamp: timestamp.toISOString(),
      });
    // It was offline: this began before the price and the token changed.
    expect(await start(before, 1)).toMatchObject({ idTagInfo: { status: 'Accepted' } });
    expect(await start(new Date(), 2)).toMatchObject({ idTagInfo: { status: 'Blocked' } });
    back.close();

    const inspector = createRabbitInspector({
      address: streamAddress(settings),
      prefix: installation.env.WATTSTREAM_PREFIX as string,
      partitions: 4,
    });
    const starts: unknown[] = [];
    for (const { partition, last } of await inspector.bounds())
      for await (const record of inspector.read(partition, 0, last ?? -1))
        if (record.subject === 'StartTransaction') starts.push(record);
    await inspector.close();
    expect(starts).toMatchObject([
      { station: 'st-1', account: 'ac-1', tariff: 'day@1' },
      { station: 'st-1', tariff: 'day@2' },
    ]);
    // By a card that was refused nobody pays.
    expect(starts[1]).not.toHaveProperty('account');
  },
  LONG,
);

test(
  'a log that is not the one of the snapshot: ingest admits nobody, says why, and goes on when that is mended',
  async () => {
    await registry.snapshotter.write();
    await closeRegistry();
    closeRegistry = async () => {};
    await ingest.kill('SIGTERM');
    const { streams } = messageNames(installation.env.WATTSTREAM_PREFIX as string);
    const admin = await openAmqp(settings.RABBITMQ_URL, 'wattstream test');
    const channel = await admin.createChannel();
    await channel.deleteQueue(streams.cmsEvents);

    ingest = await installation.start('ingest', {}, { until: 'answering' });
    await installation.until(
      async () => ingest.log(),
      (log) => log.some(({ code }) => code === 'REGISTRY_LOG_DIFFERS'),
    );
    expect(await ingest.health()).toMatchObject({
      status: 'not-ready',
      reason: expect.stringContaining('the registry cannot be read'),
    });
    expect((await knock(PASSWORD)).status).toBe(503);
    // As the remedy says.
    await channel.deleteQueue(streams.cmsSnapshots);
    await installation.until(
      () => ingest.health(),
      ({ status }) => status === 'ready',
    );
    expect((await knock(PASSWORD)).status).toBe(404);
    await admin.close();
  },
  LONG,
);
