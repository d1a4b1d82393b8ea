/**
 * Analytics without the order that promise 2 rests on: rows count as stored while they are still on their way,
 * so that a checkpoint may say that more is done than is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RowWriter } from '../../analytics/pipeline/ports.js';
import { createRowWriter } from '../../analytics/pipeline/row-writer.js';
import { runAnalytics } from '../../analytics/role.js';
import { readSettings } from '../../platform/config.js';
import { untilSuccess } from '../../platform/retry.js';
import { QueueConnection } from '../../queues/rabbitmq/connection.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { ensureQueueTopology } from '../../queues/rabbitmq/topology.js';
import { createRabbitReader } from '../../streams/rabbitmq/reader.js';
import { ensureTopology } from '../../streams/rabbitmq/topology.js';
import { onPurpose } from './on-purpose.js';

onPurpose('checkpoint-before-rows');

/** Longer than the time between two checkpoints of a run. */
const LATE_MS = 2_000;

const writingLate = (honest: RowWriter): RowWriter => ({
  async insert(table, lines) {
    void sleep(LATE_MS).then(() =>
      untilSuccess(() => honest.insert(table, lines), { backoff: { firstMs: 100, maxMs: 1_000 } }),
    );
  },
});

await runAnalytics(readSettings(), {
  ensureTopology,
  createReader: createRabbitReader,
  createRowWriter: (client) => writingLate(createRowWriter(client)),
  ensureQueueTopology,
  connectQueues: (options) => new QueueConnection(options),
  createEventPublisher,
});
