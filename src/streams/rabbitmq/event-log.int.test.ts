/** What the contract of event streams (`src/queues/queues.contract.ts`) cannot do to both twins: damage to the wire. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import type { EventRecord, FollowFrom } from '../ports.js';
import { until } from '../streams.contract.js';
import { createRabbitEventLog } from './event-log.js';

jest.setTimeout(60_000);

let broker: TestQueues;
beforeEach(async () => {
  broker = await createTestQueues();
});
const logs: { close(): Promise<void> }[] = [];
afterEach(async () => {
  broker.streamProxy.thaw();
  for (const log of logs.splice(0)) await log.close();
  await broker.close();
});

/** As any program may publish: whatever AMQP properties it likes. */
async function publish(count: number, properties: Record<string, unknown> = {}, from = 0): Promise<void> {
  const channel = await broker.admin.createConfirmChannel();
  for (let n = from; n < from + count; n++)
    channel.publish(broker.names.exchanges.chargingEvents, 'some.key', Buffer.from(`{"n":${n}}`), {
      messageId: `m${n}`,
      ...properties,
    });
  await channel.waitForConfirms();
  await channel.close();
}

function follow(
  accept: (record: EventRecord) => void | Promise<void> = () => {},
  from: FollowFrom = { from: 'first' },
) {
  const log = createRabbitEventLog({
    address: broker.address,
    stream: broker.names.streams.chargingEvents,
    heartbeatSeconds: 1,
    backoff: { firstMs: 20, maxMs: 200 },
  });
  logs.push(log);
  const records: EventRecord[] = [];
  const following = log.follow({
    from,
    accept: (record) => {
      records.push(record);
      return accept(record);
    },
  });
  return { records, following };
}
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`);

describe('following a stream over a bad wire', () => {
  test('cut again and again, in the middle of chunks: every record once, in order', async () => {
    await publish(3_000);
    let seen = 0;
    const { records } = follow(() => {
      if (++seen % 700 === 0) broker.streamProxy.cut();
    });
    await until(() => records.length >= 3_000, 'all of them', 40_000);
    await publish(5, {}, 3_000);
    await until(() => records.length >= 3_005, 'those after');
    expect(records.map(({ id }) => id)).toEqual(numbered(3_005));
    expect(records.map(({ offset }) => offset)).toEqual(records.map((_, n) => n));
  });

  test('begun in the middle of a chunk: nothing of what lies before it', async () => {
    await publish(2_000);
    const starts = [1, 17, 333, 999, 1_234, 1_998];
    const all = starts.map((after) => follow(() => {}, { after }));
    await until(() => all.every(({ following }) => following.position === 1_999), 'all of them');
    expect(all.map(({ records }) => records[0]?.offset)).toEqual(starts.map((after) => after + 1));
    expect(all.map(({ records }) => records.length)).toEqual(starts.map((after) => 1_999 - after));
  });

  test('half open: noticed, and gone on from', async () => {
    await publish(10);
    const { records } = follow();
    await until(() => records.length === 10, 'the first ones');
    broker.streamProxy.freezeOpen();
    await publish(10, {}, 10);
    await until(() => records.length >= 20, 'those after', 40_000);
    expect(records.map(({ id }) => id)).toEqual(numbered(20));
  });

  test('a chunk that was damaged on its way is not believed, and read again', async () => {
    await publish(2_000);
    broker.streamProxy.damage(2);
    const { records } = follow();
    await until(() => records.length >= 2_000, 'all of them', 40_000);
    expect(records.map(({ id }) => id)).toEqual(numbered(2_000));
  });

  test('a slow reader slows the broker, not the process: what is read waits in the stream', async () => {
    await publish(2_000);
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { records, following } = follow(({ offset }) => (offset === 0 ? gate : undefined));
    await until(() => records.length === 1, 'the first');
    broker.streamProxy.cut();
    await publish(5, {}, 2_000);
    expect(following.position).toBe(-1);
    release();
    await until(() => following.position === 2_004, 'all of them');
    expect(records.map(({ id }) => id)).toEqual(numbered(2_005));
  });

  test('what others publish, with whatever in its properties and headers, stops nobody', async () => {
    await publish(1, {
      headers: { count: 5, share: 0.5, yes: true, list: [1, 'a'], inner: { deep: 1n } },
    }).catch(() =>
      publish(1, { headers: { count: 5, share: 0.5, yes: true, list: [1, 'a'], inner: { deep: 1 } } }),
    );
    await publish(1, { messageId: undefined, timestamp: 17, appId: 'somebody' }, 1);
    const channel = await broker.admin.createConfirmChannel();
    channel.publish(broker.names.exchanges.chargingEvents, 'ä.ö', Buffer.alloc(0));
    await channel.waitForConfirms();
    const { records } = follow();
    await until(() => records.length === 3, 'all three');
    expect(records).toEqual([
      { offset: 0, routingKey: 'some.key', id: 'm0', app: '', publishedAt: 0, body: '{"n":0}' },
      { offset: 1, routingKey: 'some.key', id: '', app: 'somebody', publishedAt: 17_000, body: '{"n":1}' },
      { offset: 2, routingKey: 'ä.ö', id: '', app: '', publishedAt: 0, body: '' },
    ]);
  });

  test('a stream that is not there yet is waited for', async () => {
    const channel = await broker.admin.createChannel();
    await channel.deleteQueue(broker.names.streams.chargingEvents);
    const { records } = follow();
    await broker.declare();
    await publish(1);
    await until(() => records.length === 1, 'its first record');
  });
});
