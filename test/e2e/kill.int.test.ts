/**
 * kill -9 of the gateway and of analytics while chargers talk: every answered frame is kept, and every session is
 * what its charger delivered. (Promises 1 and 2 of the design.)
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';
import { Outsider } from '../support/outsider.js';

const CHARGERS = 10;
const MINUTE = 60_000;
const TALK_MS = 5_000;

let installation: TestInstallation;
let ingest: RunningRole;
let analytics: RunningRole;

beforeAll(async () => {
  installation = await testInstallation({ WATTSTREAM_CHECKPOINT_MS: '500' });
  [ingest, analytics] = await Promise.all([installation.start('ingest'), installation.start('analytics')]);
}, 60_000);

afterAll(() => installation?.stop());

interface Delivered {
  charge_point_id: string;
  transaction_id: string;
  energy: number;
}

/** Sessions one after the other until `end`, each of 1 kWh and the session's number in Wh. */
async function talk(charger: Outsider, end: number, delivered: Delivered[]): Promise<void> {
  let at = Date.now() - 1_000 * 60 * MINUTE;
  let meter = 0;
  for (let session = 1; Date.now() < end; session++) {
    const energy = 1_000 + session;
    const id = await charger.start(at, meter, `TAG-${session}`);
    await charger.meter(id, [[at + 10 * MINUTE, String(meter + 500)]]);
    await charger.stop(at + 20 * MINUTE, meter + energy, id);
    delivered.push({ charge_point_id: charger.id, transaction_id: String(id), energy });
    at += 21 * MINUTE;
    meter += energy;
    await sleep(20);
  }
}

test('nothing that was answered is lost, and no session is wrong', async () => {
  const end = Date.now() + TALK_MS;
  const delivered: Delivered[] = [];
  const chargers = Array.from(
    { length: CHARGERS },
    (_, i) => new Outsider(() => ocppUrl(ingest), `KILL-${i}`),
  );
  const talking = Promise.all(chargers.map((charger) => talk(charger, end, delivered)));

  await sleep(TALK_MS / 5);
  await ingest.kill('SIGKILL');
  ingest = await installation.start('ingest');
  await analytics.kill('SIGKILL');
  await sleep(TALK_MS / 5);
  analytics = await installation.start('analytics');
  await talking;
  await Promise.all(chargers.map((charger) => charger.close()));

  const order = (a: Delivered, b: Delivered) =>
    a.charge_point_id.localeCompare(b.charge_point_id) || a.transaction_id.localeCompare(b.transaction_id);
  const stored = await installation.until(
    () =>
      installation.database.select<Delivered>(`
        SELECT charge_point_id, transaction_id, toFloat64(energy_wh) AS energy FROM sessions
        WHERE status = 'completed' AND NOT held AND empty(anomalies)`),
    (rows) => rows.length >= delivered.length,
  );
  expect(delivered.length).toBeGreaterThan(CHARGERS);
  expect(stored.sort(order)).toEqual(delivered.sort(order));

  const answered = chargers.flatMap(({ id, answered }) => answered.map((messageId) => `${id} ${messageId}`));
  const missing = async () => {
    const frames = await installation.database.select<{ name: string }>(
      "SELECT concat(charge_point_id, ' ', message_id) AS name FROM frames WHERE message_id != ''",
    );
    const kept = new Set(frames.map(({ name }) => name));
    return answered.filter((name) => !kept.has(name));
  };
  expect(answered.length).toBeGreaterThanOrEqual(delivered.length * 3);
  expect(await installation.until(missing, (names) => names.length === 0)).toEqual([]);

  // The killed gateway wrote no `Disconnected`; its connections are closed all the same.
  await installation.until(
    () => installation.database.select('SELECT 1 FROM connections WHERE `to` IS NULL'),
    (open) => open.length === 0,
  );
}, 90_000);
