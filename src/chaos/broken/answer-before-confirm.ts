/**
 * Ingest without promise 1: a charger is answered as soon as its frame was handed over, whether or not the
 * broker ever confirms it.
 */
import { runIngest } from '../../ingest/role.js';
import { readSettings } from '../../platform/config.js';
import { openReplica } from '../../registry/rabbitmq/open.js';
import { partitionOf } from '../../streams/codec.js';
import type { FramePublisher } from '../../streams/ports.js';
import { createRabbitPublisher } from '../../streams/rabbitmq/publisher.js';
import { ensureTopology } from '../../streams/rabbitmq/topology.js';
import { onPurpose } from './on-purpose.js';

onPurpose('answer-before-confirm');

const answeringEarly = (honest: FramePublisher): FramePublisher => ({
  partitions: honest.partitions,
  get state() {
    return honest.state;
  },
  get unconfirmed() {
    return honest.unconfirmed;
  },
  publishOCPPMessage(record) {
    honest.publishOCPPMessage(record).catch(() => {});
    return Promise.resolve({ partition: partitionOf(record.chargePointId, honest.partitions) });
  },
  publishToAll: (record) => honest.publishToAll(record),
  onState: (listener) => honest.onState(listener),
  close: (drainMs) => honest.close(drainMs),
});

await runIngest(readSettings(), {
  ensureTopology,
  createPublisher: (options) => answeringEarly(createRabbitPublisher(options)),
  openReplica,
});
