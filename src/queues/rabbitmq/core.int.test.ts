import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { anomaly, command, held, notice, stationCreated } from '../../../test/messages.js';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import type { ChargingCommand, HeldCharger } from '../../domain/messages/commands.js';
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
  test('what was confirmed is in the stream, with its key, id, subject and time', async () => {
    const publisher = createEventPublisher({ connection: broker.connect(), prefix: broker.prefix });
    await publisher.publishChargingEvent(anomaly('e1'));
    await publisher.publishCMSEvent(stationCreated('c1'));
    await publisher.publishNotification(notice('n1'));
    const charging = follow(broker.names.streams.chargingEvents);
    const cms = follow(broker.names.streams.cmsEvents);
    await until(() => charging.isLevel() && cms.isLevel(), 'level');
    expect(charging.records).toEqual([
      {
        offset: 0,
        routingKey: 'anomaly.found',
        id: 'e1',
        app: 'CP-1',
        publishedAt: Date.parse('2026-11-25T10:00:00Z'),
        body: expect.any(String),
      },
    ]);
    expect(JSON.parse(charging.records[0]!.body)).toEqual(anomaly('e1'));
    expect(cms.records.map(({ id, app, routingKey }) => ({ id, app, routingKey }))).toEqual([
      { id: 'c1', app: 'S1', routingKey: 'cms.station.created' },
    ]);
    expect(
      (await broker.drain(broker.names.queues.notifications)).map((body) => JSON.parse(body).id),
    ).toEqual(['n1']);
  });

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

  test('what is not as its schema says is refused and never sent', async () => {
    const publisher = createEventPublisher({ connection: broker.connect(), prefix: broker.prefix });
    await expect(publisher.publishChargingEvent(anomaly('e1', ''))).rejects.toMatchObject({
      code: 'MESSAGE_INVALID',
      message: expect.stringContaining('chargePointId'),
    });
    expect(publisher.unconfirmed).toBe(0);
    expect(await broker.count(broker.names.streams.chargingEvents)).toBe(0);
  });

  test('the broker is away: so many are kept, further ones are refused, and close says what was not confirmed', async () => {
    broker.proxy.refuse(true);
    const publisher = createEventPublisher({
      connection: broker.connect(),
      prefix: broker.prefix,
      maxUnconfirmed: 2,
    });
    const first = publisher.publishChargingEvent(anomaly('e1'));
    const second = publisher.publishChargingEvent(anomaly('e2'));
    await expect(publisher.publishChargingEvent(anomaly('e3'))).rejects.toMatchObject({
      code: 'PUBLISHER_FULL',
    });
    broker.proxy.refuse(false);
    await first;
    await second;
    broker.proxy.freeze();
    const third = publisher.publishChargingEvent(anomaly('e3'));
    const outcome = expect(third).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' });
    await publisher.close(50);
    await outcome;
    await expect(publisher.publishChargingEvent(anomaly('e4'))).rejects.toMatchObject({
      code: 'PUBLISHER_CLOSED',
    });
  });
});

