/**
 * What analytics refuses to go on with (design: "Refuse to go on"), each provoked on a real broker and a real engine
 * with real processes. Of each is shown: it is named, with what to do, in the log, in /health/ready and by the
 * doctor (also when analytics is gone); the other partitions go on; nothing of its own partition is written past it;
 * and once the remedy has been carried out, by its words alone, everything is right again.
 */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from '@jest/globals';
import { connect as connectAmqp } from 'amqplib';
import { CreateSuperStreamRequest } from 'rabbitmq-stream-js-client/dist/requests/create_super_stream_request.js';
import { examine } from '../../src/cli/commands/doctor.js';
import { readSettings, streamAddress } from '../../src/platform/config.js';
import { partitionOf } from '../../src/streams/codec.js';
import { streamNames } from '../../src/streams/names.js';
import type { RefusalCode } from '../../src/streams/ports.js';
import { StreamClient } from '../../src/streams/rabbitmq/client.js';
import { createRabbitInspector } from '../../src/streams/rabbitmq/inspector.js';
import { ensureTopology } from '../../src/streams/rabbitmq/topology.js';
import {
  ocppUrl,
  type RunningRole,
  type StartOptions,
  type TestInstallation,
  testInstallation,
} from '../support/installation.js';
import { Outsider } from '../support/outsider.js';
import { startRepeatingProxy } from '../support/repeating-proxy.js';

const LIMIT_MS = 120_000;
const PARTITIONS = 2;
const HOUR = 3_600_000;
/** Whose partition is refused, and whose is not. */
const SICK = idIn(0);
const WELL = idIn(1);

function idIn(partition: number): string {
  for (let n = 0; ; n++) if (partitionOf(`CP-${n}`, PARTITIONS) === partition) return `CP-${n}`;
}

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** An installation with a charger in each partition, and what is asked of it again and again. */
class Stage {
  readonly address = streamAddress(readSettings());
  readonly names;
  private ingest: RunningRole | undefined;
  analytics: RunningRole | undefined;
  private readonly chargers = new Map<string, Outsider>();
  private readonly meters = new Map<string, number>();
  /** Sessions that were charged, as `<charge point> <transaction id>`. */
  readonly charged: string[] = [];
  /** Those of them that analytics cannot have read until it is mended. */
  readonly unread = new Set<string>();
  /** Those that nobody will ever read, as the refusal said. */
  readonly lost = new Set<string>();
  private readonly began = Date.now() - 48 * HOUR;

  constructor(readonly installation: TestInstallation) {
    this.names = streamNames(installation.env.WATTSTREAM_PREFIX as string);
  }

  async openDoor(): Promise<void> {
    this.ingest = await this.installation.start('ingest');
  }

  async read(env: Record<string, string> = {}, options?: StartOptions): Promise<RunningRole> {
    await this.analytics?.kill('SIGTERM');
    this.analytics = await this.installation.start('analytics', env, options);
    return this.analytics;
  }

  charger(id: string): Outsider {
    const known = this.chargers.get(id) ?? new Outsider(() => ocppUrl(this.ingest as RunningRole), id);
    this.chargers.set(id, known);
    return known;
  }

  /** One session of 1 kWh, from start to stop. */
  async charge(id: string, idTag = `TAG-${this.charged.length}`): Promise<string> {
    const number = this.charged.length;
    const at = this.began + number * HOUR;
    const meter = this.meter(id);
    const transaction = await this.charger(id).start(at, meter, idTag);
    await this.charger(id).stop(at + HOUR / 2, meter + 1_000, transaction);
    this.meters.set(id, meter + 1_000);
    const name = `${id} ${transaction}`;
    this.charged.push(name);
    return name;
  }

  /** The register of a charger, in Wh. */
  meter(id: string): number {
    return this.meters.get(id) ?? 0;
  }

  /** Names of the completed sessions of 1 kWh in the tables. */
  async stored(): Promise<string[]> {
    const rows = await this.installation.database.select<{ name: string }>(
      "SELECT concat(charge_point_id, ' ', transaction_id) AS name FROM sessions " +
        "WHERE status = 'completed' AND energy_wh = 1000 AND NOT held ORDER BY started_at",
    );
    return rows.map(({ name }) => name);
  }

  /** Waits until the tables show exactly the sessions that can have been read. */
  shows(): Promise<string[]> {
    const expected = this.charged.filter((name) => !this.unread.has(name) && !this.lost.has(name)).sort();
    return this.installation.until(
      async () => (await this.stored()).sort(),
      (found) => JSON.stringify(found) === JSON.stringify(expected),
    );
  }

