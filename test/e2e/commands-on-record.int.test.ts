/**
 * What was asked of chargers over HTTP, and what they own since, read back out of the tables a moment later: chargers of
 * another house, roles as processes.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type CommandedCharger, strictCharger } from '../support/commanded-charger.js';
import {
  apiUrl,
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever it expects
type Body = any;

const WITHIN_HOUR = new Date(Date.now() + 3_600_000).toISOString();
let installation: TestInstallation;
let ingest: RunningRole;
let api: RunningRole;
let old: CommandedCharger;
let modern: CommandedCharger;

beforeAll(async () => {
  installation = await testInstallation({ WATTSTREAM_FLUSH_MS: '50', WATTSTREAM_CHECKPOINT_MS: '500' });
  [ingest, , api] = await Promise.all([
    installation.start('ingest'),
    installation.start('analytics'),
    installation.start('api'),
  ]);
  old = strictCharger('REC-16', 'ocpp1.6');
  modern = strictCharger('REC-201', 'ocpp2.0.1');
  await old.connect(ocppUrl(ingest));
  // A charger that has just come counts as offline until its binding stands.
  await installation.until(
    () => post('trigger-message', { chargePointId: 'REC-16', message: 'Heartbeat' }),
    ({ status }) => status === 200,
  );
}, 90_000);
afterAll(async () => {
  await Promise.all([old?.close(), modern?.close()]);
  await installation?.stop();
}, 60_000);

async function post(path: string, body: object): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${apiUrl(api)}/charger/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}
const get = async (path: string): Promise<Body> => (await fetch(`${apiUrl(api)}/${path}`)).json();
const found = <T>(path: string, of: (body: Body) => T, satisfied: (answer: T) => boolean) =>
  installation.until(async () => of(await get(path)), satisfied);

test('a reservation is active, and used once somebody plugs in', async () => {
  const asked = { chargePointId: 'REC-16', idTag: 'Tag1', connectorId: 1, expiresAt: WITHIN_HOUR };
  expect((await post('reserve-now', asked)).status).toBe(200);
  const [reservation] = await found(
    'charger/REC-16/reservations',
    ({ reservations }) => reservations,
    (list: Body[]) => list.length === 1,
  );
  expect(reservation).toMatchObject({ state: 'active', connectorId: 1, expiresAt: WITHIN_HOUR });
  expect(JSON.stringify(reservation)).not.toContain('Tag1');
  const { transactionId } = await old.call('StartTransaction', {
    connectorId: 1,
    idTag: 'Tag1',
    meterStart: 0,
    timestamp: new Date().toISOString(),
    reservationId: reservation.reservationId,
  });
  const used = await found(
    'charger/REC-16/reservations?state=used',
    ({ reservations }) => reservations[0],
    (one: Body) => one?.sessionId != null,
  );
  expect(used).toMatchObject({ transactionId: String(transactionId) });
});

test('what was kept for a charger that was away is recorded as it was sent, in the words of its version', async () => {
  await modern.connect(ocppUrl(ingest));
  modern.cut();
  await found(
    'charger/REC-201',
    ({ connected }) => connected,
    (connected) => connected === false,
  );
  const kept = await post('reserve-now', {
    chargePointId: 'REC-201',
    idTag: 'Tag2',
    evseId: 1,
    expiresAt: WITHIN_HOUR,
    queueUntil: WITHIN_HOUR,
  });
  expect(kept.status).toBe(202);
  await modern.connect(ocppUrl(ingest));
  const [reservation] = await found(
    'charger/REC-201/reservations',
    ({ reservations }) => reservations,
    (list: Body[]) => list.length === 1,
  );
  expect(reservation).toMatchObject({ state: 'active', evseId: 1, connectorId: null });
  expect(reservation.reservationId).toBe(
    modern.got.find(({ action }) => action === 'ReserveNow')?.payload.id,
  );
  const [command] = (await get('charger/REC-201/commands?action=ReserveNow')).commands;
  expect(command).toMatchObject({
    status: 'accepted',
    keptAt: expect.any(String),
    releasedAt: expect.any(String),
  });
});

test('a log that was asked for, until it is uploaded', async () => {
  const { body } = await post('get-log', {
    chargePointId: 'REC-201',
    location: 'https://files.example.com/',
    logType: 'SecurityLog',
  });
  const requestId = modern.got.find(({ action }) => action === 'GetLog')?.payload.requestId;
  for (const status of ['Uploading', 'Uploaded'])
    await modern.call('LogStatusNotification', { status, requestId });
  const done = await found(
    'charger/REC-201/jobs?kind=log',
    ({ jobs }) => jobs[0],
    (job: Body) => job?.state === 'done',
  );
  expect(done).toMatchObject({
    requestId,
    status: 'Uploaded',
    reports: [{ status: 'Uploading' }, { status: 'Uploaded' }],
  });
  expect(done.commandId).toBe(body.commandId ?? body.id);
});

test('local lists and charging profiles', async () => {
  await post('send-local-list', {
    chargePointId: 'REC-16',
    entries: [{ idTag: 'Tag1', status: 'Accepted' }],
  });
  const sent = old.got.find(({ action }) => action === 'SendLocalList')?.payload;
  const list = await found(
    'charger/REC-16/local-list',
    (body: Body) => body,
    ({ version }) => version !== null,
  );
  expect(list).toMatchObject({ version: sent?.listVersion, updateType: 'Full', entries: 1 });

  const csChargingProfiles = {
    chargingProfileId: 7,
    stackLevel: 0,
    chargingProfilePurpose: 'TxDefaultProfile',
    chargingProfileKind: 'Absolute',
    chargingSchedule: { chargingRateUnit: 'A', chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
  };
  const set = {
    chargePointId: 'REC-16',
    action: 'SetChargingProfile',
    payload: { connectorId: 1, csChargingProfiles },
  };
  expect((await post('commands', set)).status).toBe(200);
  const profiles = () =>
    found(
      'charger/REC-16/charging-profiles',
      ({ chargingProfiles }) => chargingProfiles,
      (all: Body[]) => all.length > 0,
    );
  expect(await profiles()).toMatchObject([
    { profileId: 7, connectorId: 1, state: 'active', schedule: csChargingProfiles.chargingSchedule },
  ]);
  await post('commands', { chargePointId: 'REC-16', action: 'ClearChargingProfile', payload: { id: 7 } });
  await found(
    'charger/REC-16/charging-profiles?state=cleared',
    ({ chargingProfiles }) => chargingProfiles.length,
    (count) => count === 1,
  );
});

test('who sent what, and how far the tables are', async () => {
  const { commands } = await get('charger/REC-16/commands');
  const own = commands.filter(({ action }: Body) => !/^trigger/i.test(action));
  expect(own.map(({ action, status }: Body) => [action, status])).toEqual([
    ['ClearChargingProfile', 'accepted'],
    ['SetChargingProfile', 'accepted'],
    ['SendLocalList', 'accepted'],
    ['ReserveNow', 'accepted'],
  ]);
  await found(
    'ops/streams',
    ({ events }) => events.find(({ stream }: Body) => stream === 'charging.events.log')?.state,
    (state) => state === 'level',
  );
});
