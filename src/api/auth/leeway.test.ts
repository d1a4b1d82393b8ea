/** For whom the leeway would end too soon they are told of a thief that is none; for whom too late, a copy works. */
import { afterEach, expect, test } from '@jest/globals';
import type { Login } from '../../domain/logins/state.js';
import type { LoginStore } from '../../registry/logins.js';
import { FakeLog, fakeLoginStore } from '../../registry/testing/fakes.js';
import { Leeway } from './leeway.js';

const MS = 20_000;
const open: LoginStore[] = [];
afterEach(async () => {
  for (const { replica } of open.splice(0)) await replica.close();
});
async function process(log = new FakeLog(), aheadMs = 0) {
  const clock = { now: Date.now() + aheadMs };
  const now = () => clock.now;
  const made = fakeLoginStore({ log, now });
  open.push(made.store);
  const leeway = new Leeway({ replica: made.store.replica, ms: MS, now });
  await made.store.replica.level;
  return { ...made, clock, leeway };
}
const wanted = { accountId: 'ac-1', lifeMs: 86_400_000, credential: 'c' };

test('lasts its seconds from the first time on, for that token alone', async () => {
  const { store, leeway, clock } = await process();
  const turned = (await store.turn(await store.begin(wanted))) as Login;
  expect([0, 1, 2, 3].map((turn) => leeway.holds(turned, turn))).toEqual([false, true, false, false]);
  clock.now += MS - 1;
  expect(leeway.holds(turned, 1)).toBe(true);
  const again = (await store.turn(turned, 1)) as Login;
  expect(again).toMatchObject({ version: 3, presented: 1 });
  expect([1, 2].map((turn) => leeway.holds(again, turn))).toEqual([true, false]);
  // Who comes again does not make it last.
  clock.now += 1;
  expect(leeway.holds(again, 1)).toBe(false);
});

test('begins when the turn has come into the log, however long the broker was away, in every process', async () => {
  const { store, publisher, leeway, clock, log } = await process();
  // By another clock, an hour ahead.
  const other = await process(log, 3_600_000);
  const login = await store.begin(wanted);
  publisher.stored = (event) => {
    clock.now += 60_000;
    publisher.append(event);
  };
  const turned = (await store.turn(login)) as Login;
  expect(clock.now - turned.presentedAt).toBe(60_000);
  await other.store.replica.caughtUp();
  for (const one of [{ leeway, clock }, other]) {
    expect(one.leeway.holds(turned, 1)).toBe(true);
    one.clock.now += MS;
    expect(one.leeway.holds(turned, 1)).toBe(false);
  }
});

test('of a turn that was there before the process began, goes by who turned it; a clock far ahead gives no more', async () => {
  const { store, log } = await process();
  const turned = (await store.turn(await store.begin(wanted))) as Login;
  const late = await process(log);
  const held = late.store.replica.get(turned.id) as Login;
  late.clock.now = turned.presentedAt + MS - 1;
  expect(late.leeway.holds(held, 1)).toBe(true);
  for (const off of [MS, -MS]) {
    late.clock.now = turned.presentedAt + off;
    expect(late.leeway.holds(held, 1)).toBe(false);
  }
});
