/**
 * What was announced is what the log amounts to: every announcement that a second fold of the log makes stands in
 * `charging.events.log`, with the same content, however often it was published; and nothing else does.
 */
import { PartitionFold } from '../../domain/charging/partition.js';
import type { Announcement } from '../../domain/messages/charging-events.js';
import { messageNames } from '../../domain/messages/names.js';
import { decode } from '../../domain/ocpp/decode.js';
import type { StoredRecord } from '../../domain/ocpp/record.js';
import type { BrokerAddress } from '../../platform/config.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { type Check, Differences } from './check.js';

/** As the defaults of the settings have it. */
const AS = { sessionDays: 3, generation: 1, epoch: 1 };

/** What a fold of the whole log announces, by id. `log` is in order within each partition. */
export function announcedBy(log: readonly StoredRecord[]): Map<string, Announcement> {
  const folds = new Map<number, PartitionFold>();
  const announced = new Map<string, Announcement>();
  for (const record of log) {
    let fold = folds.get(record.partition);
    if (fold === undefined) {
      fold = new PartitionFold(AS, [], AS);
      fold.announce(true);
      folds.set(record.partition, fold);
    }
    for (const one of fold.apply(record, decode(record))) announced.set(one.id, one);
    // What would be written is nobody's here.
    fold.takeRows();
  }
  return announced;
}

/** Every announcement in the stream, in its order, repeats included, as it was published. */
export async function readAnnouncements(
  address: BrokerAddress,
  prefix: string,
): Promise<{ id: string; body: string }[]> {
  const log = createRabbitEventLog({ address, stream: messageNames(prefix).streams.chargingEvents });
  const found: { id: string; body: string }[] = [];
  try {
    const bounds = await log.bounds();
    if (bounds.last === undefined) return found;
    await new Promise<void>((resolve) => {
      log.follow({
        from: { from: 'first' },
        accept({ id, routingKey, body }) {
          if (/^(session|connector|charger|anomaly)\./.test(routingKey)) found.push({ id, body });
        },
        onLevel: resolve,
      });
    });
    return found;
  } finally {
    await log.close();
  }
}

/** Adds what differs; returns how many distinct announcements were published. */
export function compareAnnouncements(
  published: readonly { id: string; body: string }[],
  wanted: ReadonlyMap<string, Announcement>,
  differences: Differences,
): number {
  const bodies = new Map<string, string>();
  for (const { id, body } of published) {
    const before = bodies.get(id);
    if (before !== undefined && before !== body) differences.add(`${id}: once ${before}, once ${body}`);
    bodies.set(id, body);
  }
  for (const [id, body] of bodies) {
    const expected = wanted.get(id);
    if (expected === undefined) differences.add(`${id}: announced, and the log says nothing of it: ${body}`);
    else if (sorted(expected) !== sorted(JSON.parse(body)))
      differences.add(`${id}: announced ${body}, the log says ${JSON.stringify(expected)}`);
  }
  for (const id of wanted.keys()) if (!bodies.has(id)) differences.add(`${id}: never announced`);
  return bodies.size;
}

/** A schema puts members in its own order. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

export const announcements: Check = {
  name: 'announcements',
  about:
    '`charging.events.log` holds what a second fold of the log announces, all of it and nothing else, and no id with two contents',
  async run({ system, log }) {
    const differences = new Differences();
    const wanted = announcedBy(log);
    const published = await readAnnouncements(system.address, system.prefix);
    const distinct = compareAnnouncements(published, wanted, differences);
    return {
      compared: { 'announcements of the log': wanted.size, published: published.length, distinct },
      differences,
    };
  },
};
