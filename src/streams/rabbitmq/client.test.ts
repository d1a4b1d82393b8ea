import { expect, test } from '@jest/globals';
import { Connection } from 'rabbitmq-stream-js-client/dist/connection.js';
import { CLIENT_VERSION, checkClientVersion } from './client.js';

test('only the client version is let in whose internals were read', () => {
  expect(() => checkClientVersion()).not.toThrow();
  expect(() => checkClientVersion(CLIENT_VERSION)).not.toThrow();
  expect(() => checkClientVersion('1.1.0')).toThrow(
    expect.objectContaining({ code: 'STREAM_CLIENT_VERSION' }),
  );
});

test('the internals that are used are there', () => {
  const inside = Connection.prototype as unknown as Record<string, unknown>;
  for (const method of [
    'received',
    'getCompression',
    'exchangeProperties',
    'auth',
    'tune',
    'open',
    'exchangeCommandVersions',
    'sendAndWait',
    'getConnectionInfo',
  ])
    expect([method, typeof inside[method]]).toEqual([method, 'function']);
});
