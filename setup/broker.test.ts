import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { inVhost } from './broker/management.mjs';
import { addresses, provideBroker } from './broker.mjs';
import { createSay } from './say.mjs';

const say = createSay({ write: () => {} });
const listener = createServer((socket) => socket.destroy());
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterAll(() => {
  listener.close();
});

test('each address is derived from the other, with credentials and virtual host', () => {
  expect(addresses({ RABBITMQ_URL: 'amqp://me:p%40ss@broker:5673/v' })).toEqual({
    amqpUrl: 'amqp://me:p%40ss@broker:5673/v',
    streamUrl: 'rabbitmq-stream://me:p%40ss@broker:5552/v',
    managementUrl: 'http://broker:15672',
  });
  expect(addresses({ RABBITMQ_STREAM_URL: 'rabbitmq-stream+tls://me:you@broker/v' })).toMatchObject({
    amqpUrl: 'amqps://me:you@broker:5671/v',
    managementUrl: 'https://broker:15671',
  });
});

test('several nodes of a cluster: each address is derived, one management is enough', () => {
  expect(addresses({ RABBITMQ_URL: 'amqp://a:1/v,amqp://b:2/v' })).toEqual({
    amqpUrl: 'amqp://a:1/v,amqp://b:2/v',
    streamUrl: 'rabbitmq-stream://a:5552/v,rabbitmq-stream://b:5552/v',
    managementUrl: 'http://a:15672',
  });
  expect(inVhost('amqp://u:p@a:1,amqp://u:p@b:2/x', 'own')).toBe('amqp://u:p@a:1/own,amqp://u:p@b:2/own');
});

test('of several nodes one that answers is enough', async () => {
  const env = { RABBITMQ_URL: `amqp://127.0.0.1:1,amqp://127.0.0.1:${port}` };
  const streams = { RABBITMQ_STREAM_URL: `rabbitmq-stream://127.0.0.1:${port}` };
  const broker = await provideBroker({ dataDir: '/nowhere', say, env: { ...env, ...streams } });
  await broker.ready;
});

test('an address that is none is refused without showing its password', () => {
  expect(() => addresses({ RABBITMQ_URL: '//me:secret@broker' })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('secret') }),
  );
});

test('a given broker that does not answer is named, with its variable', async () => {
  const env = {
    RABBITMQ_URL: `amqp://guest:guest@127.0.0.1:${port}`,
    RABBITMQ_STREAM_URL: 'rabbitmq-stream://guest:guest@127.0.0.1:1',
  };
  const broker = await provideBroker({ dataDir: '/nowhere', say, env });
  await expect(broker.ready).rejects.toThrow('Nothing answers at 127.0.0.1:1 (RABBITMQ_STREAM_URL)');
  await broker.stop();
});

test('a given broker is taken as it is, and left alone', async () => {
  const url = `amqp://guest:guest@127.0.0.1:${port}/own`;
  const streamUrl = `rabbitmq-stream://guest:guest@127.0.0.1:${port}/own`;
  const broker = await provideBroker({
    dataDir: '/nowhere',
    say,
    env: { RABBITMQ_URL: url, RABBITMQ_STREAM_URL: streamUrl },
  });
  await broker.ready;
  expect(broker).toMatchObject({ amqpUrl: url, streamUrl, how: 'as given by RABBITMQ_URL' });
  await broker.stop();
  expect(listener.listening).toBe(true);
});

test('a virtual host goes into both kinds of address', () => {
  expect(inVhost('amqp://guest:guest@127.0.0.1:5672', 'a/b')).toBe('amqp://guest:guest@127.0.0.1:5672/a%2Fb');
  expect(inVhost('rabbitmq-stream://guest:guest@127.0.0.1:5552/old', 'new')).toBe(
    'rabbitmq-stream://guest:guest@127.0.0.1:5552/new',
  );
});
