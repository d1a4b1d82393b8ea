/**
 * The OWASP API Security Top 10 (2023), one by one: a test for each, or the reason why there is nothing to attack. What other
 * tests hold is named with them, by file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type House, openHouse } from '../../../test/house.js';

jest.setTimeout(60_000);

let house: House;
const tokens: Record<string, string> = {};
beforeEach(async () => {
  house = await openHouse({ rates: { perAddress: 500, perPrincipal: 500, perAddressForLogins: 500 } });
  for (const role of ['customer', 'operator', 'analyst', 'admin'] as const) {
    await house.account(role);
    tokens[role] = (await house.login(`ac-${role}@example.com`)).json().accessToken;
  }
});
afterEach(() => house.close());
const as = (role: string, method: string, path: string, body?: unknown) =>
  house.say(method, path, { bearer: tokens[role] as string, body });

describe('API1: broken object level authorization', () => {
  // Stations and charge points: access.test.ts walks all routes with people restricted to stations. Rooms: live/rooms.test.ts.
  test("nobody reads, ends or makes what is another's by naming its id", async () => {
    await house.account('customer', { id: 'ac-other' });
    const other = (await house.login('ac-other@example.com')).json().accessToken;
    const { id } = (
      await house.say('POST', '/api/auth/keys', { bearer: other, body: { name: 'mine' } })
    ).json();
    for (const role of ['customer', 'operator', 'analyst']) {
      expect((await as(role, 'GET', '/api/auth/keys')).json()).toEqual({ keys: [] });
      expect((await as(role, 'DELETE', `/api/auth/keys/${id}`)).statusCode).toBe(404);
      const forged = await as(role, 'POST', '/api/auth/keys', { name: 'p', accountId: 'ac-other' });
      expect(forged.statusCode).toBe(403);
      expect((await as(role, 'GET', '/api/cms/accounts/ac-other')).statusCode).toBe(403);
    }
  });
});

describe('API2: broken authentication', () => {
  // Expiry, rotation, reuse, lockout, one answer for every failure, logout: accounts.test.ts. Algorithms and issuers: jwt.test.ts.
  test('a token without a signature, or signed as something else, opens nothing', async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {
      iss: 'wattstream',
      aud: 'wattstream',
      sub: 'ac-admin',
      role: 'admin',
      exp: 4e9,
      sid: 'x',
    };
    for (const alg of ['none', 'None', 'RS256', 'HS256'])
      for (const signature of ['', 'AAAA']) {
        const bearer = `${part({ alg, typ: 'JWT' })}.${part(claims)}.${signature}`;
        expect((await house.say('GET', '/api/auth/me', { bearer })).statusCode).toBe(401);
      }
  });

  test('a token in the address is none: addresses stand in logs', async () => {
    const { statusCode } = await house.say('GET', `/api/auth/me?access_token=${tokens.admin}`);
    expect(statusCode).toBe(401);
  });

  test('no route takes a cookie, so no page of somebody else can act for who is logged in', async () => {
    const headers = { cookie: `token=${tokens.admin}; accessToken=${tokens.admin}` };
    expect((await house.say('GET', '/api/auth/me', { headers })).statusCode).toBe(401);
    expect((await house.login('ac-admin@example.com')).headers).not.toHaveProperty('set-cookie');
  });
});

describe('API3: broken object property level authorization', () => {
  test('no hash leaves, whoever asks and however', async () => {
    await as('admin', 'POST', '/api/auth/keys', { name: 'p' });
    for (const path of [
      '/api/auth/me',
      '/api/auth/keys',
      '/api/cms/accounts',
      '/api/cms/accounts/ac-admin',
      '/api/cms/accounts/ac-admin/history',
      '/api/cms/accounts/ac-admin/versions/1',
      '/api/cms/export/accounts',
    ]) {
      const { statusCode, body } = await as('admin', 'GET', path);
      expect({ path, statusCode }).toEqual({ path, statusCode: 200 });
      expect(body).not.toMatch(/scrypt|keyHash|passwordHash/);
    }
  });

  test('fields that are not to be set are refused, not passed over', async () => {
    const forged: [string, unknown][] = [
      ['/api/auth/login', { email: 'ac-customer@example.com', password: 'x', role: 'admin' }],
      ['/api/auth/keys', { name: 'p', keyHash: 'mine' }],
      ['/api/auth/password', { currentPassword: 'x', newPassword: 'long enough to be taken', role: 'admin' }],
    ];
    for (const [path, body] of forged)
      expect((await as('customer', 'POST', path, body)).json()).toMatchObject({ code: 'REQUEST_INVALID' });
  });
});

describe('API4: unrestricted resource consumption', () => {
  // Requests: rates.test.ts. Frames, messages, rooms, sockets: live and ingest tests. Pages: cms.test.ts. Time of queries: app.ts.
  test('a body is at most 256 KiB, a password at most 200 characters: hashing is dear', async () => {
    const password = 'x'.repeat(201);
    expect((await house.login('a@example.com', password)).json()).toMatchObject({ code: 'REQUEST_INVALID' });
    const large = await house.login('a@example.com', 'x'.repeat(300 * 1024));
    expect(large.json()).toMatchObject({ status: 413 });
  });

  test('keys and logins of an account are so many at most', async () => {
    for (let key = 0; key < 20; key++)
      expect((await as('operator', 'POST', '/api/auth/keys', { name: 'p' })).statusCode).toBe(201);
    expect((await as('operator', 'POST', '/api/auth/keys', { name: 'p' })).json()).toMatchObject({
      code: 'KEYS_TOO_MANY',
    });
    for (let login = 0; login < 21; login++) await house.login('ac-analyst@example.com');
    expect(house.loginStore.replica.state.byAccount.get('ac-analyst')?.size).toBe(20);
    // The oldest made room.
    expect((await as('analyst', 'GET', '/api/auth/me')).statusCode).toBe(401);
  });
});

describe('API5: broken function level authorization', () => {
  // access.test.ts walks every route with every role, by tokens, logins and keys; a route that names nobody fails it.
  test('who may make accounts is an admin, and no other method or spelling of the address changes that', async () => {
    const account = { role: 'admin', name: 'Eve', email: 'eve@example.com' };
    for (const role of ['customer', 'operator', 'analyst'])
      for (const path of [
        '/api/cms/accounts',
        '/api/cms/accounts/',
        '/api/cms/import/accounts',
        '/api//cms/accounts',
        '/api/cms/%61ccounts',
        '/API/cms/accounts',
      ]) {
        const { statusCode } = await as(role, 'POST', path, account);
        expect({ role, path, refused: [403, 404].includes(statusCode) }).toEqual({
          role,
          path,
          refused: true,
        });
      }
    expect(house.store.replica.state.claims.has('email eve@example.com')).toBe(false);
  });

  test('a header does not change the method', async () => {
    const headers = { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' };
    await house.say('GET', '/api/cms/accounts/ac-customer', { bearer: tokens.admin as string, headers });
    expect(house.store.replica.get('account', 'ac-customer')).toBeDefined();
  });
});

describe('API6: unrestricted access to sensitive business flows', () => {
  test('nobody can make an account for themselves, so none are made by the thousand', async () => {
    const { statusCode } = await house.say('POST', '/api/cms/accounts', {
      body: { role: 'customer', name: 'x' },
    });
    expect(statusCode).toBe(401);
    // And what costs money, a start, is of the own account only and limited per principal (rates.test.ts).
  });
});

describe('API7: server side request forgery', () => {
  // The only addresses that callers choose are those of webhooks; post.test.ts holds them away from private networks.
  test('nothing else in the API takes the address of a server', () => {
    const sources = readdirSync(new URL('../', import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('testing'))
      .filter((file) =>
        /\bfetch\(|\brequest as \w+ \} from .node:https?./.test(
          readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'),
        ),
      );
    // The issuer's address is a setting.
    expect(sources.sort()).toEqual(['auth/jwt.ts', 'webhooks/post.ts']);
  });
});

describe('API8: security misconfiguration', () => {
  test('answers are not stored, guessed at or told to other origins, and defects show no insides', async () => {
    const { headers } = await as('admin', 'GET', '/api/auth/me');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const cross = await house.say('GET', '/api/auth/me', { headers: { origin: 'https://evil.example' } });
    expect(cross.headers).not.toHaveProperty('access-control-allow-origin');
    expect(cross.headers).not.toHaveProperty('x-powered-by');
    const broken = await house.say('POST', '/api/auth/login', {
      headers: { 'content-type': 'application/json' },
    });
    expect(broken.body).not.toMatch(/node_modules|at \w+ \(|\.ts:/);
  });

  test('without a word about authentication it is required, and without a secret nothing starts', async () => {
    const { authenticationFrom } = await import('./from-settings.js');
    const { readSettings } = await import('../../platform/config.js');
    expect(() => authenticationFrom(readSettings({}))).toThrow(
      expect.objectContaining({ code: 'AUTH_NOT_CONFIGURED' }),
    );
    expect(() => authenticationFrom(readSettings({ WATTSTREAM_JWT_SECRET: 'short' }))).toThrow(
      expect.objectContaining({ code: 'JWT_SECRET_WEAK' }),
    );
  });
});

describe('API9: improper inventory management', () => {
  // One version, one document made of the routes themselves.
  test('every route of the API is in the document, and what is in it says how one proves who one is', async () => {
    const { paths } = (house.app as unknown as { swagger(): { paths: Record<string, object> } }).swagger();
    for (const path of ['/api/auth/login', '/api/auth/keys', '/api/auth/keys/{keyId}', '/api/cms/accounts'])
      expect(paths).toHaveProperty([path]);
    const open = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { security }]) => Array.isArray(security) && security.length === 0)
        .map(([method]) => `${method} ${path}`),
    );
    expect(open).toEqual(['post /api/auth/login', 'post /api/auth/refresh', 'post /api/auth/logout']);
  });
});

describe('API10: unsafe consumption of APIs', () => {
  // We ask an issuer for its keys (jwt.test.ts: over its own name, only asymmetric algorithms, 5 s) and deliver webhooks
  // (post.test.ts: no redirects into private networks, an answer's body is not read into anything). What chargers say is
  // validated by the official schemas, bounded, and redacted (ingest, fuzz).
  test("an issuer's token says no more than its claims, and never that somebody has logged in here", async () => {
    const { principalFrom, OWN_CLAIMS } = await import('./claims.js');
    const principal = principalFrom(
      { sub: 'eve', role: 'analyst', sid: 'x', by: { kind: 'login', id: 'x' } },
      OWN_CLAIMS,
    );
    expect(principal).toEqual({ id: 'eve', role: 'analyst', stations: null });
  });
});
