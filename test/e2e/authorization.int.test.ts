/**
 * Who may charge, over real sockets, two gateways and the real broker: a card is in one transaction at a time wherever it
 * is shown, and nobody is refused for what is his own, has ended, or is not known to anybody.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';
import { iso, Outsider, type Protocol } from '../support/outsider.js';

const LONG = 120_000;
const GATEWAYS = ['gw-0', 'gw-1'] as const;
const tokens = [
  ...['ONE', 'TWO', 'THREE', 'FOUR', 'FIVE', 'SIX'].map((token) => ({ token })),
  { token: 'FLEET', concurrent: true },
  { token: 'MEMBER-1', group_id: 'FAMILY', expiresAt: '2031-01-01T00:00:00Z' },
  { token: 'MEMBER-2', group_id: 'family' },
];

let folder: string;
let installation: TestInstallation;
const gateways: RunningRole[] = [];
const chargers: Outsider[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wattstream-tokens-'));
  const file = join(folder, 'points.json');
  writeFileSync(file, JSON.stringify({ tokens }));
  installation = await testInstallation({ WATTSTREAM_CHARGE_POINTS: file });
  const [analytics, ...others] = await Promise.all([
    installation.start('analytics'),
    ...GATEWAYS.map((name) => installation.start('ingest', { WATTSTREAM_GATEWAY: name })),
  ]);
  void analytics;
  gateways.push(...others);
  await Promise.all(gateways.map(informed));
}, LONG);

afterAll(async () => {
  await Promise.all(chargers.map((charger) => charger.close()));
  await installation?.stop();
  rmSync(folder, { recursive: true, force: true });
}, LONG);

const informed = (gateway: RunningRole): Promise<number> =>
  installation.until(
    () => gateway.metric('wattstream_ingest_transactions_informed'),
    (value) => value === 1,
  );

const chargerAt = (gateway: number, id: string, protocol: Protocol = 'ocpp1.6'): Outsider => {
  const charger = new Outsider(() => ocppUrl(gateways[gateway] as RunningRole), id, protocol);
  chargers.push(charger);
  return charger;
};

interface Info {
  status: string;
}
const start16 = async (charger: Outsider, idTag: string, at = Date.now(), connectorId = 1) => {
  const answer = await charger.say('StartTransaction', {
    ...{ connectorId, idTag, meterStart: 0 },
    timestamp: iso(at),
  });
  return { id: answer.transactionId as number, info: answer.idTagInfo as Info };
};
const event2 = async (
  charger: Outsider,
  eventType: string,
  transactionId: string,
  token: string | undefined,
  more: object = {},
) => {
  const answer = await charger.say('TransactionEvent', {
    ...{ eventType, seqNo: eventType === 'Started' ? 0 : 9, triggerReason: 'Authorized' },
    timestamp: iso(Date.now()),
    transactionInfo: { transactionId },
    evse: { id: 1, connectorId: 1 },
    ...(token === undefined ? {} : { idToken: { idToken: token, type: 'ISO14443' } }),
    ...more,
  });
  return answer.idTokenInfo as Info | undefined;
};
/** The session as the tables have it; what the tables have was announced, or is so in a moment. */
const session = (chargePoint: string, satisfied: (row: Record<string, string>) => boolean) =>
  installation.until(
    async () =>
      (
        await installation.database.select<Record<string, string>>(
          `SELECT auth_status, status, stop_reason FROM sessions WHERE charge_point_id = '${chargePoint}' ORDER BY started_at DESC LIMIT 1`,
        )
      )[0],
    (row) => row !== undefined && satisfied(row),
  );
/** Known to that gateway: its own, and what it heard of. */
const knows = (gateway: number, more: number) =>
  installation.until(
    () => gateways[gateway]!.metric('wattstream_ingest_transactions'),
    (count) => count >= more,
  );
/** Where it is accepted before the gateway has heard of the other one, it ends at once. */
const untilRefused = (charger: Outsider, idTag: string) =>
  installation.until(
    async () => {
      const { id, info } = await start16(charger, idTag);
      if (info.status === 'Accepted') await charger.stop(Date.now(), 0, id);
      return info.status;
    },
    (status) => status === 'ConcurrentTx',
  );
