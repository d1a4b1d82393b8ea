/** One attempt, over real sockets: signed, bounded in time, and never to an address of ours. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Webhook as Verifier } from 'standardwebhooks';
import { checkUrl, createPost, type PostOptions } from './post.js';
import { newSecret } from './secret.js';

jest.setTimeout(30_000);

let server: Server;
let port: number;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
const calls: { headers: IncomingMessage['headers']; body: string; url: string }[] = [];

beforeEach(async () => {
  calls.length = 0;
  answer = (_, response) => void response.writeHead(204).end();
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      calls.push({ headers: request.headers, body, url: request.url ?? '' });
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const options: PostOptions = {
  allowHttp: true,
  allowAddresses: ['127.0.0.1'],
  timeoutMs: 5_000,
  now: Date.now,
};
const secret = newSecret();
const post = (url: string, more: Partial<PostOptions> = {}, secrets = [secret]) =>
  createPost({ ...options, ...more })({ id: 'n1', url, body: '{"id":"n1"}', secrets });

describe('what is sent', () => {
  test('verifies by Standard Webhooks, with the secret of now and with the one before', async () => {
    const former = newSecret();
    expect(await post(`http://127.0.0.1:${port}/hook`, {}, [secret, former])).toMatchObject({
      outcome: 'delivered',
      status: 204,
    });
    const [{ headers, body }] = calls as [(typeof calls)[number]];
    expect(headers['content-type']).toBe('application/json');
    for (const one of [secret, former])
      expect(new Verifier(one).verify(body, headers as Record<string, string>)).toEqual({ id: 'n1' });
    expect(() => new Verifier(newSecret()).verify(body, headers as Record<string, string>)).toThrow();
  });

  test.each([
    [200, 'delivered'],
    [299, 'delivered'],
    [302, 'failed'],
    [400, 'failed'],
    [410, 'gone'],
    [500, 'failed'],
  ])('%i is %s', async (status, outcome) => {
    answer = (_, response) => void response.writeHead(status).end();
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ outcome, status });
  });

  test('a receiver that asks for time is heard', async () => {
    answer = (_, response) => void response.writeHead(503, { 'retry-after': '30' }).end();
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({
      outcome: 'failed',
      retryAfterMs: 30_000,
    });
  });
});

describe('a receiver that behaves badly', () => {
  test('and never answers costs the time limit, no more', async () => {
    answer = () => {};
    expect(await post(`http://127.0.0.1:${port}/`, { timeoutMs: 200 })).toMatchObject({
      outcome: 'failed',
      status: null,
      detail: 'no answer within 200 ms',
    });
  });

  test('and answers without end is not listened to', async () => {
    let closed: () => void;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    answer = (_, response) => {
      response.writeHead(200);
      const more = setInterval(() => response.write('x'.repeat(10_000)), 1);
      response.on('close', () => {
        clearInterval(more);
        closed();
      });
    };
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ outcome: 'delivered' });
    await gone;
  });

  test('and sends us elsewhere is not followed: not to the inside, not to anywhere', async () => {
    answer = (_, response) =>
      void response.writeHead(307, { location: `http://127.0.0.1:${port}/inside` }).end();
    expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({
      outcome: 'failed',
      detail: expect.stringContaining('redirects are not followed'),
    });
    expect(calls.map(({ url }) => url)).toEqual(['/']);
  });
});

describe('addresses of ours are not spoken to', () => {
  test.each([
    'http://127.0.0.1',
    'http://2130706433',
    'http://0x7f000001',
    'http://0177.0.0.1',
    'http://127.1',
    'http://0.0.0.0',
    'http://[::1]',
    'http://[::]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[64:ff9b::7f00:1]',
    'http://localhost',
    'http://localhost.',
    'http://ip6-localhost',
    'http://169.254.169.254',
    'http://[fd00:ec2::254]',
    'http://[fe80::1]',
    'http://10.0.0.1',
    'http://172.16.0.1',
    'http://192.168.0.1',
    'http://100.64.0.1',
    'http://224.0.0.1',
    'http://255.255.255.255',
  ])('%s', async (url) => {
    const posted = await post(`${url}:${port}/latest/meta-data`, { allowAddresses: [], timeoutMs: 3_000 });
    expect(posted).toMatchObject({ outcome: 'failed', status: null });
    // Refused by us, not by whoever happens not to be there.
    expect(posted.detail).toMatch(/is not allowed|ENOTFOUND|EAI_AGAIN/);
    expect(calls).toEqual([]);
  });

  test('a name that resolves to one of ours is found out when the connection is made', async () => {
    const { detail } = await post(`http://localhost:${port}/`, { allowAddresses: [] });
    expect(detail).toMatch(/DNS lookup .* is not allowed/);
    expect(calls).toEqual([]);
  });

  test('an allowed one is allowed alone', async () => {
    const allowAddresses = ['127.0.0.0/30'];
    expect(await post(`http://127.0.0.1:${port}/`, { allowAddresses })).toMatchObject({
      outcome: 'delivered',
    });
    expect(await post(`http://127.0.0.9:${port}/`, { allowAddresses })).toMatchObject({ outcome: 'failed' });
  });
});

test.each([
  'ftp://example.org',
  'http://example.org',
  'https://user:pw@example.org',
  'no url',
  'file:///etc/passwd',
])('%s is not taken as an address', (url) => {
  expect(() => checkUrl(url, { allowHttp: false })).toThrow(
    expect.objectContaining({ code: 'WEBHOOK_URL_REFUSED' }),
  );
});
