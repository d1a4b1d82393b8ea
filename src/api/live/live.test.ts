/** The live view as clients see it, with Socket.io's own client; feed, events log and tables are the test's. */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { z } from 'zod';
import { signToken } from '../auth/jwt.js';
import { type bye, type feed, snapshot as snapshotShape, type stale } from './protocol.js';
import type { Change } from './room.js';
import {
  AT,
  anomalyNews,
  chargerNews,
  connectorNews,
  notificationOf,
  sessionId,
  sessionNews,
} from './testing/messages.js';
import { ask, collected, joined, startWorld, type World, type WorldOptions } from './testing/world.js';

/** Lets everything else happen once. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

jest.setTimeout(30_000);
const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});
const start = async (options?: WorldOptions) => {
  const world = await startWorld(options);
  worlds.push(world);
  return world;
};
const kinds = (changes: readonly Change[]) =>
  changes.map(({ seq, notification }) => [seq, notification.type]);

const sessionRow = (row: object) => ({
  session_id: sessionId(1),
  charge_point_id: 'CP-1',
  evse_id: null,
  connector_id: 1,
  transaction_id: '101',
  status: 'active',
  held: false,
  auth_status: 'Accepted',
  station_id: '',
  account_id: '',
  tariff: '',
  started_at: AT,
  stopped_at: null,
  last_seen_at: AT,
  energy_wh: 50,
  energy_export_wh: null,
  max_power_w: 7_000,
  soc_end: null,
  stop_reason: '',
  estimated: false,
  anomalies: [],
  remote_start_id: null,
  protocol: 'ocpp1.6',
  version: 3,
  ...row,
});

describe('coming in', () => {
  test.each([
    ['without a token', undefined, 'UNAUTHENTICATED'],
    ['with nonsense', 'nonsense', 'TOKEN_INVALID'],
  ])('%s is refused with a code', async (_, token, code) => {
    const world = await start();
    await expect(world.client(token)).rejects.toMatchObject({ data: { ok: false, code, canRetry: false } });
  });

  test('the token may come in the header, as for HTTP', async () => {
    const world = await start();
    const extraHeaders = { authorization: `Bearer ${await world.token()}` };
    expect((await world.client(undefined, { extraHeaders })).connected).toBe(true);
  });

  test('a page from elsewhere is not let in, one of ours or a listed one is', async () => {
    const world = await start({
      authenticated: false,
      settings: { WATTSTREAM_API_ALLOWED_ORIGINS: ['https://app.example'] },
    });
    const from = (origin: string) => world.client(undefined, { extraHeaders: { origin } });
    await expect(from('https://evil.example')).rejects.toThrow();
    // A sandboxed page says so.
    await expect(from('null')).rejects.toThrow();
    expect((await from('https://app.example')).connected).toBe(true);
    expect((await from(world.url)).connected).toBe(true);
  });

  test('a page that gave its own name our address is not let in while nobody is asked', async () => {
    const world = await start({ authenticated: false });
    const extraHeaders = { host: 'evil.example:80', origin: 'http://evil.example:80' };
    await expect(world.client(undefined, { extraHeaders })).rejects.toThrow();
  });

  test('an expired token ends the connection that it opened', async () => {
    const world = await start();
    // Ended within the tolerance that a signature is granted: the connection opens, and ends at once.
    const old = await signToken(
      'a secret of more than thirty-two bytes',
      { role: 'admin', subject: 'eve', minutes: 1 },
      Date.now() - 61_000,
    );
    const bid = new Promise((resolve) => {
      void world.client(old, {}, (client) => client.once('bye', resolve));
    });
    expect(await bid).toMatchObject({ code: 'TOKEN_EXPIRED' });
  });

  test('a login that ends takes its open connections with it, and nobody else', async () => {
    const ended = new Set<string>();
    const world = await start({ holds: ({ id }) => !ended.has(id) });
    const stays = await world.client(await world.token({ subject: 'adam' }));
    const goes = await world.client(await world.token({ subject: 'eve' }));
    const bid = new Promise((resolve) => goes.once('bye', resolve));
    ended.add('eve');
    expect(await bid).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(stays.connected).toBe(true);
  });

  test('one principal has so many connections, others have theirs, and closed ones count no more', async () => {
    const world = await start({ settings: { WATTSTREAM_LIVE_SOCKETS_PER_PRINCIPAL: 2 } });
    const token = await world.token();
    const [first] = [await world.client(token), await world.client(token)];
    await expect(world.client(token)).rejects.toMatchObject({ data: { code: 'TOO_MANY_SOCKETS' } });
    await world.client(await world.token({ subject: 'adam' }));
    first?.disconnect();
    for (;;) {
      const again = await world.client(token).catch(() => undefined);
      if (again?.connected) break;
      await turn();
    }
  });
});

describe('joining', () => {
  test('is answered with what the tables say, then numbered changes follow', async () => {
    const world = await start();
    world.rows['snapshot-chargers'] = [
      {
        charge_point_id: 'CP-1',
        online: true,
        protocol: 'ocpp1.6',
        gateway: 'g1',
        address: '',
        since: AT,
        version: 2,
      },
    ];
    world.rows['snapshot-connectors'] = [
      {
        charge_point_id: 'CP-1',
        evse_id: 0,
        connector_id: 1,
        status: 'Charging',
        error_code: '',
        vendor_code: '',
        since: AT,
        version: 3,
      },
    ];
    world.rows['snapshot-sessions'] = [
      sessionRow({}),
      sessionRow({ session_id: sessionId(2), status: 'completed', stopped_at: AT }),
    ];
    const client = await world.client(await world.token());
    const changes = collected<Change>(client, 'change');
    const { snapshot, epoch, seq, live } = await joined(client, 'operator');
    expect(snapshotShape.parse(snapshot)).toMatchObject({
      chargers: [{ chargePointId: 'CP-1', online: true, stationId: null }],
      connectors: [{ chargePointId: 'CP-1', status: 'Charging' }],
      sessions: [{ sessionId: sessionId(1), evseId: null, energyWh: 50, version: 3 }],
      truncated: false,
    });
    expect({ seq, live }).toEqual({ seq: 0, live: true });
    world.feed.notification(sessionNews('session.updated', { version: 5 }));
    world.feed.notification(connectorNews('Finishing', { version: 6 }));
    await changes.count(2);
    expect(kinds(changes.all)).toEqual([
      [1, 'session.updated'],
      [2, 'connector.status'],
    ]);
    expect(changes.all[0]).toMatchObject({ room: 'operator', epoch });
  });

  test('what is announced while the tables are read comes after the snapshot, once, and is in it if it can be', async () => {
    const world = await start();
    const client = await world.client(await world.token());
    const changes = collected<Change>(client, 'change');
    world.rows['snapshot-sessions'] = [sessionRow({ version: 3 })];
    world.hooks.reading = (question) => {
      if (question !== 'snapshot-sessions') return;
      world.feed.notification(sessionNews('session.updated', { version: 7, session: { energyWh: 70 } }));
      world.feed.notification(anomalyNews());
    };
    const { snapshot, seq } = await joined(client, 'operator');
    expect(seq).toBe(0);
    expect(snapshot.sessions).toMatchObject([{ energyWh: 70, version: 7 }]);
    await changes.count(2);
    world.feed.notification(anomalyNews());
    await changes.count(3);
    expect(kinds(changes.all)).toEqual([
      [1, 'session.updated'],
      [2, 'anomaly.found'],
      [3, 'anomaly.found'],
    ]);
  });

  test('what was announced before and is in no table yet is in the snapshot; what the tables know better stays', async () => {
    const world = await start();
    world.rows['snapshot-sessions'] = [
      sessionRow({ version: 9, energy_wh: 90 }),
      sessionRow({ session_id: sessionId(2), version: 9 }),
    ];
    world.rows['snapshot-connectors'] = [
      {
        charge_point_id: 'CP-1',
        evse_id: 0,
        connector_id: 1,
        status: 'Available',
        error_code: '',
        vendor_code: '',
        since: AT,
        version: 4,
      },
    ];
    for (const news of [
      sessionNews('session.updated', { version: 8, session: { energyWh: 80, powerW: 6_500 } }),
      sessionNews('session.stopped', { version: 12, session: { sessionId: sessionId(2) } }),
      sessionNews('session.started', { version: 11, session: { sessionId: sessionId(3) } }),
      connectorNews('Charging', { version: 5 }),
      chargerNews('charger.online', { chargePointId: 'CP-new', version: 6 }),
    ])
      world.feed.notification(news);
    const { snapshot } = await joined(await world.client(await world.token()), 'operator');
    expect(snapshot.sessions).toMatchObject([
      { sessionId: sessionId(1), energyWh: 90, powerW: 6_500, version: 9 },
      { sessionId: sessionId(3), version: 11 },
    ]);
    expect(snapshot.connectors).toMatchObject([{ status: 'Charging', version: 5 }]);
    expect(snapshot.chargers).toMatchObject([{ chargePointId: 'CP-new', online: true }]);
  });

  test('an older one never follows a newer, and the same id comes once', async () => {
    const world = await start();
    const client = await world.client(await world.token());
    const changes = collected<Change>(client, 'change');
    await joined(client, 'operator');
    const twice = sessionNews('session.updated', { version: 5 });
    for (const news of [twice, twice, sessionNews('session.updated', { version: 4 }), anomalyNews()])
      world.feed.notification(news);
    await changes.count(2);
    expect(kinds(changes.all)).toEqual([
      [1, 'session.updated'],
      [2, 'anomaly.found'],
    ]);
  });

  test('a station has its own chargers and sessions only', async () => {
    const world = await start({ stations: { 'CP-1': 'st-1', 'CP-2': 'st-2' } });
    const charger = { online: true, protocol: '', gateway: '', address: '', since: AT, version: 1 };
    world.rows['snapshot-chargers'] = ['CP-1', 'CP-2'].map((id) => ({ charge_point_id: id, ...charger }));
    world.feed.notification(
      sessionNews('session.started', { chargePointId: 'CP-2', stationId: 'st-2', version: 4 }),
    );
    const client = await world.client(await world.token({ role: 'operator', stations: ['st-1'] }));
    const changes = collected<Change>(client, 'change');
    const { snapshot } = await joined(client, 'station:st-1');
    expect(snapshot.chargers).toMatchObject([{ chargePointId: 'CP-1', stationId: 'st-1' }]);
    expect(snapshot.sessions).toEqual([]);
    world.feed.notification(connectorNews('Charging', { chargePointId: 'CP-2', stationId: 'st-2' }));
    world.feed.notification(connectorNews('Charging', { chargePointId: 'CP-1', stationId: 'st-1' }));
    await changes.count(1);
    expect(changes.all[0]).toMatchObject({ seq: 1, notification: { event: { chargePointId: 'CP-1' } } });
  });

  test('a customer is told what the own session costs so far, and nobody else of it', async () => {
    const world = await start({ settings: { WATTSTREAM_LIVE_COST_SECONDS: 0.02 } });
    const customer = async (account: string) => {
      const client = await world.client(await world.token({ role: 'customer', subject: account, account }));
      const changes = collected<Change>(client, 'change');
      await joined(client, `user:${account}`);
      return changes;
    };
    const adam = await customer('ac-adam');
    const eve = await customer('ac-eve');
    const own = { stationId: 'st-1', accountId: 'ac-adam', version: 4 };
    const cost = { currency: 'EUR', exclVat: '2.12', inclVat: '2.52', final: false };
    world.prices.of = [
      {
        ...own,
        sessionId: sessionId(1),
        chargePointId: 'CP-1',
        energyWh: 100,
        lastSeenAt: AT,
        cost,
        costUnknown: null,
      },
    ];
    world.feed.notification(sessionNews('session.updated', own));
    const told = await adam.count(2);
    expect(kinds(told)).toEqual([
      [1, 'session.updated'],
      [2, 'session.cost'],
    ]);
    expect(told[1]?.notification.event).toMatchObject({ sessionId: sessionId(1), cost });
    expect(eve.all).toEqual([]);
    // Whoever comes later finds it in the snapshot.
    const later = await world.client(
      await world.token({ role: 'customer', subject: 'adam', account: 'ac-adam' }),
    );
    expect((await joined(later, 'user:ac-adam')).snapshot.sessions).toMatchObject([{ cost }]);
  });

  test('commands without an outcome are in the snapshot, and gone when they have one', async () => {
    const world = await start();
    const commandId = sessionId(9);
    const step = {
      id: 's1',
      schema: 1,
      at: new Date().toISOString(),
      chargePointId: 'CP-1',
      commandId,
    } as const;
    const held = { gateway: 'g1', connection: 'c1' };
    world.feed.notification(
      notificationOf({
        ...step,
        type: 'command.requested',
        action: 'Reset',
        operation: 'reset',
        protocol: 'ocpp1.6',
        payload: {},
        digest: '',
        actor: 'eve',
        deadline: new Date(Date.now() + 60_000).toISOString(),
        queueUntil: null,
      }),
    );
    world.feed.notification(notificationOf({ ...step, ...held, id: 's2', type: 'command.sent' }));
    const client = await world.client(await world.token());
    expect((await joined(client, 'charger:CP-1')).snapshot.commands).toMatchObject([
      { commandId, action: 'Reset', actor: 'eve', state: 'sent' },
    ]);
    expect((await joined(client, 'charger:CP-2')).snapshot.commands).toEqual([]);
    world.feed.notification(
      notificationOf({
        ...step,
        ...held,
        id: 's3',
        type: 'command.accepted',
        status: 'Accepted',
        response: {},
      }),
    );
    expect((await joined(client, 'charger:CP-1')).snapshot.commands).toEqual([]);
  });

  test('rooms that one may not be in, that are none, or that are too many', async () => {
    const world = await start({ settings: { WATTSTREAM_LIVE_ROOMS_PER_SOCKET: 2 } });
    const customer = await world.client(await world.token({ role: 'customer', account: 'ac-1' }));
    expect(await ask(customer, 'subscribe', { room: 'operator' })).toMatchObject({ code: 'ROOM_FORBIDDEN' });
    expect(await ask(customer, 'resume', { room: 'operator', epoch: 'x', seq: 0 })).toMatchObject({
      code: 'ROOM_FORBIDDEN',
    });
    expect(await ask(customer, 'subscribe', { room: 'user:ac-1' })).toMatchObject({ ok: true });
    expect(await ask(customer, 'subscribe', { room: 'nonsense' })).toMatchObject({ code: 'REQUEST_INVALID' });
    expect(await ask(customer, 'subscribe', 'nonsense')).toMatchObject({ code: 'REQUEST_INVALID' });

    const admin = await world.client(await world.token());
    for (const room of ['charger:1', 'charger:2'])
      expect(await ask(admin, 'subscribe', { room })).toMatchObject({ ok: true });
    expect(await ask(admin, 'subscribe', { room: 'charger:3' })).toMatchObject({ code: 'TOO_MANY_ROOMS' });
    expect(await ask(admin, 'unsubscribe', { room: 'charger:1' })).toEqual({ ok: true });
    expect(await ask(admin, 'subscribe', { room: 'charger:3' })).toMatchObject({ ok: true });
  });

  test('tables that do not answer are said, and nothing is left behind', async () => {
    const world = await start();
    const client = await world.client(await world.token());
    world.hooks.reading = () => {
      throw new Error('broken');
    };
    expect(await ask(client, 'subscribe', { room: 'operator' })).toMatchObject({
      ok: false,
      code: 'INTERNAL',
    });
    delete world.hooks.reading;
    expect(await ask(client, 'subscribe', { room: 'operator' })).toMatchObject({ ok: true, seq: 0 });
  });

  test('secrets of registry entities go to nobody', async () => {
    const world = await start();
    const client = await world.client(await world.token());
    const changes = collected<Change>(client, 'change');
    await joined(client, 'operator');
    world.feed.notification({
      id: 'w1',
      schema: 1,
      at: AT,
      type: 'cms.webhook.created',
      audience: { stationId: null, accountId: null },
      event: {
        id: 'w1',
        schema: 1,
        at: AT,
        type: 'cms.webhook.created',
        kind: 'webhook',
        entityId: 'w1',
        version: 1,
        actor: 'eve',
        state: { url: 'https://example.org', secret: 'whsec_x', deep: [{ passwordHash: 'y', name: 'z' }] },
      },
    });
    await changes.count(1);
    expect(changes.all[0]?.notification.event).toMatchObject({
      state: { url: 'https://example.org', deep: [{ name: 'z' }] },
    });
    expect(JSON.stringify(changes.all)).not.toMatch(/whsec|passwordHash/);
  });
});

describe('coming back', () => {
  const away = async (world: World, missed: number) => {
    const first = await world.client(await world.token());
    const { epoch, seq } = await joined(first, 'operator');
    first.disconnect();
    for (let n = 0; n < missed; n++) world.feed.notification(anomalyNews());
    const second = await world.client(await world.token());
    const changes = collected<Change>(second, 'change');
    return { second, changes, epoch, seq };
  };

  test('in time: what was missed follows, without a snapshot and without a gap', async () => {
    const world = await start();
    const { second, changes, epoch, seq } = await away(world, 3);
    const answer = await ask(second, 'resume', { room: 'operator', epoch, seq });
    expect(answer).toEqual({ ok: true, room: 'operator', epoch, seq, live: true });
    await changes.count(3);
    world.feed.notification(anomalyNews());
    await changes.count(4);
    expect(changes.all.map((change) => change.seq)).toEqual([1, 2, 3, 4]);
  });

  test('too late: more was missed than is kept, so a snapshot', async () => {
    const world = await start({ settings: { WATTSTREAM_LIVE_REPLAY: 2 } });
    const { second, epoch, seq } = await away(world, 3);
    expect(await ask(second, 'resume', { room: 'operator', epoch, seq })).toMatchObject({
      ok: true,
      seq: 3,
      snapshot: { sessions: [] },
    });
  });

  test('from another process, or before a restart: another epoch, so a snapshot', async () => {
    const world = await start();
    const { second } = await away(world, 1);
    expect(await ask(second, 'resume', { room: 'operator', epoch: 'another', seq: 1 })).toMatchObject({
      ok: true,
      snapshot: { sessions: [] },
    });
  });
});

describe('when the queue was away', () => {
  test('everybody is told, starts anew, and finds what came meanwhile although no table has it', async () => {
    const world = await start();
    const client = await world.client(await world.token());
    const feeds = collected<z.infer<typeof feed>>(client, 'feed');
    const stales = collected<z.infer<typeof stale>>(client, 'stale');
    const { epoch } = await joined(client, 'operator');
    world.feed.down();
    while (feeds.all.at(-1)?.live !== false) await turn();
    // Published while nobody listened: only the events log has it.
    world.recorded.push(sessionNews('session.started', { version: 4 }));
    world.feed.up();
    expect(await stales.count(1)).toEqual([{ room: 'operator', reason: 'feed-interrupted' }]);
    const again = await ask(client, 'resume', { room: 'operator', epoch, seq: 0 });
    expect(again).toMatchObject({
      ok: true,
      live: true,
      snapshot: { sessions: [{ sessionId: sessionId(1) }] },
    });
    expect(again).not.toMatchObject({ epoch });
  });

  test('who asks meanwhile is answered from the tables and told that it is not live', async () => {
    const world = await start({ up: false });
    const client = await world.client(await world.token());
    expect(await joined(client, 'operator')).toMatchObject({ live: false });
  });

  test('who was waiting for the tables when it came back gets tables read after that', async () => {
    const world = await start();
    const client = await world.client(await world.token());
    let reads = 0;
    world.hooks.reading = (question) => {
      if (question !== 'snapshot-sessions' || reads++ > 0) return;
      world.feed.down();
      world.rows['snapshot-sessions'] = [sessionRow({})];
      world.feed.up();
    };
    expect((await joined(client, 'operator')).snapshot.sessions).toHaveLength(1);
  });

  test('a notification that never came is noticed by the next about the same thing', async () => {
    const world = await start();
    const client = await world.client(await world.token());
    const stales = collected<z.infer<typeof stale>>(client, 'stale');
    await joined(client, 'operator');
    world.feed.notification(sessionNews('session.started', { version: 1 }));
    world.feed.notification(sessionNews('session.updated', { version: 3, previous: 2 }));
    expect(await stales.count(1)).toEqual([{ room: 'operator', reason: 'notification-missed' }]);
  });
});

describe('limits', () => {
  test('a client that does not read is put out of its rooms and cut off; others notice nothing', async () => {
    const world = await start({
      settings: { WATTSTREAM_LIVE_BUFFER_BYTES: 200_000, WATTSTREAM_LIVE_REPLAY: 10 },
    });
    const [slow, quick] = [await world.client(await world.token()), await world.client(await world.token())];
    const changes = collected<Change>(quick, 'change');
    await joined(slow, 'operator');
    await joined(quick, 'operator');
    const socket = (slow.io.engine.transport as unknown as { ws: { _socket: Socket } }).ws._socket;
    socket.pause();
    const closed = async () =>
      (await world.metrics.metrics()).includes('wattstream_live_closed_total{code="TOO_SLOW"} 1');
    let sent = 0;
    while (!(await closed())) {
      for (let n = 0; n < 20; n++, sent++)
        world.feed.notification(connectorNews('x'.repeat(5_000), { version: sent + 1 }));
      await changes.count(sent);
    }
    while (!(await world.metrics.metrics()).includes('wattstream_live_sockets 1')) await turn();
    socket.destroy();
    expect(changes.all.map(({ seq }) => seq)).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
  });

  test('too large a message ends the connection', async () => {
    const world = await start({ settings: { WATTSTREAM_LIVE_MESSAGE_BYTES: 2_000 } });
    const client = await world.client(await world.token());
    const gone = new Promise((resolve) => client.once('disconnect', resolve));
    client.emit('subscribe', { room: 'x'.repeat(5_000) });
    expect(await gone).toBeDefined();
  });

  test('whoever asks without end is told goodbye', async () => {
    const world = await start();
    const client = await world.client(await world.token());
    const byes = collected<z.infer<typeof bye>>(client, 'bye');
    for (let n = 0; n < 200; n++) client.emit('subscribe', { room: 'operator' });
    expect(await byes.count(1)).toMatchObject([{ code: 'TOO_MANY_REQUESTS' }]);
  });

  test('a charger that moves to another station takes nobody along who may not be there', async () => {
    const world = await start();
    world.feed.notification(connectorNews('Available', { stationId: 'st-1', version: 1 }));
    const client = await world.client(await world.token({ role: 'operator', stations: ['st-1'] }));
    const stales = collected<z.infer<typeof stale>>(client, 'stale');
    const changes = collected<Change>(client, 'change');
    await joined(client, 'charger:CP-1');
    world.feed.notification(connectorNews('Charging', { stationId: 'st-2', version: 2 }));
    expect(await stales.count(1)).toEqual([{ room: 'charger:CP-1', reason: 'no-longer-allowed' }]);
    expect(await ask(client, 'subscribe', { room: 'charger:CP-1' })).toMatchObject({
      code: 'ROOM_FORBIDDEN',
    });
    expect(changes.all).toEqual([]);
  });

  test('one that stands at no station any more shows itself to nobody who has only some of them', async () => {
    const world = await start();
    world.feed.notification(connectorNews('Available', { stationId: 'st-1', version: 1 }));
    const restricted = await world.client(await world.token({ role: 'operator', stations: ['st-1'] }));
    const other = await world.client(await world.token({ role: 'operator' }));
    const stales = collected<z.infer<typeof stale>>(restricted, 'stale');
    const changes = collected<Change>(restricted, 'change');
    const all = collected<Change>(other, 'change');
    for (const client of [restricted, other]) await joined(client, 'charger:CP-1');
    world.feed.notification(connectorNews('Charging', { stationId: '', version: 2 }));
    expect(await stales.count(1)).toEqual([{ room: 'charger:CP-1', reason: 'no-longer-allowed' }]);
    await all.count(1);
    expect(changes.all).toEqual([]);
  });
});