const known = (gateway: number) => gateways[gateway]!.metric('wattstream_ingest_transactions');

test(
  '1.6: refused at the other gateway, with an id; its own resend is not; the refused session is closed by its stop',
  async () => {
    const before = await known(1);
    const home = chargerAt(0, 'A-HOME');
    const at = Date.now();
    const first = await start16(home, 'one', at);
    expect(first.info).toEqual({ status: 'Accepted' });
    await knows(1, before + 1);
    const away = chargerAt(1, 'A-AWAY');
    const refused = await start16(away, 'ONE');
    expect(refused).toMatchObject({ id: expect.any(Number), info: { status: 'ConcurrentTx' } });
    // He can stop what he has begun, and whoever does not charge at all is not concerned.
    expect(await away.say('Authorize', { idTag: 'ONE' })).toEqual({ idTagInfo: { status: 'Accepted' } });
    // Its answer was lost, and it comes back to the other gateway.
    const moved = chargerAt(1, 'A-HOME');
    expect(await start16(moved, 'ONE', at)).toEqual(first);

    await session('A-AWAY', (row) => row.auth_status === 'ConcurrentTx' && row.status === 'active');
    await away.stop(Date.now(), 0, refused.id, { reason: 'DeAuthorized' });
    expect(await session('A-AWAY', (row) => row.status === 'completed')).toMatchObject({
      auth_status: 'ConcurrentTx',
      stop_reason: 'DeAuthorized',
    });

    // He goes: from then on he may charge there.
    await moved.stop(Date.now(), 5, first.id, { idTag: 'ONE' });
    expect((await start16(away, 'ONE', Date.now() + 1)).info.status).toBe('Accepted');
  },
  LONG,
);

test(
  'two starts at once at one gateway are not both accepted, before anything was announced',
  async () => {
    const at = Date.now();
    const answers = await Promise.all(
      ['B-1', 'B-2', 'B-3'].map((id) => start16(chargerAt(0, id), 'TWO', at)),
    );
    expect(answers.map(({ info }) => info.status).sort()).toEqual([
      'Accepted',
      'ConcurrentTx',
      'ConcurrentTx',
    ]);
  },
  LONG,
);

test(
  '2.0.1 and 1.6 know of each other; a token shown to end is not a start',
  async () => {
    const before = await known(0);
    const station = chargerAt(1, 'C-201', 'ocpp2.0.1');
    expect(await event2(station, 'Started', 'tx-c', 'Three')).toEqual({ status: 'Accepted' });
    await knows(0, before + 1);
    const old = chargerAt(0, 'C-16');
    expect((await start16(old, 'THREE')).info.status).toBe('ConcurrentTx');
    const other = chargerAt(0, 'C-OTHER', 'ocpp2.0.1');
    expect(await event2(other, 'Started', 'tx-o', 'THREE')).toEqual({ status: 'ConcurrentTx' });
    expect(await event2(other, 'Ended', 'tx-o', 'THREE')).toEqual({ status: 'Accepted' });
    expect(await session('C-OTHER', (row) => row.status === 'completed')).toMatchObject({
      auth_status: 'ConcurrentTx',
    });
    // The cable came first, then the card.
    expect(await event2(other, 'Started', 'tx-p', undefined)).toBeUndefined();
    expect(await event2(other, 'Updated', 'tx-p', 'THREE', { seqNo: 1 })).toEqual({ status: 'ConcurrentTx' });
    expect(
      await event2(station, 'Updated', 'tx-c', 'three', { seqNo: 1, triggerReason: 'StopAuthorized' }),
    ).toEqual({ status: 'Accepted' });
    await event2(station, 'Ended', 'tx-c', undefined);
    await session('C-201', (row) => row.status === 'completed');
    let seqNo = 1;
    await installation.until(
      () => event2(other, 'Updated', 'tx-p', 'THREE', { seqNo: ++seqNo }),
      (info) => info?.status === 'Accepted',
    );
  },
  LONG,
);