describe('commands', () => {
  const gateway = (name: string, holds: (id: string) => ReturnType<typeof held> | undefined) => {
    const got: ChargingCommand[] = [];
    const heard: HeldCharger[] = [];
    const receiver = createCommandReceiver({
      connection: broker.connect(),
      prefix: broker.prefix,
      gateway: name,
      handler: {
        command: (one) => void got.push(one),
        locate: holds,
        held: (elsewhere) => void heard.push(elsewhere),
      },
    });
    return { got, heard, receiver };
  };
  const sender = () =>
    createCommandSender({ connection: broker.connect(), prefix: broker.prefix, settleMs: 100 });

  test('the gateway that holds the charger says so, and gets the command', async () => {
    const { got, receiver } = gateway('g1', (id) => held(id));
    await receiver.bind('CP-1');
    const out = sender();
    expect(await out.locate('CP-1')).toEqual(held('CP-1'));
    const sent = command('CP-1');
    expect(await out.publishChargingCommand(sent)).toBe('taken');
    await until(() => got.length > 0, 'the command');
    expect(got).toEqual([sent]);
  });

  test('nobody holds the charger: known at once, for the question and for the command', async () => {
    const { got, receiver } = gateway('g1', (id) => held(id));
    await receiver.bind('CP-1');
    const out = sender();
    expect(await out.locate('CP-2')).toBeUndefined();
    expect(await out.publishChargingCommand(command('CP-2'))).toBe('offline');
    await receiver.unbind('CP-1');
    expect(await out.locate('CP-1')).toBeUndefined();
    expect(await out.publishChargingCommand(command('CP-1'))).toBe('offline');
    expect(got).toEqual([]);
  });

  test('a gateway with a ghost of the charger: the newer connection counts', async () => {
    const ghost = gateway('g1', (id) => held(id, { gateway: 'g1', connection: 'old' }));
    const true_ = gateway('g2', (id) =>
      held(id, { gateway: 'g2', connection: 'new', since: '2026-11-25T09:30:00.000Z' }),
    );
    await ghost.receiver.bind('CP-1');
    await true_.receiver.bind('CP-1');
    const out = sender();
    expect(await out.locate('CP-1')).toMatchObject({ gateway: 'g2', connection: 'new' });
    await out.publishChargingCommand(command('CP-1', { connection: 'new' }));
    await until(() => true_.got.length > 0 && ghost.got.length > 0, 'both');
    expect(ghost.got[0]?.connection).toBe('new');
  });

  test('a gateway tells the others that it holds the charger now', async () => {
    const ghost = gateway('g1', (id) => held(id, { gateway: 'g1' }));
    const newer = gateway('g2', (id) => held(id, { gateway: 'g2' }));
    await ghost.receiver.bind('CP-1');
    await newer.receiver.bind('CP-1');
    newer.receiver.announce(held('CP-1', { gateway: 'g2' }));
    newer.receiver.announce(held('CP-2', { gateway: 'g2' }));
    await until(() => ghost.heard.length > 0 && newer.heard.length > 0, 'both have heard of it');
    expect(ghost.heard).toEqual([held('CP-1', { gateway: 'g2' })]);
    expect(newer.heard).toEqual([held('CP-1', { gateway: 'g2' })]);
  });

  test('a gateway that has just lost the charger is no gateway; one that hangs is silent', async () => {
    const { receiver } = gateway('g1', () => undefined);
    await receiver.bind('CP-1');
    expect(await sender().locate('CP-1')).toBeUndefined();
    const hanging = gateway('g2', () => {
      throw new Error('hangs');
    });
    await hanging.receiver.bind('CP-2');
    const out = createCommandSender({ connection: broker.connect(), prefix: broker.prefix, locateMs: 200 });
    await expect(out.locate('CP-2')).rejects.toMatchObject({ code: 'GATEWAY_SILENT' });
  });

  test('the connection breaks before the confirm: unknown, and never a second copy', async () => {
    const { got, receiver } = gateway('g1', (id) => held(id));
    await receiver.bind('CP-1');
    const connection = broker.connect({ amqpUrl: broker.amqpUrl });
    const out = createCommandSender({ connection, prefix: broker.prefix });
    expect(await out.publishChargingCommand(command('CP-1'))).toBe('taken');
    broker.proxy.freeze();
    const fates = Array.from({ length: 20 }, () => out.publishChargingCommand(command('CP-1')));
    await new Promise((resolve) => setImmediate(resolve));
    broker.proxy.cut();
    broker.proxy.thaw();
    expect(new Set(await Promise.all(fates))).toEqual(new Set(['unknown']));
    // The way is open again, and what came by it is this one only.
    await receiver.bind('CP-1');
    await until(
      async () => (await out.publishChargingCommand(command('CP-1', { action: 'last' }))) === 'taken',
      'taken',
    );
    await until(() => got.some(({ action }) => action === 'last'), 'the last command');
    const ids = got.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('the broker is away: not sent, and nothing is asked', async () => {
    broker.proxy.refuse(true);
    const out = createCommandSender({ connection: broker.connect(), prefix: broker.prefix, patienceMs: 50 });
    expect(await out.publishChargingCommand(command('CP-1'))).toBe('not-sent');
    await expect(out.locate('CP-1')).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' });
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
