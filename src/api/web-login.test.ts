/** Logging in on the landing page: against the api itself, with the cookie jar, the clock and the tabs of a browser. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createLogin, roomOf } from '../../dashboards/web/login.js';
import { type House, openHouse, PASSWORD } from '../../test/house.js';

jest.setTimeout(60_000);
const EMAIL = 'ac-operator@example.com';

let house: House;
beforeEach(async () => {
  house = await openHouse();
  await house.account('operator');
});
afterEach(() => house.close());

/** One browser: its tabs share cookies and locks. */
function browser({ origin }: { origin?: string } = {}) {
  const jar = new Map<string, string>();
  const requests: string[] = [];
  let offline = false;
  let losing = false;
  const kept: (boolean | undefined)[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const locks = {
    request: <T>(_: string, work: () => Promise<T>): Promise<T> => {
      const turn = last.then(work);
      last = turn.catch(() => {});
      return turn;
    },
  };
  const fetch = async (path: string, { method = 'GET', headers = {}, body, keepalive }: RequestInit = {}) => {
    if (offline) throw new TypeError('Failed to fetch');
    requests.push(`${method} ${path}`);
    if (method === 'POST') kept.push(keepalive);
    const cookies = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await house.say(method, path, {
      ...(body === undefined ? {} : { body: JSON.parse(String(body)) }),
      headers: {
        ...(headers as Record<string, string>),
        ...(cookies === '' ? {} : { cookie: cookies }),
        ...(origin === undefined ? {} : { origin }),
        'sec-fetch-site': 'same-origin',
      },
    });
    if (losing) {
      losing = false;
      throw new TypeError('Failed to fetch');
    }
    const set = answer.headers['set-cookie'];
    if (set !== undefined) {
      const [name = '', value = ''] = String(set).split(';')[0]!.split('=');
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return {
      ok: answer.statusCode < 300,
      status: answer.statusCode,
      headers: new Headers(answer.headers as Record<string, string>),
      json: async () => answer.json(),
    };
  };
  return {
    jar,
    requests,
    /** Of each POST: whether it goes on when the page is left. */
    kept,
    /** The server hears the next request, and its answer gets lost, with its cookie. */
    loseAnswer: () => {
      losing = true;
    },
    setOffline: (is: boolean) => {
      offline = is;
    },
    tab(shares: { locks: unknown } = { locks }) {
      let due: { work: () => void; at: number } | undefined;
      const heard: { phase: string; problem: string | undefined; who: string | undefined }[] = [];
      const login = createLogin({
        fetch,
        now: () => house.clock.now,
        later: (work: () => void, ms: number) => {
          due = { work, at: house.clock.now + ms };
          return due;
        },
        never: (timer: unknown) => {
          if (timer === due) due = undefined;
        },
        changed: (state: { phase: string; problem: string | undefined; me?: { name: string } }) =>
          void heard.push({ phase: state.phase, problem: state.problem, who: state.me?.name }),
        ...shares,
      });
      return {
        login,
        heard,
        dueIn: () => (due === undefined ? undefined : due.at - house.clock.now),
        /** Lets the time pass until the next timer, and runs it. */
        async elapse() {
          const next = due;
          if (next === undefined) throw new Error('nothing is due');
          due = undefined;
          house.clock.now = next.at;
          const { length } = heard;
          next.work();
          while (heard.length === length && due === undefined) await new Promise((r) => setTimeout(r, 5));
        },
      };
    },
  };
}
const me = (bearer: string | undefined) =>
  house.say('GET', '/api/auth/me', bearer === undefined ? {} : { bearer });

test('who logs in is shown; the refresh token is nowhere but in a cookie that scripts cannot read', async () => {
  const answer = await house.say('POST', '/api/auth/login', {
    body: { email: EMAIL, password: PASSWORD, cookie: true },
  });
  expect(answer.json()).toEqual({ accessToken: expect.any(String), expiresIn: 900, tokenType: 'Bearer' });
  const set = String(answer.headers['set-cookie']);
  expect(set).toMatch(
    /^wattstream-login=[\w.-]+; Path=\/api\/auth; HttpOnly; SameSite=Strict; Max-Age=1209600$/,
  );

  const { login } = browser().tab();
  expect(await login.resume()).toBe(false);
  expect(login.state).toMatchObject({ phase: 'out', problem: undefined });
  expect(await login.login(EMAIL, PASSWORD)).toBe(true);
  expect(login.state).toMatchObject({ phase: 'in', me: { name: 'operator', role: 'operator' } });
  expect((await me(await login.token())).statusCode).toBe(200);
});

test('over TLS the cookie is bound to it and to this host, also where a proxy ends it', async () => {
  const answer = await house.say('POST', '/api/auth/login', {
    body: { email: EMAIL, password: PASSWORD, cookie: true },
    headers: { origin: 'https://watt.example.com' },
  });
  expect(String(answer.headers['set-cookie'])).toMatch(
    /^__Host-wattstream-login=[\w.-]+; Path=\/; Secure; HttpOnly; SameSite=Strict; /,
  );
  const one = browser({ origin: 'https://watt.example.com' });
  await one.tab().login.login(EMAIL, PASSWORD);
  expect(await one.tab().login.resume()).toBe(true);
});

test('before the access token ends there is a new one, for as long as the page is open', async () => {
  const { login, dueIn, elapse } = browser().tab();
  await login.login(EMAIL, PASSWORD);
  const first = await login.token();
  expect(dueIn()).toBe(14 * 60_000);
  await elapse();
  const second = await login.token();
  expect(second).not.toBe(first);
  expect((await me(second)).statusCode).toBe(200);
  expect(dueIn()).toBe(14 * 60_000);
});

test('a page that slept past the end of its token asks for the next one before it uses it', async () => {
  const { login } = browser().tab();
  await login.login(EMAIL, PASSWORD);
  house.clock.now += 60 * 60_000;
  expect((await me(await login.token())).statusCode).toBe(200);
});

test('a page that is loaded again, and another tab, are logged in; tabs that refresh at once end nothing', async () => {
  const one = browser();
  const tabs = [one.tab(), one.tab(), one.tab()];
  await tabs[0]!.login.login(EMAIL, PASSWORD);
  expect(await Promise.all(tabs.map(({ login }) => login.resume()))).toEqual([true, true, true]);
  for (const { login } of tabs) expect((await me(await login.token())).statusCode).toBe(200);
});

test('logging out ends the login on the server, takes the cookie, and other tabs are out at their next step', async () => {
  const one = browser();
  const [here, there] = [one.tab(), one.tab()];
  await here.login.login(EMAIL, PASSWORD);
  await there.login.resume();
  const token = await there.login.token();
  await here.login.logout();
  expect(here.login.state).toMatchObject({ phase: 'out', me: undefined, problem: undefined });
  expect(one.jar.size).toBe(0);
  expect((await me(token)).statusCode).toBe(401);
  expect(await there.login.refused()).toBe(false);
  expect(there.login.state.phase).toBe('out');
});

test('a cookie that somebody has copied and used ends the login, and the page says so', async () => {
  const one = browser();
  const { login, elapse } = one.tab();
  await login.login(EMAIL, PASSWORD);
  const copied = [...one.jar][0]!;
  await elapse();
  house.clock.now += 20_000;
  await house.say('POST', '/api/auth/refresh', {
    body: { cookie: true },
    headers: { cookie: copied.join('=') },
  });
  await elapse();
  expect(login.state).toMatchObject({ phase: 'out', problem: expect.stringMatching(/is over|two places/) });
  expect(await login.token()).toBeUndefined();
});

test('a wrong password, a lock with its end, and a server that is away are told in words', async () => {
  const one = browser();
  const { login, elapse } = one.tab();
  await login.login(EMAIL, 'wrong wrong wrong');
  expect(login.state).toMatchObject({ busy: false, problem: expect.stringMatching(/password is wrong/) });
  for (let attempt = 0; attempt < 5; attempt++) await login.login(EMAIL, 'wrong wrong wrong');
  expect(login.state.problem).toMatch(/^Too many attempts\. Try again in 1 second \(at \d\d:\d\d:\d\d\)\.$/);
  // Nothing is asked while it is locked.
  const { length } = one.requests;
  expect(await login.login(EMAIL, PASSWORD)).toBe(false);
  expect(one.requests).toHaveLength(length);
  await elapse();
  expect(login.state).toMatchObject({ waitUntil: 0, problem: 'You can try again now.' });
  one.setOffline(true);
  await login.login(EMAIL, PASSWORD);
  expect(login.state.problem).toMatch(/cannot be reached/);
  one.setOffline(false);
  expect(await login.login(EMAIL, PASSWORD)).toBe(true);
  expect(login.state.problem).toBeUndefined();
});

test('while the server is away nobody is logged out: it is tried again until it answers', async () => {
  const one = browser();
  const { login, elapse, dueIn } = one.tab();
  await login.login(EMAIL, PASSWORD);
  one.setOffline(true);
  await elapse();
  expect([login.state.phase, dueIn()]).toEqual(['in', 1_000]);
  await elapse();
  expect([login.state.phase, dueIn()]).toEqual(['in', 2_000]);
  one.setOffline(false);
  await elapse();
  expect(dueIn()).toBe(14 * 60_000);
  expect((await me(await login.token())).statusCode).toBe(200);
});

test('an answer that got lost, or a page that is loaded twice in a moment, logs nobody out', async () => {
  const one = browser();
  const { login, elapse, dueIn } = one.tab();
  await login.login(EMAIL, PASSWORD);
  one.loseAnswer();
  await elapse();
  expect([login.state.phase, dueIn()]).toEqual(['in', 1_000]);
  await elapse();
  expect([login.state.phase, login.state.problem, dueIn()]).toEqual(['in', undefined, 14 * 60_000]);
  // Loaded again before the answer came, and once more: the same cookie, and without locks.
  const former = new Map(one.jar);
  expect(await one.tab({ locks: undefined }).login.resume()).toBe(true);
  for (const [name, value] of former) one.jar.set(name, value);
  const { login: again } = one.tab({ locks: undefined });
  expect(await again.resume()).toBe(true);
  expect((await me(await again.token())).statusCode).toBe(200);
  // The browser finishes what the page that is left has asked, and has the next cookie.
  expect(new Set(one.kept)).toEqual(new Set([true]));
});

test("when somebody else logs in in another tab, this one shows nothing of the former person's, then who it is", async () => {
  await house.account('customer');
  const one = browser();
  const [here, there] = [one.tab(), one.tab()];
  await here.login.login(EMAIL, PASSWORD);
  await there.login.resume();
  await here.login.logout();
  await here.login.login('ac-customer@example.com', PASSWORD);
  const { length } = there.heard;
  await there.elapse();
  while (there.heard.at(-1)?.phase !== 'in' || there.heard.length === length)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(there.heard.slice(length).map(({ phase, who }) => [phase, who])).toEqual([
    ['unknown', undefined],
    ['in', 'customer'],
  ]);
  expect(there.login.state).toMatchObject({ me: { id: 'ac-customer', role: 'customer' } });
  // Of the same person nothing is asked, and nothing goes.
  const before = there.heard.length;
  await there.elapse();
  while (there.heard.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(there.heard.slice(before).map(({ phase, who }) => [phase, who])).toEqual([['in', 'customer']]);
});

test('a page from elsewhere gets nothing out of the cookie', async () => {
  const one = browser();
  await one.tab().login.login(EMAIL, PASSWORD);
  const cookie = [...one.jar][0]!.join('=');
  for (const site of ['cross-site', 'same-site'])
    for (const path of ['refresh', 'logout'])
      expect(
        (
          await house.say('POST', `/api/auth/${path}`, {
            body: { cookie: true },
            headers: { cookie, 'sec-fetch-site': site },
          })
        ).json(),
      ).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  // Without JSON, which a form of another page cannot send, the cookie is not even looked at.
  const form = await fetch(
    `http://127.0.0.1:${(house.app.server.address() as { port: number }).port}/api/auth/refresh`,
    { method: 'POST', headers: { cookie, 'content-type': 'text/plain' }, body: '{"cookie":true}' },
  );
  expect([400, 415]).toContain(form.status);
  expect(form.headers.get('set-cookie')).toBeNull();
  // And no other route takes it for a proof.
  const { statusCode } = await house.say('GET', '/api/auth/me', { headers: { cookie } });
  expect(statusCode).toBe(401);
  expect(await one.tab().login.resume()).toBe(true);
});

test('everybody is shown the room that is theirs', () => {
  const one = (role: string, more = {}) => roomOf({ role, accountId: 'ac-1', stations: null, ...more });
  expect([roomOf(undefined), one('admin'), one('operator')]).toEqual(['operator', 'operator', 'operator']);
  expect(one('operator', { stations: ['st-7', 'st-8'] })).toBe('station:st-7');
  expect(one('customer')).toBe('user:ac-1');
  expect(one('analyst')).toBeUndefined();
});
