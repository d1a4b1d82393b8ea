/** Personal data in a registry on a log in memory: who reads the log, and who has the keys, are not the same. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CmsEvent } from '../../domain/messages/cms-events.js';
import type { Account } from '../../domain/registry/account.js';
import { evolve } from '../../domain/registry/evolve.js';
import { type Entity, emptyState } from '../../domain/registry/state.js';
import { silentLogger } from '../../platform/logger.js';
import { MemoryEventLog } from '../../queues/memory/event-log.js';
import { Replica } from '../replica.js';
import { newestSnapshot, Snapshotter } from '../snapshots.js';
import { RegistryStore } from '../store.js';
import { append, booksOf, FakePublisher } from '../testing/fakes.js';
import { Caretaker } from './caretaker.js';
import type { KeyBooks } from './ports.js';
import { unseal } from './seal.js';
import { versionsSeen } from './versions.js';

const NAME = 'Ada Lovelace';
const EMAIL = 'Lovelace@example.com';
/** Nothing that chance could write into a ciphertext. */
const NAMES = /Ada King|Lovelace/i;

let log: MemoryEventLog;
let open: { close(): Promise<void> }[];
beforeEach(() => {
  [log, open] = [new MemoryEventLog(), []];
});
afterEach(async () => {
  for (const one of open) await one.close();
});

/** A process on the log. */
async function process(keyBooks: KeyBooks | undefined = booksOf(log), writeMs = 10_000) {
  const publisher = new FakePublisher(log);
  const replica = new Replica({ log, newestSnapshot: async () => undefined, logger: silentLogger });
  open.push(replica);
  const store = new RegistryStore({
    replica,
    publisher,
    writeMs,
    now: () => Date.parse('2026-11-26T10:00:00Z'),
    logger: silentLogger,
    keyBooks,
  });
  await replica.level;
  return { store, publisher, replica };
}

const person = (more: Partial<Account> = {}): Account => ({
  id: 'ac-1',
  role: 'customer',
  name: NAME,
  email: EMAIL,
  passwordHash: 'scrypt$15$salt$hash',
  disabled: false,
  ...more,
});
const create = (store: RegistryStore, state: Account) =>
  store.propose({ kind: 'account', id: state.id, change: 'created', state, actor: 'test' });
const update = (store: RegistryStore, state: Account) =>
  store.propose({ kind: 'account', id: state.id, change: 'updated', state, actor: 'test' });
const erase = (store: RegistryStore, id = 'ac-1') =>
  update(store, { id, role: 'customer', disabled: true, erased: '2026-11-26T10:00:00.000Z' });
/** An event of before data were sealed. */
const old = (id: string, email: string): string =>
  JSON.stringify({
    id: `old-${id}`,
    schema: 1,
    at: '2026-11-01T10:00:00.000Z',
    type: 'cms.account.created',
    kind: 'account',
    entityId: id,
    version: 1,
    actor: 'old',
    state: person({ id, email }),
  });
const written = (): CmsEvent[] => log.records.map(({ body }) => JSON.parse(body));
const inTheLog = (): string => log.records.map(({ body }) => body).join('\n');
const keysThere = async () => {
  const books = booksOf(log);
  const all = await Promise.all([...books.books.keys()].map((book) => books.read(book)));
  return all.flatMap(({ records }) => records);
};
/** Whatever any key that is anywhere opens of anything that the log has. */
async function opened(): Promise<string> {
  const keys = await keysThere();
  return written()
    .flatMap(({ kind, entityId, state }) => {
      const { sealed, passwordHash } = (state ?? {}) as { sealed?: { data: string }; passwordHash?: string };
      return keys.flatMap(({ key }) => [
        sealed && unseal(Buffer.from(key, 'base64url'), sealed.data, `${kind}/${entityId}`),
        passwordHash?.startsWith('sealed$') &&
          unseal(
            Buffer.from(key, 'base64url'),
            passwordHash.split('$')[2] ?? '',
            `${kind}/${entityId}/passwordHash`,
          ),
      ]);
    })
    .filter(Boolean)
    .join('\n');
}

