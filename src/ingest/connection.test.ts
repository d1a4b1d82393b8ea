import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { GatedPublisher } from '../../test/support/gated-publisher.js';
import { aWhile, type TestOptions, testIngest, until } from '../../test/support/ingest.js';
import { staticDirectory } from '../registry/static.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
async function start(options: TestOptions & { publisher?: GatedPublisher } = {}) {
  const ingest = await testIngest(options);
  open.push(ingest);
  return ingest;
}

describe('answered means kept', () => {
  test('a CALL is not answered before its frame is confirmed', async () => {
    const { publisher, charger } = await start();
    const cp = await charger('CP');
    await until(() => publisher.handed.length === 1);
    publisher.hold();
    const id = cp.call('Heartbeat');
    await until(() => publisher.handed.length === 2);
    await aWhile();
    expect(cp.inbox).toEqual([]);
    publisher.confirm(1);
    expect(await cp.answer(id)).toMatchObject([3, id, { currentTime: expect.any(String) }]);
  });

  test('several CALLs at once are published at once and answered in order, whatever order confirms have', async () => {
    const { publisher, charger } = await start();
    const cp = await charger('CP');
    await until(() => publisher.handed.length === 1);
    publisher.hold();
    const ids = [1, 2, 3, 4].map(() => cp.call('Heartbeat'));
    await until(() => publisher.unconfirmed === 4);
    publisher.confirmNewest();
    publisher.confirm(2);
    await cp.answer(ids[1]!);
    await aWhile();
    expect(cp.inbox).toHaveLength(2);
    publisher.flow();
    await cp.answer(ids[3]!);
    expect(cp.inbox.map((text) => JSON.parse(text)[1])).toEqual(ids);
  });

  test('a frame that cannot be kept is not answered; the charger is told to go', async () => {
    const { charger } = await start({ publisher: new GatedPublisher({ maxRecordBytes: 300 }) });
    const cp = await charger('CP');
    cp.call('DataTransfer', { vendorId: 'v', data: 'x'.repeat(400) });
    expect(await cp.closed).toMatchObject({ code: 1009 });
    expect(cp.inbox).toEqual([]);
  });
});

describe('who may charge', () => {
  const startOf = (cp: Awaited<ReturnType<Awaited<ReturnType<typeof start>>['charger']>>, at: number) =>
    cp.call('StartTransaction', {
      ...{ connectorId: 1, idTag: 'CARD', meterStart: 0 },
      timestamp: new Date(at).toISOString(),
    });
  const statusOf = async (cp: Parameters<typeof startOf>[0], at: number): Promise<unknown> => {
    const [, , payload] = (await cp.answer(startOf(cp, at))) as [number, string, { idTagInfo: object }];
    return payload.idTagInfo;
  };

  test('whose charger has gone may charge at another one; while it is here he may not', async () => {
    const { charger, gateway } = await start({ registry: { tokens: [{ token: 'CARD' }] } });
    const [home, away] = [await charger('HOME'), await charger('AWAY')];
    const at = Date.now();
    expect(await statusOf(home, at)).toEqual({ status: 'Accepted' });
    expect(await statusOf(away, at)).toEqual({ status: 'ConcurrentTx' });
    home.socket.terminate();
    await until(() => gateway.connectionOf('HOME') === undefined);
    expect(await statusOf(away, at + 1_000)).toEqual({ status: 'Accepted' });
  });

  test('a start is judged as of now where it is newer than its connection, else as of its own time', async () => {
    const HOUR = 3_600_000;
    let now = Date.UTC(2026, 10, 26, 10);
    const blockedAt = now + HOUR;
    const { charger } = await start({
      clock: { now: () => now, monotonic: () => performance.now() },
      directory: {
        ...staticDirectory({}, { acceptUnknown: true }),
        authorize: (_token, at) => ({ status: at < blockedAt ? 'Accepted' : 'Blocked' }),
      },
    });
    const cp = await charger('CP');
    const [before, after] = [now - 0.7 * HOUR, now + 0.7 * HOUR];
    await statusOf(cp, now);
    now += 2 * HOUR;
    expect(await statusOf(cp, after)).toEqual({ status: 'Blocked' });
    expect(await statusOf(cp, before)).toEqual({
      ...{ status: 'Accepted', expiryDate: new Date(now).toISOString() },
    });
  });
});

