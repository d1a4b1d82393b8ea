/** What an operator with a request under GDPR, article 17, can do, and what is left afterwards. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type House, openHouse, PASSWORD } from '../../../test/house.js';
import { FakeLog } from '../../registry/testing/fakes.js';

jest.setTimeout(60_000);

const NAME = 'Ada Lovelace';
const EMAIL = 'lovelace@example.com';
const NAMES = /Lovelace|WS-PRINTED/i;

let house: House;
let charging: Set<string>;
let admin: string;
beforeEach(async () => {
  charging = new Set();
  house = await openHouse({ log: new FakeLog(), charging });
  await house.account('admin');
  await house.account('customer', { id: 'ac-1', name: NAME, email: EMAIL });
  admin = (await house.login('ac-admin@example.com')).json().accessToken;
});
afterEach(() => house.close());

const erase = (id: string, headers: Record<string, string> = { 'if-match': '*' }, bearer = admin) =>
  house.say('POST', `/api/cms/accounts/${id}/erase`, { bearer, headers });
const get = (path: string) => house.say('GET', path, { bearer: admin });

test('name, address, password, keys and cards are gone; the id, and who erased it when, stay', async () => {
  const login = (await house.login(EMAIL)).json();
  const token = { uid: '04A2', account: 'ac-1', visual_number: 'WS-PRINTED' };
  expect((await house.say('POST', '/api/cms/tokens', { bearer: admin, body: token })).statusCode).toBe(201);
  const key = await house.say('POST', '/api/auth/keys', {
    bearer: login.accessToken,
    body: { name: 'mine' },
  });
  expect(key.statusCode).toBe(201);
  expect((await get('/api/cms/accounts/ac-1')).json()).toMatchObject({ name: NAME, email: EMAIL });
  expect((await get(`/api/cms/accounts?email=${EMAIL.toUpperCase()}`)).json().accounts).toHaveLength(1);

  const { etag } = (await get('/api/cms/accounts/ac-1')).headers;
  const erased = await erase('ac-1', { 'if-match': String(etag) });
  expect(erased.statusCode).toBe(200);
  expect(erased.json()).toEqual({
    accountId: 'ac-1',
    version: 2,
    erasedAt: expect.any(String),
    erasedBy: 'ac-admin',
    keysDestroyed: true,
    versionsInClear: [],
    tokensInClear: [],
    points: [],
  });

  const shown = (await get('/api/cms/accounts/ac-1')).json();
  expect(shown).toMatchObject({ id: 'ac-1', disabled: true, hasPassword: false, erased: expect.any(String) });
  const { versions } = (await get('/api/cms/accounts/ac-1/history')).json();
  expect(versions[0]).toMatchObject({ by: 'ac-admin', at: expect.any(String) });
  for (const path of [
    '/api/cms/accounts/ac-1',
    '/api/cms/accounts',
    '/api/cms/accounts/ac-1/history',
    '/api/cms/accounts/ac-1/versions/1',
    '/api/cms/tokens/04A2',
    '/api/cms/tokens/04A2/history',
    '/api/cms/tokens/04A2/versions/1',
    '/api/cms/export/accounts',
    '/api/cms/export/tokens',
  ])
    expect([path, (await get(path)).body.match(NAMES)]).toEqual([path, null]);
  expect(JSON.stringify(house.log.records)).not.toMatch(NAMES);
  expect(JSON.stringify(house.publisher.notifications)).not.toMatch(NAMES);
  expect(JSON.stringify(house.audited())).not.toMatch(NAMES);

  // Nothing opens any more: neither a login that was there, nor a new one, nor the key.
  expect((await house.say('GET', '/api/auth/me', { bearer: login.accessToken })).statusCode).toBe(401);
  expect((await house.login(EMAIL)).statusCode).toBe(401);
  expect((await house.say('GET', '/api/auth/me', { bearer: key.json().key })).statusCode).toBe(401);
  expect((await get('/api/auth/keys')).json().keys).toEqual([]);
  // The address is free again; it is another person as far as anybody can tell.
  await house.account('customer', { id: 'ac-2', name: 'Somebody', email: EMAIL });
  expect((await house.login(EMAIL)).json()).toHaveProperty('accessToken');
});

test('what the log has in the clear, from before data were sealed, it keeps: that is said, each time', async () => {
  const state = { id: 'old', role: 'customer', name: NAME, disabled: false };
  const event = {
    id: 'old-1',
    schema: 1,
    at: '2026-11-01T10:00:00.000Z',
    type: 'cms.account.created',
    kind: 'account',
    entityId: 'old',
    version: 1,
    actor: 'test',
    state,
  };
  house.publisher.append(event as never);
  await house.store.replica.caughtUp();
  expect((await erase('old')).json()).toMatchObject({ versionsInClear: [1], keysDestroyed: true });
  expect((await erase('old')).json()).toMatchObject({ versionsInClear: [1] });
  expect((await get('/api/cms/accounts/old/versions/1')).body).not.toMatch(NAMES);
});

test('cards and hashes of passwords that the log has in the clear are named too, also once the card was given back', async () => {
  const old = (kind: string, entityId: string, version: number, state: object) =>
    house.publisher.append({
      id: `old-${entityId}-${version}`,
      schema: 1,
      at: '2026-11-01T10:00:00.000Z',
      type: `cms.${kind}.${version === 1 ? 'created' : 'updated'}`,
      kind,
      entityId,
      version,
      actor: 'test',
      state,
    } as never);
  const card = { uid: '04C1', type: 'RFID', status: 'Accepted', whitelist: 'ALLOWED' };
  old('account', 'old', 1, {
    id: 'old',
    role: 'customer',
    name: NAME,
    passwordHash: 'scrypt$12$salt$hash',
    disabled: false,
  });
  old('token', '04C1', 1, { ...card, account: 'old', visual_number: 'WS-PRINTED' });
  old('token', '04C1', 2, { ...card, account: 'old' });
  old('token', '04C1', 3, { ...card, visual_number: 'WS-PRINTED' });
  await house.store.replica.caughtUp();
  // Its name is sealed from now on, the hash of its password as it was.
  await house.change('old', { language: 'en' });
  const told = { versionsInClear: [1, 2], tokensInClear: [{ uid: '04C1', versions: [1, 3] }] };
  expect((await erase('old')).json()).toMatchObject(told);
  expect((await erase('old')).json()).toMatchObject(told);
  // It is the answer's to say, and nobody's to write.
  const { tokensInClear } = (await get('/api/cms/accounts/old')).json();
  expect(tokensInClear).toEqual(told.tokensInClear);
});

test('it says which version it is of, as every change does; asking again is answered and finishes what was not', async () => {
  expect((await erase('ac-1', {})).statusCode).toBe(428);
  expect((await erase('ac-1', { 'if-match': '"7"' })).statusCode).toBe(412);
  expect((await erase('nobody')).statusCode).toBe(404);
  const first = (await erase('ac-1')).json();
  expect((await erase('ac-1')).json()).toEqual(first);
});

test('an erased account stays so: it is not changed, deleted or made again', async () => {
  await erase('ac-1');
  const body = { role: 'customer', name: NAME };
  const headers = { 'if-match': '*' };
  const put = await house.say('PUT', '/api/cms/accounts/ac-1', { bearer: admin, body, headers });
  expect(put.json()).toMatchObject({ status: 422, code: 'ACCOUNT_ERASED' });
  const deleted = await house.say('DELETE', '/api/cms/accounts/ac-1', { bearer: admin, headers });
  expect(deleted.statusCode).toBe(422);
});

test('not while they charge: what it costs is still to be settled', async () => {
  charging.add('ac-1');
  expect((await erase('ac-1')).json()).toMatchObject({ status: 409, code: 'SESSION_GOES_ON' });
  charging.clear();
  expect((await erase('ac-1')).statusCode).toBe(200);
});

test('nobody erases themselves, or the last admin', async () => {
  expect((await erase('ac-admin')).json()).toMatchObject({ status: 409, code: 'ERASES_ONESELF' });
  await house.account('admin', { id: 'other' });
  const other = (await house.login('other@example.com')).json().accessToken;
  await house.change('ac-admin', { disabled: true });
  await house.account('admin', { id: 'third' });
  await house.change('third', { disabled: true });
  const last = await erase('other', { 'if-match': '*' }, other);
  expect(last.json()).toMatchObject({ status: 409, code: 'ERASES_ONESELF' });
  expect((await erase('third', { 'if-match': '*' }, other)).statusCode).toBe(200);
});

test('also of an account that was deleted, whose versions the log still has', async () => {
  await house.say('DELETE', '/api/cms/accounts/ac-1', { bearer: admin, headers: { 'if-match': '*' } });
  expect((await get('/api/cms/accounts/ac-1/versions/1')).body).toMatch(NAMES);
  expect((await erase('ac-1')).json()).toMatchObject({ version: 3, keysDestroyed: true });
  expect((await get('/api/cms/accounts/ac-1/history')).body).not.toMatch(NAMES);
  expect((await get('/api/cms/accounts/ac-1/versions/1')).body).not.toMatch(NAMES);
});

test('callers can neither say that something is sealed or erased, nor leave the name out', async () => {
  const post = (body: object) => house.say('POST', '/api/cms/accounts', { bearer: admin, body });
  expect((await post({ role: 'customer' })).json()).toMatchObject({
    status: 400,
    errors: [{ field: 'name' }],
  });
  const sealed = { book: 1, key: 'k', data: 'AAAA' };
  expect((await post({ role: 'customer', name: 'x', sealed })).json().errors).toEqual([
    { field: 'sealed', message: 'is no field of this' },
  ]);
  const made = await post({ id: 'x', role: 'customer', name: 'x', password: PASSWORD, erased: 'now' });
  expect(made.json()).not.toHaveProperty('erased');
});
