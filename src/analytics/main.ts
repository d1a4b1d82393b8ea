/** The role `analytics`: the only file here that names concrete clients and the environment. */
import { readSettings } from '../platform/config.js';
import { openQueues } from '../queues/rabbitmq/open.js';
import { createRabbitEventLog } from '../streams/rabbitmq/event-log.js';
import { createRabbitReader } from '../streams/rabbitmq/reader.js';
import { ensureTopology } from '../streams/rabbitmq/topology.js';
import { createRowWriter } from './pipeline/row-writer.js';
import { runAnalytics } from './role.js';

await runAnalytics(readSettings(), {
  ensureTopology,
  createReader: createRabbitReader,
  openQueues,
  createEventLog: createRabbitEventLog,
  createRowWriter,
});
