import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { anomaly, command, held } from '../../../test/messages.js';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import type { ChargingCommand } from '../../domain/messages/commands.js';
import type { EventRecord } from '../../streams/ports.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { until } from '../../streams/streams.contract.js';
import { createCommandReceiver } from './command-receiver.js';
import { createCommandSender } from './command-sender.js';
import { createEventPublisher } from './publisher.js';

jest.setTimeout(60_000);

let broker: TestQueues;
beforeEach(async () => {
  broker = await createTestQueues();
});
const logs: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  await broker.close();
});

const follow = (stream: string) => {
  const log = createRabbitEventLog({ address: broker.address, stream, backoff: { firstMs: 20, maxMs: 200 } });
  logs.push(log);
  const records: EventRecord[] = [];
  let level = false;
  log.follow({
    from: { from: 'first' },
    accept: (record) => void records.push(record),
    onLevel: () => {
      level = true;
    },
  });
  return { records, isLevel: () => level };
};

describe('events', () => {
  test('the connection is cut again and again while publishing: all is kept, in order; nothing is lost', async () => {
    const connection = broker.connect();
    const publisher = createEventPublisher({ connection, prefix: broker.prefix });
    const sent: Promise<void>[] = [];
    for (let n = 0; n < 3_000; n++) {
      sent.push(publisher.publishChargingEvent(anomaly(`e${n}`)));
      if (n % 1_000 === 500) {
        await until(() => connection.current !== undefined, 'a connection');
        broker.proxy.cutAfter(50_000);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    await Promise.all(sent);
    expect(publisher.unconfirmed).toBe(0);
    const { records, isLevel } = follow(broker.names.streams.chargingEvents);
    await until(isLevel, 'level');
    // What came twice came as a run that was sent again: first occurrences are in order.
    const first = [...new Set(records.map(({ id }) => id))];
    expect(first).toEqual(Array.from({ length: 3_000 }, (_, n) => `e${n}`));
  });

  test('a connection that is half open, or of which the first address is dead, is replaced', async () => {
    const connection = broker.connect({
      amqpUrl: `amqp://guest:guest@127.0.0.1:1,${broker.amqpUrl}`,
      heartbeatSeconds: 1,
    });
    const publisher = createEventPublisher({ connection, prefix: broker.prefix });
    await publisher.publishChargingEvent(anomaly('e1'));
    broker.proxy.freezeOpen();
    await publisher.publishChargingEvent(anomaly('e2'));
    const { records } = follow(broker.names.streams.chargingEvents);
    await until(() => records.some(({ id }) => id === 'e2'), 'the event');
  });

  test('on a fresh broker the first connection declares everything, for whoever only reads as well', async () => {
    await broker.remove();
    broker.connect();
    const { isLevel } = follow(broker.names.streams.chargingEvents);
    await until(isLevel, 'level');
  });

  test('an exchange that has lost its stream is found out by what comes back: nothing vanishes', async () => {
    const publisher = createEventPublisher({ connection: broker.connect(), prefix: broker.prefix });
    await publisher.publishChargingEvent(anomaly('before'));
    const channel = await broker.admin.createChannel();
    const { exchanges, streams } = broker.names;
    await channel.unbindQueue(streams.chargingEvents, exchanges.chargingEvents, '#');
    await publisher.publishChargingEvent(anomaly('unbound'));
    await channel.deleteExchange(exchanges.chargingEvents);
    await publisher.publishChargingEvent(anomaly('without exchange'));
    const { records } = follow(streams.chargingEvents);
    await until(() => records.some(({ id }) => id === 'without exchange'), 'the last event');
    expect(records.map(({ id }) => id)).toEqual(['before', 'unbound', 'without exchange']);
  });
});

describe('commands', () => {
  const gateway = (
    name: string,
    holds: (id: string) => ReturnType<typeof held> | undefined,
    { amqpUrl = broker.amqpUrl, onCommand = () => {} }: { amqpUrl?: string; onCommand?: () => void } = {},
  ) => {
    const got: ChargingCommand[] = [];
    const receiver = createCommandReceiver({
      connection: broker.connect({ amqpUrl }),
      prefix: broker.prefix,
      gateway: name,
      handler: {
        command: (one) => {
          got.push(one);
          onCommand();
        },
        locate: holds,
        held: () => {},
      },
    });
    return { got, receiver };
  };
  const sender = () =>
    createCommandSender({
      connection: broker.connect(),
      prefix: broker.prefix,
      settleMs: 100,
      patienceMs: 20_000,
    });

  test('the connection breaks before the broker has it: unknown, and never sent again', async () => {
    const { got, receiver } = gateway('g1', (id) => held(id));
    await receiver.bind('CP-1');
    const out = sender();
    expect(await out.publishChargingCommand(command('CP-1', { action: 'first' }))).toBe('taken');
    // Taken is in the queue, not here yet: that would break off too.
    await until(() => got.length === 1, 'the first command');
    broker.proxy.freeze();
    const fates = Array.from({ length: 20 }, () => out.publishChargingCommand(command('CP-1')));
    await new Promise((resolve) => setImmediate(resolve));
    broker.proxy.cut();
    broker.proxy.thaw();
    expect(new Set(await Promise.all(fates))).toEqual(new Set(['unknown']));
    await receiver.bind('CP-1');
    // The way is open again: what was to be sent again would have come by it before this.
    await until(
      async () => (await out.publishChargingCommand(command('CP-1', { action: 'last' }))) === 'taken',
      'taken',
    );
    await until(() => got.some(({ action }) => action === 'last'), 'the last command');
    expect(new Set(got.map(({ action }) => action))).toEqual(new Set(['first', 'last']));
  });

  test('the connection breaks before the confirms: what was taken has come once, what is unknown at most once', async () => {
    let isToCut = false;
    const { got, receiver } = gateway('g1', (id) => held(id), {
      amqpUrl: broker.directUrl,
      onCommand: () => {
        if (isToCut) broker.proxy.cut();
        isToCut = false;
      },
    });
    await receiver.bind('CP-1');
    const out = sender();
    const sent: ChargingCommand[] = [];
    const fates: string[] = [];
    // Whether the cut or the confirms are faster is the machine's affair: again, until the cut was.
    for (let wave = 0; wave < 50 && !fates.includes('unknown'); wave++) {
      isToCut = true;
      const some = Array.from({ length: 300 }, () => command('CP-1'));
      sent.push(...some);
      fates.push(...(await Promise.all(some.map((one) => out.publishChargingCommand(one)))));
    }
    expect(fates).toContain('unknown');
    await until(
      async () => (await out.publishChargingCommand(command('CP-1', { action: 'last' }))) === 'taken',
      'taken',
    );
    await until(() => got.some(({ action }) => action === 'last'), 'the last command');
    const times = (id: string) => got.filter((one) => one.id === id).length;
    sent.forEach(({ id }, n) => {
      if (fates[n] === 'taken') expect(times(id)).toBe(1);
      else expect(times(id)).toBeLessThanOrEqual(1);
    });
  });

  test('a storm of 5 000 chargers, a cut connection in its middle, and every one is reached', async () => {
    const { got, receiver } = gateway('g1', (id) => held(id));
    const ids = Array.from({ length: 5_000 }, (_, n) => `CP-${n}`);
    const bound = ids.map((id) => receiver.bind(id));
    await bound[1_000];
    broker.proxy.cut();
    for (const id of ids.slice(0, 100)) void receiver.unbind(id);
    await Promise.all(bound);
    const out = sender();
    await until(
      async () => (await out.locate('CP-4999').catch(() => undefined)) !== undefined,
      'the last one',
    );
    expect(await out.publishChargingCommand(command('CP-0'))).toBe('offline');
    for (const id of ['CP-100', 'CP-2500', 'CP-4999'])
      expect(await out.publishChargingCommand(command(id))).toBe('taken');
    await until(() => got.length === 3, 'three commands');
  });

  test('a connection that the broker has not found dead yet still has the queue: the gateway is reached all the same', async () => {
    const { got, receiver } = gateway('g1', (id) => held(id));
    await receiver.bind('CP-1');
    const stale = gateway('g1', (id) => held(id, { since: '2026-11-25T10:00:00.000Z', connection: 'newer' }));
    await stale.receiver.bind('CP-1');
    const out = sender();
    expect(await out.locate('CP-1')).toMatchObject({ connection: 'newer' });
    await out.publishChargingCommand(command('CP-1'));
    await until(() => stale.got.length === 1 && got.length === 1, 'both queues');
  });
});