describe('an answer to a CALL of ours', () => {
  const asked = async () => {
    const { publisher, charger, gateway } = await start();
    const cp = await charger('CP');
    await until(() => gateway.connectionOf('CP') !== undefined);
    const answer = gateway.connectionOf('CP')?.call('ClearCache', {}, { messageId: 'c1' });
    answer?.catch(() => {});
    await until(() => cp.inbox.length === 1);
    return { publisher, cp, gateway, answer };
  };

  test('that was read before the charger went counts when it is kept: a charger with a new key answers and goes', async () => {
    const { publisher, cp, gateway, answer } = await asked();
    publisher.hold();
    cp.send(JSON.stringify([3, 'c1', { status: 'Accepted' }]));
    cp.socket.close();
    await until(() => gateway.connectionOf('CP') === undefined);
    publisher.flow();
    expect(await answer).toMatchObject({ type: 'CallResult', payload: { status: 'Accepted' } });
  });

  test('that did not come before it went will not come', async () => {
    const { cp, answer } = await asked();
    cp.socket.close();
    await expect(answer).rejects.toMatchObject({ code: 'CALL_UNANSWERED', why: 'gone' });
  });
});

describe('the log of a connection', () => {
  test('Connected, frames and Disconnected, numbered, byte for byte', async () => {
    const { publisher, charger } = await start({ registry: { chargePoints: [] } });
    const cp = await charger('RDAM 123');
    const text = ' [2, "a1",\t"Heartbeat", {} ] ';
    cp.send(text);
    await cp.answer('a1');
    cp.socket.close(1000, 'bye');
    await until(() => publisher.handed.length === 3);
    expect(publisher.handed).toMatchObject([
      { subject: 'Connected', seq: 1, chargePointId: 'RDAM 123', protocol: 'ocpp1.6', gateway: 'gw-test' },
      { subject: 'Heartbeat', seq: 2, body: text, messageId: 'a1', direction: 'in' },
      { subject: 'Disconnected', seq: 3, body: '{"code":1000,"reason":"bye"}' },
    ]);
    expect(JSON.parse(publisher.handed[0]!.body)).toEqual({
      address: '127.0.0.1',
      protocol: 'ocpp1.6',
      securityProfile: 0,
    });
    expect(new Set(publisher.handed.map((record) => record.connection)).size).toBe(1);
  });

  test('the newest connection wins: the old one’s Disconnected lies before the new one’s Connected', async () => {
    const { publisher, charger, gateway } = await start();
    const old = await charger('CP');
    await until(() => publisher.handed.length === 1);
    publisher.hold();
    old.call('Heartbeat');
    await until(() => publisher.handed.length === 2);
    const newer = await charger('CP');
    expect(await old.closed).toMatchObject({ code: 4001 });
    publisher.flow();
    await newer.answer(newer.call('Heartbeat'));
    const [first, second] = [publisher.handed[0]!.connection, publisher.handed.at(-1)!.connection];
    expect(first).not.toBe(second);
    expect(publisher.handed.map((record) => [record.subject, record.connection])).toEqual([
      ['Connected', first],
      ['Heartbeat', first],
      ['Disconnected', first],
      ['Connected', second],
      ['Heartbeat', second],
    ]);
    expect(old.inbox).toEqual([]);
    expect(newer.inbox).toHaveLength(1);
    expect(gateway.size).toBe(1);
  });

  test('a frame that may start a transaction carries what the registry said', async () => {
    const { publisher, charger } = await start({
      registry: { chargePoints: [{ id: 'CP', securityProfile: 0, station: 'st-1', tariff: 'day@3' }] },
      settings: { WATTSTREAM_ALLOW_PLAIN: true },
    });
    const cp = await charger('CP');
    const timestamp = new Date().toISOString();
    await cp.answer(cp.call('StartTransaction', { connectorId: 1, idTag: 'T', meterStart: 5, timestamp }));
    await cp.answer(cp.call('Heartbeat'));
    expect(publisher.handed[1]).toMatchObject({
      subject: 'StartTransaction',
      station: 'st-1',
      tariff: 'day@3',
    });
    expect(publisher.handed[2]!.station).toBeUndefined();
  });

  test("a frame with signed meter data carries the keys of the charge point's meters", async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const key = publicKey.export({ format: 'der', type: 'spki' }).toString('hex');
    const { publisher, charger } = await start({
      registry: { chargePoints: [{ id: 'CP', securityProfile: 0, meterKeys: [key] }] },
      settings: { WATTSTREAM_ALLOW_PLAIN: true },
    });
    const cp = await charger('CP');
    const timestamp = new Date().toISOString();
    const values = (sampled: object) => ({
      connectorId: 1,
      meterValue: [{ timestamp, sampledValue: [sampled] }],
    });
    await cp.answer(cp.call('MeterValues', values({ value: 'OCMF|{}|{}', format: 'SignedData' })));
    await cp.answer(cp.call('MeterValues', values({ value: '12' })));
    expect(publisher.handed.slice(1).map((record) => record.meterKeys)).toEqual([key, undefined]);
  });
});

