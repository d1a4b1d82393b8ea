import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { readSettings } from '../../platform/config.js';
import { authenticationBy } from './authenticator.js';
import { OWN_CLAIMS, principalFrom } from './claims.js';
import { authenticationFrom, rolesFrom } from './from-settings.js';
import { oidcTokens, ownTokens, signToken } from './jwt.js';

const SECRET = 'a secret of more than thirty-two bytes';
const NOW = Date.now();
const code = (code: string) => expect.objectContaining({ code });

describe('our own tokens', () => {
  const { principalOf } = authenticationBy([ownTokens(SECRET)]);

  test('say who it is, what they may, and until when', async () => {
    const token = await signToken(
      SECRET,
      { role: 'operator', subject: 'eve', minutes: 5, stations: ['st-1'] },
      NOW,
    );
    expect(await principalOf(token)).toEqual({
      id: 'eve',
      role: 'operator',
      stations: ['st-1'],
      expiresAt: Math.floor(NOW / 1_000) * 1_000 + 300_000,
    });
  });

  test('of yesterday, or under another key, or for somebody else, are none', async () => {
    const request = { role: 'admin', subject: 'eve', minutes: 5 } as const;
    await expect(principalOf(await signToken(SECRET, request, NOW - 3_600_000))).rejects.toEqual(
      code('TOKEN_EXPIRED'),
    );
    await expect(
      principalOf(await signToken('another secret of thirty-two bytes and more', request, NOW)),
    ).rejects.toEqual(code('TOKEN_INVALID'));
    const key = new TextEncoder().encode(SECRET);
    const made = (audience: string) =>
      new SignJWT({ role: 'admin' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer('wattstream')
        .setAudience(audience)
        .setSubject('eve');
    await expect(principalOf(await made('others').setExpirationTime('5m').sign(key))).rejects.toEqual(
      code('TOKEN_INVALID'),
    );
    // One without an end could never be taken back.
    await expect(principalOf(await made('wattstream').sign(key))).rejects.toEqual(code('TOKEN_INVALID'));
  });

  test('unsigned ones are none', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'none' })}.${part({ iss: 'wattstream', aud: 'wattstream', sub: 'eve', role: 'admin', exp: 9e9 })}.`;
    await expect(principalOf(token)).rejects.toEqual(code('TOKEN_INVALID'));
  });

  test('a secret that could be found by trying is refused', () => {
    expect(() => ownTokens('short')).toThrow(code('JWT_SECRET_WEAK'));
  });
});

describe('an outside issuer', () => {
  let server: Server;
  let issuer: string;
  let key: CryptoKey;
  let up: boolean;
  beforeEach(async () => {
    up = true;
    const pair = await generateKeyPair('ES256');
    key = pair.privateKey;
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256' };
    server = createServer((request, response) => {
      const body = request.url === '/keys' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` };
      response.writeHead(up ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const sign = (claims: object, audience = 'wattstream-api') =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject('mallory')
      .setExpirationTime('5m')
      .sign(key);
  const authentication = () =>
    authenticationBy([
      ownTokens(SECRET),
      oidcTokens({
        issuer,
        audience: 'wattstream-api',
        claims: {
          role: 'realm_access.roles',
          account: 'customer_id',
          stations: 'stations',
          roles: rolesFrom('operator=charging-ops,customer=driver'),
        },
      }),
    ]);

  test('is found by discovery, its claims become ours by a map of names', async () => {
    const { principalOf } = authentication();
    expect(
      await principalOf(await sign({ realm_access: { roles: ['offline', 'driver', 'charging-ops'] } })),
    ).toMatchObject({ id: 'mallory', role: 'operator', stations: null });
    expect(
      await principalOf(await sign({ realm_access: { roles: ['driver'] }, customer_id: 'ac-9' })),
    ).toMatchObject({ role: 'customer', accountId: 'ac-9' });
  });

  test('whose names we do not know, or whose audience is another, opens nothing', async () => {
    const { principalOf } = authentication();
    await expect(principalOf(await sign({ realm_access: { roles: ['admin'] } }))).rejects.toEqual(
      code('TOKEN_INVALID'),
    );
    await expect(
      principalOf(await sign({ realm_access: { roles: ['charging-ops'] } }, 'other-app')),
    ).rejects.toEqual(code('TOKEN_INVALID'));
  });

  test('that is away is said to be away, and asked again later', async () => {
    const { principalOf } = authentication();
    const token = await sign({ realm_access: { roles: ['charging-ops'] } });
    up = false;
    await expect(principalOf(token)).rejects.toEqual(
      expect.objectContaining({ code: 'ISSUER_UNREACHABLE', canRetry: true }),
    );
    up = true;
    expect(await principalOf(token)).toMatchObject({ role: 'operator' });
  });
});

describe('claims that leave something open admit nobody', () => {
  test.each([
    ['no subject', { role: 'admin' }],
    ['no role', { sub: 'eve' }],
    ['a role that is not ours', { sub: 'eve', role: 'root' }],
    ['a role by the name of something every object has', { sub: 'eve', role: 'constructor' }],
    ['a customer without an account', { sub: 'eve', role: 'customer' }],
    ['stations that are no list', { sub: 'eve', role: 'operator', stations: 'st-1' }],
  ])('%s', (_, claims) => {
    expect(() => principalFrom(claims, OWN_CLAIMS)).toThrow(code('TOKEN_INVALID'));
  });

  test('an empty list of stations is none, not all', () => {
    expect(principalFrom({ sub: 'eve', role: 'operator', stations: [] }, OWN_CLAIMS).stations).toEqual([]);
  });
});

describe('settings', () => {
  test.each([
    [{}, 'AUTH_NOT_CONFIGURED'],
    [{ WATTSTREAM_JWT_SECRET: 'short' }, 'JWT_SECRET_WEAK'],
    [{ WATTSTREAM_OIDC_ISSUER: 'https://id.example' }, 'AUTH_NOT_CONFIGURED'],
    [
      {
        WATTSTREAM_OIDC_ISSUER: 'https://id.example',
        WATTSTREAM_OIDC_AUDIENCE: 'a',
        WATTSTREAM_OIDC_ROLES: 'boss=x',
      },
      'AUTH_NOT_CONFIGURED',
    ],
  ])('that cannot admit anybody stop the process at its start: %j', (env, expected) => {
    expect(() => authenticationFrom(readSettings({ WATTSTREAM_AUTH: 'required', ...env }))).toThrow(
      code(expected),
    );
  });

  test('off is for whoever says so: without a word it is required', () => {
    expect(readSettings({}).WATTSTREAM_AUTH).toBe('required');
    expect(authenticationFrom(readSettings({ WATTSTREAM_AUTH: 'off' })).mode).toBe('off');
  });
});
