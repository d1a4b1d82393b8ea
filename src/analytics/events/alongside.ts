import type { PartitionHandler } from '../../streams/ports.js';
import type { EventReader } from './reader.js';

/**
 * Of several analytics processes one reads the events: the one that RabbitMQ has read partition 0 of the frames. That
 * spares the others the same inserts, and moves on at once when a process goes. It is a hint and no lock: while two of them
 * believe it is theirs, or two generations have one each, they write the same rows.
 */
export const withFirstPartition = (
  handler: PartitionHandler,
  events: readonly EventReader[],
): PartitionHandler => ({
  activate(partition) {
    // Before the partition itself, which may be refused: that is no reason to stop reading events.
    if (partition === 0) for (const reader of events) reader.start();
    return handler.activate(partition);
  },
  accept: (record) => handler.accept(record),
  async deactivate(partition) {
    const stopped = partition === 0 ? events.map((reader) => reader.stop()) : [];
    await Promise.all([handler.deactivate(partition), ...stopped]);
  },
  refused: (refusal) => handler.refused(refusal),
});
