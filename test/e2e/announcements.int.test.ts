/**
 * Announcements on the real broker, out of a real log, while RabbitMQ is cut off and analytics is killed: everybody hears
 * of everything, nothing is heard under one id with two contents, and a rebuild says nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import {
  announcedBy,
  compareAnnouncements,
  readAnnouncements,
} from '../../src/chaos/checks/announcements.js';
import { Differences } from '../../src/chaos/checks/check.js';
import { messageNames } from '../../src/domain/messages/names.js';
import type { StoredRecord } from '../../src/domain/ocpp/record.js';
import { openAmqp } from '../../src/platform/amqp.js';
import { readSettings, streamAddress } from '../../src/platform/config.js';
import { createRabbitInspector } from '../../src/streams/rabbitmq/inspector.js';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';
import { Outsider } from '../support/outsider.js';
import { compareWithSecondPass } from '../support/second-pass.js';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.js';

const CHARGERS = 6;
const TALK_MS = 8_000;
const MINUTE = 60_000;

const settings = readSettings();
let installation: TestInstallation;
let ingest: RunningRole;
/** Between analytics and the queues; the streams it reaches directly. */
let wire: TcpProxy;

beforeAll(async () => {
  installation = await testInstallation({
    WATTSTREAM_CHECKPOINT_MS: '300',
    WATTSTREAM_FLUSH_MS: '50',
    WATTSTREAM_STALL_MS: '500',
  });
  const url = new URL(settings.RABBITMQ_URL.split(',')[0] as string);
  wire = await startTcpProxy({ host: url.hostname, port: Number(url.port || 5672) });
  ingest = await installation.start('ingest');
}, 60_000);

afterAll(async () => {
  wire?.thaw();
  await installation?.stop();
  await wire?.close();
});

/** As an operator would reach the same broker by two addresses. */
function startAnalytics(env: Record<string, string> = {}): Promise<RunningRole> {
  const url = new URL(settings.RABBITMQ_URL.split(',')[0] as string);
  url.hostname = wire.host;
  url.port = String(wire.port);
  const { host, port, username, password, vhost } = streamAddress(settings);
  const name = encodeURIComponent(username);
  const secret = encodeURIComponent(password);
  const streams = `rabbitmq-stream://${name}:${secret}@${host}:${port}/${encodeURIComponent(vhost)}`;
  return installation.start('analytics', {
    RABBITMQ_URL: url.toString(),
    RABBITMQ_STREAM_URL: streams,
    ...env,
  });
}

/** `pauseMs` before a further reading: one that comes within a second of the last is not announced by itself. */
async function talk(charger: Outsider, end: number, pauseMs: number): Promise<void> {
  let at = Date.now() - 1_000 * 60 * MINUTE;
  for (let meter = 0; Date.now() < end; at += 21 * MINUTE, meter += 1_000) {
    const id = await charger.start(at, meter);
    await charger.meter(id, [[at + 10 * MINUTE, String(meter + 500)]]);
    await sleep(pauseMs);
    await charger.meter(id, [[at + 15 * MINUTE, String(meter + 700)]]);
    await charger.stop(at + 20 * MINUTE, meter + 1_000, id);
    await charger.say('StatusNotification', {
      connectorId: 1,
      errorCode: 'NoError',
      status: meter % 2_000 === 0 ? 'Available' : 'Finishing',
      timestamp: new Date().toISOString(),
    });
  }
}

async function readLog(): Promise<StoredRecord[]> {
  const inspector = createRabbitInspector({
    address: streamAddress(settings),
    prefix: installation.env.WATTSTREAM_PREFIX as string,
    partitions: Number(installation.env.WATTSTREAM_PARTITIONS),
  });
  const records: StoredRecord[] = [];
  for (const { partition, first, last } of await inspector.bounds()) {
    if (first === undefined || last === undefined) continue;
    for await (const record of inspector.read(partition, first, last)) records.push(record);
  }
  await inspector.close();
  return records;
}

const prefix = () => installation.env.WATTSTREAM_PREFIX as string;

async function differencesFromTheLog(): Promise<string[]> {
  const differences = new Differences();
  const wanted = announcedBy(await readLog());
  compareAnnouncements(await readAnnouncements(streamAddress(settings), prefix()), wanted, differences);
  return differences.first;
}

test('cut off and killed in the middle: every announcement is made, none with two contents', async () => {
  let analytics = await startAnalytics();
  const end = Date.now() + TALK_MS;
  const chargers = Array.from(
    { length: CHARGERS },
    (_, i) => new Outsider(() => ocppUrl(ingest), `TOLD-${i}`),
  );
  const talking = Promise.all(chargers.map((charger, index) => talk(charger, end, index === 0 ? 1_100 : 30)));

  await sleep(TALK_MS / 6);
  await analytics.kill('SIGKILL');
  analytics = await startAnalytics();
  await sleep(TALK_MS / 8);
  wire.cut();
  await sleep(TALK_MS / 8);
  wire.freeze();
  // Rows are written all the same, and it says what is wrong.
  await installation.until(
    () => analytics.health(),
    ({ reason }) => reason?.includes('confirm') === true,
  );
  const rows = () => installation.database.select<{ n: string }>('SELECT count() AS n FROM frames');
  const before = Number((await rows())[0]?.n);
  await installation.until(rows, (found) => Number(found[0]?.n) > before);
  await analytics.kill('SIGKILL');
  wire.thaw();
  wire.cut();
  analytics = await startAnalytics();
  await talking;
  await Promise.all(chargers.map((charger) => charger.close()));
  await ingest.kill('SIGTERM');

  await installation.until(differencesFromTheLog, (differences) => differences.length === 0, 60);
  const published = await readAnnouncements(streamAddress(settings), prefix());
  expect(new Set(published.map(({ id }) => id.split('/')[0]))).toEqual(
    new Set([
      'session.started',
      'session.updated',
      'session.stopped',
      'connector.status',
      'charger.online',
      'charger.offline',
    ]),
  );
  // A kill between publishing and the next checkpoint: something was published twice.
  expect(published.length).toBeGreaterThan(new Set(published.map(({ id }) => id)).size);

  // Each went out as a notification too.
  const amqp = await openAmqp(settings.RABBITMQ_URL, 'wattstream test');
  const channel = await amqp.createChannel();
  const { queues } = messageNames(prefix());
  const told = new Set<string>();
  // By consuming: a queue with a single active consumer cannot be asked for one message.
  const take = (message: ConsumeMessage | null) => void told.add(message?.properties.messageId as string);
  await channel.consume(queues.notifications, take, { noAck: true });
  await installation.until(
    async () => published.filter(({ id }) => !told.has(id)),
    (missing) => missing.length === 0,
    30,
  );
  await amqp.close();

  await analytics.kill('SIGTERM');
  await compareWithSecondPass(installation);
  expect(await readAnnouncements(streamAddress(settings), prefix())).toHaveLength(published.length);
}, 180_000);
