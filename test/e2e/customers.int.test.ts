/**
 * Customers from the app to the receipt: roles as processes, two api, chargers of another house that hold every message
 * to the official schemas, and on the wire what events and notifications said meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { signToken } from '../../src/api/auth/jwt.js';
import { messageNames } from '../../src/domain/messages/names.js';
import { openAmqp } from '../../src/platform/amqp.js';
import { readSettings, streamAddress } from '../../src/platform/config.js';
import { createRabbitEventLog } from '../../src/streams/rabbitmq/event-log.js';
import { type CommandedCharger, strictCharger } from '../support/commanded-charger.js';
import {
  apiUrl,
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';

jest.setTimeout(180_000);

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever it expects
type Body = any;

const SECRET = 'a secret of more than thirty-two bytes';
let installation: TestInstallation;
let ingest: RunningRole;
let first: RunningRole;
let second: RunningRole;
/** Whose customers have little time to plug in. */
let hasty: RunningRole;
let wire: Awaited<ReturnType<typeof listen>>;
let adam: string;
let eve: string;
let admin: string;
const chargers: CommandedCharger[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  installation = await testInstallation({
    WATTSTREAM_AUTH: 'required',
    WATTSTREAM_JWT_SECRET: SECRET,
    WATTSTREAM_ACCEPT_UNKNOWN: 'false',
    WATTSTREAM_ALLOW_PLAIN: 'true',
    WATTSTREAM_FLUSH_MS: '50',
    WATTSTREAM_CHECKPOINT_MS: '500',
    WATTSTREAM_COMMAND_GRACE_SECONDS: '1',
    WATTSTREAM_LOCATE_MS: '5000',
    WATTSTREAM_LIVE_COST_SECONDS: '1',
    WATTSTREAM_RECEIPT_SUPPLIER: 'Stadtwerke Müllheim',
    WATTSTREAM_RECEIPT_VAT_ID: 'DE123456789',
  });
  const token = (role: 'customer' | 'admin', subject: string, account?: string) =>
    signToken(
      SECRET,
      { role, subject, minutes: 60, ...(account === undefined ? {} : { account }) },
      Date.now(),
    );
  [adam, eve, admin] = await Promise.all([
    token('customer', 'adam', 'ac-adam'),
    token('customer', 'eve', 'ac-eve'),
    token('admin', 'root'),
  ]);
  [ingest, , first, second, hasty] = await Promise.all([
    installation.start('ingest'),
    installation.start('analytics'),
    installation.start('api'),
    installation.start('api'),
    installation.start('api', { WATTSTREAM_CHARGING_START_SECONDS: '2' }),
  ]);
  wire = await listen();
  await enter('stations', {
    id: 'st-1',
    name: 'Hafen Süd',
    address: 'Kaistraße 1',
    city: 'Müllheim',
    country: 'DEU',
    coordinates: { latitude: '47.80000', longitude: '7.60000' },
    time_zone: 'Europe/Berlin',
  });
  await enter('tariffs', {
    id: 'day',
    currency: 'EUR',
    elements: [
      {
        price_components: [
          { type: 'ENERGY', price: 0.25, vat: 21, step_size: 1 },
          { type: 'FLAT', price: 0.5, vat: 21, step_size: 1 },
        ],
      },
    ],
  });
  for (const id of ['ac-adam', 'ac-eve', 'ac-gone'])
    await enter('accounts', { id, role: 'customer', name: `Frau ${id}`, disabled: id === 'ac-gone' });
  await enter('tokens', { uid: 'LOST', account: 'ac-adam', status: 'Blocked' });
  await enter('tokens', { uid: 'CARD', account: 'ac-adam' });
}, 180_000);
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  for (const charger of chargers.splice(0)) await charger.close();
});
afterAll(async () => {
  await wire?.close();
  await installation?.stop();
}, 60_000);

