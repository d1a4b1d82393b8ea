/** The registry on RabbitMQ: the replica for whoever reads, the store and its snapshots for whoever also writes. */
import { messageNames } from '../../domain/messages/names.js';
import type { BrokerAddress } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { EventPublisher } from '../../queues/ports.js';
import type { QueueConnection } from '../../queues/rabbitmq/connection.js';
import { Outbox } from '../../queues/rabbitmq/outbox.js';
import { ensureQueueTopology, type QueueTopologyOptions } from '../../queues/rabbitmq/topology.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { Caretaker } from '../keys/caretaker.js';
import { createRabbitKeyBooks } from '../keys/rabbitmq/key-books.js';
import { Replica } from '../replica.js';
import { newestSnapshot, type SnapshotStream, Snapshotter } from '../snapshots.js';
import { RegistryStore } from '../store.js';

export interface ReplicaOnRabbitOptions {
  readonly address: BrokerAddress;
  /** Its streams are declared before they are read, so that it does not matter who starts first. */
  readonly topology: QueueTopologyOptions;
  readonly log: Logger;
}

export interface OpenReplica {
  readonly replica: Replica;
  close(): Promise<void>;
}

/** Returns at once; it begins to read when the broker is there. */
export function openReplica({ address, topology, log }: ReplicaOnRabbitOptions): OpenReplica {
  const { streams } = messageNames(topology.prefix);
  const logger = log.child({ part: 'registry' });
  const events = createRabbitEventLog({ address, stream: streams.cmsEvents, log });
  const snapshots = createRabbitEventLog({ address, stream: streams.cmsSnapshots, log });
  const replica = new Replica({
    log: events,
    async newestSnapshot() {
      await ensureQueueTopology(topology);
      return newestSnapshot(snapshots);
    },
    logger,
  });
  return {
    replica,
    async close() {
      await replica.close();
      await Promise.all([events.close(), snapshots.close()]);
    },
  };
}

export interface RegistryOnRabbitOptions extends ReplicaOnRabbitOptions {
  readonly connection: QueueConnection;
  readonly publisher: Pick<EventPublisher, 'publishCMSEvent' | 'publishNotification'>;
  /** WATTSTREAM_REGISTRY_WRITE_MS. */
  readonly writeMs: number;
  /** WATTSTREAM_REGISTRY_SNAPSHOT_EVENTS. */
  readonly snapshotEvents: number;
  /** For processes that stay: it finishes what others have begun with keys. Default: this one does not. */
  readonly tendsKeys?: boolean;
}

export interface OpenRegistry {
  readonly store: RegistryStore;
  readonly snapshotter: Snapshotter;
  /** Of the connection and the publisher it takes nothing with it. */
  close(): Promise<void>;
}

export function openRegistry(options: RegistryOnRabbitOptions): OpenRegistry {
  const { address, topology, log, connection, publisher, writeMs, snapshotEvents } = options;
  const stream = messageNames(topology.prefix).streams.cmsSnapshots;
  const logger = log.child({ part: 'registry' });
  const reading = openReplica({ address, topology, log });
  const outbox = new Outbox({ connection, name: 'registry snapshots', maxUnconfirmed: 8 });
  const snapshots: SnapshotStream = {
    log: createRabbitEventLog({ address, stream, log }),
    append: ({ id, body }) =>
      outbox.send({
        exchange: '',
        routingKey: stream,
        body: Buffer.from(body),
        properties: { messageId: id, persistent: true, mandatory: true, contentType: 'application/json' },
      }),
  };
  const { replica } = reading;
  const { prefix, replicas } = topology;
  const keyBooks = createRabbitKeyBooks({ address, connection, prefix, replicas, log: logger });
  const store = new RegistryStore({ replica, publisher, writeMs, now: Date.now, logger, keyBooks });
  const caretaker = options.tendsKeys ? new Caretaker({ store, logger }) : undefined;
  const snapshotter = new Snapshotter({
    replica,
    stream: snapshots,
    everyEvents: snapshotEvents,
    now: Date.now,
    logger,
  });
  return {
    store,
    snapshotter,
    async close() {
      // What is half written is given up: it is torn, and skipped by whoever reads it.
      await Promise.all([outbox.close(0), snapshotter.close(), caretaker?.close()]);
      await keyBooks.close();
      await snapshots.log.close();
      await reading.close();
    },
  };
}