  /** What was cut before the refusal may still be on its way: waits until nothing more comes. */
  private async settled(): Promise<void> {
    let last = '';
    let same = 0;
    await this.installation.until(
      async () => {
        const now = await this.ofSick();
        same = now === last ? same + 1 : 0;
        last = now;
        return same;
      },
      (times) => times >= 5,
    );
  }

  /** Everything that is stored of the sick partition. */
  async ofSick(): Promise<string> {
    const select = (table: string, of: string) =>
      this.installation.database.select(`SELECT * FROM ${table} WHERE ${of} ORDER BY tuple(*)`);
    const rows = [
      ...['frames', 'checkpoints', 'sessions', 'anomalies'].map((table) => select(table, 'partition = 0')),
      ...['energy_15m', 'connections', 'meter_values'].map((table) =>
        select(table, `charge_point_id = '${SICK}'`),
      ),
    ];
    return JSON.stringify(await Promise.all(rows));
  }

  /** Waits until a checkpoint of each partition covers the end of the log. */
  async level(): Promise<void> {
    await this.installation.until(
      async () => (await this.doctor()).filter(({ check }) => check.startsWith('partition ')),
      (partitions) => partitions.every(({ found }) => found.startsWith('level')),
    );
  }

  doctor(env: Record<string, string> = {}) {
    return examine({ ...process.env, ...this.installation.env, ...env });
  }

  bounds() {
    const { address } = this;
    const prefix = this.installation.env.WATTSTREAM_PREFIX as string;
    const inspector = createRabbitInspector({ address, prefix, partitions: PARTITIONS });
    return inspector.bounds().finally(() => inspector.close());
  }

  /** Only the stream of the sick one's partition. */
  async deleteLog(): Promise<void> {
    const connection = await connectAmqp(readSettings().RABBITMQ_URL);
    const channel = await connection.createChannel();
    await channel.deleteQueue(this.names.partition(0));
    await connection.close();
  }

  declareLog(): Promise<void> {
    return ensureTopology({
      amqpUrl: readSettings().RABBITMQ_URL,
      address: this.address,
      prefix: this.installation.env.WATTSTREAM_PREFIX as string,
      partitions: PARTITIONS,
      retentionDays: 30,
    });
  }

  /**
   * Asserts that the sick partition alone is refused, by this name, everywhere where somebody would look, and that
   * nothing more of it is written. Resolves with the remedy.
   */
  async refuses(code: RefusalCode): Promise<string> {
    const analytics = this.analytics as RunningRole;
    const { reason } = await this.installation.until(
      () => analytics.health(),
      (health) => health.reason !== undefined && health.reason !== 'starting',
    );
    expect(reason).toMatch(new RegExp(`^${code}: `));
    expect(await analytics.metric(`wattstream_refusals_total{code="${code}"}`)).toBe(1);
    // Its line comes by a pipe, and may be overtaken by the answers over HTTP.
    const lines = await this.installation.until(
      async () => analytics.log().filter((line) => line.code === code),
      (found) => found.length > 0,
    );
    const remedy = String(lines[0]?.remedy);
    for (const line of lines) expect(line).toMatchObject({ partition: 0, level: 50, remedy });
    await this.named(code, remedy);

    await this.settled();
    // The sick one goes on sending and is answered; the other's sessions appear.
    const before = await this.ofSick();
    this.unread.add(await this.charge(SICK));
    await this.charge(WELL);
    await this.shows();
    expect(await this.ofSick()).toBe(before);
    expect(analytics.process.exitCode).toBeNull();
    expect((await analytics.health()).reason).toBe(reason);

    await analytics.kill('SIGKILL');
    await this.named(code, remedy);
    return remedy;
  }

  /** The doctor names it, with the same remedy, and nothing else but its consequences. */
  private async named(code: RefusalCode, remedy: string): Promise<void> {
    const wrong = await this.installation.until(
      async () => (await this.doctor()).filter(({ verdict }) => verdict === 'wrong'),
      (found) => found.some((finding) => finding.found.includes(code)),
    );
    const named = wrong.filter(({ check }) => !check.startsWith('partition '));
    const found = expect.stringContaining(`partition 0 is refused, ${code}: `);
    expect(named).toEqual([expect.objectContaining({ found, remedy })]);
  }

  /** After the remedy: all that was charged is in the tables, analytics is ready, and the doctor content. */
  async isWell(env: Record<string, string> = {}): Promise<void> {
    this.unread.clear();
    await this.charge(SICK);
    await this.charge(WELL);
    await this.shows();
    expect(await (this.analytics as RunningRole).health()).toEqual({ status: 'ready' });
    await this.installation.until(
      async () => (await this.doctor(env)).filter(({ verdict }) => verdict === 'wrong'),
      (wrong) => wrong.length === 0,
    );
  }
}

