/** The queues as a role opens them, out of its settings: the topology, one connection, one publisher of events. */
import type { Settings } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { EventPublisher } from '../ports.js';
import { QueueConnection } from './connection.js';
import { createEventPublisher } from './publisher.js';
import { ensureQueueTopology, type QueueTopologyOptions } from './topology.js';

export const queueTopologyOf = (settings: Settings, log: Logger): QueueTopologyOptions => ({
  amqpUrl: settings.RABBITMQ_URL,
  prefix: settings.WATTSTREAM_PREFIX,
  eventsRetentionDays: settings.WATTSTREAM_EVENTS_RETENTION_DAYS,
  replicas: settings.WATTSTREAM_REPLICAS,
  log,
});

export interface OpenQueues {
  readonly prefix: string;
  readonly topology: QueueTopologyOptions;
  readonly connection: QueueConnection;
  readonly events: EventPublisher;
  /** As `ensureQueueTopology`; for whoever wants to wait for it. */
  declare(): Promise<void>;
  /** What is not confirmed by then is given up. */
  close(drainMs?: number): Promise<void>;
}

/** Returns at once, also while the broker is away: it connects, and declares what is missing, when the broker is there. */
export function openQueues(
  settings: Settings,
  name: string,
  log: Logger,
  /** `loginDays` for who keeps logins. */
  more: Pick<QueueTopologyOptions, 'loginDays'> = {},
): OpenQueues {
  const topology = { ...queueTopologyOf(settings, log), ...more };
  const { amqpUrl, prefix } = topology;
  const connection = new QueueConnection({ amqpUrl, name, log, repair: () => ensureQueueTopology(topology) });
  const events = createEventPublisher({
    connection,
    prefix,
    maxUnconfirmed: settings.WATTSTREAM_EVENTS_UNCONFIRMED_MAX,
  });
  return {
    prefix,
    topology,
    connection,
    events,
    declare: () => ensureQueueTopology(topology),
    async close(drainMs) {
      await events.close(drainMs);
      await connection.close();
    },
  };
}
