import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../test/clickhouse.js';
import { removeQueues } from '../../test/queues.js';
import { createTestStreams, type TestStreams } from '../../test/rabbitmq.js';
import { markerRow, quarterRow, sessionRow, uuid } from '../../test/rows.js';
import { CHARGING_EVENTS, chargingEventLine } from '../analytics/events/charging-events.js';
import { commandId, Script } from '../analytics/events/testing/script.js';
import { hashOf } from '../analytics/pipeline/checkpoints.js';
import { createRowWriter } from '../analytics/pipeline/row-writer.js';
import { readSettings, streamAddress } from '../platform/config.js';
import { silentLogger } from '../platform/logger.js';
import { ensureQueueTopology } from '../queues/rabbitmq/topology.js';
import { recordHash } from '../streams/codec.js';
import type { FrameRecord } from '../streams/ports.js';
import { createRabbitPublisher } from '../streams/rabbitmq/publisher.js';
import { createProgram } from './program.js';

/** A broker takes seconds to say no. */
jest.setTimeout(30_000);

let db: TestDatabase;
let streams: TestStreams;
let env: NodeJS.ProcessEnv;
let out = '';
let code = 0;

beforeAll(async () => {
  [db, streams] = await Promise.all([createTestDatabase(), createTestStreams(2)]);
  await ensureQueueTopology({
    amqpUrl: readSettings().RABBITMQ_URL,
    prefix: streams.prefix,
    eventsRetentionDays: 1,
  });
  env = {
    ...process.env,
    CLICKHOUSE_DATABASE: db.name,
    WATTSTREAM_PREFIX: streams.prefix,
    WATTSTREAM_PARTITIONS: '2',
    WATTSTREAM_RETENTION_DAYS: '1',
  };
  await db.insert('sessions_rows', [
    sessionRow({
      held: true,
      anomalies: ['meter_reset'],
      anomaly_details: ['x'],
      max_power_w: 7_360,
      soc_end: 80,
    }),
    sessionRow({
      session_id: uuid(2),
      status: 'active',
      stopped_at: null,
      started_at: '2026-11-23T11:00:00.000Z',
    }),
  ]);
  await db.insert('energy_15m_rows', [
    quarterRow({ energy_wh: 600 }),
    quarterRow({ energy_wh: 401.25, bucket: '2026-11-23T08:15:00.000Z' }),
  ]);
});
afterAll(() => Promise.all([db.drop(), removeQueues(streams.prefix).then(() => streams.close())]));
beforeEach(() => {
  out = '';
  code = 0;
});

async function wattstream(line: string, overrides: NodeJS.ProcessEnv = {}): Promise<string> {
  out = '';
  const program = createProgram({
    env: { ...env, ...overrides },
    out: (text) => {
      out += text;
    },
    exit: (given) => {
      code = given;
    },
  });
  await program.parseAsync(line.split(' '), { from: 'user' });
  return out;
}

describe('wattstream sessions', () => {
  test('people see kWh and UTC', async () => {
    const lines = (await wattstream('sessions --status completed')).split('\n');
    expect(lines[0]).toMatch(/^Started \(UTC\) +Charge point +Connector +Status +Lasted +kWh +Max kW +SoC/);
    expect(lines[2]).toMatch(
      /2026-11-23 08:00:00 +CP-1 +1 +completed, held +1 h 00 min +1\.000 +7\.4 +80 % +101 +meter_reset/,
    );
    expect(lines).toHaveLength(4);
  });

  test('programs get Wh, by either form', async () => {
    expect(JSON.parse(await wattstream('sessions --json --limit 1'))).toMatchObject([
      { session_id: uuid(2), energy_wh: 1_000 },
    ]);
    expect((await wattstream('sessions --csv')).split('\r\n')[0]).toMatch(/^session_id,charge_point_id,/);
  });

  test('a filter that fits nothing is a sentence, a wrong one an error', async () => {
    expect(await wattstream('sessions --charge-point nobody')).toBe('No such sessions.\n');
    await expect(wattstream('sessions --from yesterday')).rejects.toMatchObject({
      code: 'QUERY_PARAMS_INVALID',
    });
  });
});

