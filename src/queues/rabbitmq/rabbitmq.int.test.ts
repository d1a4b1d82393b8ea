import { createTestQueues } from '../../../test/queues.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { queuesContract } from '../queues.contract.js';
import { createCommandReceiver } from './command-receiver.js';
import { createCommandSender } from './command-sender.js';
import { createKeptCommands } from './kept-commands.js';
import { createListWakes } from './list-wakes.js';
import { createNotificationFeed } from './notification-feed.js';
import { createEventPublisher } from './publisher.js';

queuesContract('RabbitMQ', async () => {
  const broker = await createTestQueues();
  const { prefix, names, address } = broker;
  const closing: { close(): Promise<void> }[] = [];
  return {
    publisher: (limits) => createEventPublisher({ connection: broker.connect(), prefix, ...limits }),
    sender: () =>
      createCommandSender({
        connection: broker.connect(),
        prefix,
        locateMs: 1_000,
        settleMs: 100,
        patienceMs: 3_000,
      }),
    receiver: (gateway, handler) =>
      createCommandReceiver({ connection: broker.connect(), prefix, gateway, handler }),
    kept: () => createKeptCommands({ connection: broker.connect(), prefix }),
    wakes: () => createListWakes({ connection: broker.connect(), prefix }),
    feed: () => createNotificationFeed({ connection: broker.connect(), prefix }),
    log(which) {
      const log = createRabbitEventLog({
        address,
        stream: names.streams[which],
        backoff: { firstMs: 20, maxMs: 200 },
      });
      closing.push(log);
      return log;
    },
    async away() {
      for (const proxy of [broker.proxy, broker.streamProxy]) {
        proxy.refuse(true);
        proxy.cut();
      }
    },
    async back() {
      for (const proxy of [broker.proxy, broker.streamProxy]) proxy.refuse(false);
    },
    async recreate() {
      const channel = await broker.admin.createChannel();
      await channel.deleteQueue(names.streams.chargingEvents);
      await channel.close();
      await broker.declare();
    },
    async close() {
      for (const log of closing) await log.close();
      await broker.close();
    },
  };
});
