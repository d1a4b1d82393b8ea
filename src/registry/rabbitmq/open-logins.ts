/** Logins on RabbitMQ. */
import { messageNames } from '../../domain/messages/names.js';
import type { BrokerAddress } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { EventPublisher } from '../../queues/ports.js';
import { ensureQueueTopology, type QueueTopologyOptions } from '../../queues/rabbitmq/topology.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { forgetNowAndThen, LoginReplica, LoginStore } from '../logins.js';

/** What passed takes a day longer at the least: there is no hurry. */
const FORGET_EVERY_MS = 5 * 60_000;

export interface LoginsOnRabbitOptions {
  readonly address: BrokerAddress;
  /** With `loginDays`. */
  readonly topology: QueueTopologyOptions;
  readonly publisher: Pick<EventPublisher, 'publishLoginEvent'>;
  /** WATTSTREAM_REGISTRY_WRITE_MS. */
  readonly writeMs: number;
  readonly log: Logger;
}

export interface OpenLogins {
  readonly store: LoginStore;
  /** Of the publisher it takes nothing with it. */
  close(): Promise<void>;
}

/** Returns at once; it begins to read when the broker is there. */
export function openLogins({
  address,
  topology,
  publisher,
  writeMs,
  log,
}: LoginsOnRabbitOptions): OpenLogins {
  const stream = messageNames(topology.prefix).streams.logins;
  const logger = log.child({ part: 'logins' });
  const events = createRabbitEventLog({ address, stream, log });
  const replica = new LoginReplica({ log: events, ready: () => ensureQueueTopology(topology), logger });
  const stop = forgetNowAndThen({
    replica,
    log: events,
    everyMs: FORGET_EVERY_MS,
    now: Date.now,
    logger,
  });
  return {
    store: new LoginStore({ replica, publisher, writeMs, now: Date.now }),
    async close() {
      stop();
      await replica.close();
      await events.close();
    },
  };
}