/** With `undeclared` nobody reads or writes yet. */
async function stage({ undeclared = false } = {}): Promise<Stage> {
  const installation = await testInstallation({
    WATTSTREAM_PARTITIONS: String(PARTITIONS),
    WATTSTREAM_FLUSH_MS: '50',
    WATTSTREAM_CHECKPOINT_MS: '500',
  });
  cleanUp.push(() => installation.stop());
  const made = new Stage(installation);
  if (!undeclared) await begin(made);
  return made;
}

/** Chargers charge, and a checkpoint of each partition covers it. */
async function begin(it: Stage): Promise<void> {
  await Promise.all([it.openDoor(), it.read()]);
  await it.charge(SICK);
  await it.charge(WELL);
  await it.shows();
  await it.level();
}

/** What a remedy says a setting should be. */
const named = (remedy: string, setting: string): string =>
  new RegExp(`${setting}=([^\\s,;]+)`).exec(remedy)?.[1] ?? `no ${setting} in: ${remedy}`;

const ANSWERING = { until: 'answering' } as const;

test(
  'retention passed the checkpoint: what is gone stays gone, and only expressly is it gone on without',
  async () => {
    const it = await stage({ undeclared: true });
    const client = await StreamClient.open({ address: it.address, name: 'wattstream test' });
    await client.call(
      new CreateSuperStreamRequest({
        streamName: it.names.superStream,
        partitions: [0, 1].map(it.names.partition),
        bindingKeys: ['0', '1'],
        arguments: {
          'max-age': '30D',
          'max-length-bytes': 300_000,
          'stream-max-segment-size-bytes': 100_000,
        },
      }),
      'Creating',
    );
    await client.close();
    await begin(it);
    // A session that is open while analytics is away.
    const meter = it.meter(SICK);
    const open = await it.charger(SICK).start(Date.now() - HOUR, meter, 'OPEN', 2);
    await it.installation.until(
      () => it.installation.database.select(`SELECT 1 FROM sessions WHERE transaction_id = '${open}'`),
      (rows) => rows.length === 1,
    );
    await it.level();
    await it.analytics?.kill('SIGTERM');
    const [checkpoint] = await it.installation.database.select<{ after: number }>(
      'SELECT toInt32(max(last_offset)) AS after FROM checkpoints WHERE partition = 0',
    );
    const after = checkpoint?.after as number;
    it.lost.add(await it.charge(SICK));
    for (let first = 0; first <= after + 10; first = (await it.bounds())[0]?.first ?? 0)
      await it.charger(SICK).say('DataTransfer', { vendorId: 'fill', data: 'x'.repeat(20_000) });
    it.unread.add(await it.charge(SICK));

    await it.read({}, ANSWERING);
    const remedy = await it.refuses('RETENTION_PASSED_CHECKPOINT');
    const gap = named(remedy, 'WATTSTREAM_ACCEPT_GAP');
    expect(gap).toBe(`0:${after}`);
    await it.read({ WATTSTREAM_ACCEPT_GAP: gap });
    await it.installation.until(
      async () =>
        it.analytics?.log().filter(({ code, partition }) => code === 'GAP_ACCEPTED' && partition === 0),
      (lines) => lines?.length === 1,
    );
    // It remembers what it knew at the checkpoint.
    await it.charger(SICK).stop(Date.now(), meter + 1_000, open);
    it.charged.push(`${SICK} ${open}`);
    await it.isWell();
    // The setting has no effect later, and is not needed.
    await it.read();
    await it.isWell();
  },
  LIMIT_MS,
);

test(
  'the stream was deleted and created again: a higher epoch reads what it holds now',
  async () => {
    const it = await stage();
    // Under the eyes of everybody.
    await it.deleteLog();
    await it.declareLog();
    const remedy = await it.refuses('LOG_DIFFERS_FROM_CHECKPOINT');
    expect(remedy).toContain('WATTSTREAM_EPOCH one higher');
    await it.read({ WATTSTREAM_EPOCH: '2' });
    await it.isWell({ WATTSTREAM_EPOCH: '2' });
    // Left so, it goes on; forgotten once, the doctor says which it is.
    await it.read({ WATTSTREAM_EPOCH: '2' });
    await it.isWell({ WATTSTREAM_EPOCH: '2' });
    expect((await it.doctor()).find(({ check }) => check === 'epoch')).toMatchObject({
      verdict: 'wrong',
      remedy: expect.stringContaining('WATTSTREAM_EPOCH=2'),
    });
  },
  LIMIT_MS,
);

