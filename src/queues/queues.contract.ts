/**
 * What queues and event streams must keep, whoever implements them: run by `memory/memory.test.ts` and
 * `rabbitmq/rabbitmq.int.test.ts`.
 */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  anomaly,
  command,
  held,
  keptCommand,
  loginBegun,
  notice,
  online,
  startTokenCreated,
  stationCreated,
  tokenDeleted,
} from '../../test/messages.js';
import type { ChargingCommand, HeldCharger } from '../domain/messages/commands.js';
import type { WattstreamError } from '../platform/errors.js';
import type { EventLog, EventRecord, FollowFrom } from '../streams/ports.js';
import { until } from '../streams/streams.contract.js';
import type {
  CommandHandler,
  CommandReceiver,
  CommandSender,
  EventPublisher,
  KeptCommands,
  ListWake,
  ListWakes,
  NotificationFeed,
} from './ports.js';

type Log = 'chargingEvents' | 'cmsEvents' | 'logins';

export interface QueuesUnderTest {
  publisher(limits?: { maxUnconfirmed?: number }): EventPublisher;
  sender(): CommandSender;
  receiver(gateway: string, handler: CommandHandler): CommandReceiver;
  kept(): KeptCommands;
  wakes(): ListWakes;
  feed(): NotificationFeed;
  log(which: Log): EventLog;
  /** Nobody reaches the broker any more, until `back`. */
  away(): Promise<void>;
  back(): Promise<void>;
  /** The stream of charging events is deleted and declared again. */
  recreate(): Promise<void>;
  close(): Promise<void>;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

export function queuesContract(name: string, create: () => Promise<QueuesUnderTest>): void {
  jest.setTimeout(60_000);

  describe(`${name}: events`, () => {
    let queues: QueuesUnderTest;
    beforeEach(async () => {
      queues = await create();
    });
    afterEach(() => queues.close());

    const follow = (from: FollowFrom, which: Log = 'chargingEvents') => {
      const records: EventRecord[] = [];
      let levelAt: number | undefined;
      const refusals: WattstreamError[] = [];
      const following = queues.log(which).follow({
        from,
        accept: (record) => void records.push(record),
        onLevel: () => {
          levelAt = records.length;
        },
        refused: (error) => void refusals.push(error),
      });
      return { records, refusals, following, levelAt: () => levelAt, ids: () => records.map(({ id }) => id) };
    };
    const publish = async (...ids: string[]): Promise<void> => {
      const publisher = queues.publisher();
      for (const id of ids) await publisher.publishChargingEvent(anomaly(id));
    };

    test('what was confirmed is in its stream, in order, with key, id, subject, time and body', async () => {
      const publisher = queues.publisher();
      await publisher.publishChargingEvent(anomaly('e1', 'CP-7'));
      await publisher.publishChargingEvent(anomaly('e2'));
      await publisher.publishCMSEvent(stationCreated('c1'));
      await publisher.publishLoginEvent(loginBegun('l1'));
      expect(publisher.unconfirmed).toBe(0);
      const charging = follow({ from: 'first' });
      const cms = follow({ from: 'first' }, 'cmsEvents');
      const logins = follow({ from: 'first' }, 'logins');
      const all = [charging, cms, logins];
      await until(() => all.every(({ levelAt }) => levelAt() !== undefined), 'level');
      expect(charging.records.map(({ body: _, ...rest }) => rest)).toEqual([
        { offset: 0, routingKey: 'anomaly.found', id: 'e1', app: 'CP-7', publishedAt: 1_795_600_800_000 },
        { offset: 1, routingKey: 'anomaly.found', id: 'e2', app: 'CP-1', publishedAt: 1_795_600_800_000 },
      ]);
      expect(charging.records.map(({ body }) => JSON.parse(body))).toEqual([
        anomaly('e1', 'CP-7'),
        anomaly('e2'),
      ]);
      expect(cms.records).toMatchObject([{ id: 'c1', app: 'S1', routingKey: 'cms.station.created' }]);
      expect(logins.records).toMatchObject([{ id: 'l1', app: 'ac-1', routingKey: 'login.begun' }]);
    });

    test('many at once keep their order', async () => {
      const publisher = queues.publisher();
      const ids = Array.from({ length: 500 }, (_, n) => `e${n}`);
      await Promise.all(ids.map((id) => publisher.publishChargingEvent(anomaly(id))));
      const log = follow({ from: 'first' });
      await until(() => log.levelAt() !== undefined, 'level');
      expect(log.ids()).toEqual(ids);
    });

    test('what is not as its schema says is refused with the field named, and is nowhere', async () => {
      const publisher = queues.publisher();
      await expect(publisher.publishChargingEvent(anomaly('e1', ''))).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
        message: expect.stringContaining('chargePointId'),
      });
      await expect(publisher.publishCMSEvent({ ...stationCreated('c1'), version: 0 })).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      });
      await expect(publisher.publishLoginEvent({ ...loginBegun('l1'), loginId: '' })).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      });
      await expect(publisher.publishNotification({ ...notice('n1'), id: '' })).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      });
      await expect(publisher.publishChargingEvent(anomaly('é'.repeat(200)))).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      });
      expect(publisher.unconfirmed).toBe(0);
      expect(await queues.log('chargingEvents').bounds()).toEqual({ first: undefined, last: undefined });
    });

    test('the broker is away: so many are kept and confirmed when it is back; further ones are refused', async () => {
      const publisher = queues.publisher({ maxUnconfirmed: 2 });
      await publisher.publishChargingEvent(anomaly('e0'));
      await queues.away();
      const kept = [
        publisher.publishChargingEvent(anomaly('e1')),
        publisher.publishChargingEvent(anomaly('e2')),
      ];
      await turn();
      expect(publisher.unconfirmed).toBe(2);
      await expect(publisher.publishChargingEvent(anomaly('e3'))).rejects.toMatchObject({
        code: 'PUBLISHER_FULL',
      });
      await queues.back();
      await Promise.all(kept);
      const log = follow({ from: 'first' });
      await until(() => log.levelAt() !== undefined, 'level');
      expect([...new Set(log.ids())]).toEqual(['e0', 'e1', 'e2']);
    });

    test('a publisher that is closed says of each message that it was not confirmed', async () => {
      const publisher = queues.publisher();
      await publisher.publishChargingEvent(anomaly('e0'));
      await queues.away();
      const lost = expect(publisher.publishChargingEvent(anomaly('e1'))).rejects.toMatchObject({
        code: 'PUBLISHER_CLOSED',
      });
      await publisher.close(20);
      await lost;
      await expect(publisher.publishChargingEvent(anomaly('e2'))).rejects.toMatchObject({
        code: 'PUBLISHER_CLOSED',
      });
    });

    test('following begins where it is told to', async () => {
      await publish('e0', 'e1', 'e2');
      const first = follow({ from: 'first' });
      const after = follow({ after: 0 });
      const end = follow({ after: 2 });
      const next = follow({ from: 'next' });
      const earlier = follow({ since: 0 });
      const later = follow({ since: 4_000_000_000_000 });
      const all = [first, after, end, next, earlier, later];
      await until(() => all.every(({ levelAt }) => levelAt() !== undefined), 'all are level');
      expect(all.map(({ levelAt }) => levelAt())).toEqual([3, 2, 0, 0, 3, 0]);
      await publish('e3');
      await until(() => all.every(({ following }) => following.position === 3), 'all have the last');
      expect(all.map(({ ids }) => ids().join(' '))).toEqual([
        'e0 e1 e2 e3',
        'e1 e2 e3',
        'e3',
        'e3',
        'e0 e1 e2 e3',
        'e3',
      ]);
    });

    test('an empty stream is level at once, and has no bounds', async () => {
      const all = [follow({ from: 'first' }), follow({ from: 'next' }), follow({ since: 0 })];
      await until(() => all.every(({ levelAt }) => levelAt() === 0), 'level');
      expect(await queues.log('chargingEvents').bounds()).toEqual({ first: undefined, last: undefined });
      await publish('e0');
      await until(() => all.every(({ ids }) => ids().length === 1), 'the first');
      expect(await queues.log('chargingEvents').bounds()).toEqual({ first: 0, last: 0 });
    });

    test('a promise holds the next record back; records are handed on one at a time', async () => {
      await publish('e0', 'e1', 'e2');
      const seen: string[] = [];
      let busy = 0;
      let most = 0;
      let release = (): void => {};
      const following = queues.log('chargingEvents').follow({
        from: { from: 'first' },
        accept: async ({ id }) => {
          most = Math.max(most, ++busy);
          seen.push(id);
          if (id === 'e1')
            await new Promise<void>((resolve) => {
              release = resolve;
            });
          busy -= 1;
        },
      });
      await until(() => seen.length === 2, 'the second');
      for (let n = 0; n < 20; n++) await turn();
      expect(seen).toEqual(['e0', 'e1']);
      expect(following.position).toBe(0);
      release();
      await until(() => following.position === 2, 'the third');
      expect(most).toBe(1);
    });

    test('the broker goes and comes back: following goes on after the last record, without a gap and without a copy', async () => {
      const first = follow({ from: 'first' });
      const next = follow({ from: 'next' });
      await until(() => first.levelAt() === 0 && next.levelAt() === 0, 'level');
      await queues.away();
      await queues.back();
      await publish('e0', 'e1');
      await until(() => first.ids().length === 2 && next.ids().length === 2, 'two');
      await queues.away();
      await queues.back();
      await publish('e2');
      await until(() => first.ids().length === 3 && next.ids().length === 3, 'three');
      expect(first.ids()).toEqual(['e0', 'e1', 'e2']);
      expect(next.ids()).toEqual(['e0', 'e1', 'e2']);
    });

    test('bounds of a broker that is away cannot be told', async () => {
      await publish('e0');
      await queues.away();
      await expect(queues.log('chargingEvents').bounds()).rejects.toMatchObject({ canRetry: true });
    });

    test('a stream that was created again is found out, and not followed any further', async () => {
      await publish('e0', 'e1');
      const log = follow({ from: 'first' });
      await until(() => log.ids().length === 2, 'both');
      await queues.recreate();
      await until(() => log.refusals.length > 0, 'the refusal');
      expect(log.refusals[0]).toMatchObject({ code: 'LOG_DIFFERS_FROM_POSITION' });
      const beyond = follow({ after: 17 });
      await until(() => beyond.refusals.length > 0, 'the refusal');
      expect(beyond.refusals[0]).toMatchObject({ code: 'LOG_DIFFERS_FROM_POSITION' });
      expect(beyond.levelAt()).toBeUndefined();
    });

    test('nothing is handed on after close', async () => {
      const log = follow({ from: 'first' });
      await until(() => log.levelAt() === 0, 'level');
      await log.following.close();
      await publish('e0');
      const other = follow({ from: 'first' });
      await until(() => other.ids().length === 1, 'the event');
      expect(log.ids()).toEqual([]);
    });

    test('each listener hears of every notification, and of the time in which it may have missed some', async () => {
      const heard: string[] = [];
      queues.feed().listen({
        notification: ({ id }) => void heard.push(id),
        up: () => void heard.push('up'),
        down: () => void heard.push('down'),
      });
      await until(() => heard.includes('up'), 'up');
      const publisher = queues.publisher();
      await publisher.publishNotification(notice('n1'));
      await until(() => heard.includes('n1'), 'the notification');
      await queues.away();
      await until(() => heard.includes('down'), 'down');
      await queues.back();
      await until(() => heard.lastIndexOf('up') > heard.indexOf('down'), 'up again');
      await publisher.publishNotification(notice('n2'));
      await until(() => heard.includes('n2'), 'the notification');
      expect(heard).toEqual(['up', 'n1', 'down', 'up', 'n2']);
    });
  });

  describe(`${name}: commands`, () => {
    let queues: QueuesUnderTest;
    beforeEach(async () => {
      queues = await create();
    });
    afterEach(() => queues.close());

    const gateway = (id: string, holds: (chargePointId: string) => HeldCharger | undefined) => {
      const got: ChargingCommand[] = [];
      const heard: HeldCharger[] = [];
      const receiver = queues.receiver(id, {
        command: (one) => void got.push(one),
        locate: holds,
        held: (elsewhere) => void heard.push(elsewhere),
      });
      return { got, heard, receiver };
    };

    test('the gateway that holds the charger says so, and gets the command', async () => {
      const { got, receiver } = gateway('g1', (id) => held(id));
      await receiver.bind('CP-1');
      const sender = queues.sender();
      expect(await sender.locate('CP-1')).toEqual(held('CP-1'));
      const sent = command('CP-1');
      expect(await sender.publishChargingCommand(sent)).toBe('taken');
      await until(() => got.length > 0, 'the command');
      expect(got).toEqual([sent]);
    });

    test('nobody holds the charger: known at once, for the question and for the command', async () => {
      const { got, receiver } = gateway('g1', (id) => held(id));
      await receiver.bind('CP-1');
      const sender = queues.sender();
      expect(await sender.locate('CP-2')).toBeUndefined();
      expect(await sender.publishChargingCommand(command('CP-2'))).toBe('offline');
      await receiver.unbind('CP-1');
      expect(await sender.locate('CP-1')).toBeUndefined();
      expect(await sender.publishChargingCommand(command('CP-1'))).toBe('offline');
      await receiver.bind('CP-1');
      await receiver.close();
      await until(async () => (await sender.locate('CP-1')) === undefined, 'its queue is gone');
      expect(got).toEqual([]);
    });

    test('of two gateways, one of which has a ghost, the newer connection counts; both get the command', async () => {
      const ghost = gateway('g1', (id) => held(id, { gateway: 'g1', connection: 'old' }));
      const real = gateway('g2', (id) =>
        held(id, { gateway: 'g2', connection: 'new', since: '2026-11-25T09:30:00.000Z' }),
      );
      await ghost.receiver.bind('CP-1');
      await real.receiver.bind('CP-1');
      const sender = queues.sender();
      expect(await sender.locate('CP-1')).toMatchObject({ gateway: 'g2', connection: 'new' });
      await sender.publishChargingCommand(command('CP-1', { connection: 'new' }));
      await until(() => real.got.length > 0 && ghost.got.length > 0, 'both');
      expect(ghost.got[0]?.connection).toBe('new');
    });

    test('a gateway tells all that are bound to a charger that it holds it now', async () => {
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

    test('a gateway that has just lost the charger is none; one that does not answer is silent', async () => {
      const lost = gateway('g1', () => undefined);
      await lost.receiver.bind('CP-1');
      const hanging = gateway('g2', () => {
        throw new Error('hangs');
      });
      await hanging.receiver.bind('CP-2');
      const sender = queues.sender();
      expect(await sender.locate('CP-1')).toBeUndefined();
      await expect(sender.locate('CP-2')).rejects.toMatchObject({ code: 'GATEWAY_SILENT' });
    });

    test('the broker is away: not sent, not asked; a binding made meanwhile stands when it is back', async () => {
      const { got, receiver } = gateway('g1', (id) => held(id));
      await receiver.bind('CP-1');
      const sender = queues.sender();
      expect(await sender.locate('CP-1')).toBeDefined();
      await queues.away();
      const second = receiver.bind('CP-2');
      await until(
        async () => (await sender.publishChargingCommand(command('CP-1'))) === 'not-sent',
        'the loss is noticed',
      );
      await expect(sender.locate('CP-1')).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' });
      await queues.back();
      await second;
      await receiver.bind('CP-1');
      expect(await sender.locate('CP-1')).toEqual(held('CP-1'));
      expect(await sender.publishChargingCommand(command('CP-2'))).toBe('taken');
      await until(() => got.length > 0, 'the command');
      expect(got.map(({ chargePointId }) => chargePointId)).toEqual(['CP-2']);
    });

    test('a command past its deadline is not sent; one that is none is refused', async () => {
      const { got, receiver } = gateway('g1', (id) => held(id));
      await receiver.bind('CP-1');
      const sender = queues.sender();
      const past = command('CP-1', { deadline: '2026-01-01T00:00:00.000Z' });
      expect(await sender.publishChargingCommand(past)).toBe('not-sent');
      await expect(sender.publishChargingCommand(command('CP-1', { id: 'x' }))).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      });
      expect(got).toEqual([]);
    });

    test('a kept command stays until it is settled, whoever dies; one consumer has it at a time', async () => {
      const desk = () => {
        const got: { id: string; settle: () => void }[] = [];
        const kept = queues.kept();
        return { got, kept, consumer: kept.consume(({ id }, settle) => void got.push({ id, settle })) };
      };
      const first = desk();
      const one = keptCommand('CP-1');
      const two = keptCommand('CP-2');
      await first.kept.keep(one);
      await until(() => first.got.length === 1, 'the first');
      const second = desk();
      await first.kept.keep(two);
      await until(() => first.got.length === 2, 'the second');
      first.got.find(({ id }) => id === one.id)!.settle();
      await first.consumer.close();
      await until(() => second.got.some(({ id }) => id === two.id), 'the other has it');
      second.got.find(({ id }) => id === two.id)!.settle();
      await second.consumer.close();
      const third = desk();
      const three = keptCommand('CP-3');
      await third.kept.keep(three);
      await until(() => third.got.length > 0, 'the third');
      expect(third.got.map(({ id }) => id)).toEqual([three.id]);
      await third.consumer.close();
    });

    test('reasons to look at local lists: of chargers that come, of changes, but not of each start; they stay until they are settled', async () => {
      const desk = () => {
        const got: { wake: ListWake; settle: () => void }[] = [];
        let losses = 0;
        const consumer = queues.wakes().consume(
          (wake, settle) => void got.push({ wake, settle }),
          () => losses++,
        );
        return { got, consumer, losses: () => losses };
      };
      const first = desk();
      const publisher = queues.publisher();
      await publisher.publishChargingEvent(anomaly('e1'));
      await publisher.publishCMSEvent(stationCreated('c1'));
      await publisher.publishChargingEvent(online('CP-1'));
      await publisher.publishCMSEvent(startTokenCreated('c3'));
      await publisher.publishCMSEvent(tokenDeleted('c2', 'CAFE'));
      await queues.wakes().push('CP-2', true);
      await until(() => first.got.length === 3, 'all three');
      const wakes = [
        { kind: 'online', chargePointId: 'CP-1' },
        { kind: 'changed', entity: 'token', id: 'CAFE' },
        { kind: 'push', chargePointId: 'CP-2', full: true },
      ];
      expect(first.got.map(({ wake }) => wake)).toEqual(wakes);
      const second = desk();
      first.got[0]?.settle();
      await turn();
      await first.consumer.close();
      expect(first.losses()).toBeGreaterThan(0);
      await until(() => second.got.length >= 2, 'the other has what was not settled');
      expect(second.got.map(({ wake }) => wake)).toEqual(wakes.slice(1));
      for (const { settle } of second.got) settle();
      await queues.wakes().push('CP-3', false);
      await until(() => second.got.length === 3, 'the next one');
      await second.consumer.close();
    });
  });
}