/** What anybody bound to the exchanges hears, and what the stream has kept. */
async function listen() {
  const names = messageNames(installation.env.WATTSTREAM_PREFIX as string);
  const settings = readSettings();
  const connection = await openAmqp(settings.RABBITMQ_URL, 'wattstream test');
  const channel = await connection.createChannel();
  const hear = async (exchange: string, key: string): Promise<{ key: string; body: Body }[]> => {
    const heard: { key: string; body: Body }[] = [];
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, exchange, key);
    await channel.consume(
      queue,
      (message) => {
        if (message !== null)
          heard.push({ key: message.fields.routingKey, body: JSON.parse(message.content.toString()) });
      },
      { noAck: true },
    );
    return heard;
  };
  const events = await hear(names.exchanges.chargingEvents, 'charging.*');
  const notifications = await hear(names.exchanges.notifications, 'user.ac-adam.charging.*');
  const log = createRabbitEventLog({
    address: streamAddress(settings),
    stream: names.streams.chargingEvents,
  });
  const kept: Body[] = [];
  log.follow({
    from: { from: 'first' },
    accept: ({ routingKey, body }) => {
      if (routingKey.startsWith('charging.')) kept.push(JSON.parse(body));
    },
  });
  return {
    events,
    notifications,
    kept,
    async close() {
      await log.close();
      await connection.close();
    },
  };
}

async function eventually<T>(ask: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) {
    const found = await ask();
    if (found) return found;
  }
  throw new Error(`it did not come true: ${ask}`);
}

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}
async function ask(
  role: RunningRole,
  bearer: string,
  path: string,
  post?: object,
  headers: Record<string, string> = {},
): Promise<Told> {
  const response = await fetch(`${apiUrl(role)}/${path}`, {
    method: post === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(post === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(post === undefined ? {} : { body: JSON.stringify(post) }),
  });
  const text = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text.toString()) : text,
  };
}
async function enter(kind: string, state: object): Promise<void> {
  const { status, body } = await ask(first, admin, `cms/${kind}`, state);
  if (status !== 201) throw new Error(JSON.stringify(body));
}
const start = (body: object, headers = {}, role = first, bearer = adam) =>
  ask(role, bearer, 'user/charging/start', body, headers);

let names = 0;
/** Registered, connected, and free. */
async function charger(protocol: 'ocpp1.6' | 'ocpp2.0.1'): Promise<CommandedCharger> {
  const id = `CP-${++names}`;
  await enter('points', {
    id,
    station: 'st-1',
    securityProfile: 0,
    tariff: 'day',
    evses: [
      {
        evseId: 1,
        evse_id: `DE*WAT*E000${names}*1`,
        connectors: [
          {
            connectorId: 1,
            standard: 'IEC_62196_T2',
            format: 'SOCKET',
            power_type: 'AC_3_PHASE',
            max_electric_power: 22_000,
          },
        ],
      },
    ],
  });
  const one = strictCharger(id, protocol);
  chargers.push(one);
  await eventually(() =>
    one.connect(ocppUrl(ingest)).then(
      () => true,
      () => false,
    ),
  );
  await status(one, protocol, 'Available');
  await eventually(async () => {
    const { body } = await ask(first, adam, 'user/stations');
    return body.stations[0]?.outlets.find((outlet: Body) => outlet.chargePointId === id)?.state === 'free';
  });
  return one;
}
const status = (one: CommandedCharger, protocol: string, said: string) =>
  protocol === 'ocpp1.6'
    ? one.call('StatusNotification', {
        connectorId: 1,
        errorCode: 'NoError',
        status: said,
        timestamp: new Date().toISOString(),
      })
    : one.call('StatusNotification', {
        timestamp: new Date().toISOString(),
        connectorStatus: said,
        evseId: 1,
        connectorId: 1,
      });

