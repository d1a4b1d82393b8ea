import { expect, test } from '@jest/globals';
import {
  chargePointIn,
  frame,
  type LogUnderTest,
  logContract,
  PARTITIONS,
  Recorder,
  until,
} from '../streams.contract.js';
import { createMemoryLog } from './log.js';

logContract('memory', async (): Promise<LogUnderTest> => {
  // Limits are the log's here; one log per limit is enough for a twin.
  const log = createMemoryLog({ partitions: PARTITIONS, maxUnconfirmed: 100, gapEvery: 7 });
  return {
    publisher: async () => log.publisher(),
    reader: (group) => log.reader(group),
    inspector: () => log.inspector(),
    hold: async (long) => (long ? log.stall() : log.hold()),
    resume: async () => log.resume(),
    drop: () => log.dropConnection(),
    recreate: () => log.recreate(),
    close: async () => {},
  };
});

test('a checkpoint before the first record that is kept is refused', async () => {
  const log = createMemoryLog({ partitions: PARTITIONS });
  const publisher = log.publisher();
  const id = chargePointIn(0);
  await Promise.all(Array.from({ length: 10 }, (_, n) => publisher.publishOCPPMessage(frame(id, n))));
  log.truncateBefore(0, 5);
  const handler = new Recorder();
  handler.startAt = (partition) => (partition === 0 ? { after: 3, hash: 'gone' } : { from: 'first' });
  const reader = log.reader();
  await reader.start(handler);
  await until(() => handler.refusals.length > 0, 'refused');
  expect(handler.refusals).toEqual([
    expect.objectContaining({ code: 'RETENTION_PASSED_CHECKPOINT', offset: 3 }),
  ]);
  await reader.close();
});

test('takeOver hands every partition to the next member, which goes on where the first one ended', async () => {
  const log = createMemoryLog({ partitions: PARTITIONS });
  const publisher = log.publisher();
  const one = new Recorder();
  const two = new Recorder(one.sink);
  const [first, second] = [log.reader(), log.reader()];
  await first.start(one);
  await second.start(two);
  await until(() => first.active.length + second.active.length === PARTITIONS, 'shared');
  const before = [...first.active];
  await log.takeOver();
  await until(() => first.active.length + second.active.length === PARTITIONS, 'shared again');
  expect(second.active).toEqual(before);
  await Promise.all(Array.from({ length: 30 }, (_, n) => publisher.publishOCPPMessage(frame(`CP-${n}`, n))));
  await until(() => one.sink.rows.size === 30, 'read');
  expect([...one.breaches, ...two.breaches]).toEqual([]);
  await Promise.all([first.close(), second.close()]);
});