test(
  'a fleet’s token, strangers, and two members of one group charge side by side; the group is told to the charger',
  async () => {
    const [one, two] = [chargerAt(0, 'D-1'), chargerAt(0, 'D-2')];
    for (const token of ['FLEET', 'NOBODY-KNOWS-IT'])
      for (const charger of [one, two])
        expect((await start16(charger, token)).info).toEqual({ status: 'Accepted' });
    expect((await start16(one, 'MEMBER-1')).info).toEqual({
      status: 'Accepted',
      expiryDate: '2031-01-01T00:00:00.000Z',
      parentIdTag: 'FAMILY',
    });
    expect((await start16(two, 'member-2')).info).toEqual({ status: 'Accepted', parentIdTag: 'family' });
    const station = chargerAt(0, 'D-201', 'ocpp2.0.1');
    const answer = await station.say('Authorize', { idToken: { idToken: 'MEMBER-1', type: 'ISO14443' } });
    expect(answer).toEqual({
      idTokenInfo: {
        status: 'Accepted',
        cacheExpiryDateTime: '2031-01-01T00:00:00.000Z',
        groupIdToken: { idToken: 'FAMILY', type: 'Central' },
      },
    });
  },
  LONG,
);

test(
  'the gateway is killed while a car charges: its successor refuses the card elsewhere as soon as the car’s charger is back',
  async () => {
    const home = chargerAt(0, 'E-HOME');
    const { id } = await start16(home, 'FOUR');
    await session('E-HOME', (row) => row.status === 'active');
    await gateways[0]!.kill('SIGKILL');
    gateways[0] = await installation.start('ingest', { WATTSTREAM_GATEWAY: GATEWAYS[0] });
    await informed(gateways[0]);
    // It charges on, and says so where it has come back to.
    await home.say('Heartbeat', {});
    await home.meter(id, [[Date.now(), '10']]);
    await untilRefused(chargerAt(0, 'E-AWAY'), 'FOUR');
    await untilRefused(chargerAt(1, 'E-THIRD'), 'FOUR');
    // Both are killed; the card's own charger says its start again, and is not refused for it.
    await Promise.all(gateways.map((gateway) => gateway.kill('SIGKILL')));
    gateways.splice(
      0,
      2,
      ...(await Promise.all(
        GATEWAYS.map((name) => installation.start('ingest', { WATTSTREAM_GATEWAY: name })),
      )),
    );
    await Promise.all(gateways.map(informed));
    const again = await start16(home, 'FOUR', Date.now());
    expect(again.info.status).toBe('Accepted');
    await untilRefused(chargerAt(1, 'E-FOURTH'), 'FOUR');
  },
  LONG,
);

test(
  'a charger’s modem dies while a car charges: its driver may charge at another gateway, and is refused elsewhere while he does',
  async () => {
    const before = await known(1);
    const home = chargerAt(0, 'G-HOME');
    const { id } = await start16(home, 'SIX');
    await knows(1, before + 1);
    const [away, third] = [chargerAt(1, 'G-AWAY'), chargerAt(1, 'G-THIRD')];
    expect((await start16(third, 'SIX')).info.status).toBe('ConcurrentTx');
    await home.close();
    // At the gateway that it left at once, where others hear of it in a moment.
    const there = await installation.until(
      () => start16(away, 'SIX'),
      ({ info }) => info.status === 'Accepted',
    );
    expect((await start16(third, 'SIX')).info.status).toBe('ConcurrentTx');
    // It comes back with the stop that it kept, which is of no consequence for what he does now.
    await home.stop(Date.now(), 10, id);
    expect((await start16(third, 'SIX')).info.status).toBe('ConcurrentTx');
    await away.stop(Date.now(), 10, there.id);
    expect((await start16(third, 'SIX')).info.status).toBe('Accepted');
  },
  LONG,
);

test(
  'an offline start that comes late is judged as of its own time',
  async () => {
    const before = await known(1);
    await start16(chargerAt(0, 'F-NOW'), 'FIVE');
    await knows(1, before + 1);
    const late = chargerAt(1, 'F-LATE');
    expect((await start16(late, 'FIVE', Date.now() - 100 * 60_000)).info.status).toBe('Accepted');
    expect((await start16(late, 'FIVE', Date.now(), 2)).info.status).toBe('ConcurrentTx');
  },
  LONG,
);