describe('personal data stand in the registry under keys per account that can be destroyed', () => {
  test('so that erasing someone makes the log’s copies unreadable, and nobody else’s', async () => {
    const { store } = await process();
    await create(store, person());
    await create(store, person({ id: 'ac-2', name: 'Somebody else', email: 'other@example.com' }));
    await update(store, person({ name: `${NAME}, Countess` }));
    expect(inTheLog()).not.toMatch(NAMES);
    expect(await opened()).toMatch(/Ada Lovelace, Countess/);
    await erase(store);
    await store.keys?.destroyed();
    const readable = await opened();
    expect(readable).not.toMatch(NAMES);
    expect(readable).toContain('Somebody else');
    expect((await keysThere()).map(({ owner }) => owner).sort()).toEqual(['ac-2', null]);
    expect([...booksOf(log).books.keys()]).toEqual([2]);
    // Nor does the process that has read the key before.
    expect(JSON.stringify(await store.get('account', 'ac-1'))).not.toMatch(NAMES);
    expect(await store.people.accountByEmail(EMAIL)).toBeUndefined();
    expect((await store.get('account', 'ac-2'))?.state).toMatchObject({ name: 'Somebody else' });
  });

  test('a password that is changed is sealed too: a person is known by it elsewhere', async () => {
    const { store } = await process();
    await create(store, person());
    expect(inTheLog()).not.toContain('scrypt');
    const account = store.replica.get('account', 'ac-1');
    expect(await store.people.passwordHash(account)).toBe('scrypt$15$salt$hash');
    // Kept as it is where something else changes: logins hold by it.
    const before = account?.state.passwordHash;
    await update(store, { ...(await store.get('account', 'ac-1'))!.state, disabled: true });
    expect(store.replica.get('account', 'ac-1')?.state.passwordHash).toBe(before);
  });

  test('a process that has no key judges the same: an address is one account’s alone, whatever its case', async () => {
    const { store } = await process();
    await create(store, person());
    await expect(create(store, person({ id: 'ac-2', email: EMAIL.toUpperCase() }))).rejects.toMatchObject({
      code: 'REGISTRY_RULE',
      message: expect.stringContaining('TAKEN'),
    });
    const state = emptyState();
    for (const one of written()) evolve(state, one);
    expect(state).toEqual(store.replica.state);
  });

  test('another process reads what was sealed by keys that came after it had read the book', async () => {
    const [one, other] = [await process(), await process()];
    await create(one.store, person());
    await other.replica.caughtUp();
    expect((await other.store.get('account', 'ac-1'))?.state).toMatchObject({ name: NAME, email: EMAIL });
    await create(one.store, person({ id: 'ac-2', email: 'two@example.com' }));
    await other.replica.caughtUp();
    await update(other.store, (await other.store.get('account', 'ac-1'))!.state);
    expect((await other.store.people.accountByEmail('TWO@example.com'))?.id).toBe('ac-2');
  });

  test('a ciphertext that is moved to another account does not open there', async () => {
    const { store } = await process();
    await create(store, person());
    const { sealed } = store.replica.get('account', 'ac-1')!.state;
    const { email: _, ...moved } = sealed!;
    const thief = { id: 'thief', role: 'customer' as const, disabled: false, sealed: moved };
    await expect(create(store, thief)).rejects.toMatchObject({ code: 'REGISTRY_RULE' });
    // Whoever can write to the log itself gains nothing by it.
    const [event] = written().filter(({ kind }) => kind === 'account');
    const forged = { ...event, id: 'forged', entityId: 'thief', state: thief };
    append(log, 'forged', JSON.stringify(forged));
    await store.replica.caughtUp();
    expect(store.replica.get('account', 'thief')).toBeDefined();
    expect((await store.get('account', 'thief'))?.state.name).toBeUndefined();
  });

  test('nobody is told who it is: no notification and no snapshot has it', async () => {
    const { store, publisher, replica } = await process();
    await create(store, person());
    await store.propose({
      kind: 'token',
      id: '04A2',
      change: 'created',
      state: {
        uid: '04A2',
        type: 'RFID',
        status: 'Accepted',
        whitelist: 'ALLOWED',
        account: 'ac-1',
        visual_number: 'Lovelace 1',
      },
      actor: 'test',
    });
    expect(JSON.stringify(publisher.notifications)).not.toMatch(/Lovelace|"sealed"/i);
    expect(publisher.notifications.map(({ type }) => type)).toEqual([
      'cms.account.created',
      'cms.token.created',
    ]);
    const snapshots = new MemoryEventLog();
    const snapshotter = new Snapshotter({
      replica,
      stream: { log: snapshots, append: async ({ id, body }) => append(snapshots, id, body) },
      everyEvents: 1_000,
      now: Date.now,
      logger: silentLogger,
    });
    await snapshotter.write();
    await snapshotter.close();
    const restored = await newestSnapshot(snapshots);
    expect(restored?.state).toEqual(replica.state);
    expect(JSON.stringify([...restored!.state.entities.account.values()])).not.toMatch(NAMES);
  });

  test('what is printed on a card is sealed with its account’s key, and anew when it becomes another’s', async () => {
    const { store } = await process();
    await create(store, person());
    await create(store, person({ id: 'ac-2', email: 'two@example.com' }));
    const card = {
      uid: '04A2',
      type: 'RFID' as const,
      status: 'Accepted' as const,
      whitelist: 'ALLOWED' as const,
      visual_number: 'WS-17',
    };
    const propose = (change: 'created' | 'updated', state: object) =>
      store.propose({ kind: 'token', id: '04A2', change, state: state as never, actor: 'test' });
    await propose('created', { ...card, account: 'ac-1' });
    expect(inTheLog()).not.toContain('WS-17');
    await propose('updated', { ...(await store.get('token', '04A2'))!.state, account: 'ac-2' });
    await erase(store);
    await store.keys?.destroyed();
    expect((await store.get('token', '04A2'))?.state).toMatchObject({ visual_number: 'WS-17' });
    await erase(store, 'ac-2');
    await store.keys?.destroyed();
    expect((await store.get('token', '04A2'))?.state).not.toHaveProperty('visual_number');
    await expect(propose('updated', { ...card, account: 'ac-2' })).rejects.toMatchObject({
      code: 'ACCOUNT_ERASED',
    });
    expect(await opened()).not.toContain('WS-17');
  });

  test('history says which fields changed, and after erasure by whom and when, and no name', async () => {
    const { store, replica } = await process();
    await create(store, person());
    const change = async (more: Partial<Account>) =>
      update(store, { ...(await store.get('account', 'ac-1'))!.state, ...more });
    await change({ name: 'Ada King' });
    await change({ language: 'en' });
    const versionsOf = (entity: Entity<'account'>) =>
      versionsSeen(store.people, 'account', [...entity.past, entity]);
    const changed = async () => (await versionsOf(replica.get('account', 'ac-1')!)).map((one) => one.changed);
    expect(await changed()).toEqual([[], ['name'], ['language']]);
    await erase(store);
    const versions = await versionsOf(replica.get('account', 'ac-1')!);
    expect(JSON.stringify(versions)).not.toMatch(NAMES);
    expect(versions.at(-1)).toMatchObject({ actor: 'test', at: '2026-11-26T10:00:00.000Z' });
  });
});

