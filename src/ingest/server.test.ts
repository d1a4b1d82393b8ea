import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type ClientOptions, WebSocket } from 'ws';
import { aWhile, type TestOptions, testIngest, until } from '../../test/support/ingest.js';
import { hashPassword } from '../registry/passwords.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
async function start(options: TestOptions = {}) {
  const ingest = await testIngest(options);
  open.push(ingest);
  return ingest;
}

interface Outcome {
  status: number;
  code?: string;
  headers: Record<string, string | string[] | undefined>;
  protocol?: string;
}

/** Tries to connect, says what came of it, and lets go. 101 = let in. */
async function knock(url: string, options: ClientOptions = {}, protocols = ['ocpp1.6']): Promise<Outcome> {
  const socket = new WebSocket(url, protocols, options);
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => resolve({ status: 101, headers: {}, protocol: socket.protocol }));
      socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            code: body.split(':')[0] ?? '',
            headers: response.headers,
          }),
        );
      });
    });
  } finally {
    socket.on('error', () => {});
    socket.terminate();
  }
}
const basic = (user: string, password: string | Buffer): ClientOptions => ({
  headers: {
    authorization: `Basic ${Buffer.concat([Buffer.from(`${user}:`), Buffer.from(password as string)]).toString('base64')}`,
  },
});

describe('who is let in', () => {
  const KEY = 'ff00aa55ff00aa55ff00aa55ff00aa55ff00aa55';

  test('unknown charge points get 404, unless strangers are welcome', async () => {
    const strict = await start({ settings: { WATTSTREAM_ACCEPT_UNKNOWN: false } });
    expect(await knock(`${strict.url}/CP`)).toMatchObject({ status: 404, code: 'CHARGE_POINT_UNKNOWN' });
    expect(strict.publisher.handed).toEqual([]);
    const open = await start();
    expect(await knock(`${open.url}/CP`)).toMatchObject({ status: 101 });
  });

  test('profile 1: the password of the charge point itself, as text, hex digits or raw bytes', async () => {
    const { url, publisher, metric } = await start({
      registry: {
        chargePoints: [
          { id: 'A:1', securityProfile: 1, passwordHash: await hashPassword(KEY) },
          { id: 'B', securityProfile: 1, passwordHash: await hashPassword('another password') },
        ],
      },
    });
    const at = `${url}/A%3A1`;
    expect(await knock(at)).toMatchObject({
      status: 401,
      code: 'CREDENTIALS_MISSING',
      headers: { 'www-authenticate': expect.stringContaining('Basic realm=') },
    });
    expect(await knock(at, basic('A:1', 'wrong'))).toMatchObject({ status: 401, code: 'CREDENTIALS_WRONG' });
    expect(await knock(at, basic('B', 'another password'))).toMatchObject({ status: 401 });
    expect(await knock(at, { headers: { authorization: 'Bearer x' } })).toMatchObject({ status: 401 });
    expect(publisher.handed).toEqual([]);
    expect(await metric('wattstream_ingest_refusals_total{reason="CREDENTIALS_WRONG"}')).toBe(3);
    expect(await knock(at, basic('A:1', Buffer.from(KEY, 'hex')))).toMatchObject({ status: 101 });
    expect(await knock(at, basic('A:1', KEY))).toMatchObject({ status: 101 });
    await until(() => publisher.handed.length > 0);
    expect(JSON.parse(publisher.handed[0]!.body)).toMatchObject({ securityProfile: 1 });
  });

  test('profiles 2 and 3 need TLS, profile 0 needs a setting', async () => {
    const registry = {
      chargePoints: [
        { id: 'P0', securityProfile: 0 as const },
        { id: 'P2', securityProfile: 2 as const, passwordHash: await hashPassword('sixteen letters!') },
        { id: 'P3', securityProfile: 3 as const },
      ],
    };
    const { url } = await start({ registry });
    expect(await knock(`${url}/P0`)).toMatchObject({ status: 403, code: 'PLAIN_NOT_ALLOWED' });
    expect(await knock(`${url}/P2`, basic('P2', 'sixteen letters!'))).toMatchObject({
      status: 403,
      code: 'TLS_REQUIRED',
    });
    expect(await knock(`${url}/P3`)).toMatchObject({ status: 403, code: 'TLS_REQUIRED' });
    const lenient = await start({ registry, settings: { WATTSTREAM_ALLOW_PLAIN: true } });
    expect(await knock(`${lenient.url}/P0`)).toMatchObject({ status: 101 });
  });
});

