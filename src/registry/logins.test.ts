/** Logins out of a log that forgets, is lost, or is away: who is let in, who is not, and what a process knows of others. */
import { afterEach, expect, test } from '@jest/globals';
import { silentLogger } from '../platform/logger.js';
import { forgetNowAndThen, type LoginStore } from './logins.js';
import { FakeLog, fakeLoginStore } from './testing/fakes.js';

const open: LoginStore[] = [];
afterEach(async () => {
  for (const { replica } of open.splice(0)) await replica.close();
});
function process(log = new FakeLog()) {
  const made = fakeLoginStore({ log });
  open.push(made.store);
  return made;
}
const wanted = { accountId: 'ac-1', lifeMs: 86_400_000, credential: 'c' };
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
const ids = ({ replica }: LoginStore) => [...replica.state.logins.keys()];

test('what one process begins, turns and ends, another knows; of two turns one applies', async () => {
  const { log, store } = process();
  const other = process(log).store;
  const login = await store.begin(wanted);
  await other.replica.caughtUp();
  const both = await Promise.all([store.turn(login), other.turn(login)]);
  expect(both.filter((one) => one !== undefined)).toMatchObject([{ version: 2 }]);
  expect(await Promise.all([store.end(login), other.end(login)])).toContain(false);
  await Promise.all([store.replica.caughtUp(), other.replica.caughtUp()]);
  expect([ids(store), ids(other)]).toEqual([[], []]);
});

test('a log whose beginning is gone is read from what it keeps: who starts now knows what still can hold', async () => {
  const { log, store } = process();
  const forgotten = await store.begin(wanted);
  const kept = await store.begin(wanted);
  await store.turn(forgotten);
  log.truncateBefore(1);
  const late = process(log).store;
  await late.replica.level;
  expect(ids(late)).toEqual([kept.id]);
  expect(await late.turn(forgotten)).toBeUndefined();
  expect(await late.turn(kept)).toMatchObject({ version: 2 });
});

test('a log that was made again begins anew in every process: what they knew is over, and they go on', async () => {
  const { log, store } = process();
  await store.begin(wanted);
  const old = await store.begin(wanted);
  log.recreate();
  await until(() => store.replica.ready() !== undefined || ids(store).length === 0);
  await until(() => store.replica.ready() === undefined);
  expect(ids(store)).toEqual([]);
  const fresh = await store.begin(wanted);
  expect(ids(store)).toEqual([fresh.id]);
  expect(await store.turn(old)).toBeUndefined();
});

test('nothing is of use before the log was read to its end', async () => {
  const log = new FakeLog();
  log.setAway(true);
  const { store } = process(log);
  await until(() => /cannot be read/.test(store.replica.ready() ?? ''));
  log.setAway(false);
  await store.replica.level;
  expect(store.replica.ready()).toBeUndefined();
});

test('an event that came twice changes nothing, whoever wrote between', async () => {
  const { log, publisher, store } = process();
  const twice: Parameters<typeof publisher.append>[0][] = [];
  publisher.stored = (event) => {
    twice.push(event);
    publisher.append(event);
  };
  const login = await store.begin(wanted);
  const turned = await store.turn(login);
  for (const event of twice) publisher.append(event);
  await store.replica.caughtUp();
  expect(store.replica.get(login.id)).toEqual(turned);
  await store.end(login);
  for (const event of twice) publisher.append(event);
  await store.replica.caughtUp();
  expect(ids(store)).toEqual([]);
  expect(log.records).toHaveLength(8);
});

test('what is no event of a login is passed over', async () => {
  const { log, store } = process();
  for (const body of ['{', '{"type":"login.begun"}', '{"type":"login.paused"}'])
    log.append({ id: body, body, routingKey: '', app: '', publishedAt: 0 });
  await store.begin(wanted);
  expect(ids(store)).toHaveLength(1);
});

test('what the log has forgotten a running process forgets too, so that it says what one that starts now says', async () => {
  const { log, store } = process();
  const passed = await store.begin({ ...wanted, lifeMs: 60_000 });
  const forgotten = await store.begin(wanted);
  const kept = await store.begin(wanted);
  const clock = { now: Date.now() };
  const stop = forgetNowAndThen({
    replica: store.replica,
    log,
    everyMs: 1,
    now: () => clock.now,
    logger: silentLogger,
  });
  try {
    clock.now += 86_400_000 + 120_000;
    await until(() => !ids(store).includes(passed.id));
    log.truncateBefore(2);
    await until(() => !ids(store).includes(forgotten.id));
    expect(ids(store)).toEqual([kept.id]);
    expect(await store.turn(forgotten)).toBeUndefined();
    const late = process(log).store;
    await late.replica.level;
    expect(ids(late)).toEqual(ids(store));
  } finally {
    stop();
  }
});