describe('what was written in the clear before', () => {
  test('applies as it did, is found by its address, and keeps it from others', async () => {
    append(log, 'old-1', old('ac-1', EMAIL));
    const { store } = await process();
    expect((await store.people.accountByEmail('lovelace@EXAMPLE.com'))?.id).toBe('ac-1');
    expect(await store.people.passwordHash(store.replica.get('account', 'ac-1'))).toBe('scrypt$15$salt$hash');
    await expect(create(store, person({ id: 'ac-2' }))).rejects.toMatchObject({ code: 'REGISTRY_RULE' });
  });

  test('the next write seals it; the caretaker seals the rest, quietly and once', async () => {
    append(log, 'old-1', old('ac-1', EMAIL));
    append(log, 'old-2', old('ac-2', 'two@example.com'));
    const { store, replica, publisher } = await process();
    const { store: other } = await process();
    await update(store, { ...(await store.get('account', 'ac-1'))!.state, language: 'en' });
    const told = publisher.notifications.length;
    const caretakers = [store, other].map((one) => new Caretaker({ store: one, logger: silentLogger }));
    await Promise.all(caretakers.map((one) => one.round()));
    await Promise.all(caretakers.map((one) => one.round()));
    await Promise.all(caretakers.map((one) => one.close()));
    await replica.caughtUp();
    for (const id of ['ac-1', 'ac-2']) {
      expect(replica.get('account', id)?.state).not.toHaveProperty('name');
      expect((await store.get('account', id))?.state).toMatchObject({ name: NAME });
    }
    expect(replica.get('account', 'ac-2')).toMatchObject({ version: 2 });
    expect(publisher.notifications).toHaveLength(told);
    // Logins hold by the hash: it is not written anew, and so not sealed, before the password changes.
    expect(replica.get('account', 'ac-2')?.state.passwordHash).toBe('scrypt$15$salt$hash');
    expect((await store.people.accountByEmail('two@example.com'))?.id).toBe('ac-2');
  });
});

