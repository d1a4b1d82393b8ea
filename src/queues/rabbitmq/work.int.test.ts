import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { makeDeadLetters } from '../../../test/dead-letters.js';
import { keptCommand, notice } from '../../../test/messages.js';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import type { KeptCommand } from '../../domain/messages/commands.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { until } from '../../streams/streams.contract.js';
import type { DeadLetters, Delivery, Outcome } from '../ports.js';
import { createDeadLetters } from './dead-letters.js';
import { createKeptCommands } from './kept-commands.js';
import { createNotificationFeed } from './notification-feed.js';
import { createEventPublisher } from './publisher.js';
import { createWorkQueue } from './work-queue.js';

jest.setTimeout(60_000);

const FAST = { '1s': 20, '10s': 20, '1m': 20 };

let broker: TestQueues;
const start = async (retryMs = FAST): Promise<void> => {
  broker = await createTestQueues({ retryMs });
};
afterEach(() => broker.close());

const publisher = () => createEventPublisher({ connection: broker.connect(), prefix: broker.prefix });

/** Works on notifications: each says by its id what becomes of it, attempt by attempt. */
function work(
  outcomeOf: (delivery: Delivery) => Outcome | Promise<Outcome>,
  { attempts = 4, prefetch = 10 } = {},
) {
  const got: Delivery[] = [];
  const consumer = createWorkQueue({
    connection: broker.connect(),
    prefix: broker.prefix,
    queue: broker.names.queues.notifications,
    now: () => Date.parse('2026-11-25T12:00:00.000Z'),
  }).consume({
    prefetch,
    attempts,
    handle: async (delivery) => {
      got.push(delivery);
      return outcomeOf(delivery);
    },
  });
  return { got, consumer };
}

const letters = (): DeadLetters =>
  createDeadLetters({ amqpUrl: broker.directUrl, prefix: broker.prefix, events: publisher() });