/** What its driver and its cable do, in the words of its version. 7.345 kWh go through. */
function drive(one: CommandedCharger, protocol: 'ocpp1.6' | 'ocpp2.0.1') {
  const now = (): string => new Date().toISOString();
  const asked = () => one.got.findLast(({ action }) => /StartTransaction$/.test(action))?.payload as Body;
  let transactionId: string | number = '';
  let seqNo = 0;
  const register = (value: number, context: string) => [
    {
      timestamp: now(),
      sampledValue: [
        protocol === 'ocpp1.6'
          ? { value: String(value), context, measurand: 'Energy.Active.Import.Register', unit: 'Wh' }
          : { value, context, measurand: 'Energy.Active.Import.Register', unitOfMeasure: { unit: 'Wh' } },
        protocol === 'ocpp1.6'
          ? { value: '11000', context, measurand: 'Power.Active.Import', unit: 'W' }
          : { value: 11_000, context, measurand: 'Power.Active.Import', unitOfMeasure: { unit: 'W' } },
      ],
    },
  ];
  const tell = (
    eventType: string,
    triggerReason: string,
    value: number,
    context: string,
    more: object = {},
  ) =>
    one.call('TransactionEvent', {
      eventType,
      timestamp: now(),
      triggerReason,
      seqNo: seqNo++,
      evse: { id: 1, connectorId: 1 },
      meterValue: register(value, context),
      ...more,
    });
  return {
    async plugIn() {
      if (protocol === 'ocpp1.6') {
        const { idTag, connectorId } = asked();
        await status(one, protocol, 'Preparing');
        const answer: Body = await one.call('StartTransaction', {
          connectorId,
          idTag,
          meterStart: 1_000,
          timestamp: now(),
        });
        expect(answer.idTagInfo.status).toBe('Accepted');
        transactionId = answer.transactionId;
        await status(one, protocol, 'Charging');
        return;
      }
      transactionId = `tx-${one.id}`;
      const { idToken, remoteStartId } = asked();
      const answer: Body = await tell('Started', 'RemoteStart', 1_000, 'Transaction.Begin', {
        transactionInfo: { transactionId, remoteStartId, chargingState: 'Charging' },
        idToken,
      });
      expect(answer.idTokenInfo.status).toBe('Accepted');
    },
    async meter(value: number) {
      if (protocol === 'ocpp1.6')
        await one.call('MeterValues', {
          connectorId: 1,
          transactionId,
          meterValue: register(value, 'Sample.Periodic'),
        });
      else
        await tell('Updated', 'MeterValuePeriodic', value, 'Sample.Periodic', {
          transactionInfo: { transactionId, chargingState: 'Charging' },
        });
    },
    async end(value: number) {
      if (protocol === 'ocpp1.6') {
        await one.call('StopTransaction', {
          transactionId,
          meterStop: value,
          timestamp: now(),
          reason: 'Remote',
        });
        await status(one, protocol, 'Available');
      } else
        await tell('Ended', 'RemoteStop', value, 'Transaction.End', {
          transactionInfo: { transactionId, chargingState: 'Idle', stoppedReason: 'Remote' },
        });
    },
  };
}

const onTheWire = (type: string, requestId: string) =>
  eventually(() => {
    const is = (body: Body): boolean => body.type === type && body.requestId === requestId;
    const event = wire.events.find(({ key, body }) => key === type && is(body));
    const notification = wire.notifications.find(({ body }) => body.type === type && is(body.event));
    return event !== undefined && notification !== undefined && wire.kept.some(is) ? event.body : undefined;
  });
/** What the app of a customer hears in the room of the account. */
async function watch(role: RunningRole, bearer: string, account: string): Promise<Body[]> {
  const socket = io(`http://127.0.0.1:${role.opsPort}`, {
    transports: ['websocket'],
    auth: { token: bearer },
  });
  sockets.push(socket);
  const heard: Body[] = [];
  socket.on('change', (change: Body) => heard.push(change));
  const room = `user:${account}`;
  expect(await socket.timeout(20_000).emitWithAck('subscribe', { room })).toMatchObject({ room });
  return heard;
}
const requestOf = async (requestId: string, role = first, bearer = adam): Promise<Body> =>
  (await ask(role, bearer, `user/charging/requests/${requestId}`)).body;