describe('a key is kept before what it seals is published', () => {
  test('with the key books away nothing is published, and the writer is told', async () => {
    const { store } = await process(booksOf(log), 20);
    await create(store, person());
    const before = log.records.length;
    booksOf(log).setAway(true);
    await expect(create(store, person({ id: 'ac-2', email: 'two@example.com' }))).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      canRetry: true,
    });
    expect(log.records).toHaveLength(before);
    booksOf(log).setAway(false);
    await create(store, person({ id: 'ac-2', email: 'two@example.com' }));
  });

  test('a book that is rewritten between key and event makes the event void; the writer comes again, and no key is lost', async () => {
    const { store, publisher } = await process();
    const { store: other } = await process();
    await create(store, person());
    await create(store, person({ id: 'gone', email: 'gone@example.com' }));
    await other.replica.caughtUp();
    publisher.stored = (event) => {
      publisher.stored = (next) => publisher.append(next);
      // Its key is in book 1 by now; the whole rewrite comes first.
      void erase(other, 'gone')
        .then(() => other.keys?.destroyed())
        .then(() => publisher.append(event));
    };
    await create(store, person({ id: 'ac-2', name: 'Late', email: 'two@example.com' }));
    const verdicts = written().filter(({ entityId }) => entityId === 'ac-2');
    expect(verdicts).toHaveLength(2);
    expect([...booksOf(log).books.keys()]).toEqual([2]);
    const { store: third } = await process();
    expect((await third.get('account', 'ac-2'))?.state).toMatchObject({ name: 'Late' });
    expect((await third.get('account', 'ac-1'))?.state).toMatchObject({ name: NAME });
  });

  test('two processes that begin at once agree on the key that tags addresses', async () => {
    const [one, other] = [await process(), await process()];
    await Promise.all([
      create(one.store, person()),
      create(other.store, person({ id: 'ac-2', email: 'two@example.com' })),
    ]);
    const { store } = await process();
    expect((await store.people.accountByEmail(EMAIL))?.id).toBe('ac-1');
    expect((await store.people.accountByEmail('two@example.com'))?.id).toBe('ac-2');
    await expect(create(other.store, person({ id: 'ac-3' }))).rejects.toMatchObject({
      code: 'REGISTRY_RULE',
    });
  });
});

