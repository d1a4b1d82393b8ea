/**
 * Analytics without the order that announcements rest on: they count as confirmed while they are still on their way, so
 * that a checkpoint may cover what nobody has heard of.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRowWriter } from '../../analytics/pipeline/row-writer.js';
import { runAnalytics } from '../../analytics/role.js';
import { readSettings } from '../../platform/config.js';
import type { EventPublisher } from '../../queues/ports.js';
import { openQueues } from '../../queues/rabbitmq/open.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { createRabbitReader } from '../../streams/rabbitmq/reader.js';
import { ensureTopology } from '../../streams/rabbitmq/topology.js';
import { onPurpose } from './on-purpose.js';

onPurpose('checkpoint-before-confirms');

/** Longer than the time between two checkpoints of a run. */
const LATE_MS = 2_000;

const confirmingEarly = (honest: EventPublisher): EventPublisher => ({
  get unconfirmed() {
    return honest.unconfirmed;
  },
  async publishChargingEvent(event) {
    void sleep(LATE_MS).then(() => honest.publishChargingEvent(event));
  },
  async publishNotification(told) {
    void sleep(LATE_MS).then(() => honest.publishNotification(told));
  },
  publishCMSEvent: (event) => honest.publishCMSEvent(event),
  publishLoginEvent: (event) => honest.publishLoginEvent(event),
  close: (drainMs) => honest.close(drainMs),
});

await runAnalytics(readSettings(), {
  ensureTopology,
  createReader: createRabbitReader,
  openQueues(...given) {
    const queues = openQueues(...given);
    return { ...queues, events: confirmingEarly(queues.events) };
  },
  createEventLog: createRabbitEventLog,
  createRowWriter,
});