describe('TLS', () => {
  const pem = (name: string): Buffer => readFileSync(new URL(`../../test/data/tls/${name}`, import.meta.url));

  test('profile 2 by password, profile 3 by a certificate of the CA whose CN is the charge point', async () => {
    const { url: plain, publisher } = await start({
      tls: { cert: pem('server.crt'), key: pem('server.key'), ca: pem('ca.crt') },
      registry: {
        chargePoints: [
          { id: 'P2', securityProfile: 2, passwordHash: await hashPassword('sixteen letters!') },
          { id: 'P3', securityProfile: 3 },
          { id: 'P3-other', securityProfile: 3, certificateCommonName: 'SERIAL-7' },
        ],
      },
    });
    const url = plain.replace('ws:', 'wss:');
    const server: ClientOptions = { rejectUnauthorized: false };
    const by = (name: string): ClientOptions => ({
      ...server,
      cert: pem(`${name}.crt`),
      key: pem(`${name}.key`),
    });
    expect(await knock(`${url}/P2`, { ...server, ...basic('P2', 'sixteen letters!') })).toMatchObject({
      status: 101,
    });
    expect(await knock(`${url}/P2`, { ...server, ...basic('P2', 'wrong') })).toMatchObject({ status: 401 });
    expect(await knock(`${url}/P3`, server)).toMatchObject({ status: 401, code: 'CERTIFICATE_MISSING' });
    expect(await knock(`${url}/P3`, by('forged'))).toMatchObject({
      status: 401,
      code: 'CERTIFICATE_MISSING',
    });
    expect(await knock(`${url}/P3`, by('SERIAL-7'))).toMatchObject({
      status: 401,
      code: 'CERTIFICATE_OTHER',
    });
    expect(publisher.handed.filter((record) => record.chargePointId === 'P3')).toEqual([]);
    expect(await knock(`${url}/P3`, by('P3'))).toMatchObject({ status: 101 });
    expect(await knock(`${url}/P3-other`, by('SERIAL-7'))).toMatchObject({ status: 101 });
    const profiles = publisher.handed
      .filter((record) => record.subject === 'Connected')
      .map((record) => JSON.parse(record.body).securityProfile);
    expect(profiles).toEqual([2, 3, 3]);
  });
});

