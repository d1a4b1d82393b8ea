/**
 * The log in memory: what tests of other folders run against where a broker would only be slow.
 *
 * It keeps the broker's promises, and its unpleasant habits as well: confirms come later and together, records
 * go through the codec, readers are handed partitions one after the other, are taken them away, and read again
 * from wherever the handler says. What it does not have is time: nothing becomes `stalled` by waiting, a test
 * says so.
 */
import type { FramePublisher, LogInspector, LogReader, StoredRecord } from '../ports.js';
import { MemoryGroup } from './group.js';
import { MemoryPartition } from './partition.js';
import { MemoryPublisher, type Mode } from './publisher.js';

export interface MemoryLogOptions {
  readonly partitions: number;
  /** Every so many records an offset is left out, as the broker does for entries of its own. Default: never. */
  readonly gapEvery?: number;
  /** Unconfirmed records at which a publisher is `full`. Default 20 000. */
  readonly maxUnconfirmed?: number;
  /** Default 256 KiB. */
  readonly maxRecordBytes?: number;
}

export interface MemoryLog {
  publisher(): FramePublisher;
  /** A member of a group of readers. Default group: `analytics`. */
  reader(group?: string): LogReader;
  inspector(): LogInspector;
  /** Everything stored, by partition and offset. */
  records(): StoredRecord[];
  /** No confirms any more; publishers fill up. */
  hold(): void;
  /** No confirms any more, and for so long that publishers are `stalled`. */
  stall(): void;
  /** Ends `hold` and `stall`: what was waiting is stored and confirmed, in order. */
  resume(): void;
  /** Every connection is cut: readers are deactivated and activated again, unconfirmed records sent again. */
  dropConnection(): Promise<void>;
  /** Every partition goes to the next member of each group (or comes back to the only one). */
  takeOver(): Promise<void>;
  /** The stream is deleted and declared again: empty, offsets from 0. */
  recreate(): Promise<void>;
  /** Retention: records of a partition before `offset` are gone. */
  truncateBefore(partition: number, offset: number): void;
}

export function createMemoryLog(options: MemoryLogOptions): MemoryLog {
  const partitions = Array.from(
    { length: options.partitions },
    (_, index) => new MemoryPartition(index, options.gapEvery ?? 0),
  );
  const publishers = new Set<MemoryPublisher>();
  const groups = new Map<string, MemoryGroup>();
  let mode: Mode = 'flowing';
  const setMode = (next: Mode) => {
    mode = next;
    for (const publisher of publishers) publisher.changed();
  };
  const eachGroup = (work: (group: MemoryGroup) => Promise<void>) =>
    Promise.all([...groups.values()].map(work)).then(() => {});

  return {
    publisher() {
      const publisher = new MemoryPublisher(partitions, () => mode, options);
      publishers.add(publisher);
      return publisher;
    },
    reader(group = 'analytics') {
      let members = groups.get(group);
      if (!members) {
        members = new MemoryGroup(partitions);
        groups.set(group, members);
      }
      return members.reader();
    },
    inspector: () => ({
      bounds: async () => partitions.map((partition) => partition.bounds()),
      async *read(partition, from, to) {
        for (let offset = from; ; ) {
          const record = partitions[partition]!.at(offset);
          if (!record || record.offset > to) return;
          yield record;
          offset = record.offset + 1;
        }
      },
      close: async () => {},
    }),
    records() {
      const all: StoredRecord[] = [];
      for (const partition of partitions)
        for (let record = partition.at(0); record; record = partition.at(record.offset + 1)) all.push(record);
      return all;
    },
    hold: () => setMode('held'),
    stall: () => setMode('stalled'),
    resume: () => setMode('flowing'),
    dropConnection: () => eachGroup((group) => group.reconnect()),
    takeOver: () => eachGroup((group) => group.rotate()),
    async recreate() {
      for (const partition of partitions) partition.clear();
      await eachGroup((group) => group.reconnect());
    },
    truncateBefore: (partition, offset) => partitions[partition]!.truncateBefore(offset),
  };
}