describe('holding back', () => {
  test('while the publisher is full nothing more is read; then it goes on where it was', async () => {
    const { publisher, charger } = await start();
    const cp = await charger('CP');
    await cp.answer(cp.call('Heartbeat'));
    publisher.become('full');
    const id = cp.call('Heartbeat');
    await aWhile();
    expect(publisher.handed).toHaveLength(2);
    publisher.become('flowing');
    await cp.answer(id);
    expect(publisher.handed).toHaveLength(3);
  });

  test('a charger that comes while the publisher is full waits too', async () => {
    const { publisher, charger } = await start();
    publisher.become('full');
    const cp = await charger('CP');
    const id = cp.call('Heartbeat');
    await aWhile();
    expect(publisher.handed).toHaveLength(1);
    publisher.become('flowing');
    await cp.answer(id);
  });

  test('stalled: every charger is sent away with 1013 and its Disconnected recorded', async () => {
    const { publisher, charger, gateway } = await start();
    const [one, two] = [await charger('A'), await charger('B')];
    publisher.hold();
    one.call('Heartbeat');
    await until(() => publisher.unconfirmed === 1);
    publisher.become('stalled');
    expect(await one.closed).toMatchObject({ code: 1013 });
    expect(await two.closed).toMatchObject({ code: 1013 });
    expect(one.inbox).toEqual([]);
    expect(publisher.handed.filter((record) => record.subject === 'Disconnected')).toHaveLength(2);
    expect(gateway.size).toBe(0);
  });

  test('who sends faster than the rate is slowed, and loses nothing', async () => {
    const { publisher, charger } = await start({ settings: { WATTSTREAM_MESSAGES_PER_SECOND: 50 } });
    const cp = await charger('CP');
    const began = performance.now();
    for (let i = 0; i < 120; i++) {
      cp.call('Heartbeat');
      // Several packets: what has arrived in one is taken as a whole.
      if (i % 10 === 9) await aWhile(2);
    }
    await cp.answer('m120');
    expect(performance.now() - began).toBeGreaterThan(700);
    expect(cp.inbox.map((text) => JSON.parse(text)[1])).toEqual(
      Array.from({ length: 120 }, (_, i) => `m${i + 1}`),
    );
    expect(publisher.handed).toHaveLength(121);
  });

  test('one charger has at most a window of unconfirmed frames; the others do not wait for it', async () => {
    const { publisher, charger, metric } = await start({
      settings: { WATTSTREAM_MESSAGES_PER_SECOND: 10_000 },
    });
    const cp = await charger('CP');
    await until(() => publisher.handed.length === 1);
    publisher.hold();
    // Random, so that compression does not make one packet of all of them.
    const padding = () => randomBytes(10_000).toString('hex');
    for (let i = 0; i < 200; i++) cp.call('DataTransfer', { vendorId: 'v', data: padding() });
    await aWhile(200);
    // What was read already is still taken: a packet of 64 KiB, and what the receiver of ws holds.
    expect(publisher.unconfirmed).toBeGreaterThanOrEqual(64);
    expect(publisher.unconfirmed).toBeLessThanOrEqual(80);
    expect(await metric('wattstream_ingest_pauses_total{cause="window"}')).toBe(1);
    publisher.flow();
    await cp.answer('m200');
  });
});

