/** Two api processes' live views on the real broker, events log and tables, seen by Socket.io's own client. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { connectionRow, sessionRow, statusRow } from '../../../test/rows.js';
import { createQueries } from '../../analytics/queries/ask.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { readSettings } from '../../platform/config.js';
import { silentLogger } from '../../platform/logger.js';
import { Registry } from '../../platform/metrics.js';
import type { EventPublisher } from '../../queues/ports.js';
import { createNotificationFeed } from '../../queues/rabbitmq/notification-feed.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { NO_AUTHENTICATION } from '../auth/authenticator.js';
import { createLiveView } from './index.js';
import { snapshot as snapshotShape } from './protocol.js';
import type { Change } from './room.js';
import { connectorNews, sessionId, sessionNews } from './testing/messages.js';
import { ask, collected, joined } from './testing/world.js';

jest.setTimeout(60_000);

let broker: TestQueues;
let db: TestDatabase;
let publisher: EventPublisher;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  [broker, db] = await Promise.all([createTestQueues(), createTestDatabase()]);
  publisher = createEventPublisher({
    connection: broker.connect({ amqpUrl: broker.directUrl }),
    prefix: broker.prefix,
  });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await Promise.all([broker.close(), db.drop()]);
});

/** One api process, as far as the live view is concerned. */
async function startProcess(amqpUrl = broker.directUrl) {
  const events = createRabbitEventLog({
    address: broker.address,
    stream: broker.names.streams.chargingEvents,
  });
  const metrics = new Registry();
  const view = createLiveView({
    settings: readSettings({}),
    queries: createQueries({ client: db.client }),
    authentication: NO_AUTHENTICATION,
    feed: createNotificationFeed({ connection: broker.connect({ amqpUrl }), prefix: broker.prefix }),
    events,
    prices: { price: async () => [] },
    whereabouts: { stationOf: () => undefined },
    metrics,
    log: silentLogger,
  });
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  view.attach(server);
  closing.push(async () => {
    await view.close();
    await new Promise((resolve) => server.close(resolve));
    await events.close();
  });
  return {
    async client(): Promise<Socket> {
      const socket = io(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
        transports: ['websocket'],
        forceNew: true,
      });
      closing.push(async () => socket.disconnect());
      await once(socket as never, 'connect');
      return socket;
    },
  };
}

const subscribedLive = async (socket: Socket) => {
  for (;;) {
    const answer = await joined(socket, 'operator');
    if (answer.live) return answer;
  }
};
const publish = async (news: Notification) => {
  // As analytics does: the fact for the log, the notification for people.
  await publisher.publishChargingEvent(news.event as never);
  await publisher.publishNotification(news);
};

test('every process shows every notification, numbered from its own beginning', async () => {
  const [one, other] = [await startProcess(), await startProcess()];
  const clients = [await one.client(), await other.client()];
  const changes = clients.map((client) => collected<Change>(client, 'change'));
  const epochs = await Promise.all(clients.map(async (client) => (await subscribedLive(client)).epoch));
  expect(epochs[0]).not.toBe(epochs[1]);
  for (let n = 1; n <= 50; n++)
    await publish(
      connectorNews(`S${n}`, { id: `n${n}`, version: n, previous: n === 1 ? null : n - 1, stationId: 's' }),
    );
  for (const { count, all } of changes) {
    await count(50);
    expect(all.map(({ seq, notification }) => [seq, notification.id])).toEqual(
      Array.from({ length: 50 }, (_, n) => [n + 1, `n${n + 1}`]),
    );
  }
});

test('the snapshot is what the tables say, and what was announced and is in no table yet', async () => {
  await db.insert('connections_rows', [connectionRow({ version: 5 })]);
  await db.insert('status_intervals_rows', [statusRow({ status: 'Charging', version: 6 })]);
  await db.insert('sessions_rows', [
    sessionRow({ status: 'active', stopped_at: null, version: 7, energy_wh: 70.5 }),
    sessionRow({ session_id: sessionId(2), version: 8 }),
  ]);
  // Before this process had a queue: only the events log can tell it.
  await publish(sessionNews('session.started', { version: 20, session: { sessionId: sessionId(3) } }));
  const client = await (await startProcess()).client();
  const { snapshot } = await subscribedLive(client);
  expect(snapshotShape.parse(snapshot)).toMatchObject({
    chargers: [{ chargePointId: 'CP-1', online: true, gateway: 'g1', version: 5 }],
    connectors: [{ chargePointId: 'CP-1', evseId: 0, connectorId: 1, status: 'Charging', version: 6 }],
    truncated: false,
  });
  expect(
    snapshot.sessions.map(({ sessionId, energyWh, version }) => ({ sessionId, energyWh, version })),
  ).toEqual([
    { sessionId: sessionId(1), energyWh: 70.5, version: 7 },
    { sessionId: sessionId(3), energyWh: 100, version: 20 },
  ]);
});

test('after the broker was away a client starts anew and has what came meanwhile', async () => {
  const client = await (await startProcess(broker.amqpUrl)).client();
  const stales = collected<unknown>(client, 'stale');
  const feeds = collected<{ live: boolean }>(client, 'feed');
  const { epoch, seq } = await subscribedLive(client);
  broker.proxy.refuse(true);
  broker.proxy.cut();
  while (feeds.all.at(-1)?.live !== false) await once(client as never, 'feed');
  await publish(sessionNews('session.started', { version: 9 }));
  broker.proxy.refuse(false);
  expect(await stales.count(1)).toEqual([{ room: 'operator', reason: 'feed-interrupted' }]);
  const again = await ask(client, 'resume', { room: 'operator', epoch, seq });
  expect(again).toMatchObject({
    ok: true,
    live: true,
    snapshot: { sessions: [{ sessionId: sessionId(1) }] },
  });
  const changes = collected<Change>(client, 'change');
  await publish(sessionNews('session.updated', { version: 10, previous: 9 }));
  await changes.count(1);
  expect(changes.all[0]).toMatchObject({ seq: 1, notification: { type: 'session.updated' } });
});