describe.each(['ocpp1.6', 'ocpp2.0.1'] as const)('%s', (protocol) => {
  test('start, charge, stop, receipt: on the wire, live, and right to the cent; nothing of it is another one’s', async () => {
    const one = await charger(protocol);
    const car = drive(one, protocol);
    const [watching, elsewhere] = await Promise.all([
      watch(second, adam, 'ac-adam'),
      watch(second, eve, 'ac-eve'),
    ]);
    const started = await start({ stationId: 'st-1', printedId: `DEWATE000${names}1` });
    expect(started).toMatchObject({
      status: 202,
      body: { kind: 'start', state: 'accepted', chargePointId: one.id, sessionId: null },
    });
    const { requestId } = started.body;
    // Accepted is not started: nobody has plugged in.
    expect(wire.kept.filter((event) => event.requestId === requestId).map(({ type }) => type)).toEqual([
      'charging.requested',
    ]);
    await car.plugIn();
    const event = await onTheWire('charging.started', requestId);
    expect(event).toMatchObject({ chargePointId: one.id, accountId: 'ac-adam', stationId: 'st-1' });
    const { sessionId } = event;
    await eventually(() => watching.some(({ notification }) => notification.event.requestId === requestId));
    for (const role of [first, second])
      expect(await requestOf(requestId, role)).toMatchObject({ state: 'started', sessionId });

    await car.meter(4_000);
    const live = await eventually(async () => {
      const { body } = await ask(second, adam, `user/charging/sessions/${sessionId}`);
      return body.energyWh === 3_000 && body.cost !== null ? body : undefined;
    });
    // 3 kWh x 0.25 + 0.50 = 1.25, with 21 % VAT 1.5125.
    expect(live).toMatchObject({
      status: 'active',
      powerW: 11_000,
      stationName: 'Hafen Süd',
      cost: { currency: 'EUR', exclVat: '1.25', inclVat: '1.51', final: false },
      receipt: null,
    });
    // The app is told without asking: a reading that comes within a second of another is announced with the next.
    const price = await eventually(async () => {
      await car.meter(4_000);
      await sleep(500);
      return watching.findLast(
        ({ notification: { event: told } }) =>
          told.type === 'session.cost' && told.sessionId === sessionId && told.energyWh === 3_000,
      )?.notification.event;
    });
    expect(price).toMatchObject({ sessionId, cost: live.cost });
    expect((await ask(first, adam, `user/charging/sessions/${sessionId}/receipt`)).body.code).toBe(
      'SESSION_GOES_ON',
    );
    expect(
      (await ask(first, adam, 'user/charging/sessions?status=active')).body.sessions.map(
        (session: Body) => session.sessionId,
      ),
    ).toContain(sessionId);
    // Taken: nobody else starts there.
    expect(await start({ chargePointId: one.id }, {}, second, eve)).toMatchObject({
      status: 409,
      body: { code: 'OUTLET_OCCUPIED' },
    });

    // Another customer.
    const path = `user/charging/sessions/${sessionId}`;
    for (const [bearer, at, body] of [
      [eve, path],
      [eve, `${path}/receipt`],
      [eve, `${path}/receipt.pdf`],
      [eve, `user/charging/requests/${requestId}`],
      [eve, 'user/charging/stop', { sessionId }],
    ] as const)
      expect([at, (await ask(second, bearer, at, body)).status]).toEqual([at, 404]);
    expect((await ask(first, eve, 'user/charging/sessions')).body.sessions).toEqual([]);

    const stopped = await ask(second, adam, 'user/charging/stop', { sessionId });
    expect(stopped).toMatchObject({ status: 202, body: { kind: 'stop', state: 'accepted' } });
    await car.end(8_345);
    expect(await onTheWire('charging.stopped', stopped.body.requestId)).toMatchObject({ sessionId });
    const heard = () => watching.map(({ notification }) => notification.type);
    await eventually(() => heard().includes('charging.stopped') && heard().includes('session.stopped'));
    expect(elsewhere).toEqual([]);
    const done = await eventually(async () => {
      const { body } = await ask(first, adam, path);
      return body.receipt !== null ? body : undefined;
    });
    expect(done).toMatchObject({ status: 'completed', energyWh: 7_345, cost: { final: true } });
    expect((await ask(first, adam, 'user/charging/stop', { sessionId })).body.code).toBe('SESSION_ENDED');

    // 7.345 kWh x 0.25 + 0.50 = 2.33625; with 21 % VAT 2.8268625.
    const receipts = await Promise.all(
      [first, second].map(async (role) =>
        (
          await fetch(`${apiUrl(role)}/${path}/receipt`, { headers: { authorization: `Bearer ${adam}` } })
        ).text(),
      ),
    );
    expect(new Set(receipts).size).toBe(1);
    expect(JSON.parse(receipts[0] as string)).toMatchObject({
      number: expect.stringMatching(/^R-[0-9A-Z]{10}-[0-9A-Z]{8}-[0-9A-Z]{8}$/),
      corrects: null,
      supplier: { name: 'Stadtwerke Müllheim', vatId: 'DE123456789' },
      session: {
        sessionId,
        evseId: `DE*WAT*E000${names}*1`,
        timeZone: 'Europe/Berlin',
        energyKWh: '7.345',
        startedAt: expect.stringMatching(/\+0[12]:00$/),
      },
      tariff: 'day@1',
      currency: 'EUR',
      vat: [{ rate: '21', basis: '2.34', amount: '0.49' }],
      total: { exclVat: '2.34', vat: '0.49', inclVat: '2.83' },
    });
    // Made out once, and kept.
    const isReceipt = (event: Body): boolean =>
      event.type === 'charging.receipt' && event.sessionId === sessionId;
    await eventually(() => wire.kept.some(isReceipt));
    expect(new Set(wire.kept.filter(isReceipt).map(({ id }) => id)).size).toBe(1);
    const pdf = await ask(first, adam, `${path}/receipt`, undefined, { accept: 'application/pdf' });
    expect(pdf.headers.get('content-type')).toBe('application/pdf');
    expect(pdf.body.subarray(0, 5).toString()).toBe('%PDF-');
    expect((await ask(second, adam, `${path}/receipt.pdf`)).body.equals(pdf.body)).toBe(true);
  });

  test('the charger refuses; the charger is away: 409 with the reason', async () => {
    const one = await charger(protocol);
    one.answer = () => ({ status: 'Rejected' });
    const refused = await start({ chargePointId: one.id });
    expect(refused).toMatchObject({ status: 409, body: { code: 'REJECTED_BY_CHARGER' } });
    const { requestId } = refused.body.request;
    expect(await onTheWire('charging.failed', requestId)).toMatchObject({ code: 'REJECTED_BY_CHARGER' });
    await one.close();
    await eventually(async () => {
      const { body } = await start({ chargePointId: one.id });
      return body.code === 'CHARGER_OFFLINE';
    });
  });

  test('nobody plugs in: connection timeout; a charger that begins after all is refused', async () => {
    const one = await charger(protocol);
    const { status: answered, body } = await start({ chargePointId: one.id }, {}, hasty);
    expect([answered, body.state]).toEqual([202, 'accepted']);
    expect(await onTheWire('charging.failed', body.requestId)).toMatchObject({ code: 'CONNECTION_TIMEOUT' });
    expect(await requestOf(body.requestId, second)).toMatchObject({
      state: 'failed',
      code: 'CONNECTION_TIMEOUT',
      sessionId: null,
    });
    const asked = one.got.at(-1)?.payload as Body;
    await eventually(async () => {
      const answer: Body = await one.call(
        'Authorize',
        protocol === 'ocpp1.6' ? { idTag: asked.idTag } : { idToken: asked.idToken },
      );
      return (answer.idTagInfo ?? answer.idTokenInfo).status === 'Invalid';
    });
  });
});

