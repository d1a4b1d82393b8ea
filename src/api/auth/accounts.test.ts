/** Logins and keys, over the wire. Each of these would let somebody in who should not be, or lock out who should. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type House, openHouse, PASSWORD, SECRET } from '../../../test/house.js';
import type { LoginEvent } from '../../domain/messages/login-events.js';
import { WattstreamError } from '../../platform/errors.js';
import { makeFirstAdmin, makeFirstAdminAtLast, resetPassword } from '../../registry/first-admin.js';
import { FakeLog } from '../../registry/testing/fakes.js';
import { signToken } from './jwt.js';

jest.setTimeout(60_000);

let house: House;
const others: House[] = [];
beforeEach(async () => {
  house = await openHouse();
});
afterEach(async () => {
  for (const one of [house, ...others.splice(0)]) await one.close();
});
/** Another api process on the same log. */
async function another(): Promise<House> {
  const one = await openHouse({ log: house.log, loginLog: house.loginLog });
  others.push(one);
  return one;
}

interface Pair {
  accessToken: string;
  refreshToken: string;
}
const pairOf = async (email: string, at = house): Promise<Pair> => {
  const answer = await at.login(email);
  expect(answer.statusCode).toBe(200);
  return answer.json();
};
const me = (bearer: string, at = house) => at.say('GET', '/api/auth/me', { bearer });
const refresh = (refreshToken: string, at = house) =>
  at.say('POST', '/api/auth/refresh', { body: { refreshToken } });
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}
const refused = (code: string) => ({ status: 401, code });

describe('logging in', () => {
  test('gives a short-lived access token and a refresh token, whatever the case of the address', async () => {
    await house.account('operator', { stations: ['st-1'] });
    const answer = await house.login('AC-Operator@Example.COM');
    expect(answer.json()).toMatchObject({ tokenType: 'Bearer', expiresIn: 900 });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await me(answer.json().accessToken)).json()).toMatchObject({
      id: 'ac-operator',
      role: 'operator',
      accountId: 'ac-operator',
      email: 'ac-operator@example.com',
      stations: ['st-1'],
      by: 'login',
    });
  });

  test('an address nobody has, a wrong password, a closed account and one without a password get the same answer', async () => {
    await house.account('customer');
    await house.account('analyst', { disabled: true });
    await house.account('operator', { passwordHash: undefined });
    const answers = await Promise.all([
      house.login('nobody@example.com'),
      house.login('ac-customer@example.com', 'another password'),
      house.login('ac-analyst@example.com'),
      house.login('ac-operator@example.com'),
      house.login('no address at all'),
    ]);
    const told = answers.map((answer) => ({ ...answer.json(), requestId: '' }));
    for (const one of told) expect(one).toEqual(told[0]);
    expect(told[0]).toMatchObject(refused('LOGIN_FAILED'));
    // What it was is for the record alone, and there is no address in it.
    expect(house.audited().map(({ type, detail }) => [type, detail])).toEqual(
      expect.arrayContaining([
        ['ops.login.failed', 'unknown'],
        ['ops.login.failed', 'password'],
        ['ops.login.failed', 'closed'],
      ]),
    );
    expect(JSON.stringify(house.audited())).not.toMatch(/example\.com|another password/);
  });

  test('after five failures in a row the right password is refused too, for a while that doubles', async () => {
    await house.account('customer');
    const email = 'ac-customer@example.com';
    for (let attempt = 1; attempt <= 5; attempt++)
      expect((await house.login(email, 'wrong wrong wrong')).json()).toMatchObject({ code: 'LOGIN_FAILED' });
    const locked = await house.login(email);
    expect(locked.json()).toMatchObject({ status: 429, code: 'LOGIN_LOCKED' });
    expect(locked.headers['retry-after']).toBe('1');
    await house.login(email);
    // Said once, however often they come.
    expect(house.audited().filter(({ type }) => type === 'ops.login.locked')).toHaveLength(1);

    house.clock.now += 1_001;
    await house.login(email, 'wrong wrong wrong');
    expect((await house.login(email)).headers['retry-after']).toBe('2');
    house.clock.now += 2_001;
    expect((await house.login(email)).statusCode).toBe(200);
    // And it begins anew.
    expect((await house.login(email, 'wrong wrong wrong')).json()).toMatchObject({ code: 'LOGIN_FAILED' });
  });

  test('waiting says nothing about who has an account', async () => {
    for (let attempt = 1; attempt <= 5; attempt++) await house.login('nobody@example.com');
    expect((await house.login('nobody@example.com')).json()).toMatchObject({ code: 'LOGIN_LOCKED' });
  });

  test('attempts side by side do not get past the limit', async () => {
    await house.account('customer');
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => house.login('ac-customer@example.com', 'wrong wrong wrong')),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 401)).toHaveLength(5);
  });
});

