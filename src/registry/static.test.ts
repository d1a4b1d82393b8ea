import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { hashPassword } from './passwords.js';
import { readStaticDirectory, staticDirectory } from './static.js';

const at = Date.parse('2026-05-01T10:00:00Z');

test('every wrong entry of the file is named at once', () => {
  const wrong = {
    chargePoints: [
      { id: 'A', securityProfile: 1 },
      { id: 'B/1', securityProfile: 0 },
      { id: 'C', securityProfile: 2, passwordHash: 'secret' },
      { id: 'D', securityProfile: 3 },
      { id: 'D', securityProfile: 3 },
    ],
    tokens: [{ token: 'ab' }, { token: 'AB' }],
  };
  expect(() => staticDirectory(wrong, { acceptUnknown: false })).toThrow(
    expect.objectContaining({
      code: 'REGISTRY_FILE_INVALID',
      message: expect.stringMatching(
        /chargePoints\.0\.passwordHash.*chargePoints\.1\.id.*chargePoints\.2\.passwordHash/,
      ),
    }),
  );
  const twice = { chargePoints: [wrong.chargePoints[3], wrong.chargePoints[4]], tokens: wrong.tokens };
  expect(() => staticDirectory(twice, { acceptUnknown: false })).toThrow(/D occurs twice.*AB occurs twice/);
});

test('a file that is missing, or is no JSON, says so', () => {
  const options = { acceptUnknown: false };
  expect(() => readStaticDirectory('/nowhere/points.json', options)).toThrow(
    expect.objectContaining({ code: 'REGISTRY_FILE_UNREADABLE' }),
  );
  expect(() => readStaticDirectory('biome.json.not', options)).toThrow(/Cannot read biome.json.not/);
  expect(() => readStaticDirectory('.gitignore', options)).toThrow(
    expect.objectContaining({ code: 'REGISTRY_FILE_INVALID' }),
  );
});

test('tokens are compared without regard to case; expiry is judged at the time of the event', () => {
  const directory = staticDirectory(
    {
      tokens: [
        { token: 'AbC1' },
        { token: 'LOST', status: 'Blocked' },
        { token: 'OLD', expiresAt: '2026-05-01T10:00:00Z' },
      ],
    },
    { acceptUnknown: false },
  );
  expect(directory.authorize('aBc1', at).status).toBe('Accepted');
  expect(directory.authorize('lost', at).status).toBe('Blocked');
  expect(directory.authorize('OLD', at - 1).status).toBe('Accepted');
  expect(directory.authorize('OLD', at).status).toBe('Expired');
});

test('a group of the file: what is said of it is said of its tokens, and it is told; concurrent ones may be in several', () => {
  const directory = staticDirectory(
    {
      tokens: [
        { token: 'FAMILY', expiresAt: '2026-05-02T10:00:00Z' },
        { token: 'KID', group_id: 'family', expiresAt: '2026-06-01T00:00:00Z' },
        { token: 'VAN', concurrent: true },
      ],
    },
    { acceptUnknown: false },
  );
  const group = { group: 'family', expiresAt: Date.parse('2026-05-02T10:00:00Z'), single: true };
  expect(directory.authorize('kid', at)).toMatchObject({ status: 'Accepted', ...group });
  expect(directory.authorize('kid', at + 86_400_000)).toMatchObject({ status: 'Expired', ...group });
  expect(directory.authorize('van', at)).toMatchObject({ status: 'Accepted', single: false });
});

test('a token nobody listed is refused only where a list exists and strangers are not wanted', () => {
  const listed = { tokens: [{ token: 'A' }] };
  expect(staticDirectory(listed, { acceptUnknown: false }).authorize('B', at).status).toBe('Invalid');
  expect(staticDirectory(listed, { acceptUnknown: true }).authorize('B', at).status).toBe('Accepted');
  expect(staticDirectory({}, { acceptUnknown: false }).authorize('B', at).status).toBe('Accepted');
});

test('the tariff is the token’s, else the outlet’s, else the charge point’s', async () => {
  const directory = staticDirectory(
    {
      chargePoints: [
        {
          id: 'CP',
          securityProfile: 1,
          passwordHash: await hashPassword('0123456789abcdef'),
          station: 'st-1',
          tariff: 'day@3',
          outlets: [{ connectorId: 2, tariff: 'fast@1' }],
        },
        { id: 'HOME', securityProfile: 0, account: 'owner' },
      ],
      tokens: [{ token: 'fleet', account: 'ac', tariff: 'fleet@9' }],
    },
    { acceptUnknown: false },
  );
  const enrich = directory.enrich;
  expect(enrich('CP', { connectorId: 1 }, undefined, at)).toEqual({ station: 'st-1', tariff: 'day@3' });
  expect(enrich('CP', { connectorId: 2 }, undefined, at)).toEqual({ station: 'st-1', tariff: 'fast@1' });
  expect(enrich('CP', { connectorId: 2 }, { token: 'FLEET' }, at)).toEqual({
    station: 'st-1',
    account: 'ac',
    tariff: 'fleet@9',
  });
  expect(enrich('HOME', undefined, { token: 'fleet' }, at)).toMatchObject({ account: 'owner' });
  expect(enrich('unknown', undefined, undefined, at)).toEqual({});
});

test('the keys of its meters go with frames that carry signed data, and must be keys', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = publicKey.export({ format: 'der', type: 'spki' });
  const point = {
    id: 'CP',
    securityProfile: 0 as const,
    meterKeys: [der.toString('hex'), der.toString('base64')],
  };
  const { enrich } = staticDirectory({ chargePoints: [point] }, { acceptUnknown: false });
  expect(enrich('CP', undefined, undefined, at, true)).toEqual({ meterKeys: point.meterKeys.join(' ') });
  expect(enrich('CP', undefined, undefined, at, false)).toEqual({});
  expect(() =>
    staticDirectory({ chargePoints: [{ ...point, meterKeys: ['abc'] }] }, { acceptUnknown: false }),
  ).toThrow(/chargePoints\.0\.meterKeys\.0: a meter key is a public key/);
});