test('the api that began it is killed: another one tells that charging began', async () => {
  const one = await charger('ocpp1.6');
  const doomed = await installation.start('api');
  const { body } = await start({ chargePointId: one.id }, { prefer: 'respond-async' }, doomed);
  await eventually(() => one.got.length > 0);
  await doomed.kill('SIGKILL');
  const car = drive(one, 'ocpp1.6');
  await car.plugIn();
  expect(await onTheWire('charging.started', body.requestId)).toMatchObject({ accountId: 'ac-adam' });
  await car.end(1_500);
});

test('the same key is the same request, at whichever api; another request with it is refused', async () => {
  const one = await charger('ocpp1.6');
  const key = { 'idempotency-key': 'one-start' };
  const answers = await Promise.all([
    start({ chargePointId: one.id }, key, first),
    start({ chargePointId: one.id }, key, second),
  ]);
  const again = await start({ chargePointId: one.id }, key, second);
  const all = [...answers, again];
  expect(all.map(({ status: answered }) => answered)).toEqual([202, 202, 202]);
  expect(new Set(all.map(({ body }) => body.requestId)).size).toBe(1);
  expect(one.got.filter(({ action }) => action === 'RemoteStartTransaction')).toHaveLength(1);
  expect((await start({ chargePointId: one.id, connectorId: 1 }, key)).body.code).toBe(
    'IDEMPOTENCY_KEY_REUSED',
  );
  // Whoever waits for a car has the outlet.
  expect((await start({ chargePointId: one.id }, {}, second, eve)).body.code).toBe('OUTLET_OCCUPIED');
});