describe('bad manners', () => {
  test('unreadable texts are answered as 2.x says, counted, and at last end the connection', async () => {
    const { charger, metric, publisher } = await start();
    const cp = await charger('CP', ['ocpp2.0.1']);
    for (let i = 0; i < 9; i++) cp.send('{"no":');
    await cp.answer(cp.call('Heartbeat'));
    expect(JSON.parse(cp.inbox[0]!).slice(0, 2)).toEqual([4, '-1']);
    for (let i = 0; i < 10; i++) cp.send('nonsense');
    expect(await cp.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('unreadable') });
    expect(publisher.handed.map((record) => record.subject)).toEqual([
      'Connected',
      'Heartbeat',
      'Disconnected',
    ]);
    expect(await metric('wattstream_ingest_connections')).toBe(0);
  });

  test('binary frames, oversize frames and broken UTF-8 end their connection with the code for it', async () => {
    const { charger, publisher } = await start({ settings: { WATTSTREAM_MAX_FRAME_BYTES: 1_024 } });
    const binary = await charger('A');
    binary.socket.send(Buffer.from('[2,"1","Heartbeat",{}]'), { binary: true });
    expect(await binary.closed).toMatchObject({ code: 1003 });
    const large = await charger('B');
    large.call('DataTransfer', { vendorId: 'v', data: 'x'.repeat(2_000) });
    expect(await large.closed).toMatchObject({ code: 1009 });
    const utf8 = await charger('C');
    utf8.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await utf8.closed).toMatchObject({ code: 1007 });
    const codes = publisher.handed
      .filter((record) => record.subject === 'Disconnected')
      .map((record) => JSON.parse(record.body).code);
    expect(codes).toEqual([1003, 1009, 1007]);
  });

  test('who answers neither ping nor anything else is cut off after two; who does stays', async () => {
    const { charger, publisher, gateway } = await start({ settings: { WATTSTREAM_PING_SECONDS: 0.05 } });
    const lively = await charger('LIVELY');
    const dead = await charger('DEAD');
    dead.socket.pause();
    await until(() => gateway.size === 1);
    expect(publisher.handed.at(-1)).toMatchObject({ chargePointId: 'DEAD', subject: 'Disconnected' });
    expect(JSON.parse(publisher.handed.at(-1)!.body)).toMatchObject({ code: 1006 });
    await aWhile(200);
    await lively.answer(lively.call('Heartbeat'));
  });

  test('a charger that never reads its answers is held, then cut off; nobody else notices', async () => {
    const { charger, gateway, metric } = await start({
      settings: { WATTSTREAM_MESSAGES_PER_SECOND: 1_000_000, WATTSTREAM_PING_SECONDS: 0.3 },
    });
    const deaf = await charger('DEAF', ['ocpp2.0.1']);
    deaf.socket.pause();
    const beside = await charger('BESIDE');
    // Long ids make long answers: it takes megabytes to fill the buffers of two kernels.
    const id = 'i'.repeat(250);
    for (let i = 0; i < 100_000 && gateway.size === 2; i++) {
      deaf.send(`[2,"${id}","Heartbeat",{}]`);
      if (i % 1_000 === 0) await aWhile(1);
    }
    await until(() => gateway.size === 1);
    expect(await metric('wattstream_ingest_pauses_total{cause="slow"}')).toBeGreaterThanOrEqual(1);
    await beside.answer(beside.call('Heartbeat'));
  });
});

