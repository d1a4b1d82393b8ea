/** Promises 1 and 2 with real processes: what is killed, what is away and what is another log than before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { DeleteSuperStreamRequest } from 'rabbitmq-stream-js-client/dist/requests/delete_super_stream_request.js';
import { startEmbeddedClickHouse, temporaryFolder } from '../../../test/embedded-clickhouse.js';
import {
  ocppUrl,
  type RunningRole,
  type TestInstallation,
  testInstallation,
} from '../../../test/support/installation.js';
import { compareWithSecondPass } from '../../../test/support/second-pass.js';
import { differences } from '../../../test/support/truth.js';
import { readSettings, streamAddress } from '../../platform/config.js';
import { type Fleet, startFleet } from '../../simulator/fleet.js';
import type { Ledger } from '../../simulator/ledger.js';
import { streamNames } from '../../streams/names.js';
import { StreamClient } from '../../streams/rabbitmq/client.js';
import { ensureTopology } from '../../streams/rabbitmq/topology.js';

/** Small flushes and frequent checkpoints, so that a kill meets every step of a flush. */
const HASTY = {
  WATTSTREAM_PARTITIONS: '3',
  WATTSTREAM_FLUSH_MS: '20',
  WATTSTREAM_FLUSH_RECORDS: '300',
  WATTSTREAM_CHECKPOINT_MS: '150',
};
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

async function install(settings: Record<string, string> = {}): Promise<TestInstallation> {
  const installation = await testInstallation({ ...HASTY, ...settings });
  cleanUp.push(() => installation.stop());
  return installation;
}

function charge(ingest: RunningRole, prefix: string, seed: number): Fleet {
  const fleet = startFleet({
    url: ocppUrl(ingest),
    scenario: 'rush-hour',
    chargers: 6,
    speed: Infinity,
    prefix,
    seed,
  });
  cleanUp.push(() => fleet.stop());
  return fleet;
}

const readiness = async (role: RunningRole): Promise<string> =>
  (await fetch(`http://127.0.0.1:${role.opsPort}/health/ready`)).text();

const agreed = (installation: TestInstallation, ledger: Ledger, prefix: string) =>
  installation.until(
    () => differences(installation.database, ledger, prefix),
    (lines) => lines.length === 0,
  );

test('killed five times in the middle of its work, the tables are those of the chargers and of a second pass', async () => {
  const installation = await install();
  const [ingest, first] = await Promise.all([installation.start('ingest'), installation.start('analytics')]);
  const fleets: { fleet: Fleet; prefix: string }[] = [];
  let killing = true;
  const charging = (async () => {
    for (let n = 1; killing; n++) {
      const prefix = `KILL${n}-`;
      const fleet = charge(ingest, prefix, n);
      fleets.push({ fleet, prefix });
      await fleet.done;
      await sleep(500);
    }
  })();

  let analytics = first;
  let atWork = 0;
  for (let kill = 0; kill < 5; kill++) {
    const alive = analytics;
    await installation.until(
      () => alive.metric('wattstream_records_total'),
      (records) => records > 0,
    );
    await sleep(Math.random() * 600);
    if ((await analytics.metric('wattstream_partitions')) > 0) atWork++;
    await analytics.kill('SIGKILL');
    analytics = await installation.start('analytics');
  }
  killing = false;
  await charging;

  expect(atWork).toBe(5);
  for (const { fleet, prefix } of fleets) {
    expect(fleet.ledger.counts.sessionsClosed).toBeGreaterThan(3);
    await agreed(installation, fleet.ledger, prefix);
  }
  const counts = await compareWithSecondPass(installation);
  expect(counts.sessions).toBe(fleets.reduce((sum, { fleet }) => sum + fleet.ledger.sessionList().length, 0));
}, 120_000);

test('a stream that was deleted and declared again is refused by name, in the log and in /health/ready', async () => {
  const installation = await install({ WATTSTREAM_LOG_LEVEL: 'error' });
  const [ingest, analytics] = await Promise.all([
    installation.start('ingest'),
    installation.start('analytics'),
  ]);
  let said = '';
  analytics.process.stdout?.on('data', (data: Buffer) => {
    said += data.toString();
  });
  const fleet = charge(ingest, 'GONE-', 1);
  await fleet.done;
  await agreed(installation, fleet.ledger, 'GONE-');
  const sessions = () => installation.database.select('SELECT * FROM sessions ORDER BY session_id');
  const before = await sessions();
  await ingest.kill();

  const address = streamAddress(readSettings());
  const prefix = installation.env.WATTSTREAM_PREFIX as string;
  const client = await StreamClient.open({ address, name: 'wattstream test' });
  await client.call(new DeleteSuperStreamRequest(streamNames(prefix).superStream), 'Deleting');
  await client.close();
  await ensureTopology({
    amqpUrl: readSettings().RABBITMQ_URL,
    address,
    prefix,
    partitions: Number(HASTY.WATTSTREAM_PARTITIONS),
    retentionDays: 1,
  });

  const reason = await installation.until(
    () => readiness(analytics),
    (text) => text.includes('LOG_DIFFERS_FROM_CHECKPOINT'),
  );
  expect(JSON.parse(reason)).toMatchObject({ status: 'not-ready' });
  const refusal = said
    .split('\n')
    .filter((line) => line.includes('LOG_DIFFERS_FROM_CHECKPOINT'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)[0];
  expect(refusal).toMatchObject({
    code: 'LOG_DIFFERS_FROM_CHECKPOINT',
    remedy: expect.stringContaining('WATTSTREAM_EPOCH'),
  });
  expect(await sessions()).toEqual(before);
}, 60_000);

test('ClickHouse killed while chargers charge, and back some seconds later: nothing is lost', async () => {
  const folder = temporaryFolder();
  cleanUp.push(() => folder.remove());
  let engine = await startEmbeddedClickHouse(folder.path);
  cleanUp.push(() => engine.stop());
  const shared = process.env.CLICKHOUSE_URL;
  process.env.CLICKHOUSE_URL = engine.url;
  cleanUp.push(() => {
    if (shared === undefined) delete process.env.CLICKHOUSE_URL;
    else process.env.CLICKHOUSE_URL = shared;
  });
  const installation = await install();
  const [ingest, analytics] = await Promise.all([
    installation.start('ingest'),
    installation.start('analytics'),
  ]);
  const fleet = charge(ingest, 'AWAY-', 2);
  await installation.until(
    () => analytics.metric('wattstream_records_total'),
    (records) => records > 0,
  );
  await engine.stop('SIGKILL');
  const reason = await installation.until(
    () => readiness(analytics),
    (text) => text.includes('failed'),
  );
  expect(JSON.parse(reason)).toMatchObject({
    status: 'not-ready',
    reason: expect.stringContaining('writing'),
  });
  await sleep(2_000);
  engine = await startEmbeddedClickHouse(folder.path, { CLICKHOUSE_PORT: new URL(engine.url).port });
  await fleet.done;
  await agreed(installation, fleet.ledger, 'AWAY-');
  expect(fleet.ledger.counts.sessionsClosed).toBeGreaterThan(5);
  // What was written while it was away is tried again in its own time.
  await installation.until(
    () => readiness(analytics),
    (text) => text === '{"status":"ready"}',
  );
  await compareWithSecondPass(installation);
}, 120_000);