test('blocked tokens, disabled accounts, tokens and chargers of nobody: each says so, and nothing is sent', async () => {
  const one = await charger('ocpp1.6');
  const at = { chargePointId: one.id };
  const code = async (body: object, bearer = adam) => {
    const told = await start(body, {}, first, bearer);
    return `${told.status} ${told.body.code}`;
  };
  const gone = await signToken(
    SECRET,
    { role: 'customer', subject: 'gone', minutes: 5, account: 'ac-gone' },
    Date.now(),
  );
  expect(await code({ ...at, token: 'lost' })).toBe('409 TOKEN_BLOCKED');
  expect(await code({ ...at, token: 'CARD' }, eve)).toBe('404 TOKEN_UNKNOWN');
  // Of a disabled account no token holds any more.
  expect(await code(at, gone)).toBe('401 TOKEN_INVALID');
  expect(await code({ chargePointId: 'nowhere' })).toBe('404 CHARGER_UNKNOWN');
  expect(await code({ ...at, connectorId: 7 })).toBe('404 OUTLET_UNKNOWN');
  expect(await code({})).toBe('400 REQUEST_INVALID');
  await status(one, 'ocpp1.6', 'Faulted');
  await eventually(async () => (await code(at)) === '409 OUTLET_UNAVAILABLE');
  expect(one.got).toEqual([]);
});

test('stations near a place, with what is free and what it costs in words', async () => {
  await charger('ocpp1.6');
  const near = await ask(first, eve, 'user/stations?lat=47.81&lon=7.6&free=true&minPowerW=11000');
  expect(near.body.stations).toMatchObject([
    { stationId: 'st-1', distanceM: 1_112, free: expect.any(Number) },
  ]);
  const outlet = near.body.stations[0].outlets.find((one: Body) => one.chargePointId === `CP-${names}`);
  expect(outlet).toMatchObject({
    state: 'free',
    powerW: 22_000,
    price: {
      tariff: 'day@1',
      words: '0.3025 EUR per kWh (0.25 and 21 % VAT); 0.605 EUR once per session (0.50 and 21 % VAT)',
      components: [{ type: 'ENERGY', exclVat: '0.25', inclVat: '0.3025', vat: '21' }, { type: 'FLAT' }],
    },
  });
  expect((await ask(first, eve, 'user/stations?lat=48.81&lon=7.6')).body.stations).toEqual([]);
});

test('a customer joins the room of the own account, and no other', async () => {
  const socket = io(`http://127.0.0.1:${first.opsPort}`, { transports: ['websocket'], auth: { token: eve } });
  sockets.push(socket);
  const join = (room: string): Promise<Body> => socket.timeout(20_000).emitWithAck('subscribe', { room });
  expect(await join('user:ac-eve')).toMatchObject({ room: 'user:ac-eve' });
  for (const room of ['user:ac-adam', 'operator', 'station:st-1', 'charger:CP-1'])
    expect(await join(room)).toMatchObject({ code: 'ROOM_FORBIDDEN' });
});
