import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  ensureJwtSecret,
  readEndpoints,
  withLocalBroker,
  withLocalInstallation,
  writeEndpoints,
} from './installation.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wattstream-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const roles = {
  clickhouse: 'http://127.0.0.1:8124',
  api: 'http://127.0.0.1:8081',
  ingest: 'ws://127.0.0.1:9221/ocpp',
};
const env = () => ({ WATTSTREAM_DATA: folder });

function brokerRuns(pid = process.pid): void {
  mkdirSync(join(folder, 'rabbitmq'));
  const endpoint = {
    amqp: 'amqp://a:1',
    stream: 'rabbitmq-stream://a:2',
    management: 'http://a:3',
    pid,
    born: '1',
  };
  writeFileSync(join(folder, 'rabbitmq', 'endpoint.json'), JSON.stringify(endpoint));
}

/** Above the largest pid Linux gives out. */
const NOBODY = 2 ** 22 + 1;

test('a running installation needs no settings', () => {
  brokerRuns();
  writeEndpoints(folder, roles);
  expect(withLocalInstallation(env())).toEqual({
    WATTSTREAM_DATA: folder,
    RABBITMQ_URL: 'amqp://a:1',
    RABBITMQ_STREAM_URL: 'rabbitmq-stream://a:2',
    RABBITMQ_MANAGEMENT_URL: 'http://a:3',
    CLICKHOUSE_URL: roles.clickhouse,
  });
});

test('what the environment says wins', () => {
  brokerRuns();
  writeEndpoints(folder, roles);
  const given = { ...env(), RABBITMQ_STREAM_URL: 'rabbitmq-stream://mine', CLICKHOUSE_URL: 'http://mine' };
  expect(withLocalInstallation(given)).toEqual(given);
});

test('`up` is not told of a database: it would start none', () => {
  brokerRuns();
  writeEndpoints(folder, roles);
  expect(withLocalBroker(env())).not.toHaveProperty('CLICKHOUSE_URL');
});

test('files that a killed process left behind count for nothing', () => {
  brokerRuns(NOBODY);
  writeEndpoints(folder, roles, NOBODY);
  expect(withLocalInstallation(env())).toEqual(env());
});

test('a stopped installation has taken its file away; a damaged one counts for nothing', () => {
  const remove = writeEndpoints(folder, roles);
  expect(readEndpoints(env())).toMatchObject(roles);
  remove();
  expect(readEndpoints(env())).toBeUndefined();
  writeFileSync(join(folder, 'endpoints.json'), '{"clickhouse":');
  expect(readEndpoints(env())).toBeUndefined();
});

test('the secret of tokens is made once, for its owner alone, and commands beside it sign with it', () => {
  const secret = ensureJwtSecret(folder);
  expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
  // Logins outlive a restart.
  expect(ensureJwtSecret(folder)).toBe(secret);
  expect(readdirSync(folder)).toEqual(['jwt.secret']);
  expect(statSync(join(folder, 'jwt.secret')).mode & 0o777).toBe(0o600);
  expect(withLocalInstallation(env())).toMatchObject({ WATTSTREAM_JWT_SECRET: secret });
  const given = { ...env(), WATTSTREAM_JWT_SECRET: 'mine' };
  expect(withLocalInstallation(given)).toMatchObject({ WATTSTREAM_JWT_SECRET: 'mine' });
});
