/** The role `ingest`: the only file here that names concrete clients and the environment. */
import { readSettings } from '../platform/config.js';
import { openReplica } from '../registry/rabbitmq/open.js';
import { createRabbitPublisher } from '../streams/rabbitmq/publisher.js';
import { ensureTopology } from '../streams/rabbitmq/topology.js';
import { runIngest } from './role.js';

await runIngest(readSettings(), { ensureTopology, createPublisher: createRabbitPublisher, openReplica });