describe('a rewrite that is interrupted', () => {
  /** Key books on which this process does only so many things before it dies. */
  const dying = (books: KeyBooks, steps: number): KeyBooks => {
    let left = steps;
    const live = <A extends unknown[], T>(work: (...given: A) => Promise<T>) =>
      (async (...given: A) => {
        if (left-- <= 0) throw new Error('this process is dead');
        return work(...given);
      }) as never;
    return {
      declare: live((book: number) => books.declare(book)),
      append: live((book: number, records: never) => books.append(book, records)),
      read: live((book: number, after?: number) => books.read(book, after)),
      remove: live((book: number) => books.remove(book)),
      close: async () => {},
    };
  };

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'after %i steps is finished by any process: the key is gone, and no other one',
    async (steps) => {
      const { store } = await process();
      await create(store, person());
      await create(store, person({ id: 'ac-2', name: 'Stays', email: 'two@example.com' }));
      await erase(store);
      const { store: dies } = await process(dying(booksOf(log), steps));
      await dies.keys?.destroyed().catch(() => {});
      const { store: next } = await process();
      // Meanwhile others go on.
      await create(next, person({ id: 'ac-3', name: 'Meanwhile', email: 'three@example.com' }));
      const caretaker = new Caretaker({ store: next, logger: silentLogger });
      await caretaker.round();
      await caretaker.close();
      expect(await opened()).not.toMatch(NAMES);
      expect(booksOf(log).books.size).toBe(1);
      const { store: late } = await process();
      expect((await late.get('account', 'ac-2'))?.state).toMatchObject({ name: 'Stays' });
      expect((await late.get('account', 'ac-3'))?.state).toMatchObject({ name: 'Meanwhile' });
      expect((await late.people.accountByEmail('TWO@example.com'))?.id).toBe('ac-2');
    },
  );

  test('two at once do each other no harm', async () => {
    const [one, other] = [await process(), await process()];
    await create(one.store, person());
    await create(one.store, person({ id: 'ac-2', name: 'Stays', email: 'two@example.com' }));
    await erase(one.store);
    await Promise.all([one.store.keys?.destroyed(), other.store.keys?.destroyed()]);
    expect(await opened()).not.toMatch(NAMES);
    expect((await other.store.get('account', 'ac-2'))?.state).toMatchObject({ name: 'Stays' });
  });
});

/** Key books of a process, one call of which is in the hands of the test. */
function halting(
  books: KeyBooks,
  method: 'append' | 'read' | 'remove',
  isMeant: (book: number) => boolean,
  dies = false,
) {
  let goOn = (): void => {};
  let reached = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const isHeld = new Promise<void>((resolve) => {
    reached = resolve;
  });
  let isDone = false;
  let isDead = false;
  const call = async (...given: unknown[]) => {
    const work = () => (books[method] as (...all: unknown[]) => Promise<unknown>).apply(books, given);
    if (isDead) throw new Error('this process is dead');
    if (isDone || !isMeant(given[0] as number)) return work();
    isDone = true;
    // What is read was there before; what is written comes when it goes on.
    const before = method === 'read' ? await work() : undefined;
    reached();
    await held;
    isDead = dies;
    return before ?? work();
  };
  const live = <A extends unknown[], T>(work: (...given: A) => Promise<T>) =>
    (async (...given: A) => {
      if (isDead) throw new Error('this process is dead');
      return work(...given);
    }) as never;
  const all: KeyBooks = {
    declare: live((book: number) => books.declare(book)),
    append: live((book: number, records: never) => books.append(book, records)),
    read: live((book: number, after?: number) => books.read(book, after)),
    remove: live((book: number) => books.remove(book)),
    close: async () => {},
    [method]: call,
  };
  return { books: all, isHeld, goOn: () => goOn() };
}
const two = { id: 'ac-2', name: 'Stays', email: 'two@example.com' };