describe('leaving', () => {
  test('a stop answers what was read, closes with 1001, records it, and lets nobody in', async () => {
    const ingest = await start();
    const { publisher, charger, url } = ingest;
    const [busy, idle] = [await charger('BUSY'), await charger('IDLE')];
    await until(() => publisher.handed.length === 2);
    publisher.hold();
    const id = busy.call('Heartbeat');
    await until(() => publisher.handed.length === 3);
    const stopped = ingest.stop();
    expect(await idle.closed).toMatchObject({ code: 1001 });
    expect(busy.inbox).toEqual([]);
    expect(ingest.ready()).toBe('stopping');
    const late = new WebSocket(`${url}/LATE`, 'ocpp1.6');
    await expect(once(late, 'open')).rejects.toThrow(/503/);
    publisher.flow();
    await busy.answer(id);
    expect(await busy.closed).toMatchObject({ code: 1001 });
    await stopped;
    expect(publisher.handed.map((record) => `${record.chargePointId} ${record.subject}`).slice(2)).toEqual([
      'BUSY Heartbeat',
      'IDLE Disconnected',
      'BUSY Disconnected',
    ]);
  });

  test('a stop does not wait for ever: what is not confirmed in time stays unanswered', async () => {
    const ingest = await start({ settings: { WATTSTREAM_DRAIN_MS: 200 } });
    const cp = await ingest.charger('CP');
    await until(() => ingest.publisher.handed.length === 1);
    ingest.publisher.hold();
    cp.call('Heartbeat');
    await until(() => ingest.publisher.handed.length === 2);
    await ingest.stop();
    expect(await cp.closed).toMatchObject({ code: 1001 });
    expect(cp.inbox).toEqual([]);
    expect(ingest.publisher.handed.at(-1)).toMatchObject({ subject: 'Disconnected' });
  });
});

describe('who is in a transaction', () => {
  const started = (idTag: string, connectorId = 1) => ({
    ...{ connectorId, idTag, meterStart: 0, timestamp: new Date().toISOString() },
  });
  const statusOf = (answer: unknown[]) => (answer[2] as { idTagInfo: { status: string } }).idTagInfo.status;

  test('two starts of one token, neither confirmed yet, are not both accepted; the record says what was answered', async () => {
    const { publisher, charger, metric } = await start({ registry: { tokens: [{ token: 'CARD' }] } });
    const [one, two] = [await charger('CP-1'), await charger('CP-2')];
    await until(() => publisher.handed.length === 2);
    publisher.hold();
    const first = one.call('StartTransaction', started('card'));
    await until(() => publisher.handed.length === 3);
    const second = two.call('StartTransaction', started('CARD'));
    await until(() => publisher.handed.length === 4);
    publisher.flow();
    expect(statusOf(await one.answer(first))).toBe('Accepted');
    expect(statusOf(await two.answer(second))).toBe('ConcurrentTx');
    expect(publisher.handed[3]?.answer).toContain('ConcurrentTx');
    expect(await metric('wattstream_ingest_single_starts_total{status="ConcurrentTx"}')).toBe(1);
  });

  test('a start that could not be kept, and comes again, is not refused for itself', async () => {
    const { publisher, charger } = await start({ registry: { tokens: [{ token: 'CARD' }] } });
    const payload = started('CARD');
    publisher.hold();
    (await charger('CP-1')).call('StartTransaction', payload);
    await until(() => publisher.handed.some(({ subject }) => subject === 'StartTransaction'));
    publisher.flow();
    const again = await charger('CP-1');
    expect(statusOf(await again.answer(again.call('StartTransaction', payload)))).toBe('Accepted');
  });
});
