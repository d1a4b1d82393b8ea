/** Erasing on a real broker: processes that are killed while they rewrite key books, and what any byte still says afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import { silentLogger } from '../../platform/logger.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { type OpenRegistry, openRegistry } from '../rabbitmq/open.js';
import type { EraserLine } from '../testing/eraser-process.js';
import { Caretaker } from './caretaker.js';
import { createRabbitKeyBooks } from './rabbitmq/key-books.js';
import { unseal } from './seal.js';

const LONG = 180_000;
const KILLS = 6;

let queues: TestQueues;
let open: { close(): Promise<void> }[];
const running = new Set<ChildProcess>();
const gone = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    running.delete(child);
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });
beforeEach(async () => {
  queues = await createTestQueues();
  open = [];
}, LONG);
afterEach(async () => {
  await Promise.all([...running].map(gone));
  for (const one of open) await one.close();
  const channel = await queues.admin.createChannel();
  for (let book = 1; book <= 60; book++) await channel.deleteQueue(queues.names.keyBook(book));
  await channel.close();
  await queues.close();
}, LONG);

function registry(): OpenRegistry {
  const connection = queues.connect();
  const publisher = createEventPublisher({ connection, prefix: queues.prefix });
  const opened = openRegistry({
    address: queues.address,
    topology: { amqpUrl: queues.directUrl, prefix: queues.prefix, eventsRetentionDays: 1 },
    log: silentLogger,
    connection,
    publisher,
    writeMs: 60_000,
    snapshotEvents: 1_000_000,
  });
  open.push({
    async close() {
      await opened.close();
      await publisher.close(0);
    },
  });
  return opened;
}

test(
  'kill -9 in the middle of rewrites: keys of erased accounts are in no book afterwards, and no other key is lost',
  async () => {
    const said: EraserLine[] = [];
    const start = (name: string): ChildProcess => {
      const script = fileURLToPath(
        new URL('../../../dist/registry/testing/eraser-process.js', import.meta.url),
      );
      const child = spawn(process.execPath, [script, name], {
        env: { ...process.env, RABBITMQ_URL: queues.directUrl, WATTSTREAM_PREFIX: queues.prefix },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      createInterface({ input: child.stdout! }).on('line', (line) => said.push(JSON.parse(line)));
      running.add(child);
      return child;
    };
    const begun = (name: string) =>
      said.filter((line) => 'destroying' in line && line.destroying.startsWith(`${name}-`)).length;
    // One goes on all the time, so that rewrites contend, and go on after each death.
    start('stays');
    for (let kill = 0; kill < KILLS; kill++) {
      const name = `dies${kill}`;
      const child = start(name);
      await until(() => begun(name) >= 1);
      // Anywhere in the rewrite that it has just begun.
      await new Promise((resolve) => setTimeout(resolve, kill * 30));
      await gone(child);
    }
    await Promise.all([...running].map(gone));

    const { store } = registry();
    await store.replica.level;
    const caretaker = new Caretaker({ store, logger: silentLogger });
    await caretaker.round();
    await caretaker.close();
    await store.replica.caughtUp();

    const erased = new Set(said.flatMap((line) => ('erased' in line ? [line.erased] : [])));
    const made = said.flatMap((line) => ('made' in line ? [line.made] : []));
    expect(erased.size).toBeGreaterThanOrEqual(KILLS);
    for (const id of made) {
      const account = await store.get('account', id);
      const isGone = account?.state.erased !== undefined;
      // Killed before it was told: erased all the same.
      if (erased.has(id)) expect(isGone).toBe(true);
      expect([id, account?.state.name]).toEqual([id, isGone ? undefined : `Name of ${id}`]);
      if (!isGone) expect((await store.people.accountByEmail(`${id}@PERSON.example`))?.id).toBe(id);
    }
    // One book is left, and opens nothing of anybody who was erased.
    const { keys, books } = await everyKey(store.people.ring?.state?.book ?? 0);
    expect(books).toEqual([store.people.ring?.state?.book]);
    const isErased = (id: string) => store.replica.get('account', id)?.state.erased !== undefined;
    expect(keys.filter(({ owner }) => owner !== null && isErased(owner))).toEqual([]);
  },
  LONG,
);

test(
  'an account whose key is confirmed and whose event never came is no account, and its key goes with the next rewrite',
  async () => {
    const { store } = registry();
    await store.replica.level;
    await store.keys?.begin();
    // As a process that was killed between key and event leaves it.
    const books = createRabbitKeyBooks({
      address: queues.address,
      connection: queues.connect(),
      prefix: queues.prefix,
      log: silentLogger,
    });
    open.push(books);
    await books.append(1, [{ id: 'orphan', owner: 'never', key: 'A'.repeat(43) }]);
    const account = { role: 'customer' as const, disabled: false };
    for (const id of ['ac-1', 'ac-2'])
      await store.propose({
        kind: 'account',
        id,
        change: 'created',
        state: { ...account, id, name: `Name of ${id}` },
        actor: 'test',
      });
    expect(store.replica.get('account', 'never')).toBeUndefined();
    await store.propose({
      kind: 'account',
      id: 'ac-1',
      change: 'updated',
      state: { id: 'ac-1', role: 'customer', disabled: true, erased: '2026-11-26T10:00:00.000Z' },
      actor: 'test',
    });
    await store.keys?.destroyed();
    expect((await everyKey(2)).keys.map(({ owner }) => owner)).toEqual([null, 'ac-2']);
    expect((await store.get('account', 'ac-2'))?.state.name).toBe('Name of ac-2');
    // What the log has of it opens with nothing that is left.
    const { keys } = await everyKey(2);
    for (const { entityId, state } of await cmsEvents())
      for (const { key } of keys)
        if (entityId === 'ac-1' && state?.sealed !== undefined)
          expect(unseal(Buffer.from(key, 'base64url'), state.sealed.data, 'account/ac-1')).toBeUndefined();
  },
  LONG,
);

test(
  'the broker is away while an account is made: it is made when it is back, or the writer is told that it was not',
  async () => {
    const { store } = registry();
    await store.replica.level;
    await store.keys?.begin();
    queues.proxy.cut();
    queues.streamProxy.cut();
    const outcome = await store
      .propose({
        kind: 'account',
        id: 'ac-1',
        change: 'created',
        state: { id: 'ac-1', role: 'customer', name: 'Ada', disabled: false },
        actor: 'test',
      })
      .then(
        () => 'made',
        (error: { code?: string; canRetry?: boolean }) => `refused, ${error.canRetry}`,
      );
    const late = registry();
    await late.store.replica.level;
    const found = await late.store.get('account', 'ac-1');
    expect(outcome === 'made' ? found?.state.name : outcome).toBe(
      outcome === 'made' ? 'Ada' : 'refused, true',
    );
  },
  LONG,
);

async function everyKey(newest: number) {
  const books = createRabbitKeyBooks({
    address: queues.address,
    connection: queues.connect(),
    prefix: queues.prefix,
    log: silentLogger,
  });
  open.push(books);
  const found: number[] = [];
  const keys: { owner: string | null; key: string }[] = [];
  for (let book = 1; book <= newest + 1; book++)
    await books.read(book).then(
      ({ records }) => {
        found.push(book);
        keys.push(...records);
      },
      (error: { code?: string }) => expect(error.code).toBe('KEY_BOOK_MISSING'),
    );
  return { keys, books: found };
}

async function cmsEvents(): Promise<{ entityId: string; state: { sealed?: { data: string } } | null }[]> {
  const log = createRabbitEventLog({ address: queues.address, stream: queues.names.streams.cmsEvents });
  const events: { entityId: string; state: { sealed?: { data: string } } | null }[] = [];
  await new Promise<void>((resolve) => {
    log.follow({
      from: { from: 'first' },
      accept: ({ body }) => void events.push(JSON.parse(body)),
      onLevel: resolve,
    });
  });
  await log.close();
  return events;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
