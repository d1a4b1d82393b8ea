/**
 * The gateway with everything real: RabbitMQ, and chargers of another house (ocpp-rpc, which refuses answers
 * that break the official schemas).
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RPCClient } from 'ocpp-rpc';
import { WebSocket } from 'ws';
import { TestCharger, testIngest, until } from '../../test/support/ingest.js';
import { readSettings, streamAddress } from '../platform/config.js';
import { silentLogger } from '../platform/logger.js';
import { hashPassword } from '../registry/passwords.js';
import type { FramePublisher, StoredRecord } from '../streams/ports.js';
import { createRabbitInspector } from '../streams/rabbitmq/inspector.js';
import { createRabbitPublisher } from '../streams/rabbitmq/publisher.js';
import { ensureTopology } from '../streams/rabbitmq/topology.js';
import { sayAlive } from './liveness.js';

const address = streamAddress(readSettings());
const prefix = `${process.env.WATTSTREAM_PREFIX ?? ''}ingest-${randomBytes(4).toString('hex')}.`;
const place = { address, prefix, partitions: 3 };

let publisher: FramePublisher;
let ingest: Awaited<ReturnType<typeof testIngest<FramePublisher>>>;

beforeAll(async () => {
  await ensureTopology({ ...place, amqpUrl: readSettings().RABBITMQ_URL, retentionDays: 1 });
  publisher = createRabbitPublisher({ ...place, gateway: 'gw-int' });
  await until(() => publisher.state === 'flowing');
  ingest = await testIngest<FramePublisher>({
    publisher,
    gatewayId: 'gw-int',
    settings: { WATTSTREAM_ALLOW_PLAIN: true, WATTSTREAM_PING_SECONDS: 0.3, WATTSTREAM_HANDSHAKE_MS: 1_000 },
    registry: {
      chargePoints: [
        { id: 'CP-16', securityProfile: 0, station: 'st-1', tariff: 'day@3' },
        { id: 'CP-BASIC', securityProfile: 1, passwordHash: await hashPassword('sixteen letters!') },
        { id: 'CP-201', securityProfile: 0, station: 'st-2', tariff: 'night@1' },
      ],
      tokens: [
        { token: '04A2B3C4', account: 'ac-1' },
        { token: 'LOST', status: 'Blocked' },
      ],
    },
  });
});
afterAll(async () => {
  await ingest.close();
  await publisher.close();
});

/** The log of one charge point, in order. */
async function logOf(chargePointId: string): Promise<StoredRecord[]> {
  const inspector = createRabbitInspector(place);
  const found: StoredRecord[] = [];
  for (const { partition, last } of await inspector.bounds())
    for await (const record of inspector.read(partition, 0, last ?? -1))
      if (record.chargePointId === chargePointId) found.push(record);
  await inspector.close();
  return found;
}

async function rpcClient(identity: string, protocol: string) {
  // Its types want every option, its constructor does not.
  const options = {
    endpoint: ingest.url,
    identity,
    protocols: [protocol],
    strictMode: true,
    reconnect: false,
  };
  const client = new RPCClient(options as ConstructorParameters<typeof RPCClient>[0]);
  const complaints: unknown[] = [];
  client.on('strictValidationFailure', (failure: unknown) => complaints.push(failure));
  await client.connect();
  return { client, complaints };
}

const at = (second: number): string => new Date(Date.UTC(2026, 10, 23, 10, 0, second)).toISOString();

