/**
 * What the registry brings to chargers over OCPP: new keys and local lists. Roles as processes, two api, simulated chargers
 * of both kinds; an api and the gateway are killed, and in the end the chargers have what the registry says.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { messageNames } from '../../src/domain/messages/names.js';
import { closeAmqp, openAmqp } from '../../src/platform/amqp.js';
import { readSettings, streamAddress } from '../../src/platform/config.js';
import type { Scenario } from '../../src/simulator/charger/behaviour.js';
import { type Fleet, startFleet } from '../../src/simulator/fleet.js';
import { rushHour } from '../../src/simulator/scenarios/rush-hour.js';
import { steady } from '../../src/simulator/scenarios/steady.js';
import { createRabbitInspector } from '../../src/streams/rabbitmq/inspector.js';
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

/** Nobody charges here. */
const idle: Scenario = {
  ...steady,
  visit: (context) => ({ ...rushHour.visit(context), afterMs: 1_000 * 3_600_000 }),
};
const VERSIONS = { 'OLD-0001': '1.6', 'NEW-0001': '2.0.1' } as const;
const IDS = Object.keys(VERSIONS) as (keyof typeof VERSIONS)[];
const passwords = new Map(IDS.map((id) => [id, randomBytes(10).toString('base64url').padEnd(16, 'x')]));

let installation: TestInstallation;
let ingest: RunningRole;
let first: RunningRole;
let second: RunningRole;
const fleets = new Map<string, Fleet>();
const heard: string[] = [];
let deaf: () => Promise<void>;
const answers: string[] = [];