describe('“destroyed” is said when it is so', () => {
  const isThere = async (owner: string) => (await keysThere()).some((key) => key.owner === owner);

  test('while it looks through older books too: nothing is awaited between the last look and the answer', async () => {
    const { store } = await process();
    await create(store, person());
    await create(store, person(two));
    await erase(store, 'ac-2');
    await store.keys?.destroyed();
    // A process that finds nothing to do, and sweeps.
    const halted = halting(booksOf(log), 'remove', () => true);
    const { store: slow } = await process(halted.books);
    const first = slow.keys?.destroyed().then(() => isThere('ac-1'));
    await halted.isHeld;
    await erase(slow);
    halted.goOn();
    expect(await first).toBe(false);
  });

  test.each([false, true])(
    'a slow process that still copies, and dies, puts no key there after that (another has completed its book: %s)',
    async (isCompleted) => {
      const halted = halting(booksOf(log), 'append', (book) => book === 2, true);
      const { store } = await process();
      const { store: third } = await process();
      const { store: slow } = await process(halted.books);
      await create(store, person());
      await create(store, person(two));
      await create(store, person({ id: 'gone', email: 'gone@example.com' }));
      await erase(store, 'gone');
      await slow.replica.caughtUp();
      const copying = slow.keys?.destroyed().catch(() => {});
      await halted.isHeld;
      await store.replica.caughtUp();
      // It knew nothing of this when it looked which keys to copy.
      await erase(store);
      if (isCompleted) {
        await third.replica.caughtUp();
        await third.keys?.destroyed();
        await store.replica.caughtUp();
      }
      await store.keys?.destroyed();
      halted.goOn();
      await copying;
      expect(await isThere('ac-1')).toBe(false);
      expect(await opened()).not.toMatch(NAMES);
      expect((await store.get('account', 'ac-2'))?.state).toMatchObject({ name: 'Stays' });
    },
  );

  test('nor does one that makes a key for what stood in the clear, meanwhile', async () => {
    const halted = halting(booksOf(log), 'append', () => true, true);
    const { store } = await process();
    await create(store, person(two));
    append(log, 'old', old('ac-1', EMAIL));
    await store.replica.caughtUp();
    const { store: slow } = await process(halted.books);
    const sealing = update(slow, { ...(await slow.get('account', 'ac-1'))!.state, language: 'en' });
    await halted.isHeld;
    await erase(store);
    await store.keys?.destroyed();
    halted.goOn();
    await expect(sealing).rejects.toThrow();
    expect(await isThere('ac-1')).toBe(false);
  });
});

describe('keys that another process has just made', () => {
  const card = {
    uid: '04A2',
    type: 'RFID' as const,
    status: 'Accepted' as const,
    whitelist: 'ALLOWED' as const,
  };

  test('are read at once: nobody appears nameless because a book was read a moment ago', async () => {
    const [one, other] = [await process(), await process()];
    await create(one.store, person());
    await other.replica.caughtUp();
    expect((await other.store.get('account', 'ac-1'))?.state.name).toBe(NAME);
    for (const id of ['b', 'c', 'd']) {
      await create(one.store, person({ id, name: `Name ${id}`, email: `${id}@example.com` }));
      await other.replica.caughtUp();
      expect((await other.store.get('account', id))?.state).toMatchObject({
        name: `Name ${id}`,
        email: `${id}@example.com`,
      });
    }
  });

  test('and by a reading that began afterwards: a change that leaves a field as it is does not lose it, and a password is known', async () => {
    const one = await process();
    await create(one.store, person());
    const halted = halting(booksOf(log), 'read', () => true);
    const other = await process(halted.books);
    const before = other.store.get('account', 'ac-1');
    await halted.isHeld;
    await create(one.store, person({ id: 'ac-2', name: 'New', email: 'two@example.com' }));
    await other.replica.caughtUp();
    const seen = other.store.get('account', 'ac-2');
    const hash = other.store.people.passwordHash(other.replica.get('account', 'ac-2'));
    halted.goOn();
    await before;
    expect(await hash).toBe('scrypt$15$salt$hash');
    const { state } = (await seen)!;
    expect(state).toMatchObject({ name: 'New', email: 'two@example.com' });
    await update(other.store, { ...state, language: 'en' });
    expect((await one.store.people.accountByEmail('two@example.com'))?.id).toBe('ac-2');
  });

  test('cannot be read now: the change is refused, and may be tried again, rather than made without them', async () => {
    const [one, other] = [await process(), await process(booksOf(log), 20)];
    await create(one.store, person());
    await one.store.propose({
      kind: 'token',
      id: '04A2',
      change: 'created',
      state: { ...card, account: 'ac-1', visual_number: 'WS-1' },
      actor: 'test',
    });
    await other.replica.caughtUp();
    const written = log.records.length;
    booksOf(log).setAway(true);
    const refused = { code: 'BROKER_UNREACHABLE', canRetry: true };
    await expect(other.store.get('account', 'ac-1')).rejects.toMatchObject(refused);
    await expect(update(other.store, person({ name: 'Other' }))).rejects.toMatchObject(refused);
    expect(log.records).toHaveLength(written);
    booksOf(log).setAway(false);
  });

  test('keys that are nowhere do not keep the broker busy', async () => {
    const { store } = await process();
    await create(store, person());
    booksOf(log).books.clear();
    let reads = 0;
    const books = booksOf(log);
    const { store: late } = await process({
      declare: (book) => books.declare(book),
      append: (book, records) => books.append(book, records),
      read: (book, after) => {
        reads += 1;
        return books.read(book, after);
      },
      remove: (book) => books.remove(book),
      close: async () => {},
    });
    await late.keys?.beginAnew();
    await late.get('account', 'ac-1');
    const [before, began] = [reads, performance.now()];
    for (let asked = 0; asked < 20; asked++) await late.get('account', 'ac-1');
    expect(reads - before).toBeLessThanOrEqual(1 + (performance.now() - began) / 1_000);
  });
});

