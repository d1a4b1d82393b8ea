/** The role `ingest`: the only file here that names concrete clients and the environment. */
import { readSettings } from '../platform/config.js';
import { createCommandReceiver } from '../queues/rabbitmq/command-receiver.js';
import { QueueConnection } from '../queues/rabbitmq/connection.js';
import { createEventPublisher } from '../queues/rabbitmq/publisher.js';
import { ensureQueueTopology } from '../queues/rabbitmq/topology.js';
import { openReplica } from '../registry/rabbitmq/open.js';
import { createRabbitPublisher } from '../streams/rabbitmq/publisher.js';
import { ensureTopology } from '../streams/rabbitmq/topology.js';
import { runIngest } from './role.js';

await runIngest(readSettings(), {
  ensureTopology,
  createPublisher: createRabbitPublisher,
  openReplica,
  openCommands({ settings, gatewayId, log }) {
    const { RABBITMQ_URL: amqpUrl, WATTSTREAM_PREFIX: prefix } = settings;
    const connection = new QueueConnection({
      amqpUrl,
      name: `wattstream ingest ${gatewayId}`,
      log,
      repair: () =>
        ensureQueueTopology({
          amqpUrl,
          prefix,
          eventsRetentionDays: settings.WATTSTREAM_EVENTS_RETENTION_DAYS,
          replicas: settings.WATTSTREAM_REPLICAS,
          log,
        }),
    });
    const events = createEventPublisher({
      connection,
      prefix,
      maxUnconfirmed: settings.WATTSTREAM_EVENTS_UNCONFIRMED_MAX,
    });
    return {
      events,
      receive: (handler) => createCommandReceiver({ connection, prefix, gateway: gatewayId, handler }),
      async close(drainMs) {
        await events.close(drainMs);
        await connection.close();
      },
    };
  },
});