describe('an access token', () => {
  test('ends after its minutes', async () => {
    await house.account('customer');
    house.clock.now -= 16 * 60_000;
    const { accessToken } = await pairOf('ac-customer@example.com');
    expect((await me(accessToken)).json()).toMatchObject(refused('TOKEN_EXPIRED'));
  });

  test('ends at once when its account is disabled or deleted, in every process', async () => {
    const id = await house.account('operator');
    const { accessToken } = await pairOf('ac-operator@example.com');
    const elsewhere = await another();
    expect((await me(accessToken, elsewhere)).statusCode).toBe(200);
    await house.change(id, { disabled: true });
    expect((await me(accessToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await me(accessToken, elsewhere)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect(
      elsewhere.authentication.holds?.({
        id,
        role: 'operator',
        accountId: id,
        stations: null,
        by: { kind: 'login', id: String(decodeJwt(accessToken).sid) },
      }),
    ).toBe(false);
    await house.change(id, { disabled: false });
    await house.store.propose({ kind: 'account', id, change: 'deleted', state: null, actor: 'test' });
    expect((await me(accessToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test('may what its account may now, not what it might when it was signed', async () => {
    const id = await house.account('admin');
    await house.account('admin', { id: 'another' });
    const { accessToken } = await pairOf('ac-admin@example.com');
    const accounts = () => house.say('GET', '/api/cms/accounts', { bearer: accessToken });
    expect((await accounts()).statusCode).toBe(200);
    await house.change(id, { role: 'analyst' });
    expect((await accounts()).statusCode).toBe(403);
  });

  test('also one that another signed for a disabled account opens nothing', async () => {
    const id = await house.account('customer', { disabled: true });
    const token = await signToken(
      SECRET,
      { role: 'customer', subject: 'adam', minutes: 5, account: id },
      Date.now(),
    );
    expect((await me(token)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test('is no refresh token, and a refresh token opens nothing', async () => {
    await house.account('customer');
    const { accessToken, refreshToken } = await pairOf('ac-customer@example.com');
    expect((await me(refreshToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await refresh(accessToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });
});

describe('a refresh token', () => {
  beforeEach(() => house.account('customer').then(() => {}));
  const email = 'ac-customer@example.com';

  test('is good for one new pair, in whatever process', async () => {
    const elsewhere = await another();
    const first = await pairOf(email);
    const second = (await refresh(first.refreshToken, elsewhere)).json();
    const third = (await refresh(second.refreshToken)).json();
    for (const at of [house, elsewhere]) expect((await me(third.accessToken, at)).statusCode).toBe(200);
  });

  test('that comes a second time, after the leeway, ends the login for whoever has the newer one too', async () => {
    const first = await pairOf(email);
    const second = (await refresh(first.refreshToken)).json();
    house.clock.now += 20_000;
    expect((await refresh(first.refreshToken)).json()).toMatchObject(refused('TOKEN_REUSED'));
    expect((await refresh(second.refreshToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await me(second.accessToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect(house.audited().map(({ type }) => type)).toContain('ops.login.reused');
  });

  test('whose answer got lost may come again, twice too, in whatever process: nobody is logged out by a tunnel', async () => {
    const elsewhere = await another();
    const { refreshToken } = await pairOf(email);
    await refresh(refreshToken);
    await refresh(refreshToken, elsewhere);
    const answer = await refresh(refreshToken);
    expect(answer.statusCode).toBe(200);
    const pair = answer.json();
    expect((await me(pair.accessToken, elsewhere)).statusCode).toBe(200);
    expect((await refresh(pair.refreshToken, elsewhere)).statusCode).toBe(200);
    expect(house.audited().map(({ detail }) => detail)).toContain(
      'the same refresh token again, within the leeway',
    );
  });

  test('has no leeway once somebody has come with the newer one: then there are two', async () => {
    const first = await pairOf(email);
    const second = (await refresh(first.refreshToken)).json();
    const third = (await refresh(second.refreshToken)).json();
    expect((await refresh(first.refreshToken)).json()).toMatchObject(refused('TOKEN_REUSED'));
    expect((await refresh(third.refreshToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test('copied and used within the leeway: the owner comes with the next one, and the login ends for the thief', async () => {
    const { refreshToken } = await pairOf(email);
    const owner = (await refresh(refreshToken)).json();
    const thief = (await refresh(refreshToken)).json();
    expect((await refresh(owner.refreshToken)).json()).toMatchObject(refused('TOKEN_REUSED'));
    expect((await me(thief.accessToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await refresh(thief.refreshToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test('has no leeway where the installation wants none: of two at once, in two processes, one is refused', async () => {
    const env = { WATTSTREAM_REFRESH_LEEWAY_SECONDS: '0' };
    const [one, two] = [
      await openHouse({ log: house.log, loginLog: house.loginLog, env }),
      await openHouse({ log: house.log, loginLog: house.loginLog, env }),
    ];
    others.push(one, two);
    const { refreshToken } = await pairOf(email);
    const answers = await Promise.all([refresh(refreshToken, one), refresh(refreshToken, two)]);
    expect(answers.filter(({ statusCode }) => statusCode === 200).length).toBeLessThanOrEqual(1);
    expect(answers.map((answer) => answer.json().code)).toContain('TOKEN_REUSED');
  });

  test('used in two processes at once: both get on, one with the newest token, and that one alone goes on', async () => {
    const elsewhere = await another();
    const { refreshToken } = await pairOf(email);
    const answers = await Promise.all([refresh(refreshToken), refresh(refreshToken, elsewhere)]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    const turns = answers.map((answer) => decodeJwt(answer.json().refreshToken).turn);
    expect(turns.toSorted()).toEqual([2, 3]);
    const newest = answers[turns.indexOf(3)]!.json();
    expect((await refresh(newest.refreshToken)).statusCode).toBe(200);
  });

  test('ends after its days, however often it was refreshed', async () => {
    const began = house.clock.now;
    house.clock.now = began - 13 * 86_400_000;
    let pair = await pairOf(email);
    house.clock.now = began;
    pair = (await refresh(pair.refreshToken)).json();
    const ends = decodeJwt(pair.refreshToken).exp as number;
    expect(Math.round((ends * 1_000 - began) / 86_400_000)).toBe(1);
    house.clock.now = began + 2 * 86_400_000;
    expect((await refresh(pair.refreshToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test('is over after logging out, and so is the access token; other devices stay', async () => {
    const phone = await pairOf(email);
    const desk = await pairOf(email);
    const out = () => house.say('POST', '/api/auth/logout', { body: { refreshToken: phone.refreshToken } });
    expect((await out()).statusCode).toBe(204);
    expect((await out()).statusCode).toBe(204);
    expect((await me(phone.accessToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await refresh(phone.refreshToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await me(desk.accessToken)).statusCode).toBe(200);
  });

  test('many devices of one account at the same moment all get their new pair', async () => {
    const pairs = [];
    for (let device = 0; device < 8; device++) pairs.push(await pairOf(email));
    const elsewhere = await another();
    const answers = await Promise.all(
      pairs.map(({ refreshToken }, index) => refresh(refreshToken, index % 2 ? house : elsewhere)),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(pairs.map(() => 200));
  });

  test('leaves nothing behind in memory but the newest state, and tells nobody', async () => {
    let pair = await pairOf(email);
    for (let turn = 0; turn < 5; turn++) pair = (await refresh(pair.refreshToken)).json();
    expect([...house.loginStore.replica.state.logins.values()]).toMatchObject([{ version: 6 }]);
    expect(house.publisher.notifications.map(({ type }) => type)).toEqual(['cms.account.created']);
    // And nothing at all in the log that is kept for ever.
    const kept = house.log.records.map(({ body }) => JSON.parse(body).type);
    expect(kept).toContain('cms.account.created');
    expect(kept.filter((type) => type.includes('login'))).toEqual([]);
  });
});

describe('an api that is cut off from the broker', () => {
  const email = 'ac-operator@example.com';
  beforeEach(() => house.account('operator').then(() => {}));

  /** It has read what there is now, and hears and says nothing more until `back`. */
  async function cutOff() {
    const pairs = [house.log, house.loginLog].map((from) => ({ from, to: new FakeLog() }));
    const catchUp = () => {
      for (const { from, to } of pairs)
        for (const record of from.records.slice(to.records.length)) to.append(record);
    };
    catchUp();
    const [log, loginLog] = pairs.map(({ to }) => to) as [FakeLog, FakeLog];
    const one = await openHouse({ log, loginLog, writeMs: 100 });
    others.push(one);
    for (const { to } of pairs) to.setAway(true);
    const unsent: LoginEvent[] = [];
    one.loginPublisher.stored = (event) => void unsent.push(event);
    return {
      one,
      unsent,
      back() {
        one.loginPublisher.stored = (event) => {
          house.loginPublisher.append(event);
          catchUp();
        };
        for (const event of unsent) house.loginPublisher.append(event);
        catchUp();
        for (const { to } of pairs) to.setAway(false);
      },
    };
  }
  const unread = { status: 503, code: 'REGISTRY_NOT_READY' };
  /** Nothing that is sealed is shown there: this api has no keys to open it with. */
  const keys = (bearer: string, at: House) => at.say('GET', '/api/auth/keys', { bearer });
  const byCookie = (path: string, token: string, at: House) =>
    at.say('POST', `/api/auth/${path}`, {
      body: { cookie: true },
      headers: { cookie: `wattstream-login=${token}` },
    });

  test('does not say that a login is over which was begun or turned elsewhere: the browser keeps its cookie', async () => {
    const before = await pairOf(email);
    const { one, back } = await cutOff();
    const begun = await pairOf(email);
    const turned = (await refresh(before.refreshToken)).json();
    expect((await me(begun.accessToken, one)).json()).toMatchObject(unread);
    for (const { refreshToken } of [begun, turned]) {
      expect((await refresh(refreshToken, one)).json()).toMatchObject(unread);
      const answer = await byCookie('refresh', refreshToken, one);
      expect(answer.json()).toMatchObject(unread);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
    // What it knows goes on.
    expect((await keys(before.accessToken, one)).statusCode).toBe(200);
    back();
    await until(async () => (await keys(begun.accessToken, one)).statusCode === 200);
    await until(async () => (await refresh(turned.refreshToken, one)).statusCode === 200);
  });

  test('does not say that somebody is logged out whom it cannot log out; once it can, also who began elsewhere', async () => {
    const { one, unsent, back } = await cutOff();
    const { accessToken, refreshToken } = await pairOf(email);
    const answer = await byCookie('logout', refreshToken, one);
    expect(answer.json()).toMatchObject({ status: 503, code: 'REGISTRY_UNANSWERED' });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(unsent).toMatchObject([{ type: 'login.ended', accountId: 'ac-operator' }]);
    expect((await me(accessToken)).statusCode).toBe(200);
    back();
    await until(async () => (await byCookie('logout', refreshToken, one)).statusCode === 204);
    await house.loginStore.replica.caughtUp();
    expect((await me(accessToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test('says of a login that it knows to be ended that it is over: nothing opens it again', async () => {
    const { accessToken, refreshToken } = await pairOf(email);
    await house.say('POST', '/api/auth/logout', { body: { refreshToken } });
    const { one } = await cutOff();
    expect((await me(accessToken, one)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await refresh(refreshToken, one)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await byCookie('logout', refreshToken, one)).statusCode).toBe(204);
  });

  test('does not say of a new key that it is none', async () => {
    const { accessToken } = await pairOf(email);
    const { one, back } = await cutOff();
    const { key } = (
      await house.say('POST', '/api/auth/keys', { bearer: accessToken, body: { name: 'p' } })
    ).json();
    expect((await keys(key, one)).json()).toMatchObject(unread);
    back();
    await until(async () => (await keys(key, one)).statusCode === 200);
  });
});

describe('before the log of logins has been read', () => {
  test('nobody is admitted by a login, nobody logs in, and keys work; then all go on', async () => {
    await house.account('operator');
    const pair = await pairOf('ac-operator@example.com');
    const made = await house.say('POST', '/api/auth/keys', { bearer: pair.accessToken, body: { name: 'p' } });
    const loginLog = new FakeLog();
    for (const record of house.loginLog.records) loginLog.append(record);
    loginLog.setAway(true);
    const starting = await openHouse({ log: house.log, loginLog, unready: true });
    others.push(starting);
    await starting.store.replica.level;

    const unread = { status: 503, code: 'REGISTRY_NOT_READY' };
    expect((await me(pair.accessToken, starting)).json()).toMatchObject(unread);
    expect((await refresh(pair.refreshToken, starting)).json()).toMatchObject(unread);
    expect((await starting.login('ac-operator@example.com')).json()).toMatchObject(unread);
    expect((await me(made.json().key, starting)).statusCode).toBe(200);
    const metrics = async () => (await starting.say('GET', '/metrics')).body;
    expect(await metrics()).toContain('wattstream_logins_ready 0');

    loginLog.setAway(false);
    await starting.loginStore.replica.level;
    expect((await refresh(pair.refreshToken, starting)).statusCode).toBe(200);
    expect(await metrics()).toContain('wattstream_logins_ready 1');
    expect(await metrics()).toContain('wattstream_logins_events_total{verdict="turned"} 1');
  });
});

describe("one's own password", () => {
  const next = 'a password quite unlike the other';
  const change = (bearer: string, currentPassword: string) =>
    house.say('POST', '/api/auth/password', { bearer, body: { currentPassword, newPassword: next } });

  test('once changed ends every login, and begins one', async () => {
    await house.account('operator');
    const [one, two] = [await pairOf('ac-operator@example.com'), await pairOf('ac-operator@example.com')];
    expect((await change(one.accessToken, 'not the present one')).json()).toMatchObject({
      status: 422,
      code: 'PASSWORD_WRONG',
    });
    const answer = await change(one.accessToken, PASSWORD);
    expect(answer.statusCode).toBe(200);
    for (const old of [one, two]) {
      expect((await me(old.accessToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
      expect((await refresh(old.refreshToken)).json()).toMatchObject(refused('TOKEN_INVALID'));
    }
    expect((await me(answer.json().accessToken)).statusCode).toBe(200);
    expect((await house.login('ac-operator@example.com')).statusCode).toBe(401);
    expect((await house.login('ac-operator@example.com', next)).statusCode).toBe(200);
  });

  test('is not changed with a key, nor guessed by who has a stolen token', async () => {
    await house.account('operator');
    const { accessToken } = await pairOf('ac-operator@example.com');
    const made = await house.say('POST', '/api/auth/keys', { bearer: accessToken, body: { name: 'p' } });
    expect((await change(made.json().key, PASSWORD)).json()).toMatchObject({ code: 'LOGIN_NEEDED' });
    const codes = [];
    for (let guess = 0; guess < 6; guess++)
      codes.push((await change(accessToken, `guess ${guess}`)).json().code);
    expect(codes.at(-1)).toBe('LOGIN_LOCKED');
  });
});

describe('the first admin', () => {
  test('is made once, however many processes begin at the same time', async () => {
    const houses = [house, await another(), await another()];
    const made = await Promise.all(houses.map(({ store }) => makeFirstAdmin(store, 'root@example.com')));
    const told = made.filter((one) => one !== undefined);
    expect(told).toHaveLength(1);
    const { accessToken } = (await house.login('root@example.com', told[0]?.password)).json();
    expect((await house.say('GET', '/api/cms/accounts', { bearer: accessToken })).statusCode).toBe(200);
    expect(await makeFirstAdmin(house.store, 'root@example.com')).toBeUndefined();
  });

  describe('where RabbitMQ is away at the first start', () => {
    /** What becomes of each attempt to make an account. */
    const attempts = (...outcomes: ((append: () => void) => void)[]) => {
      const { stored } = house.publisher;
      house.publisher.stored = (event) => {
        if (event.kind !== 'account') return stored(event);
        const outcome = outcomes.shift();
        if (outcome === undefined) stored(event);
        else outcome(() => stored(event));
      };
    };
    const fails =
      (code: string, canRetry = true) =>
      () => {
        throw new WattstreamError(code, 'away', { canRetry });
      };
    const make = (maybe: boolean[] = []) =>
      makeFirstAdminAtLast(house.store, 'root@example.com', {
        backoff: { firstMs: 1, maxMs: 1 },
        onFailure: (_, maybeMade) => void maybe.push(maybeMade),
      });

    test('is made when it is back: nobody has to start the api again to get in', async () => {
      attempts(fails('BROKER_UNREACHABLE'), fails('BROKER_UNREACHABLE'));
      const maybe: boolean[] = [];
      const made = await make(maybe);
      expect(maybe).toEqual([false, false]);
      expect((await house.login('root@example.com', made?.password)).statusCode).toBe(200);
    });

    test('and applied without an answer: the password is told all the same', async () => {
      let late = () => {};
      attempts(
        (append) => {
          late = append;
          fails('REGISTRY_UNANSWERED')();
        },
        fails('BROKER_UNREACHABLE'),
        () => {
          late();
          fails('REGISTRY_UNANSWERED')();
        },
      );
      const maybe: boolean[] = [];
      const made = await make(maybe);
      expect(maybe).toEqual([true, true, true]);
      expect((await house.login('root@example.com', made?.password)).statusCode).toBe(200);
    });

    test('is not tried again where that is of no use, nor when the api stops', async () => {
      attempts(fails('REGISTRY_RULE', false));
      await expect(make()).rejects.toMatchObject({ code: 'REGISTRY_RULE' });
      attempts(...Array.from({ length: 1_000 }, () => fails('BROKER_UNREACHABLE')));
      const stopping = new AbortController();
      const given = {
        signal: stopping.signal,
        backoff: { firstMs: 60_000, maxMs: 60_000 },
        onFailure: () => stopping.abort(),
      };
      await expect(makeFirstAdminAtLast(house.store, 'root@example.com', given)).rejects.toThrow(/abort/i);
    });
  });

  test('is not made where there are accounts, or were', async () => {
    const id = await house.account('customer');
    await house.store.propose({ kind: 'account', id, change: 'deleted', state: null, actor: 'test' });
    expect(await makeFirstAdmin(house.store, 'root@example.com')).toBeUndefined();
  });

  test('gets another password from who is at the machine, and the lost one opens nothing', async () => {
    await makeFirstAdmin(house.store, 'root@example.com');
    const first = await resetPassword(house.store, 'ROOT@example.com', 'test');
    const before = await house.login('root@example.com', first.password);
    const { password } = await resetPassword(house.store, 'admin', 'test');
    expect((await me(before.json().accessToken)).statusCode).toBe(401);
    expect((await house.login('root@example.com', first.password)).statusCode).toBe(401);
    expect((await house.login('root@example.com', password)).statusCode).toBe(200);
    await expect(resetPassword(house.store, 'nobody', 'test')).rejects.toMatchObject({
      code: 'ACCOUNT_UNKNOWN',
    });
  });
});

describe('the last admin', () => {
  test('cannot be demoted, disabled or deleted, is told what to do, and of two at once one stays', async () => {
    const one = await house.account('admin', { id: 'one' });
    const { accessToken } = await pairOf('one@example.com');
    const at = (id: string) => `/api/cms/accounts/${id}`;
    const tagOf = async (id: string) =>
      String((await house.say('GET', at(id), { bearer: accessToken })).headers.etag);
    const put = async (id: string, body: object) =>
      house.say('PUT', at(id), {
        bearer: accessToken,
        headers: { 'if-match': await tagOf(id) },
        body: { role: 'admin', name: id, email: `${id}@example.com`, ...body },
      });
    const refusal = {
      status: 409,
      code: 'LAST_ADMIN',
      remedy: expect.stringMatching(/another admin.*admin reset-password/),
    };
    expect((await put(one, { role: 'operator' })).json()).toMatchObject(refusal);
    expect((await put(one, { disabled: true })).json()).toMatchObject(refusal);
    const deleted = await house.say('DELETE', at(one), {
      bearer: accessToken,
      headers: { 'if-match': await tagOf(one) },
    });
    expect(deleted.json()).toMatchObject(refusal);

    const two = await house.account('admin', { id: 'two' });
    const elsewhere = await another();
    const demote = (in_: House, id: string) => in_.change(id, { role: 'analyst' });
    const both = await Promise.allSettled([demote(house, two), demote(elsewhere, one)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'LAST_ADMIN' },
    });
  });
});

describe('keys of programs', () => {
  const make = (bearer: string, body: unknown, at = house) =>
    at.say('POST', '/api/auth/keys', { bearer, body });

  test('are shown once, recognised by their beginning, and good until they are deleted', async () => {
    await house.account('admin');
    const { accessToken } = await pairOf('ac-admin@example.com');
    const elsewhere = await another();
    const made = await make(accessToken, { name: 'Export', role: 'analyst', stations: ['st-1'] });
    expect(made.statusCode).toBe(201);
    const { key, id, prefix } = made.json();
    expect(key.startsWith(`${prefix}_`)).toBe(true);
    for (const at of [house, elsewhere])
      expect((await me(key, at)).json()).toMatchObject({
        id: `key:${id}`,
        role: 'analyst',
        stations: ['st-1'],
        by: 'key',
      });
    const list = await house.say('GET', '/api/auth/keys', { bearer: accessToken });
    expect(list.json().keys).toMatchObject([{ id, prefix, name: 'Export', accountId: 'ac-admin' }]);
    const secret = key.slice(prefix.length + 1);
    expect(list.body).not.toContain(secret);
    // Neither in the log, nor told to anybody, not even as a hash.
    expect(JSON.stringify(house.store.replica.get('api-key', id))).not.toContain(secret);
    expect(JSON.stringify(house.publisher.notifications)).not.toMatch(/keyHash|passwordHash/);

    expect((await house.say('DELETE', `/api/auth/keys/${id}`, { bearer: accessToken })).statusCode).toBe(204);
    for (const at of [house, elsewhere])
      expect((await me(key, at)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test('say once a day that they are used', async () => {
    await house.account('operator');
    const { accessToken } = await pairOf('ac-operator@example.com');
    const { key, id } = (await make(accessToken, { name: 'p' })).json();
    const used = () => house.audited().filter(({ type }) => type === 'ops.key.used');
    await me(key);
    await me(key);
    expect(used()).toMatchObject([{ actor: `key:${id}`, accountId: 'ac-operator' }]);
    house.clock.now += 86_400_000;
    await me(key);
    expect(used()).toHaveLength(2);
  });

  test('may no more than their account, now and later', async () => {
    const id = await house.account('operator', { stations: ['st-1', 'st-2'] });
    const { accessToken } = await pairOf('ac-operator@example.com');
    expect((await make(accessToken, { name: 'p', role: 'admin' })).json()).toMatchObject({
      status: 422,
      code: 'KEY_TOO_FAR',
    });
    const made = await make(accessToken, { name: 'p', stations: ['st-2', 'st-9'] });
    expect(made.json()).toMatchObject({ stations: ['st-2'] });
    const { key } = made.json();
    await house.change(id, { stations: ['st-1'] });
    expect((await me(key)).json()).toMatchObject({ stations: [] });
    await house.change(id, { role: 'customer', stations: undefined });
    expect((await me(key)).json()).toMatchObject(refused('TOKEN_INVALID'));
    await house.change(id, { role: 'operator', disabled: true });
    expect((await me(key)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test('end when they said they would', async () => {
    await house.account('operator');
    const { accessToken } = await pairOf('ac-operator@example.com');
    const expiresAt = new Date(house.clock.now + 60_000).toISOString();
    const { key } = (await make(accessToken, { name: 'p', expiresAt })).json();
    expect((await me(key)).statusCode).toBe(200);
    house.clock.now += 60_001;
    expect((await me(key)).json()).toMatchObject(refused('TOKEN_INVALID'));
    expect((await make(accessToken, { name: 'p', expiresAt })).json()).toMatchObject({ code: 'KEY_TOO_FAR' });
  });

  test('with a wrong secret are none', async () => {
    await house.account('operator');
    const { accessToken } = await pairOf('ac-operator@example.com');
    const { key } = (await make(accessToken, { name: 'p' })).json();
    const wrong = key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A');
    for (const token of [wrong, 'wsk_', 'wsk_000000000000_x'])
      expect((await me(token)).json()).toMatchObject(refused('TOKEN_INVALID'));
  });

  test("are nobody else's to see, to make or to end, and no key makes another", async () => {
    await house.account('operator');
    await house.account('customer');
    const operator = (await pairOf('ac-operator@example.com')).accessToken;
    const customer = (await pairOf('ac-customer@example.com')).accessToken;
    const { id, key } = (await make(operator, { name: 'p' })).json();
    expect((await house.say('GET', '/api/auth/keys', { bearer: customer })).json()).toEqual({ keys: [] });
    expect((await house.say('DELETE', `/api/auth/keys/${id}`, { bearer: customer })).json()).toMatchObject({
      status: 404,
      code: 'KEY_UNKNOWN',
    });
    expect((await make(customer, { name: 'p', accountId: 'ac-operator' })).statusCode).toBe(403);
    expect((await make(key, { name: 'p' })).json()).toMatchObject({ code: 'LOGIN_NEEDED' });
    expect((await house.say('DELETE', `/api/auth/keys/${id}`, { bearer: key })).json()).toMatchObject({
      code: 'LOGIN_NEEDED',
    });
  });
});
