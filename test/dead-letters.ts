/** Dead letters as they come about: notifications that a consumer refuses. */
import { createEventPublisher } from '../src/queues/rabbitmq/publisher.js';
import { createWorkQueue } from '../src/queues/rabbitmq/work-queue.js';
import { until } from '../src/streams/streams.contract.js';
import { notice } from './messages.js';
import type { TestQueues } from './queues.js';

export async function makeDeadLetters(broker: TestQueues, ids: readonly string[]): Promise<void> {
  const { deadLetters, notifications: queue } = broker.names.queues;
  const connection = broker.connect();
  const consumer = createWorkQueue({ connection, prefix: broker.prefix, queue }).consume({
    prefetch: 10,
    attempts: 1,
    handle: async ({ id }) => ({ outcome: 'dead-letter', reason: `because ${id}` }),
  });
  const events = createEventPublisher({ connection, prefix: broker.prefix });
  for (const id of ids) await events.publishNotification(notice(id));
  await until(async () => (await broker.count(deadLetters)) === ids.length, 'the dead letters');
  await consumer.close();
  await events.close();
  await connection.close();
}