async function ask(method: string, path: string, body?: unknown, headers: object = {}, api = second) {
  const response = await fetch(`${apiUrl(api)}${path}`, {
    method,
    headers: {
      connection: 'close',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  answers.push(text);
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as Body };
}
const enter = async (path: string, body: object): Promise<void> => {
  const { status, body: said } = await ask('POST', `/cms/${path}`, body);
  expect({ status, said }).toMatchObject({ status: 201 });
};
const change = async (path: string, more: object | null): Promise<void> => {
  const { body } = await ask('GET', `/cms/${path}`);
  const { status } = await ask(
    more === null ? 'DELETE' : 'PUT',
    `/cms/${path}`,
    more === null ? undefined : { ...body, ...more },
    {
      'if-match': `"${body.version}"`,
    },
  );
  expect(status).toBeLessThan(300);
};

/** Everything on the exchanges that people and programs are told by. */
async function listen(): Promise<() => Promise<void>> {
  const { exchanges } = messageNames(installation.env.WATTSTREAM_PREFIX as string);
  const connection = await openAmqp(readSettings().RABBITMQ_URL, 'wattstream test');
  const channel = await connection.createChannel();
  for (const exchange of [exchanges.chargingEvents, exchanges.cmsEvents, exchanges.notifications]) {
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, exchange, '#');
    await channel.consume(queue, (message) => message && heard.push(message.content.toString()), {
      noAck: true,
    });
  }
  return () => closeAmqp(connection);
}

beforeAll(async () => {
  installation = await testInstallation({
    WATTSTREAM_ACCEPT_UNKNOWN: 'false',
    WATTSTREAM_FLUSH_MS: '50',
    WATTSTREAM_CHECKPOINT_MS: '500',
    WATTSTREAM_COMMAND_GRACE_SECONDS: '1',
    WATTSTREAM_LOCATE_MS: '5000',
    WATTSTREAM_LOCAL_LIST_SETTLE_MS: '2000',
  });
  [ingest, , first, second] = await Promise.all([
    installation.start('ingest'),
    installation.start('analytics'),
    installation.start('api'),
    installation.start('api'),
  ]);
  deaf = await listen();
  await enter('stations', {
    id: 'st-1',
    name: 'Harbour',
    address: 'Kade 1',
    city: 'Rotterdam',
    country: 'NLD',
    coordinates: { latitude: '51.92250', longitude: '4.47917' },
    time_zone: 'Europe/Amsterdam',
  });
  await enter('accounts', { id: 'ac-1', role: 'customer', name: 'Somebody' });
  const connectors = [
    {
      connectorId: 1,
      standard: 'IEC_62196_T2',
      format: 'SOCKET',
      power_type: 'AC_3_PHASE',
      max_electric_power: 22_000,
    },
  ];
  for (const id of IDS)
    await enter('points', {
      id,
      station: 'st-1',
      securityProfile: 1,
      password: passwords.get(id),
      localList: 'all',
      evses: [{ evseId: 1, connectors }],
    });
  for (const id of IDS)
    fleets.set(
      id,
      startFleet({
        url: ocppUrl(ingest),
        chargers: 1,
        prefix: id.slice(0, 4),
        version: VERSIONS[id],
        scenario: idle,
        speed: 1,
        password: () => passwords.get(id) as string,
        reconnect: { firstMs: 100, maxMs: 500 },
      }),
    );
  await installation.until(
    async () => [...fleets.values()].map((fleet) => fleet.progress().online),
    (all) => all.every((one) => one === 1),
  );
}, 180_000);

afterAll(async () => {
  for (const fleet of fleets.values()) await fleet.stop();
  await deaf?.();
  await installation?.stop();
}, 60_000);

const knock = (id: string, password: Buffer | string): Promise<number> =>
  new Promise((resolve) => {
    const credentials = Buffer.concat([Buffer.from(`${id}:`), Buffer.from(password as string)]).toString(
      'base64',
    );
    const socket = new WebSocket(`${ocppUrl(ingest)}/${id}`, ['ocpp1.6', 'ocpp2.0.1'], {
      headers: { authorization: `Basic ${credentials}` },
    });
    socket.once('open', () => socket.close());
    socket.once('close', () => resolve(101));
    socket.on('unexpected-response', (_, response) => {
      socket.removeAllListeners('close');
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', () => {});
  });

describe('a new key', () => {
  test('each charger gets one, comes again with it, and it is in no record: neither broker, tables, answers nor logs', async () => {
    const keys: string[] = [];
    for (const id of IDS) {
      const { ledger } = fleets.get(id) as Fleet;
      const connects = ledger.counts.connects;
      const rotated = await ask('POST', `/cms/points/${id}/rotate-password`);
      expect(rotated).toMatchObject({ status: 200, body: { rotation: { state: 'accepted' } } });
      const sent = ledger.commands.find(({ messageId }) => messageId === rotated.body.command.id);
      const [, , , payload] = JSON.parse(sent?.text ?? '[]') as [number, string, string, Body];
      keys.push(payload.value ?? payload.setVariableData[0].attributeValue);
      expect(keys.at(-1)).toMatch(/^\w{40}$/);
      // It comes by itself, and is let in.
      await installation.until(
        async () => ledger.counts.connects,
        (count) => count > connects,
      );
      expect(await knock(id, passwords.get(id) as string)).toBe(401);
      expect((await ask('GET', `/cms/points/${id}`)).body).toMatchObject({
        version: 3,
        rotation: { state: 'accepted', commandId: rotated.body.command.id },
      });
    }

    const stored = () =>
      installation.database.select<{ status: string }>(
        "SELECT status FROM commands WHERE action IN ('ChangeConfiguration', 'SetVariables') AND status = 'accepted'",
      );
    await installation.until(stored, (rows) => rows.length === 2);
    const records: string[] = [];
    const inspector = createRabbitInspector({
      address: streamAddress(readSettings()),
      prefix: installation.env.WATTSTREAM_PREFIX as string,
      partitions: 4,
    });
    for (const { partition, last } of await inspector.bounds())
      for await (const record of inspector.read(partition, 0, last ?? -1))
        records.push(JSON.stringify(record));
    await inspector.close();
    const tables = await installation.database.select<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'",
    );
    for (const { name } of tables)
      for (const row of await installation.database.select(`SELECT * FROM ${name}`))
        records.push(JSON.stringify(row));
    for (const id of IDS) {
      await ask('GET', `/cms/points/${id}/history`);
      await ask('GET', `/charger/commands?chargePointId=${id}`);
      await ask('GET', `/charger/${id}/frames`);
    }
    const logs = [ingest, first, second].flatMap((role) => role.log().map((line) => JSON.stringify(line)));
    const all = [...records, ...heard, ...answers, ...logs];
    // It looks where the commands are: redacted.
    for (const place of [records, heard, answers])
      expect(place.filter((text) => text.includes('***')).length).toBeGreaterThan(1);
    for (const key of keys)
      for (const text of [
        key,
        Buffer.from(key).toString('base64'),
        Buffer.from(key, 'hex').toString('base64'),
      ])
        if (text !== '') expect(all.filter((record) => record.includes(text))).toEqual([]);
  });

  test('the gateway is killed while the charger has not answered: it comes with the key it has, and that one counts', async () => {
    const id = 'OLD-0001';
    const { ledger } = fleets.get(id) as Fleet;
    const { port } = ingest;
    const before = ledger.commands.length;
    const rotating = ask('POST', `/cms/points/${id}/rotate-password`, undefined, { prefer: 'respond-async' });
    await installation.until(
      async () => ledger.commands.slice(before).some(({ action }) => action === 'ChangeConfiguration'),
      (isThere) => isThere,
    );
    await ingest.kill();
    expect((await rotating).status).toBe(202);
    ingest = await installation.start('ingest', { WATTSTREAM_INGEST_PORT: String(port) });
    Object.assign(ingest, { port });
    const settled = await installation.until(
      async () => (await ask('GET', `/cms/points/${id}`)).body.rotation?.state,
      (state) => state === 'accepted',
      90,
    );
    expect(settled).toBe('accepted');
    await installation.until(
      async () => (fleets.get(id) as Fleet).progress().online,
      (online) => online === 1,
    );
  });
});

describe('local lists', () => {
  /** Of each token what the charger says of it, against what the registry says. */
  const expected = async (): Promise<Record<string, string>> => {
    const { body } = await ask('GET', '/cms/export/tokens');
    return Object.fromEntries(
      (body as { uid: string; status: string; whitelist: string }[])
        .filter(({ whitelist }) => whitelist !== 'NEVER')
        .map(({ uid, status }) => [uid, status]),
    );
  };
  const heldBy = (id: string): Record<string, unknown> =>
    Object.fromEntries(
      [...((fleets.get(id) as Fleet).localListOf(id)?.entries ?? [])].map(([uid, { status }]) => [
        uid,
        status,
      ]),
    );
  const same = async (): Promise<void> => {
    const sorted = (list: Record<string, unknown>) => JSON.stringify(Object.entries(list).sort());
    const wanted = sorted(await expected());
    await installation.until(
      async () => IDS.map((id) => sorted(heldBy(id)) === wanted),
      (all) => all.every(Boolean),
      60,
    );
  };

  test('creates, blocks and deletes reach both chargers, an api killed in the middle or a charger away meanwhile', async () => {
    const uids = Array.from({ length: 250 }, (_, n) => `CARD${String(n).padStart(4, '0')}`);
    const imported = await ask(
      'POST',
      '/cms/import/tokens',
      uids.map((uid) => ({ uid, account: 'ac-1' })),
    );
    expect(imported.status).toBe(200);
    // One of the two is at it; whichever it is, the other one ends it.
    await first.kill();
    await same();
    expect(Object.keys(heldBy('NEW-0001'))).toHaveLength(250);
    first = await installation.start('api');

    await change('tokens/CARD0001', { status: 'Blocked' });
    await change('tokens/CARD0002', null);
    await change('tokens/CARD0003', { whitelist: 'NEVER' });
    await enter('tokens', { uid: 'NEWCARD', group_id: 'FLEET', expiresAt: '2099-01-01T00:00:00Z' });
    await same();
    expect((fleets.get('OLD-0001') as Fleet).localListOf('OLD-0001')?.entries.get('NEWCARD')).toEqual({
      status: 'Accepted',
      expiryDate: '2099-01-01T00:00:00.000Z',
      parentIdTag: 'FLEET',
    });
    expect((fleets.get('NEW-0001') as Fleet).localListOf('NEW-0001')?.entries.get('NEWCARD')).toEqual({
      status: 'Accepted',
      cacheExpiryDateTime: '2099-01-01T00:00:00.000Z',
      groupIdToken: { idToken: 'FLEET', type: 'Central' },
    });

    // The gateway is away, and with it the chargers; the api that worked is killed meanwhile.
    const { port } = ingest;
    await ingest.kill();
    await change('tokens/CARD0004', { status: 'Blocked' });
    await change('tokens/CARD0005', null);
    await enter('tokens', { uid: 'LATECARD' });
    await ask('PUT', '/cms/tokens/CARD0006', {}, {}, first);
    await second.kill();
    second = await installation.start('api');
    ingest = await installation.start('ingest', { WATTSTREAM_INGEST_PORT: String(port) });
    Object.assign(ingest, { port });
    await same();
    expect(Object.keys(heldBy('OLD-0001'))).toContain('LATECARD');
    const status = await installation.until(
      async () => (await ask('GET', '/cms/points/OLD-0001/local-list')).body,
      ({ upToDate }) => upToDate === true,
    );
    expect(status).toMatchObject({
      localList: 'all',
      wanted: { entries: 249, left: 0 },
      charger: { version: (fleets.get('OLD-0001') as Fleet).localListOf('OLD-0001')?.version },
      last: { state: 'accepted' },
    });
    const lists = () =>
      installation.database.select<{ charge_point_id: string; actor: string; version: number }>(
        'SELECT charge_point_id, actor, version FROM local_lists ORDER BY charge_point_id',
      );
    await installation.until(lists, (rows) =>
      rows.every(
        ({ charge_point_id: id, version, actor }) =>
          actor === 'system:local-list' &&
          Number(version) === (fleets.get(id) as Fleet).localListOf(id)?.version,
      ),
    );
  });
});
