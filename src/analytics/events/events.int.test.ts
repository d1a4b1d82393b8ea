/** From the exchange to the table with real processes, a real broker and the real engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import {
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../../../test/support/installation.js';
import type { ChargingEventMessage } from '../../domain/messages/charging-events.js';
import type { EventPublisher } from '../../queues/ports.js';
import { createEventPublisher } from '../../queues/rabbitmq/publisher.js';
import { commandId, Script } from './testing/script.js';

/** Small flushes and frequent positions, so that a kill meets every step. */
const HASTY = {
  WATTSTREAM_PARTITIONS: '1',
  WATTSTREAM_FLUSH_MS: '20',
  WATTSTREAM_FLUSH_RECORDS: '50',
  WATTSTREAM_CHECKPOINT_MS: '150',
};
const STORED = 'wattstream_event_records_total{stream="charging.events.log"}';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

async function install(): Promise<{
  installation: TestInstallation;
  queues: TestQueues;
  events: EventPublisher;
}> {
  const queues = await createTestQueues();
  cleanUp.push(() => queues.close());
  const installation = await testInstallation({ ...HASTY, WATTSTREAM_PREFIX: queues.prefix });
  cleanUp.push(() => installation.stop());
  const events = createEventPublisher({
    connection: queues.connect(),
    prefix: queues.prefix,
    maxUnconfirmed: 10_000,
  });
  cleanUp.push(() => events.close());
  return { installation, queues, events };
}

const online = (n: number, more: object = {}): ChargingEventMessage => ({
  id: `e${n}`,
  schema: 1,
  type: 'charger.online',
  at: '2026-11-25T10:00:00.000Z',
  chargePointId: `CP-${n % 7}`,
  stationId: '',
  accountId: '',
  version: n,
  previous: null,
  connection: `c${n}`,
  gateway: 'g1',
  protocol: 'ocpp1.6',
  address: '10.0.0.1',
  closeCode: null,
  ...more,
});

const rowsOf = (installation: TestInstallation) =>
  installation.database.select<{ id: string; offset: number }>(
    'SELECT * FROM charging_events ORDER BY offset',
  );
const count = async (installation: TestInstallation): Promise<number> =>
  (await installation.database.select<{ n: number }>('SELECT count() AS n FROM charging_events'))[0]!.n;

test('killed in the middle of its work, beside a second one, with repeats: each event once, as it first came; and again from nothing', async () => {
  const { installation, events } = await install();
  const TOTAL = 3_000;
  let published = 0;
  const publishing = (async () => {
    for (let n = 0; n < TOTAL; n += 20) {
      const some = Array.from({ length: 20 }, (_, k) => online(n + k));
      const again =
        n === 0 ? [] : [online(n - 7, { address: 'said again' }), online(0, { address: 'said again' })];
      await Promise.all([...some, ...again].map((event) => events.publishChargingEvent(event)));
      published = n + 20;
      await sleep(10);
    }
  })();
  let other = await installation.start('analytics');
  let one = await installation.start('analytics');
  for (let kill = 0; kill < 4; kill++) {
    const victim = other;
    const before = await count(installation);
    await installation.until(
      () => count(installation),
      (n) => n > before || published === TOTAL,
    );
    await victim.kill('SIGKILL');
    [other, one] = [one, await installation.start('analytics')];
  }
  await publishing;
  await installation.until(
    () => count(installation),
    (n) => n === TOTAL,
  );
  const rows = await rowsOf(installation);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(TOTAL);
  expect(JSON.stringify(rows)).not.toContain('said again');

  // Everything once more from an empty table: its position is void with it.
  await Promise.all([one.kill('SIGTERM'), other.kill('SIGTERM')]);
  await installation.database.client.command({ query: 'TRUNCATE TABLE charging_events_rows' });
  await installation.start('analytics');
  await installation.until(
    () => count(installation),
    (n) => n === TOTAL,
  );
  expect(await rowsOf(installation)).toEqual(rows);
}, 180_000);

test('of two processes one reads the events, and the other when that is gone', async () => {
  const { installation, events } = await install();
  const both = [await installation.start('analytics'), await installation.start('analytics')];
  const stored = () => Promise.all(both.map((role) => role.metric(STORED)));
  await events.publishChargingEvent(online(0));
  const [first] = await installation.until(stored, ([a = 0, b = 0]) => a + b === 1);
  const [reader, standby] = (first === 1 ? both : [...both].reverse()) as [RunningRole, RunningRole];
  await reader.kill('SIGKILL');
  await events.publishChargingEvent(online(1));
  await installation.until(
    () => standby.metric(STORED),
    (n) => n >= 1,
  );
  await installation.until(
    () => count(installation),
    (n) => n === 2,
  );
}, 90_000);

test('a stream that was deleted and declared again is refused by name, and what the remedy says helps', async () => {
  const { installation, queues, events } = await install();
  const analytics = await installation.start('analytics');
  const script = new Script().accepted(1, 'Reset', '08:00', { type: 'Soft' });
  for (const { body } of script.records) await events.publishChargingEvent(JSON.parse(body));
  const statuses = () =>
    installation.database.select<{ status: string }>(
      'SELECT command_id, status FROM commands ORDER BY command_id',
    );
  await installation.until(statuses, (rows) => rows[0]?.status === 'accepted');
  await installation.until(
    () => installation.database.select('SELECT 1 FROM event_positions WHERE offset >= 2'),
    (rows) => rows.length === 1,
  );

  const channel = await queues.admin.createChannel();
  await channel.deleteQueue(queues.names.streams.chargingEvents);
  await channel.close();
  await queues.declare();
  const { reason } = await installation.until(
    () => analytics.health(),
    (health) => health.reason?.includes('LOG_DIFFERS_FROM_CHECKPOINT') === true,
  );
  expect(reason).toContain('charging.events.log');
  const [refusal] = await installation.until(
    () => installation.database.select('SELECT code, stream, remedy FROM refusals'),
    (rows) => rows.length > 0,
  );
  expect(refusal).toMatchObject({
    stream: 'charging.events.log',
    remedy: expect.stringContaining('WATTSTREAM_EVENTS_EPOCH'),
  });
  await analytics.kill('SIGTERM');

  await installation.start('analytics', { WATTSTREAM_EVENTS_EPOCH: '2' });
  const later = new Script().accepted(2, 'Reset', '09:00', { type: 'Soft' });
  for (const { body } of later.records) await events.publishChargingEvent(JSON.parse(body));
  expect(await installation.until(statuses, (rows) => rows.length === 2)).toEqual([
    { command_id: commandId(1), status: 'accepted' },
    { command_id: commandId(2), status: 'accepted' },
  ]);
}, 90_000);