describe('wattstream commands', () => {
  beforeAll(async () => {
    const script = new Script()
      .accepted(1, 'Reset', '08:00', { type: 'Soft' })
      .requested(2, 'Reset', '09:00', { type: 'Hard' }, { chargePointId: 'CP-2' })
      .step(2, 'timed-out', '09:00:30', {
        chargePointId: 'CP-2',
        delivery: 'delivery-unknown',
        detail: 'no answer',
      });
    const lines = script.records.map((record) => chargingEventLine(record, 1));
    await createRowWriter(db.client).insert(CHARGING_EVENTS, lines);
  });

  test('people see who asked what of which charger, and what came of it', async () => {
    const lines = (await wattstream('commands')).split('\n');
    expect(lines[0]).toMatch(
      /^Requested \(UTC\) +Charge point +Action +By +Status +Took +Said +Why +Command/,
    );
    expect(lines[2]).toMatch(
      /^2026-11-25 09:00:00 +CP-2 +Reset +operator:eve +timed-out +30 s +delivery-unknown: no answer +0/,
    );
    expect(lines[3]).toMatch(/CP-1 +Reset +operator:eve +accepted +0 ms +Accepted/);
  });

  test('filtered; and for programs', async () => {
    expect(JSON.parse(await wattstream('commands --charge-point CP-1 --json'))).toMatchObject([
      { command_id: commandId(1), status: 'accepted', duration_ms: 0 },
    ]);
    expect(JSON.parse(await wattstream('commands --since 2026-11-25T08:30Z --json'))).toHaveLength(1);
    expect((await wattstream('commands --csv')).split('\r\n')[0]).toMatch(/^command_id,charge_point_id,/);
    expect(await wattstream('commands --status offline')).toBe('No such commands.\n');
  });
});

describe('wattstream energy', () => {
  test.each([
    ['charge-point', /CP-1 +1\.001 +1 +0\.4/],
    ['day', /2026-11-23 +1\.001 +1 +1/],
    ['15m', /2026-11-23 08:15:00 +0\.401 +1\.6/],
  ])('by %s', async (by, expected) => {
    expect(await wattstream(`energy --by ${by} --from 2026-11-23`)).toMatch(expected);
  });

  test('a filter that the question does not know is refused, not ignored', async () => {
    await expect(wattstream('energy --charge-point CP-1')).rejects.toMatchObject({
      code: 'QUERY_PARAMS_INVALID',
    });
  });
});

describe('wattstream ask', () => {
  test('without a name it lists what there is', async () => {
    expect(await wattstream('ask')).toContain('energy-by-day');
  });
  test('any question, with its parameters', async () => {
    expect(await wattstream('ask energy-by-day from=2026-11-23 time_zone=Europe/Berlin')).toContain(
      '1001.25',
    );
  });
});

test('wattstream config shows what is in force, without passwords', async () => {
  const text = await wattstream('config', {
    RABBITMQ_URL: 'amqp://me:hunter2@host,amqp://me:hunter2@other',
    CLICKHOUSE_PASSWORD: 'hunter2',
  });
  expect(text).toContain('RABBITMQ_URL = amqp://me:***@host,amqp://me:***@other  (set)');
  expect(text).toContain('WATTSTREAM_PARTITIONS = 2  (set)');
  expect(text).not.toContain('hunter2');
});