test(
  'offsets that go backwards: a start compares the log with its checkpoint, and goes on',
  async () => {
    const it = await stage();
    const proxy = await startRepeatingProxy(it.address);
    cleanUp.push(() => proxy.close());
    const url = new URL('rabbitmq-stream://127.0.0.1');
    Object.assign(url, {
      port: String(proxy.port),
      username: it.address.username,
      password: it.address.password,
    });
    url.pathname = `/${encodeURIComponent(it.address.vhost)}`;
    await it.read({ RABBITMQ_STREAM_URL: url.href });
    await it.charge(SICK);
    await it.shows();
    // A property that frames have, and what is announced about them has not.
    expect(proxy.repeat(SICK, 'direction')).toBe(1);
    expect(await it.refuses('OFFSET_WENT_BACK')).toMatch(/^Start analytics again/);
    await it.read();
    await it.isWell();
  },
  LIMIT_MS,
);

test(
  'torn checkpoints, none whole: restored from a backup, or begun anew as another generation',
  async () => {
    const it = await stage();
    const { client } = it.installation.database;
    const change = (query: string) => client.command({ query, clickhouse_settings: { mutations_sync: '2' } });
    await it.analytics?.kill('SIGTERM');
    await client.command({
      query: 'CREATE TABLE backup ENGINE = MergeTree ORDER BY next_offset AS SELECT * FROM checkpoints_rows',
    });

    await change(
      "ALTER TABLE checkpoints_rows UPDATE state = 'damaged' WHERE kind = 'state' AND partition = 0",
    );
    await it.read({}, ANSWERING);
    expect(await it.refuses('CHECKPOINTS_TORN')).toContain(
      'Restore the table checkpoints_rows from a backup',
    );
    await client.command({ query: 'TRUNCATE TABLE checkpoints_rows' });
    await client.command({ query: 'INSERT INTO checkpoints_rows SELECT * FROM backup' });
    await it.read();
    await it.isWell();
    await it.analytics?.kill('SIGTERM');

    await change("ALTER TABLE checkpoints_rows DELETE WHERE kind = 'marker' AND partition = 0");
    await it.read({}, ANSWERING);
    const remedy = await it.refuses('CHECKPOINTS_TORN');
    expect(remedy).toContain('WATTSTREAM_GENERATION one higher');
    const generation = { WATTSTREAM_GENERATION: '2' };
    await it.read(generation);
    await it.installation.until(
      async () => (await it.doctor(generation)).filter(({ check }) => check.startsWith('partition ')),
      (partitions) => partitions.every(({ found }) => found.startsWith('level')),
    );
    const [, page = '', section = ''] = /\((docs\/\S+\.md), "([^"]+)"\)/.exec(remedy) ?? [];
    const [, sql = ''] =
      /```sql\n(.+?)```/s.exec(readFileSync(page, 'utf8').split(`\n## ${section}\n`)[1] ?? '') ?? [];
    await client.command({ query: sql.replace('wattstream.', `${it.installation.database.name}.`) });
    await it.isWell(generation);
  },
  LIMIT_MS,
);

test(
  'a poison record: its partition waits for a version without the defect',
  async () => {
    const it = await stage();
    await it.read({ DEFECT_AT: 'POISON' }, { program: 'test/support/defective-analytics.mjs' });
    it.unread.add(await it.charge(SICK, 'POISON'));
    const remedy = await it.refuses('POISON_RECORD');
    expect(remedy).toContain('start a version that has the defect mended');
    expect((await it.doctor()).find(({ check }) => check === 'refusals')?.found).toMatch(
      new RegExp(`\\(StartTransaction of ${SICK}\\) cannot be processed: a defect of this version`),
    );
    // The same version meets the same record again.
    await it.read({ DEFECT_AT: 'POISON' }, { program: 'test/support/defective-analytics.mjs', ...ANSWERING });
    await it.refuses('POISON_RECORD');
    await it.read();
    await it.isWell();
  },
  LIMIT_MS,
);

test(
  'too much that cannot be decoded: read through once somebody has decided so',
  async () => {
    const it = await stage();
    const connection = await connectAmqp(readSettings().RABBITMQ_URL);
    const channel = await connection.createConfirmChannel();
    for (let n = 0; n < 1_100; n++)
      channel.sendToQueue(it.names.partition(0), Buffer.from(`somebody else's ${n}`));
    await channel.waitForConfirms();
    await connection.close();
    const remedy = await it.refuses('TOO_MANY_UNDECODABLE');
    // What led to it is there to be looked at.
    const shown = await it.installation.database.select("SELECT 1 FROM anomalies WHERE kind = 'undecodable'");
    expect(shown.length).toBeGreaterThan(900);
    const ratio = named(remedy, 'WATTSTREAM_UNDECODABLE_RATIO');
    await it.read({ WATTSTREAM_UNDECODABLE_RATIO: ratio });
    await it.isWell({ WATTSTREAM_UNDECODABLE_RATIO: ratio });
    await it.level();
    // Taken away again.
    await it.read();
    await it.isWell();
  },
  LIMIT_MS,
);
