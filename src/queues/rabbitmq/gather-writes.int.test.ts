/** Against the real amqplib and broker: messages at hand leave together, and all arrive in their order. */
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { anomaly } from '../../../test/messages.js';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { createEventPublisher } from './publisher.js';

let corner: TestQueues;
beforeAll(async () => {
  corner = await createTestQueues();
}, 60_000);
afterAll(() => corner?.close());

test('a hundred messages published at once are not a hundred packets', async () => {
  const connection = corner.connect();
  const publisher = createEventPublisher({ connection, prefix: corner.prefix });
  await publisher.publishChargingEvent(anomaly('first'));
  const channel = await corner.admin.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, corner.names.exchanges.chargingEvents, '#');

  const model = connection.current as unknown as { connection: { stream: Socket } };
  const { stream } = model.connection;
  let writes = 0;
  const [write, writev] = [stream._write.bind(stream), stream._writev?.bind(stream)];
  stream._write = (...args) => {
    writes++;
    write(...args);
  };
  stream._writev = (...args) => {
    writes++;
    writev?.(...args);
  };
  const ids = Array.from({ length: 100 }, (_, n) => `m${n}`);
  await Promise.all(ids.map((id) => publisher.publishChargingEvent(anomaly(id))));
  expect(writes).toBeLessThan(30);

  expect((await corner.drain(queue)).map((body) => (JSON.parse(body) as { id: string }).id)).toEqual(ids);
  await publisher.close();
}, 30_000);
