/** The registry on a real broker: processes that contend, are killed, and come back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createTestQueues, type TestQueues } from '../../test/queues.js';
import type { CmsEvent } from '../domain/messages/cms-events.js';
import { evolve } from '../domain/registry/evolve.js';
import { emptyState } from '../domain/registry/state.js';
import { examples } from '../domain/registry/testing/examples.js';
import { silentLogger } from '../platform/logger.js';
import { createEventPublisher } from '../queues/rabbitmq/publisher.js';
import { createRabbitEventLog } from '../streams/rabbitmq/event-log.js';
import { type OpenRegistry, openRegistry } from './rabbitmq/open.js';
import type { WriterLine } from './testing/writer-process.js';

const LONG = 120_000;
const { station } = examples;

let queues: TestQueues;
let open: { close(): Promise<void> }[];

beforeEach(async () => {
  queues = await createTestQueues();
  open = [];
}, LONG);
afterEach(async () => {
  for (const one of open) await one.close();
  await queues.close();
}, LONG);

function registry(snapshotEvents = 1_000_000): OpenRegistry {
  const connection = queues.connect();
  const publisher = createEventPublisher({ connection, prefix: queues.prefix });
  const opened = openRegistry({
    address: queues.address,
    topology: { amqpUrl: queues.directUrl, prefix: queues.prefix, eventsRetentionDays: 1 },
    log: silentLogger,
    connection,
    publisher,
    writeMs: 60_000,
    snapshotEvents,
  });
  open.push({
    async close() {
      await opened.close();
      await publisher.close(0);
    },
  });
  return opened;
}

const create = ({ store }: OpenRegistry, id: string) =>
  store.propose({ kind: 'station', id, change: 'created', state: { ...station, id }, actor: 'test' });

test(
  'two processes write the same entity at once, again and again: one wins, the other gets CONFLICT, both show the same',
  async () => {
    const [one, other] = [registry(), registry()];
    await Promise.all([one.store.replica.level, other.store.replica.level]);
    await create(one, 'st-1');
    for (let version = 1; version <= 20; version++) {
      await other.store.replica.caughtUp();
      await one.store.replica.caughtUp();
      const rename = ({ store }: OpenRegistry, name: string) =>
        store.propose({
          kind: 'station',
          id: 'st-1',
          change: 'updated',
          state: { ...station, name },
          version,
          actor: name,
        });
      const outcomes = await Promise.allSettled([rename(one, 'one'), rename(other, 'other')]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const lost = outcomes.find((outcome) => outcome.status === 'rejected');
      expect(lost).toMatchObject({ reason: { code: 'CONFLICT' } });
    }
    await Promise.all([one.store.replica.caughtUp(), other.store.replica.caughtUp()]);
    expect(one.store.replica.state).toEqual(other.store.replica.state);
    expect(one.store.replica.get('station', 'st-1')).toMatchObject({ version: 21 });
  },
  LONG,
);

test(
  'a write survives the broker being out of reach, and is not done twice',
  async () => {
    const one = registry();
    await one.store.replica.level;
    await create(one, 'st-0');
    queues.proxy.freeze();
    queues.streamProxy.freeze();
    const written = create(one, 'st-1');
    queues.proxy.cut();
    queues.streamProxy.cut();
    queues.proxy.thaw();
    queues.streamProxy.thaw();
    await expect(written).resolves.toMatchObject({ version: 1 });
    const late = registry();
    await late.store.replica.level;
    expect(late.store.replica.state).toEqual(one.store.replica.state);
  },
  LONG,
);

test(
  'a process that begins with a snapshot knows the same as one that read everything',
  async () => {
    const one = registry();
    await one.store.replica.level;
    await Promise.all(Array.from({ length: 50 }, (_, index) => create(one, `st-${index}`)));
    await one.snapshotter.write();
    await create(one, 'after');
    const late = registry();
    await late.store.replica.level;
    expect(late.store.replica.readSinceSnapshot).toBe(1);
    expect(late.store.replica.state).toEqual(one.store.replica.state);
  },
  LONG,
);

test(
  'kill -9 in the middle of writes: what was acknowledged is there, and nothing that nobody wrote',
  async () => {
    const said: WriterLine[] = [];
    const running: ChildProcess[] = [];
    const start = (name: string): ChildProcess => {
      const script = fileURLToPath(new URL('../../dist/registry/testing/writer-process.js', import.meta.url));
      const child = spawn(process.execPath, [script, name], {
        env: { ...process.env, RABBITMQ_URL: queues.directUrl, WATTSTREAM_PREFIX: queues.prefix },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      createInterface({ input: child.stdout! }).on('line', (line) => said.push(JSON.parse(line)));
      running.push(child);
      return child;
    };
    const gone = (child: ChildProcess) =>
      new Promise<void>((resolve) => {
        child.once('close', () => resolve());
        child.kill('SIGKILL');
      });
    const acknowledgedBy = (name: string) =>
      said.filter((line) => 'acknowledged' in line && line.acknowledged.startsWith(`${name} `)).length;
    try {
      const first = start('first');
      const second = start('second');
      for (const [child, name] of [
        [first, 'first'],
        [second, 'second'],
      ] as const) {
        await until(() => acknowledgedBy(name) >= 30);
        await gone(child);
      }
      const third = start('third');
      await until(() => acknowledgedBy('third') >= 30);
      await gone(third);
    } finally {
      await Promise.all(
        running.filter((child) => child.exitCode === null && child.signalCode === null).map(gone),
      );
    }

    const reader = registry();
    const { replica } = reader.store;
    await replica.level;
    const versions = [0, 1, 2].flatMap((number) => {
      const tariff = replica.get('tariff', `t-${number}`)!;
      const all = [...tariff.past, tariff];
      // No version is missing and none is there twice.
      expect(all.map(({ version }) => version)).toEqual(all.map((_, index) => index + 1));
      return all.map(({ version, state }) => ({
        id: `t-${number}`,
        version,
        text: state?.tariff_alt_text?.[0]?.text,
      }));
    });
    const tried = new Set(said.flatMap((line) => ('tried' in line ? [line.tried] : [])));
    expect(versions.filter(({ text }) => !tried.has(text ?? ''))).toEqual([]);
    const acknowledged = said.flatMap((line) =>
      'acknowledged' in line ? [{ id: line.id, version: line.version, text: line.acknowledged }] : [],
    );
    expect(acknowledged.length).toBeGreaterThanOrEqual(90);
    expect(versions).toEqual(expect.arrayContaining(acknowledged));
    // A snapshot was written in the middle of all this; with the log after it, it says what the whole log says.
    const whole = emptyState();
    let records = 0;
    const log = createRabbitEventLog({ address: queues.address, stream: queues.names.streams.cmsEvents });
    await new Promise<void>((resolve) => {
      log.follow({
        from: { from: 'first' },
        accept: ({ body }) => {
          records += 1;
          evolve(whole, JSON.parse(body) as CmsEvent);
        },
        onLevel: resolve,
      });
    });
    await log.close();
    expect(replica.state).toEqual(whole);
    expect(replica.readSinceSnapshot).toBeLessThan(records);
    // What was refused applied nowhere.
    const refused = said.flatMap((line) => ('refused' in line ? [line] : []));
    expect(refused.filter(({ code }) => code !== 'CONFLICT')).toEqual([]);
    expect(versions.filter(({ text }) => refused.some((line) => line.refused === text))).toEqual([]);
  },
  LONG,
);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