describe('wattstream doctor', () => {
  type Finding = { check: string; verdict: string; found: string; remedy?: string };
  const examine = async (overrides: NodeJS.ProcessEnv = {}) => {
    const { findings } = JSON.parse(await wattstream('doctor --json', overrides)) as { findings: Finding[] };
    return Object.fromEntries(findings.map((finding) => [finding.check, finding]));
  };
  const verdicts = (found: Record<string, Finding>) =>
    Object.fromEntries(Object.entries(found).map(([check, { verdict }]) => [check, verdict]));

  test('of a fresh installation: all is well, and it exits with 0', async () => {
    expect(verdicts(await examine())).toEqual({
      settings: 'ok',
      'AMQP port': 'ok',
      'AMQP login': 'ok',
      'stream port': 'ok',
      'stream login': 'ok',
      partitions: 'ok',
      'advertised hosts': 'ok',
      retention: env.RABBITMQ_MANAGEMENT_URL ? 'ok' : 'unknown',
      exchanges: 'ok',
      queues: 'ok',
      bindings: env.RABBITMQ_MANAGEMENT_URL ? 'ok' : 'unknown',
      'dead letters': 'ok',
      // Nobody consumes here.
      notifications: 'unknown',
      'kept commands': 'unknown',
      'local lists': 'unknown',
      'personal data': 'ok',
      ClickHouse: 'ok',
      clock: 'ok',
      tables: 'ok',
      'partition 0': 'ok',
      'partition 1': 'ok',
      restart: 'unknown',
      refusals: 'ok',
      generation: 'ok',
      'charging.events.log': 'ok',
      'cms.events.log': 'ok',
    });
    expect(code).toBe(0);
  });

  test('what is wrong is named with its remedy, and it exits with 1', async () => {
    const text = await wattstream('doctor', {
      WATTSTREAM_PARTITIONS: '3',
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
    });
    expect(code).toBe(1);
    expect(text).toMatch(
      /✖ partitions .*has 2, WATTSTREAM_PARTITIONS says 3\n +→ Set WATTSTREAM_PARTITIONS=2/,
    );
    expect(text).toMatch(/✖ ClickHouse .*ECONNREFUSED/);
    expect(text).toContain('2 things are wrong.');
  });

  test.each([
    [
      'a port where nobody listens',
      { RABBITMQ_URL: 'amqp://127.0.0.1:1', RABBITMQ_STREAM_URL: 'rabbitmq-stream://127.0.0.1:1' },
      ['AMQP port', 'stream port'],
    ],
    ['a wrong password', { password: 'wrong' }, ['AMQP login', 'stream login']],
    ['an unknown virtual host', { vhost: '/nobody-has-this' }, ['AMQP login', 'stream login']],
    [
      'a prefix under which nothing was made',
      { WATTSTREAM_PREFIX: 'nothing.' },
      ['partitions', 'exchanges', 'queues'],
    ],
    [
      'another retention',
      { WATTSTREAM_RETENTION_DAYS: '9' },
      process.env.RABBITMQ_MANAGEMENT_URL ? ['retention'] : [],
    ],
    ['a database without tables', { CLICKHOUSE_DATABASE: 'nobody_has_this' }, ['tables']],
    ['a setting that is none', { WATTSTREAM_PARTITIONS: 'many' }, ['settings']],
  ])('%s', async (_, change: Record<string, string>, wrong) => {
    const found = await examine('password' in change || 'vhost' in change ? addressed(change) : change);
    const seen = Object.values(found).filter(({ verdict }) => verdict === 'wrong');
    expect(seen.map(({ check }) => check)).toEqual(expect.arrayContaining(wrong));
    for (const { remedy } of seen) expect(remedy).toBeTruthy();
    if (wrong.length > 0) expect(code).toBe(1);
  });

  /** The same broker, with another password or virtual host in both addresses. */
  function addressed({ password, vhost }: { password?: string; vhost?: string }): NodeJS.ProcessEnv {
    const change = (text: string, scheme: string) => {
      const url = new URL(text.replace(/^[a-z+-]+:/, 'http:'));
      url.username ||= 'guest';
      url.password = password ?? (url.password || 'guest');
      if (vhost) url.pathname = vhost;
      return url.href.replace(/^http:/, scheme);
    };
    const { host, port } = streamAddress(readSettings(env));
    return {
      RABBITMQ_URL: change(readSettings(env).RABBITMQ_URL, 'amqp:'),
      RABBITMQ_STREAM_URL: change(env.RABBITMQ_STREAM_URL ?? `http://${host}:${port}`, 'rabbitmq-stream:'),
    };
  }

  test('checkpoints are judged by the log: level, then another log under the same name', async () => {
    const record: FrameRecord = {
      body: '[2,"m","Heartbeat",{}]',
      subject: 'Heartbeat',
      chargePointId: 'CP-1',
      messageId: 'm',
      receivedAt: Date.UTC(2026, 10, 23),
      direction: 'in',
      gateway: 'g1',
    };
    const publisher = createRabbitPublisher({
      address: streams.direct,
      prefix: streams.prefix,
      partitions: 2,
      gateway: 'g1',
      maxUnconfirmed: 100,
      stallMs: 10_000,
      log: silentLogger,
    });
    const { partition } = await publisher.publishOCPPMessage(record);
    await publisher.close();
    const unread = await examine();
    expect(unread[`partition ${partition}`]).toMatchObject({
      verdict: 'unknown',
      found: '1 offsets and no checkpoint yet',
    });

    const whole = { states: 0, states_hash: hashOf([]) };
    const marker = {
      partition,
      next_offset: 1,
      last_offset: 0,
      ...whole,
      taken_at: new Date().toISOString(),
    };
    await db.insert('checkpoints_rows', [markerRow({ ...marker, last_hash: recordHash(record) })]);
    const level = await examine();
    expect(level[`partition ${partition}`]).toMatchObject({ verdict: 'ok', found: 'level at offset 0' });
    expect(level.restart).toMatchObject({ verdict: 'ok' });

    const later = { ...marker, taken_at: new Date(Date.now() + 1_000).toISOString() };
    await db.insert('checkpoints_rows', [markerRow({ ...later, last_hash: 'of another record' })]);
    expect((await examine()).restart).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining(`partition ${partition} is refused, LOG_DIFFERS_FROM_CHECKPOINT: `),
      remedy: expect.stringContaining('WATTSTREAM_EPOCH'),
    });
  });
});
