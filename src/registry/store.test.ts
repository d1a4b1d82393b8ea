import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { EntityKind } from '../domain/messages/cms-events.js';
import { routingKeys } from '../domain/messages/notifications.js';
import { type Change, emptyState } from '../domain/registry/state.js';
import { examples } from '../domain/registry/testing/examples.js';
import { silentLogger } from '../platform/logger.js';
import { MemoryEventLog } from '../queues/memory/event-log.js';
import type { EventLog } from '../streams/ports.js';
import { Replica } from './replica.js';
import { newestSnapshot, Snapshotter } from './snapshots.js';
import { RegistryStore } from './store.js';
import { append, booksOf, FakePublisher } from './testing/fakes.js';

const { station, point, tariff } = examples;

describe('the store', () => {
  let log: MemoryEventLog;
  let snapshots: MemoryEventLog;
  let open: { close(): Promise<void> }[];
  const replicaOf = () => {
    const replica = new Replica({
      log,
      newestSnapshot: () => newestSnapshot(snapshots),
      logger: silentLogger,
      backoff: { firstMs: 1, maxMs: 2 },
    });
    open.push(replica);
    return replica;
  };
  const storeOf = (writeMs = 10_000) => {
    const publisher = new FakePublisher(log);
    const store = new RegistryStore({
      replica: replicaOf(),
      publisher,
      writeMs,
      now: () => Date.parse('2026-05-01T10:00:00Z'),
      logger: silentLogger,
      keyBooks: booksOf(log),
    });
    return { store, publisher };
  };
  const snapshotterOf = (replica: Replica, everyEvents: number) => {
    const stream = {
      log: snapshots,
      append: async ({ id, body }: { id: string; body: string }) => append(snapshots, id, body),
    };
    const snapshotter = new Snapshotter({
      replica,
      stream,
      everyEvents,
      now: Date.now,
      logger: silentLogger,
      random: () => 0,
    });
    open.push(snapshotter);
    return snapshotter;
  };
  const create = (store: RegistryStore, kind: 'station' | 'tariff' | 'point', state: { id: string }) =>
    store.propose({ kind, id: state.id, change: 'created', state: state as never, actor: 'test' });

  beforeEach(() => {
    [log, snapshots, open] = [new MemoryEventLog(), new MemoryEventLog(), []];
  });
  afterEach(async () => {
    for (const one of open) await one.close();
  });

  test('a write is read at once where it was made, and by and by everywhere', async () => {
    const { store } = storeOf();
    const { store: other } = storeOf();
    await Promise.all([store.replica.level, other.replica.level]);
    const written = await create(store, 'station', station);
    expect(written).toMatchObject({ version: 1, state: station, actor: 'test' });
    expect(store.replica.get('station', 'st-1')).toBe(written);
    await other.replica.caughtUp();
    expect(other.replica.get('station', 'st-1')).toEqual(written);
  });

  test('two processes write the same entity at once: one wins, the other gets CONFLICT, both show the same', async () => {
    const { store, publisher } = storeOf();
    const { store: other, publisher: otherPublisher } = storeOf();
    await Promise.all([store.replica.level, other.replica.level]);
    await create(store, 'station', station);
    await other.replica.caughtUp();
    // Both lie in the log before either process has read one of them.
    const both: (() => void)[] = [];
    const together = (publish: () => void) => {
      both.push(publish);
      if (both.length === 2) for (const one of both) one();
    };
    publisher.stored = (event) => together(() => publisher.append(event));
    otherPublisher.stored = (event) => together(() => otherPublisher.append(event));
    const rename = (one: RegistryStore, name: string) =>
      one.propose({
        kind: 'station',
        id: 'st-1',
        change: 'updated',
        state: { ...station, name },
        actor: name,
      });
    const outcomes = await Promise.allSettled([rename(store, 'one'), rename(other, 'other')]);
    expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'CONFLICT' } }]);
    await Promise.all([store.replica.caughtUp(), other.replica.caughtUp()]);
    expect(store.replica.state).toEqual(other.replica.state);
    expect(store.replica.get('station', 'st-1')).toMatchObject({ version: 2, state: { name: 'one' } });
    expect(publisher.notifications.map(({ type }) => type)).toEqual([
      'cms.station.created',
      'cms.station.updated',
    ]);
    expect(otherPublisher.notifications).toEqual([]);
  });

  test('a rule that is broken is named with its fields, and nothing is published for it', async () => {
    const { store } = storeOf();
    await store.replica.level;
    await expect(create(store, 'point', point)).rejects.toMatchObject({
      code: 'REGISTRY_RULE',
      message: expect.stringContaining('REFERENCE_MISSING'),
      cause: { issues: [{ path: ['station'] }, {}, {}] },
    });
    expect(log.records).toEqual([]);
  });

  test('what only looks void because this process lags behind is judged again when it has caught up', async () => {
    const { store: other } = storeOf();
    await other.replica.level;
    let release = (): void => {};
    let held = Promise.resolve();
    // A slow line: what others have written arrives once this process asks how far the log has come.
    const slow: EventLog = {
      follow: (request) =>
        log.follow({
          ...request,
          accept: async (record) => {
            await held;
            await request.accept(record);
          },
        }),
      bounds: () => {
        release();
        return log.bounds();
      },
      close: async () => {},
    };
    const replica = new Replica({ log: slow, newestSnapshot: async () => undefined, logger: silentLogger });
    open.push(replica);
    const late = new RegistryStore({
      replica,
      publisher: new FakePublisher(log),
      writeMs: 10_000,
      now: Date.now,
      logger: silentLogger,
    });
    await replica.level;
    held = new Promise((resolve) => {
      release = resolve;
    });
    await create(other, 'station', station);
    await create(other, 'tariff', tariff);
    expect(replica.get('station', 'st-1')).toBeUndefined();
    await expect(create(late, 'point', point)).resolves.toMatchObject({ version: 1 });
  });

  test('an event that is stored twice is announced and answered once', async () => {
    const { store, publisher } = storeOf();
    await store.replica.level;
    publisher.stored = (event) => {
      publisher.append(event);
      publisher.append(event);
    };
    await create(store, 'station', station);
    await store.replica.caughtUp();
    expect(store.replica.get('station', 'st-1')).toMatchObject({ version: 1 });
    expect(publisher.notifications).toHaveLength(1);
  });

  test('who hears of it: the station of a point; and no secret with it', async () => {
    const { store, publisher } = storeOf();
    await store.replica.level;
    await create(store, 'station', station);
    await create(store, 'tariff', tariff);
    await create(store, 'point', point);
    await store.propose({ kind: 'point', id: 'CP-1', change: 'deleted', state: null, actor: 'test' });
    expect(publisher.notifications.slice(2).map(({ type, audience }) => ({ type, audience }))).toEqual([
      { type: 'cms.point.created', audience: { stationId: 'st-1', accountId: null } },
      { type: 'cms.point.deleted', audience: { stationId: 'st-1', accountId: null } },
    ]);
    expect(JSON.stringify(publisher.notifications)).not.toContain('scrypt');
  });

  test('a change is told at the station that it is of, of what was deleted too; of people and prices to operators alone', async () => {
    const { store, publisher } = storeOf();
    await store.replica.level;
    const { account, token, outage, webhook, 'api-key': apiKey } = examples;
    const change = (kind: EntityKind, id: string, what: Change, state: object | null) =>
      store.propose({ kind, id, change: what, state: state as never, actor: 'test' });
    const all = [
      ['account', account],
      ['tariff', tariff],
      ['station', station],
      ['point', { ...point, account: 'ac-1' }],
      ['token', { ...token, uid: 'T1' }, 'T1'],
      ['outage', outage],
      ['webhook', webhook],
      ['api-key', apiKey],
    ] as const;
    for (const [kind, state, id = (state as { id: string }).id] of all)
      await change(kind, id, 'created', state);
    for (const [kind, state, id = (state as { id: string }).id] of [...all].reverse())
      await change(kind, id, 'deleted', null);
    const told = publisher.notifications.map(({ type, audience }) => [type, audience.stationId]);
    const at = (kind: string) => (['station', 'point', 'outage'].includes(kind) ? 'st-1' : null);
    expect(told).toEqual([
      ...all.map(([kind]) => [`cms.${kind}.created`, at(kind)]),
      ...[...all].reverse().map(([kind]) => [`cms.${kind}.deleted`, at(kind)]),
    ]);
    // No customer: neither who pays at a point, nor whose account, token or key it is.
    expect(publisher.notifications.every(({ audience }) => audience.accountId === null)).toBe(true);
    expect(publisher.notifications.flatMap(routingKeys).filter((key) => key.startsWith('user.'))).toEqual([]);
  });

  test('an event that does not come back is no failure and no success: the caller is told so', async () => {
    const { store, publisher } = storeOf(20);
    await store.replica.level;
    publisher.stored = () => {};
    await expect(create(store, 'station', station)).rejects.toMatchObject({
      code: 'REGISTRY_UNANSWERED',
      canRetry: true,
    });
  });

  test('before the log has been read nothing is changed', async () => {
    log.setAway(true);
    const { store } = storeOf();
    await expect(create(store, 'station', station)).rejects.toMatchObject({ code: 'REGISTRY_NOT_READY' });
    log.setAway(false);
    await store.replica.level;
    await expect(create(store, 'station', station)).resolves.toMatchObject({ version: 1 });
  });

  test('what is no event of ours is passed over', async () => {
    append(log, 'x', 'nonsense');
    append(log, '', '{"id":"y"}');
    const { store } = storeOf();
    await store.replica.level;
    expect(store.replica.position).toBe(1);
    await expect(create(store, 'station', station)).resolves.toMatchObject({ version: 1 });
  });

  test('logins of former versions are passed over without a word, and take no memory', async () => {
    const said: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void said.push(fields) };
    const old = (version: number, change: string) => ({
      id: `l${version}`,
      schema: 1,
      at: '2026-11-25T10:00:00.000Z',
      type: `cms.logins.${change}`,
      kind: 'logins',
      entityId: 'ac-1',
      version,
      actor: 'ac-1',
      state: { id: 'ac-1', families: [] },
    });
    // With its routing key, as the broker keeps it, and without.
    const body = JSON.stringify(old(1, 'created'));
    log.append({ id: 'l1', body, routingKey: 'cms.logins.created', app: '', publishedAt: 0 });
    append(log, 'l2', JSON.stringify(old(2, 'updated')));
    append(log, 'x', 'nonsense');
    const replica = new Replica({ log, newestSnapshot: async () => undefined, logger });
    open.push(replica);
    await replica.level;
    expect(replica.position).toBe(2);
    expect(said).toEqual([{ code: 'CMS_EVENT_UNREADABLE', offset: 2 }]);
    expect(replica.state).toEqual(emptyState());
  });

  describe('snapshots', () => {
    const fill = async (count: number) => {
      const { store } = storeOf();
      await store.replica.level;
      for (let index = 0; index < count; index++)
        await create(store, 'station', { ...station, id: `st-${index}` });
      return store;
    };

    test('a process that begins with one knows the same as one that read everything', async () => {
      const store = await fill(30);
      await create(store, 'tariff', tariff);
      await snapshotterOf(store.replica, 1_000).write();
      await store.propose({
        kind: 'station',
        id: 'st-3',
        change: 'deleted',
        state: null,
        actor: 'test',
      });
      const late = replicaOf();
      await late.level;
      expect(late.readSinceSnapshot).toBe(1);
      expect(late.state).toEqual(store.replica.state);
    });

    test('a torn or damaged one is skipped for the one before', async () => {
      const store = await fill(5);
      const snapshotter = snapshotterOf(store.replica, 1_000);
      await snapshotter.write();
      const whole = snapshots.records.length;
      await create(store, 'tariff', tariff);
      await snapshotter.write();
      const { records } = snapshots;
      const damaged = { ...records[whole]!, body: records[whole]!.body.replace('"data":"', '"data":"AAAA') };
      for (const broken of [
        records.filter((_, index) => index !== whole),
        records.slice(0, -1),
        records.map((record, index) => (index === whole ? damaged : record)),
      ]) {
        snapshots.records.splice(0, snapshots.records.length, ...broken);
        const late = replicaOf();
        await late.level;
        expect(late.readSinceSnapshot).toBe(1);
        expect(late.state).toEqual(store.replica.state);
        snapshots.records.splice(0, snapshots.records.length, ...records);
      }
    });

    test('two that are written at the same time do each other no harm', async () => {
      const store = await fill(5);
      await Promise.all([
        snapshotterOf(store.replica, 1_000).write(),
        snapshotterOf(store.replica, 1_000).write(),
      ]);
      const late = replicaOf();
      await late.level;
      expect(late.readSinceSnapshot).toBe(0);
      expect(late.state).toEqual(store.replica.state);
    });

    test('it is written by itself after so many events, and not again by those who heard of it', async () => {
      const store = await fill(3);
      const [one, other] = [snapshotterOf(store.replica, 5), snapshotterOf(replicaOf(), 8)];
      for (let index = 3; index < 7; index++)
        await create(store, 'station', { ...station, id: `st-${index}` });
      const ends = () => snapshots.records.filter(({ body }) => body.includes('"kind":"end"')).length;
      await untilTrue(() => ends() > 0);
      // It has been heard of once what comes after it has been.
      await newestSnapshot(snapshots);
      await create(store, 'tariff', tariff);
      await one.close();
      await other.close();
      expect(ends()).toBe(1);
    });

    test('a process that was level keeps what it knows when its log becomes another one', async () => {
      const store = await fill(3);
      const { replica } = store;
      const kept = [...log.records];
      log.recreate();
      await untilTrue(() => replica.ready()?.includes('up to offset 2') === true);
      expect(replica.get('station', 'st-2')).toBeDefined();
      log.records.push(...kept);
      await untilTrue(() => replica.ready() === undefined);
      await expect(create(store, 'tariff', tariff)).resolves.toMatchObject({ version: 1 });
    });

    test('no record of it comes near what a stream takes, however large the registry', async () => {
      const store = await fill(1);
      const wide = {
        ...station,
        id: 'wide',
        directions: Array(500).fill({ language: 'en', text: 'x'.repeat(500) }),
      };
      await create(store, 'station', wide);
      await create(store, 'station', { ...wide, id: 'wide-2' });
      await create(store, 'station', { ...wide, id: 'wide-3' });
      await snapshotterOf(store.replica, 1_000).write();
      expect(snapshots.records.length).toBeGreaterThan(2);
      for (const { body } of snapshots.records) expect(body.length).toBeLessThan(700_000);
    });

    test('a log that is another one, or has lost its beginning, is refused for as long as it is so', async () => {
      const store = await fill(3);
      await snapshotterOf(store.replica, 1_000).write();
      const { records } = log;
      for (const [code, wrong] of [
        ['stands for the log up to offset 2', () => records.splice(2)],
        ['stands for the log up to offset 2', () => records.splice(2, 1, { ...records[2]!, id: 'another' })],
      ] as const) {
        const kept = [...records];
        wrong();
        const refusing = replicaOf();
        await untilTrue(() => refusing.ready()?.includes(code) === true);
        records.splice(0, records.length, ...kept);
        await refusing.level;
        expect(refusing.state).toEqual(store.replica.state);
      }
      snapshots.records.length = 0;
      log.truncateBefore(1);
      const cut = replicaOf();
      await untilTrue(() => cut.ready()?.includes('begins at offset 1') === true);
    });
  });
});

async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
