/** Without these one caller could take the API away from all others, or try passwords as fast as the machine can. */
import { afterEach, expect, test } from '@jest/globals';
import { type House, openHouse } from '../../../test/house.js';

let house: House;
afterEach(() => house.close());
const rates = { perAddress: 10, perPrincipal: 5, perAddressForLogins: 3 };

test('an address gets so many requests a minute, whoever asks, and is told when to come again', async () => {
  house = await openHouse({ rates });
  const codes = [];
  for (let request = 0; request < 10; request++)
    codes.push((await house.say('GET', '/api/charger')).statusCode);
  expect(codes).toEqual(codes.map(() => 401));
  const refused = await house.say('GET', '/api/charger');
  expect(refused.json()).toMatchObject({ status: 429, code: 'RATE_LIMITED', title: 'Too Many Requests' });
  expect(refused.headers['content-type']).toContain('application/problem+json');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  // Also where there is nothing at all; but probes are answered.
  expect((await house.say('GET', '/api/nothing/here')).statusCode).toBe(429);
  expect((await house.say('GET', '/health/live')).statusCode).toBe(200);
});

test('a principal gets so many, from however many addresses', async () => {
  house = await openHouse({ rates, trustedProxies: ['127.0.0.1'] });
  await house.account('operator');
  const bearer = (await house.login('ac-operator@example.com')).json().accessToken;
  const from = (address: number) =>
    house.say('GET', '/api/auth/me', { bearer, headers: { 'x-forwarded-for': `192.0.2.${address}` } });
  for (let address = 1; address <= 5; address++) expect((await from(address)).statusCode).toBe(200);
  expect((await from(6)).json()).toMatchObject({ code: 'RATE_LIMITED' });
});

test('logins are fewer, for all accounts together', async () => {
  house = await openHouse({ rates });
  for (let account = 1; account <= 3; account++)
    expect((await house.login(`somebody-${account}@example.com`)).json()).toMatchObject({
      code: 'LOGIN_FAILED',
    });
  expect((await house.login('somebody-4@example.com')).json()).toMatchObject({ code: 'RATE_LIMITED' });
  expect((await house.say('GET', '/api/auth/me')).statusCode).toBe(401);
});

test('nobody escapes by saying that they come from elsewhere, unless a proxy that is trusted says so', async () => {
  house = await openHouse({ rates });
  const from = (address: number) =>
    house.login('somebody@example.com', 'x', { 'x-forwarded-for': `192.0.2.${address}` });
  for (let address = 1; address <= 3; address++) await from(address);
  expect((await from(4)).statusCode).toBe(429);
});