describe('a day in the life', () => {
  test('OCPP 1.6: boot, status, authorize, start, meter values, stop', async () => {
    const { client, complaints } = await rpcClient('CP-16', 'ocpp1.6');
    const boot = await client.call('BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' });
    expect(boot).toMatchObject({ status: 'Accepted', interval: expect.any(Number) });
    await client.call('StatusNotification', {
      connectorId: 1,
      errorCode: 'NoError',
      status: 'Preparing',
      timestamp: at(0),
    });
    expect(await client.call('Authorize', { idTag: '04a2b3c4' })).toMatchObject({
      idTagInfo: { status: 'Accepted' },
    });
    expect(await client.call('Authorize', { idTag: 'lost' })).toMatchObject({
      idTagInfo: { status: 'Blocked' },
    });
    const start = { connectorId: 1, idTag: '04A2B3C4', meterStart: 100, timestamp: at(1) };
    const started = (await client.call('StartTransaction', start)) as { transactionId: number };
    expect(started).toMatchObject({ idTagInfo: { status: 'Accepted' }, transactionId: expect.any(Number) });
    expect(await client.call('StartTransaction', start)).toMatchObject({
      transactionId: started.transactionId,
    });
    const { transactionId } = started;
    await client.call('MeterValues', {
      connectorId: 1,
      transactionId,
      meterValue: [{ timestamp: at(20), sampledValue: [{ value: '350.5' }] }],
    });
    await client.call('StopTransaction', {
      transactionId,
      meterStop: 600,
      timestamp: at(50),
      reason: 'Local',
    });
    await client.close();
    await until(() => ingest.gateway.connectionOf('CP-16') === undefined);
    await until(() => publisher.unconfirmed === 0);

    const log = await logOf('CP-16');
    expect(log.map((record) => record.subject)).toEqual([
      'Connected',
      'BootNotification',
      'StatusNotification',
      'Authorize',
      'Authorize',
      'StartTransaction',
      'StartTransaction',
      'MeterValues',
      'StopTransaction',
      'Disconnected',
    ]);
    expect(log.map((record) => record.seq)).toEqual(log.map((_, index) => index + 1));
    expect(log[5]).toMatchObject({ station: 'st-1', account: 'ac-1', tariff: 'day@3', protocol: 'ocpp1.6' });
    expect(JSON.parse(log[5]!.answer!)).toMatchObject({ transactionId, idTagInfo: { status: 'Accepted' } });
    expect(complaints).toEqual([]);
  });

  test('OCPP 2.0.1: boot, status, a transaction from start to end', async () => {
    const { client, complaints } = await rpcClient('CP-201', 'ocpp2.0.1');
    expect(
      await client.call('BootNotification', {
        reason: 'PowerUp',
        chargingStation: { vendorName: 'V', model: 'M' },
      }),
    ).toMatchObject({ status: 'Accepted' });
    await client.call('StatusNotification', {
      timestamp: at(0),
      connectorStatus: 'Occupied',
      evseId: 1,
      connectorId: 1,
    });
    const event = (eventType: string, seqNo: number, more: object = {}) =>
      client.call('TransactionEvent', {
        eventType,
        timestamp: at(seqNo),
        triggerReason: seqNo === 0 ? 'Authorized' : 'MeterValuePeriodic',
        seqNo,
        transactionInfo: { transactionId: 'tx-1' },
        ...more,
      });
    const idToken = { idToken: '04A2B3C4', type: 'ISO14443' };
    expect(await event('Started', 0, { idToken, evse: { id: 1 } })).toMatchObject({
      idTokenInfo: { status: 'Accepted' },
    });
    await event('Updated', 1, { meterValue: [{ timestamp: at(1), sampledValue: [{ value: 12.5 }] }] });
    expect(await event('Ended', 2)).not.toHaveProperty('totalCost');
    await client.close();
    await until(() => ingest.gateway.connectionOf('CP-201') === undefined && publisher.unconfirmed === 0);
    const log = await logOf('CP-201');
    expect(log.map((record) => record.subject)).toEqual([
      'Connected',
      'BootNotification',
      'StatusNotification',
      'TransactionEvent',
      'TransactionEvent',
      'TransactionEvent',
      'Disconnected',
    ]);
    expect(log[3]).toMatchObject({ station: 'st-2', account: 'ac-1', tariff: 'night@1' });
    expect(complaints).toEqual([]);
  });

  test('our own CALL: recorded, written, answered, and the answer is in the log', async () => {
    const { client } = await rpcClient('CP-CALL', 'ocpp1.6');
    client.handle('ChangeConfiguration', async () => ({ status: 'Accepted' }));
    client.handle('Reset', async () => {
      throw new Error('no');
    });
    const connection = ingest.gateway.connectionOf('CP-CALL')!;
    const [changed, reset] = await Promise.all([
      connection.call('ChangeConfiguration', { key: 'AuthorizationKey', value: 'ff00aa55ff00aa55ff00' }),
      connection.call('Reset', { type: 'Soft' }),
      client.call('Heartbeat', {}),
    ]);
    expect(changed).toMatchObject({ payload: { status: 'Accepted' } });
    expect(reset).toMatchObject({ type: 'CallError', errorCode: expect.any(String) });
    await client.close();
    await until(() => ingest.gateway.connectionOf('CP-CALL') === undefined && publisher.unconfirmed === 0);
    const log = await logOf('CP-CALL');
    const ours = log.filter((record) => record.direction === 'out');
    expect(ours.map((record) => record.subject)).toEqual(['ChangeConfiguration', 'Reset']);
    expect(ours[0]!.body).not.toContain('ff00aa55');
    expect(log.map((record) => record.subject)).toEqual(
      expect.arrayContaining(['CallResult', 'CallError', 'Heartbeat']),
    );
  });
});