describe('what is asked for', () => {
  test('the client’s preference decides among the protocols we speak', async () => {
    const { url } = await start();
    expect(await knock(`${url}/A`, {}, ['ocpp9.9', 'ocpp2.0.1', 'ocpp1.6'])).toMatchObject({
      protocol: 'ocpp2.0.1',
    });
    expect(await knock(`${url}/A`, {}, ['ocpp1.6', 'ocpp2.1'])).toMatchObject({ protocol: 'ocpp1.6' });
    expect(await knock(`${url}/A`, {}, ['ocpp2.1'])).toMatchObject({ protocol: 'ocpp2.1' });
  });

  test.each([[['ocpp1.5']], [[]]])(
    'no common protocol in %p: handshake without the header, then closed',
    async (offer) => {
      const { port, publisher, metric } = await start();
      const socket = connect(port, '127.0.0.1');
      const header = offer.length === 0 ? '' : `Sec-WebSocket-Protocol: ${offer.join(', ')}\r\n`;
      socket.write(
        `GET /ocpp/CP HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${header}\r\n`,
      );
      let received = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
      });
      await until(() => received.includes('is needed.'));
      const [head, frame] = [
        received.toString('latin1').split('\r\n\r\n')[0]!,
        received.subarray(received.indexOf('\r\n\r\n') + 4),
      ];
      expect(head).toMatch(/^HTTP\/1.1 101 /);
      expect(head).not.toMatch(/sec-websocket-protocol/i);
      expect([frame[0], frame.readUInt16BE(2)]).toEqual([0x88, 1002]);
      socket.destroy();
      expect(publisher.handed).toEqual([]);
      expect(await metric('wattstream_ingest_refusals_total{reason="NO_COMMON_PROTOCOL"}')).toBe(1);
    },
  );

  test('ids are decoded, and judged', async () => {
    const { url, publisher } = await start();
    expect(await knock(`${url}/RDAM%20123?token=1`)).toMatchObject({ status: 101 });
    expect(publisher.handed[0]!.chargePointId).toBe('RDAM 123');
    for (const bad of ['', 'a/b', 'a%2Fb', 'a%0Ab', 'a%00', '%ff', '%', 'sm%C3%B8rbr%C3%B8d', 'x'.repeat(49)])
      expect([bad, await knock(`${url}/${bad}`)]).toMatchObject([bad, { status: 400, code: 'ID_INVALID' }]);
    expect(await knock(url.replace('/ocpp', '/OCPP/CP'))).toMatchObject({
      status: 404,
      code: 'NOT_OCPP_PATH',
    });
  });

  test('plain HTTP is told what this port is for', async () => {
    const { url } = await start();
    const answer = await fetch(`${url.replace('ws:', 'http:')}/CP`);
    expect([answer.status, await answer.text()]).toMatchObject([
      426,
      expect.stringMatching(/^NOT_WEBSOCKET: /),
    ]);
  });

  test('headers without end and requests without end are cut off', async () => {
    const { port, metric } = await start({ settings: { WATTSTREAM_HANDSHAKE_MS: 200 } });
    const large = connect(port, '127.0.0.1');
    large.write(`GET /ocpp/CP HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(9_000)}\r\n\r\n`);
    expect(String((await once(large, 'data'))[0])).toMatch(/^HTTP\/1.1 431 .*HEADERS_TOO_LARGE/s);
    const slow = connect(port, '127.0.0.1');
    slow.write('GET /ocpp/CP HTTP/1.1\r\nHost:');
    expect(String((await once(slow, 'data'))[0])).toMatch(/^HTTP\/1.1 408 .*HANDSHAKE_TIMEOUT/s);
    const rubbish = connect(port, '127.0.0.1');
    rubbish.write('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n');
    expect(String((await once(rubbish, 'data'))[0])).toMatch(/^HTTP\/1.1 400 .*BAD_REQUEST/s);
    expect(await metric('wattstream_ingest_refusals_total{reason="HANDSHAKE_TIMEOUT"}')).toBe(1);
  });
});

describe('when it is too much', () => {
  test('stalled: upgrades get 503 with a Retry-After, until confirms are back', async () => {
    const { url, publisher } = await start();
    publisher.become('stalled');
    const refused = await knock(`${url}/CP`);
    expect(refused).toMatchObject({ status: 503, code: 'STALLED' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(2);
    publisher.become('flowing');
    expect(await knock(`${url}/CP`)).toMatchObject({ status: 101 });
  });

  test('one address may hold so many sockets, those that never say a word included', async () => {
    const { url, port } = await start({ settings: { WATTSTREAM_CONNECTIONS_PER_ADDRESS: 3 } });
    const silent = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    await aWhile();
    expect(await knock(`${url}/A`)).toMatchObject({ status: 101 });
    await aWhile();
    silent.push(connect(port, '127.0.0.1'));
    await once(silent[2]!, 'connect');
    expect(await knock(`${url}/B`)).toMatchObject({ status: 429, code: 'TOO_MANY_FROM_ADDRESS' });
    for (const socket of silent) socket.destroy();
    await aWhile();
    expect(await knock(`${url}/B`)).toMatchObject({ status: 101 });
  });

  test('a rush is let in at a pace; those inside do not notice', async () => {
    const ingest = await start({ admission: { perSecond: 10, burst: 20, concurrent: 64 } });
    const inside = await ingest.charger('INSIDE');
    const outcomes = await Promise.all(Array.from({ length: 60 }, (_, i) => knock(`${ingest.url}/R${i}`)));
    const letIn = outcomes.filter((outcome) => outcome.status === 101).length;
    expect(letIn).toBeGreaterThanOrEqual(19);
    expect(letIn).toBeLessThan(40);
    const away = outcomes.filter((outcome) => outcome.code === 'RUSH');
    expect(away.length).toBe(60 - letIn);
    expect(new Set(away.map((outcome) => outcome.headers['retry-after'])).size).toBeGreaterThan(5);
    await inside.answer(inside.call('Heartbeat'));
  });
});
