import { describe, expect, test } from '@jest/globals';
import { refusal } from '../access/door.js';
import { ClickHouseException, fromEngine, httpStatus } from './errors.js';
import { readRequest } from './request.js';

const read = (search: string, headers: Record<string, string> = {}) =>
  readRequest(new URL(`http://x/${search}`), headers);

describe('a request', () => {
  test('is divided into what is ours, parameters and settings', () => {
    const request = read(
      '?query=SELECT+1&database=d&query_id=q&param_a=o%5C%27x&max_threads=2&wait_end_of_query=1',
    );
    expect(request).toMatchObject({ query: 'SELECT 1', database: 'd', queryId: 'q', waitEnd: true });
    expect([...request.params]).toEqual([['a', `o\\'x`]]);
    expect([...request.settings]).toEqual([['max_threads', '2']]);
  });

  test.each(['?a%20b=1', '?param_a;b=1', '?x%3D1,readonly=0', '?default_format=JSON%20x'])(
    'names that are no identifiers are refused: %s',
    (search) => expect(() => read(search)).toThrow(ClickHouseException),
  );

  test.each(['?compress=1', '?decompress=1'])('what is not offered is said: %s', (search) =>
    expect(() => read(search)).toThrow(/NOT_IMPLEMENTED/),
  );

  test('sessions have a bounded time', () => {
    expect(read('?session_id=s&session_timeout=10&session_check=1').session).toEqual({
      id: 's',
      timeoutSeconds: 10,
      mustExist: true,
    });
    expect(() => read('?session_id=s&session_timeout=3601')).toThrow(/INVALID_SESSION_TIMEOUT/);
    expect(() => read('?session_id=s&session_timeout=-1')).toThrow(/INVALID_SESSION_TIMEOUT/);
  });

  test('credentials: a password may hold a colon, a user may be left out', () => {
    const basic = (text: string) =>
      read('', { authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    expect(basic('u:p:q').credentials).toEqual({ user: 'u', password: 'p:q', given: true });
    expect(basic(':p').credentials).toMatchObject({ user: 'default', password: 'p' });
    expect(read('').credentials).toEqual({ user: 'default', password: '', given: false });
    expect(() => read('', { authorization: 'Bearer x' })).toThrow(/AUTHENTICATION_FAILED/);
  });
});

describe("the engine's words", () => {
  test('keep their code, and say the version once', () => {
    const nested = `Code: 115. DB::Exception: Code: 115. DB::Exception: Unknown setting 'x'. (UNKNOWN_SETTING) (version 26.7.2.1). (UNKNOWN_SETTING)`;
    expect(fromEngine(new Error(nested), '26.7').body).toBe(
      `Code: 115. DB::Exception: Unknown setting 'x'. (UNKNOWN_SETTING) (version 26.7.2.1)`,
    );
    expect(
      fromEngine(new Error('Query failed: Code: 60. DB::Exception: no (UNKNOWN_TABLE)'), '26.7'),
    ).toMatchObject({
      code: 60,
      body: 'Code: 60. DB::Exception: no (UNKNOWN_TABLE) (version 26.7 (embedded))',
    });
    expect(fromEngine(new Error('EPIPE'), '26.7')).toMatchObject({ code: 1001 });
  });

  test.each([
    [60, 404],
    [62, 400],
    [516, 403],
    [159, 408],
    [241, 500],
    [48, 501],
  ])('code %i is status %i', (code, status) => expect(httpStatus(code)).toBe(status));
});

test('the door lets addresses and localhost in, and named hosts and origins', () => {
  const door = { hosts: ['clickhouse.example'], origins: ['http://a.example'] };
  for (const host of [
    '127.0.0.1:8123',
    'localhost',
    'LOCALHOST:1',
    '[::1]:8123',
    'clickhouse.example:1',
    'localhost.',
  ])
    expect(refusal({ host }, door)).toBeUndefined();
  for (const host of ['evil.example', '1.2.3.4.evil.example', 'localhost.evil.example', ''])
    expect(refusal({ host }, door)).toMatch(/is not served here/);
  expect(refusal({ host: 'localhost', origin: 'http://a.example' }, door)).toBeUndefined();
  expect(refusal({ host: 'localhost', origin: 'http://localhost' }, door)).toMatch(/Origin/);
});