test('keys of who was erased are destroyed before anything old is sealed: that may take long, or fail', async () => {
  const { store } = await process();
  await create(store, person());
  append(log, 'old', old('old', 'old@example.com'));
  await store.replica.caughtUp();
  await erase(store);
  const propose = store.propose.bind(store);
  store.propose = (async (proposal: Parameters<typeof propose>[0]) => {
    if (proposal.id === 'old') throw new Error('the first old one cannot be sealed');
    return propose(proposal);
  }) as never;
  const caretaker = new Caretaker({ store, logger: silentLogger });
  await expect(caretaker.round()).rejects.toThrow('cannot be sealed');
  await caretaker.close();
  expect(await opened()).not.toMatch(NAMES);
});

describe('a key book that is lost', () => {
  test('is named; nobody is found by address, and nothing is written under it', async () => {
    const { store } = await process();
    await create(store, person());
    booksOf(log).books.clear();
    const { store: late } = await process();
    const named = { code: 'KEY_BOOK_LOST' };
    await expect(late.people.accountByEmail(EMAIL)).rejects.toMatchObject(named);
    await expect(late.get('account', 'ac-1')).rejects.toMatchObject(named);
    await expect(create(late, person({ id: 'ac-2', email: 'b@example.com' }))).rejects.toMatchObject(named);
    await expect(late.keys?.destroyed()).rejects.toMatchObject(named);
  });

  test('another one is begun by who says so; names are entered anew', async () => {
    const { store } = await process();
    await create(store, person());
    await expect(store.keys?.beginAnew()).rejects.toMatchObject({ code: 'KEY_BOOK_THERE' });
    booksOf(log).books.clear();
    const { store: late } = await process();
    expect(await late.keys?.beginAnew()).toBe(2);
    const lost = await late.get('account', 'ac-1');
    expect(lost?.state.name).toBeUndefined();
    await update(late, person({ name: 'Ada again' }));
    expect((await late.people.accountByEmail(EMAIL))?.id).toBe('ac-1');
    expect((await late.get('account', 'ac-1'))?.state).toMatchObject({ name: 'Ada again' });
  });

  test('a process that has no key books writes nobody’s name', async () => {
    const publisher = new FakePublisher(log);
    const replica = new Replica({ log, newestSnapshot: async () => undefined, logger: silentLogger });
    open.push(replica);
    const store = new RegistryStore({
      replica,
      publisher,
      writeMs: 1_000,
      now: Date.now,
      logger: silentLogger,
    });
    await replica.level;
    await expect(create(store, person())).rejects.toMatchObject({ code: 'KEYS_NOT_HERE' });
    expect(log.records).toEqual([]);
  });
});
