/** The role `analytics`: the only file here that names concrete clients and the environment. */
import { readSettings } from '../platform/config.js';
import { QueueConnection } from '../queues/rabbitmq/connection.js';
import { createEventPublisher } from '../queues/rabbitmq/publisher.js';
import { ensureQueueTopology } from '../queues/rabbitmq/topology.js';
import { createRabbitReader } from '../streams/rabbitmq/reader.js';
import { ensureTopology } from '../streams/rabbitmq/topology.js';
import { createRowWriter } from './pipeline/row-writer.js';
import { runAnalytics } from './role.js';

await runAnalytics(readSettings(), {
  ensureTopology,
  createReader: createRabbitReader,
  createRowWriter,
  ensureQueueTopology,
  connectQueues: (options) => new QueueConnection(options),
  createEventPublisher,
});