describe('work', () => {
  test('a message that fails comes back with its attempts counted, as it was first published, and then is done', async () => {
    await start();
    const { got } = work(({ attempt }) =>
      attempt < 3 ? { outcome: 'retry', reason: 'not yet' } : { outcome: 'ack' },
    );
    await publisher().publishNotification(notice('n1'));
    await until(() => got.length === 3, 'three attempts');
    expect(got.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    for (const delivery of got)
      expect(delivery).toMatchObject({
        id: 'n1',
        type: 'anomaly.found',
        routingKey: 'operator.anomaly.found',
        body: notice('n1'),
        redelivered: false,
        publishedAt: Date.parse('2026-11-25T10:00:00Z'),
      });
    const { notifications, deadLetters } = broker.names.queues;
    await until(async () => (await broker.count(notifications)) === 0, 'nothing left');
    expect(await broker.count(deadLetters)).toBe(0);
  });

  test('the delays are taken in their order: the first, the second, and the third ever after', async () => {
    await start({ '1s': 20, '10s': 20, '1m': 3_600_000 });
    const { notifications } = broker.names.queues;
    const { got } = work(() => ({ outcome: 'retry', reason: 'never' }), { attempts: 99 });
    await publisher().publishNotification(notice('n1'));
    const waitingFor = (delay: '1s' | '10s' | '1m') => broker.count(broker.names.retry(notifications, delay));
    await until(async () => (await waitingFor('1m')) === 1, 'the longest wait');
    expect(got.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect([await waitingFor('1s'), await waitingFor('10s')]).toEqual([0, 0]);
  });

  test('what cannot be worked on becomes a dead letter that says why, how often, and where it was to go', async () => {
    await start();
    const { got } = work(({ id }) => {
      if (id === 'refused') return { outcome: 'dead-letter', reason: 'nobody wants it' };
      throw new Error(`cannot do ${id}`);
    });
    const events = publisher();
    await events.publishNotification(notice('throws'));
    await events.publishNotification(notice('refused'));
    const channel = await broker.admin.createConfirmChannel();
    channel.sendToQueue(broker.names.queues.notifications, Buffer.from('no json'), { messageId: 'odd' });
    await channel.waitForConfirms();
    await until(async () => (await broker.count(broker.names.queues.deadLetters)) === 3, 'three letters');
    expect(got.filter(({ id }) => id === 'throws')).toHaveLength(4);
    const { letters: found, total } = await letters().list({ limit: 10 });
    expect(total).toBe(3);
    const by = (id: string) => found.find(({ body }) => (body as { id?: string }).id === id);
    const origin = {
      type: 'anomaly.found',
      queue: broker.names.queues.notifications,
      exchange: broker.names.exchanges.notifications,
      routingKey: 'operator.anomaly.found',
      deadAt: '2026-11-25T12:00:00.000Z',
    };
    expect(by('throws')).toMatchObject({ ...origin, reason: 'cannot do throws', attempts: 4 });
    expect(by('refused')).toMatchObject({ ...origin, reason: 'nobody wants it', attempts: 1 });
    expect(found.find(({ body }) => body === 'no json')).toMatchObject({
      reason: 'the body is no JSON',
      exchange: '',
      routingKey: broker.names.queues.notifications,
    });
  });

  test('a consumer that dies leaves what it had to the next one; the wire is cut while messages are moved: nothing is lost', async () => {
    await start();
    const events = publisher();
    await Promise.all(Array.from({ length: 200 }, (_, n) => events.publishNotification(notice(`n${n}`))));
    const done = new Set<string>();
    let cuts = 0;
    work(({ id, attempt }) => {
      if (attempt === 1) {
        if (++cuts % 50 === 0) broker.proxy.cut();
        return { outcome: 'retry', reason: 'first' };
      }
      done.add(id);
      return { outcome: 'ack' };
    });
    await until(() => done.size === 200, 'all of them', 40_000);
    expect(await broker.count(broker.names.queues.deadLetters)).toBe(0);
  });

  test('no more than `prefetch` are worked on at once; close waits for what was taken, and what was not is there', async () => {
    await start();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { got, consumer } = work(
      async () => {
        await gate;
        return { outcome: 'ack' };
      },
      { prefetch: 2 },
    );
    const events = publisher();
    for (let n = 0; n < 5; n++) await events.publishNotification(notice(`n${n}`));
    await until(() => got.length === 2, 'two');
    const closed = consumer.close();
    release();
    await closed;
    expect(got).toHaveLength(2);
    await until(async () => (await broker.count(broker.names.queues.notifications)) === 3, 'three are left');
  });
});

describe('dead letters', () => {
  beforeEach(async () => {
    await start();
    await makeDeadLetters(broker, ['a', 'b', 'c']);
  });

  const audit = async () => {
    const channel = await broker.admin.createChannel();
    await channel.prefetch(100);
    const found: { type: string; actor: string; letter: { id: string; reason: string } }[] = [];
    await channel.consume(
      broker.names.streams.chargingEvents,
      (message) => {
        if (!message) return;
        found.push(JSON.parse(message.content.toString()));
        channel.ack(message);
      },
      { arguments: { 'x-stream-offset': 'first' } },
    );
    return found;
  };

  test('50 lookings change nothing and lose nothing; two at once both see everything', async () => {
    const desk = letters();
    const first = await desk.list({ limit: 10 });
    expect(first.letters.map(({ reason }) => reason)).toHaveLength(3);
    for (let n = 0; n < 48; n++) expect(await desk.list({ limit: 10 })).toEqual(first);
    const both = await Promise.all([desk.list({ limit: 10 }), letters().list({ limit: 10 })]);
    expect(both).toEqual([first, first]);
    expect(await desk.show(first.letters[1]!.id)).toEqual(first.letters[1]);
    expect(await broker.count(broker.names.queues.deadLetters)).toBe(3);
  });

  test('a redriven letter is worked on again, from its first attempt, as it was first published; the log says who did it', async () => {
    const desk = letters();
    const { letters: found } = await desk.list({ limit: 10 });
    const b = found.find(({ reason }) => reason === 'because b')!;
    expect(await desk.redrive([b.id, 'no-such-letter'], 'alice')).toEqual([b.id]);
    const { got } = work(() => ({ outcome: 'ack' }));
    await until(() => got.length === 1, 'the letter');
    expect(got[0]).toMatchObject({ id: 'b', attempt: 1, routingKey: 'operator.anomaly.found' });
    expect((await desk.list({ limit: 10 })).total).toBe(2);
    await expect(desk.show(b.id)).rejects.toMatchObject({ code: 'DEAD_LETTER_UNKNOWN' });
    const events = await audit();
    await until(() => events.length === 1, 'the audit');
    expect(events[0]).toMatchObject({
      type: 'ops.dead-letter.redriven',
      actor: 'alice',
      letter: { id: b.id, reason: 'because b' },
    });
  });

  test('dropped letters are gone, each with its entry in the log', async () => {
    const desk = letters();
    expect(await desk.drop('all', 'bob')).toHaveLength(3);
    expect(await desk.list({ limit: 10 })).toEqual({ letters: [], total: 0 });
    const events = await audit();
    await until(() => events.length === 3, 'the audit');
    expect(new Set(events.map(({ type, actor }) => `${type} ${actor}`))).toEqual(
      new Set(['ops.dead-letter.dropped bob']),
    );
  });

  test('nothing is redriven or dropped that cannot be recorded; a letter whose queue is gone stays', async () => {
    const desk = createDeadLetters({
      amqpUrl: broker.directUrl,
      prefix: broker.prefix,
      events: { publishChargingEvent: () => Promise.reject(new Error('no log')) },
    });
    await expect(desk.drop('all', 'bob')).rejects.toThrow('no log');
    await expect(desk.redrive('all', 'bob')).rejects.toThrow('no log');
    const channel = await broker.admin.createChannel();
    await channel.deleteQueue(broker.names.queues.notifications);
    const recorded = createDeadLetters({
      amqpUrl: broker.directUrl,
      prefix: broker.prefix,
      events: { publishChargingEvent: async () => {} },
    });
    expect(await recorded.redrive('all', 'bob')).toEqual([]);
    expect(await broker.count(broker.names.queues.deadLetters)).toBe(3);
  });
});

describe('kept commands', () => {
  test('one of two consumers has them; what is not settled goes to the other when it dies, and comes again after a cut', async () => {
    await start();
    const desk = (name: string) => {
      const kept = createKeptCommands({ connection: broker.connect({ name }), prefix: broker.prefix });
      const got: { command: KeptCommand; settle: () => void }[] = [];
      const consumer = kept.consume((command, settle) => void got.push({ command, settle }));
      return { kept, got, consumer };
    };
    const first = desk('first');
    await first.kept.keep(keptCommand('CP-1'));
    await until(() => first.got.length === 1, 'the first');
    const second = desk('second');
    await first.kept.keep(keptCommand('CP-2'));
    await until(() => first.got.length === 2, 'the second');
    first.got[0]!.settle();
    broker.proxy.cut();
    await until(() => first.got.length + second.got.length > 2, 'it comes again');
    await first.consumer.close();
    await until(() => second.got.some(({ command }) => command.chargePointId === 'CP-2'), 'the other');
    await until(async () => {
      // What was handed over before the cut is handed over again; the older way to settle it leads nowhere.
      for (const { settle } of second.got) settle();
      return (await broker.count(broker.names.queues.keptCommands)) === 0;
    }, 'none is left');
    await second.consumer.close();
    expect(await broker.count(broker.names.queues.keptCommands)).toBe(0);
  });
});

describe('notification feed', () => {
  test('each process gets every notification once, and knows when it may have missed some', async () => {
    await start();
    const listen = () => {
      const heard: (Notification['id'] | 'up' | 'down')[] = [];
      createNotificationFeed({ connection: broker.connect(), prefix: broker.prefix }).listen({
        notification: ({ id }) => void heard.push(id),
        up: () => void heard.push('up'),
        down: () => void heard.push('down'),
      });
      return heard;
    };
    const one = listen();
    const two = listen();
    await until(() => one.length === 1 && two.length === 1, 'both are up');
    const events = publisher();
    await events.publishNotification(notice('n1'));
    await until(() => one.includes('n1') && two.includes('n1'), 'both heard of it');
    broker.proxy.cut();
    await until(() => one.filter((word) => word === 'up').length === 2, 'up again');
    await events.publishNotification(notice('n2'));
    await until(() => one.includes('n2'), 'heard of it');
    expect(one).toEqual(['up', 'n1', 'down', 'up', 'n2']);
  });
});