test('a gateway says that it started and lives, in every partition', async () => {
  const liveness = sayAlive({
    publisher,
    gateway: 'gw-alive',
    now: Date.now,
    log: silentLogger,
    everyMs: 50,
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  liveness.close();
  await until(() => publisher.unconfirmed === 0);
  const log = await logOf('gw-alive');
  for (const partition of [0, 1, 2]) {
    const subjects = log.filter((record) => record.partition === partition).map((record) => record.subject);
    expect(subjects.slice(0, 2)).toEqual(['GatewayStarted', 'GatewayAlive']);
    expect(subjects).not.toContain(undefined);
  }
});

describe('a healthy charger does not notice', () => {
  /** Sends Heartbeats one after the other while `trouble` runs; each must be answered. */
  async function beside(trouble: () => Promise<unknown>): Promise<void> {
    const healthy = await ingest.charger(`HEALTHY-${randomBytes(3).toString('hex')}`);
    let over = false;
    let count = 0;
    const beating = (async () => {
      while (!over) {
        await healthy.answer(healthy.call('Heartbeat'));
        healthy.inbox.length = 0;
        count++;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await trouble();
    over = true;
    await beating;
    expect(count).toBeGreaterThan(1);
    healthy.socket.terminate();
  }

  test('malformed frames, wrong arity, wrong types, binary, oversize', async () => {
    const bad = [
      '',
      '{',
      'null',
      '[]',
      '[2]',
      '[2,"a"]',
      '[2,"a","Heartbeat"]',
      '[2,"a","Heartbeat",{},1,2,3]',
      '[2,7,"Heartbeat",{}]',
      '[2,"a",7,{}]',
      '[2,"a","Heartbeat",[]]',
      `[2,"${'i'.repeat(40)}","Heartbeat",{}]`,
      '["2","a","Heartbeat",{}]',
      '[9,"a","Heartbeat",{}]',
      '[2,"a","NoSuchAction",{}]',
      '[2,"a","RemoteStopTransaction",{"transactionId":1}]',
      '[2,"a","BootNotification",{"chargePointVendor":5}]',
      '[2,"a","StartTransaction",{"connectorId":"1","idTag":[],"meterStart":1e999,"timestamp":"soon"}]',
      '[2,"a","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"x","sampledValue":[{"value":{}}]}]}]',
      '[2,"__proto__","__proto__",{"__proto__":{"a":1}}]',
      '[2,"a","constructor",{}]',
      '[3,"nobody asked",{}]',
      '[4,"nobody asked","GenericError","",{}]',
      '[4]',
      '[3,"x"]',
      `${'['.repeat(50_000)}`,
      '"\\ud800"',
      '[2,"\\u0000","Heartbeat",{}]',
    ];
    await beside(async () => {
      for (const protocol of ['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1']) {
        for (const [index, text] of bad.entries()) {
          const charger = await ingest.charger(`BAD-${protocol}-${index}`, [protocol]);
          charger.send(text);
          // Whatever was said, the same socket still works, or was closed with a reason.
          charger.call('Heartbeat');
          await Promise.race([charger.answer('m1'), charger.closed]);
          charger.socket.terminate();
        }
      }
      const binary = await ingest.charger('BAD-BINARY');
      binary.socket.send(randomBytes(100));
      expect(await binary.closed).toMatchObject({ code: 1003 });
      const oversize = await ingest.charger('BAD-OVERSIZE');
      oversize.call('DataTransfer', { vendorId: 'v', data: 'x'.repeat(300_000) });
      expect(await oversize.closed).toMatchObject({ code: 1009 });
    });
  }, 60_000);

  test('wrong credentials and unknown protocols', async () => {
    await beside(async () => {
      for (let i = 0; i < 20; i++) {
        const wrong = new WebSocket(`${ingest.url}/CP-BASIC`, ['ocpp1.6'], {
          headers: { authorization: `Basic ${Buffer.from(`CP-BASIC:guess-${i}`).toString('base64')}` },
        });
        expect(String((await once(wrong, 'error'))[0])).toMatch(/401/);
        const unknown = new WebSocket(`${ingest.url}/CP-X`, ['ocpp9.9']);
        expect(String((await once(unknown, 'error'))[0])).toMatch(/no subprotocol/);
      }
    });
  });

  test('half-open sockets, sockets that say nothing, sockets that stop in the middle', async () => {
    await beside(async () => {
      const silent = Array.from({ length: 50 }, () => connect(ingest.port, '127.0.0.1'));
      const half = Array.from({ length: 50 }, () => {
        const socket = connect(ingest.port, '127.0.0.1');
        socket.write('GET /ocpp/HALF HTTP/1.1\r\nHost: x\r\nUpg');
        return socket;
      });
      const frozen = await Promise.all(Array.from({ length: 50 }, (_, i) => ingest.charger(`FROZEN-${i}`)));
      for (const charger of frozen) charger.socket.pause();
      await until(() => !frozen.some((_, i) => ingest.gateway.connectionOf(`FROZEN-${i}`) !== undefined));
      await Promise.all(
        [...silent, ...half].map((socket) => socket.resume().destroyed || once(socket, 'close')),
      );
    });
  }, 60_000);

  test('2 000 connects at once: each is let in or told to come back', async () => {
    await beside(async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 2_000 }, async (_, i) => {
          const charger = new TestCharger(`${ingest.url}/RUSH-${i}`, ['ocpp1.6'], {});
          const refused = new Promise<number>((resolve) =>
            charger.socket.on('unexpected-response', (_request, response) => {
              response.resume();
              resolve(response.statusCode ?? 0);
            }),
          );
          const failed = new Promise<number>((resolve) => charger.socket.once('error', () => resolve(-1)));
          const opened = once(charger.socket, 'open').then(
            () => 101,
            () => -1,
          );
          const status = await Promise.race([refused, opened, failed]);
          charger.socket.terminate();
          return status;
        }),
      );
      const count = (status: number) => outcomes.filter((outcome) => outcome === status).length;
      expect(count(101)).toBeGreaterThanOrEqual(1_000);
      expect(count(101) + count(503)).toBe(2_000);
    });
  }, 60_000);
});
