import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { born } from '../lock.mjs';
import { readEndpoint, removeEndpoint, writeEndpoint } from './endpoint.mjs';

const folder = mkdtempSync(join(tmpdir(), 'wattstream-endpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));

const addresses = {
  amqp: 'amqp://guest:guest@127.0.0.1:1',
  stream: 'rabbitmq-stream://guest:guest@127.0.0.1:2',
  management: 'http://127.0.0.1:3',
};

test('the tests of a checkout find the broker of its running start', () => {
  const endpoint = { ...addresses, pid: process.pid, born: born(process.pid) ?? '' };
  writeEndpoint(folder, endpoint);
  expect(readEndpoint(folder)).toEqual(endpoint);
  removeEndpoint(folder);
  expect(readEndpoint(folder)).toBeUndefined();
});

test('a broker killed with -9 leaves a file that nobody believes', async () => {
  const broker = spawn('sleep', ['60']);
  writeEndpoint(folder, { ...addresses, pid: broker.pid ?? 0, born: born(broker.pid ?? 0) ?? '' });
  expect(readEndpoint(folder)).toMatchObject(addresses);
  const gone = new Promise((resolve) => broker.once('exit', resolve));
  broker.kill('SIGKILL');
  await gone;
  expect(readEndpoint(folder)).toBeUndefined();
});

test('nor is another process with the same pid taken for it', () => {
  writeEndpoint(folder, { ...addresses, pid: process.pid, born: 'another time' });
  expect(readEndpoint(folder)).toBeUndefined();
});

test('half a file is no endpoint', () => {
  writeFileSync(join(folder, 'endpoint.json'), '{"amqp":"amqp://x"');
  expect(readEndpoint(folder)).toBeUndefined();
});
