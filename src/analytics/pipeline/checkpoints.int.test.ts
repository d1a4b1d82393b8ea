/** A checkpoint is whole or is not used; whatever is in it comes back as it was. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/clickhouse.js';
import type { StateText } from '../../domain/charging/partition.js';
import { type Logger, silentLogger } from '../../platform/logger.js';
import { type CheckpointOptions, createCheckpoints } from './checkpoints.js';
import type { Checkpoints, Marker } from './ports.js';
import type { RunContext } from './tables.js';

const NASTY = `tab\t line\n return\r nul\0 back\\slash \\N quote' double" é 汉 😀`;
let database: TestDatabase;
let generation = 0;
let warned: object[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());
// A test's checkpoints are seen by no other.
beforeEach(() => {
  generation++;
  warned = [];
});

const log: Logger = { ...silentLogger, warn: (fields) => void warned.push(fields) };
const checkpoints = (run: Partial<RunContext> = {}, options: CheckpointOptions = {}): Checkpoints =>
  createCheckpoints(database.client, { generation, epoch: 1, ...run }, log, options);

const at = (lastOffset: number, partition = 0): Marker => ({
  partition,
  lastOffset,
  lastHash: `h${lastOffset}`,
});
const state = (chargePointId: string, text: string, part = 'core'): StateText => ({
  chargePointId,
  part,
  text,
});

async function loaded(from: Checkpoints, partition = 0) {
  const found = await from.load(partition);
  if (found === undefined) return undefined;
  const states: Record<string, string> = {};
  for await (const { chargePointId, part, text } of found.states) {
    expect(states).not.toHaveProperty([`${chargePointId}/${part}`]);
    states[`${chargePointId}/${part}`] = text;
  }
  return { marker: found.marker, states };
}

const rows = (where: string) =>
  database.select<{ kind: string; text: string }>(
    `SELECT kind, state AS text FROM checkpoints_rows WHERE generation = ${generation} AND ${where}`,
  );

/** Waits until the deletion has gone through all parts. */
const change = (query: string) =>
  database.client.command({ query, clickhouse_settings: { mutations_sync: '2' } });

test('before the first there is none', async () => {
  expect(await checkpoints().load(0)).toBeUndefined();
});

test('the first one, saved by another reader while this one looks, is no torn one', async () => {
  let isFirst = true;
  const client = new Proxy(database.client, {
    get(target, name) {
      if (name !== 'query') return Reflect.get(target, name);
      return async (...asked: Parameters<typeof target.query>) => {
        const answer = await target.query(...asked);
        // After it has found no marker, before it looks for states.
        if (isFirst) {
          isFirst = false;
          await checkpoints().save(at(7), [state('CP-1', 'x')]);
        }
        return answer;
      };
    },
  });
  const looking = createCheckpoints(client, { generation, epoch: 1 }, log);
  expect(await loaded(looking)).toEqual({ marker: at(7), states: { 'CP-1/core': 'x' } });
  expect(warned).toEqual([]);
});

test('marker and states come back as they were, whatever is in them', async () => {
  const states = [
    state('CP-1', NASTY),
    state(`CP ${NASTY}`, '{"a":1}', `1:${NASTY}`),
    state('', '{"gw":{}}', 'gateways'),
  ];
  await checkpoints().save(at(41), states);
  expect(await loaded(checkpoints())).toEqual({
    marker: at(41),
    states: { 'CP-1/core': NASTY, [`CP ${NASTY}/1:${NASTY}`]: '{"a":1}', '/gateways': '{"gw":{}}' },
  });
});

test('each state is that of the newest checkpoint that has it; a part that vanished stays away', async () => {
  const writer = checkpoints();
  await writer.save(at(1), [state('A', 'a1'), state('A', 'p1', '1:7'), state('B', 'b1')]);
  await writer.save(at(5), [state('A', 'a5'), state('A', '', '1:7')]);
  await writer.save(at(9), [state('B', 'b9')]);
  const { marker, states } = (await loaded(checkpoints()))!;
  expect(marker).toEqual(at(9));
  expect(states).toEqual({ 'A/core': 'a5', 'B/core': 'b9' });
});

test('a checkpoint without changed states moves the marker alone', async () => {
  const writer = checkpoints();
  await writer.save(at(1), [state('A', 'a1')]);
  await writer.save(at(2), []);
  expect(await loaded(checkpoints())).toEqual({ marker: at(2), states: { 'A/core': 'a1' } });
});

test('other generations, epochs and partitions are not seen', async () => {
  await checkpoints().save(at(5), [state('A', 'ours')]);
  await checkpoints({ generation: generation + 1_000 }).save(at(50), [state('A', 'another generation')]);
  await checkpoints({ epoch: 2 }).save(at(60), [state('A', 'another epoch')]);
  await checkpoints().save(at(70, 1), [state('A', 'another partition')]);
  expect(await loaded(checkpoints())).toEqual({ marker: at(5), states: { 'A/core': 'ours' } });
  expect(await loaded(checkpoints({ generation: generation + 2_000 }))).toBeUndefined();
});

describe('a torn checkpoint', () => {
  const three = async () => {
    const writer = checkpoints();
    await writer.save(at(1), [state('A', 'a1'), state('B', 'b1')]);
    await writer.save(at(5), [state('A', 'a5'), state('B', 'b5')]);
    await writer.save(at(9), [state('A', 'a9'), state('B', 'b9')]);
  };
  const where = () => `generation = ${generation}`;

  test.each([
    ['a state is missing', "DELETE WHERE kind = 'state' AND next_offset = 10 AND charge_point_id = 'A'"],
    [
      'a state is another',
      "UPDATE state = 'x' WHERE kind = 'state' AND next_offset = 10 AND charge_point_id = 'A'",
    ],
    ['its marker is missing', "DELETE WHERE kind = 'marker' AND next_offset = 10"],
    ['its marker has another hash', "UPDATE states_hash = 'x' WHERE kind = 'marker' AND next_offset = 10"],
  ])('%s: the one before is used, and it is said', async (what, damage) => {
    await three();
    await change(`ALTER TABLE checkpoints_rows ${damage} AND ${where()}`);
    expect(await loaded(checkpoints())).toEqual({
      marker: at(5),
      states: { 'A/core': 'a5', 'B/core': 'b5' },
    });
    expect(warned).toEqual(
      what === 'its marker is missing'
        ? []
        : [expect.objectContaining({ code: 'CHECKPOINT_TORN', partition: 0 })],
    );
  });

  test('many of them are gone back through', async () => {
    const writer = checkpoints();
    for (let offset = 1; offset <= 12; offset++) await writer.save(at(offset), [state('A', `a${offset}`)]);
    await change(
      `ALTER TABLE checkpoints_rows DELETE WHERE kind = 'state' AND next_offset > 3 AND ${where()}`,
    );
    expect(await loaded(checkpoints())).toEqual({ marker: at(2), states: { 'A/core': 'a2' } });
    expect(warned).toHaveLength(10);
  });

  test('what a torn one left behind is overruled by what is read and saved again', async () => {
    await three();
    await change(
      `ALTER TABLE checkpoints_rows DELETE WHERE kind = 'marker' AND next_offset = 10 AND ${where()}`,
    );
    await checkpoints().save(at(12), [state('A', 'a12'), state('B', 'b12')]);
    expect(await loaded(checkpoints())).toEqual({
      marker: at(12),
      states: { 'A/core': 'a12', 'B/core': 'b12' },
    });
  });

  test('when none is whole there is a refusal, never a silent beginning from nothing', async () => {
    await three();
    await change(`ALTER TABLE checkpoints_rows DELETE WHERE kind = 'state' AND ${where()}`);
    await expect(checkpoints().load(0)).rejects.toMatchObject({
      code: 'CHECKPOINTS_TORN',
      message: expect.stringContaining('None of the 3 checkpoints of partition 0'),
    });
  });

  test('states without any marker are what is left of checkpoints, not a beginning', async () => {
    await three();
    await change(`ALTER TABLE checkpoints_rows DELETE WHERE kind = 'marker' AND ${where()}`);
    await expect(checkpoints().load(0)).rejects.toMatchObject({
      code: 'CHECKPOINTS_TORN',
      message: expect.stringContaining('but no checkpoint of them'),
    });
    expect(await checkpoints().load(1)).toBeUndefined();
  });
});

test('two writers that reach the same offset do not make each other look torn', async () => {
  const [one, two] = [checkpoints(), checkpoints()];
  await Promise.all([
    one.save(at(7), [state('A', 'same'), state('B', 'same')]),
    // It began at a later checkpoint, so that only one state has changed since.
    two.save(at(7), [state('A', 'same')]),
  ]);
  expect(await loaded(checkpoints())).toEqual({
    marker: at(7),
    states: { 'A/core': 'same', 'B/core': 'same' },
  });
  expect(warned).toEqual([]);
});

describe('cleaning', () => {
  const until = async (where: string, count: number) => {
    for (const deadline = Date.now() + 10_000; ; ) {
      const left = await rows(where);
      if (left.length === count) return left;
      if (Date.now() > deadline) throw new Error(`never ${count} rows: ${JSON.stringify(left)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  test('keeps what the newest five need, and nothing else', async () => {
    const writer = checkpoints({}, { cleanEvery: 10 });
    await writer.save(at(1), [state('quiet', 'q1'), state('busy', 'b1'), state('busy', 'gone soon', '1:7')]);
    await writer.save(at(2), [state('busy', 'b2'), state('busy', '', '1:7')]);
    await checkpoints().save(at(3, 1), [state('other partition', 'o3')]);
    for (let offset = 3; offset <= 10; offset++) await writer.save(at(offset), [state('busy', `b${offset}`)]);
    await until("partition = 0 AND kind = 'marker'", 5);
    // The vanished part's older text is gone; its tombstone stays until the next cleaning.
    await until("partition = 0 AND kind = 'state'", 5 + 1 + 1);
    for (let offset = 11; offset <= 20; offset++)
      await writer.save(at(offset), [state('busy', `b${offset}`)]);
    await until("partition = 0 AND kind = 'state'", 5 + 1);
    expect(await loaded(checkpoints())).toEqual({
      marker: at(20),
      states: { 'quiet/core': 'q1', 'busy/core': 'b20' },
    });
    expect((await loaded(checkpoints(), 1))?.states).toEqual({ 'other partition/core': 'o3' });
    // The oldest of the five is as good as the newest.
    await change(
      `ALTER TABLE checkpoints_rows DELETE WHERE generation = ${generation} AND partition = 0 AND next_offset > 17`,
    );
    expect(await loaded(checkpoints())).toEqual({
      marker: at(16),
      states: { 'quiet/core': 'q1', 'busy/core': 'b16' },
    });
    expect(warned).toEqual([]);
  }, 30_000);
});

test('20 000 states, 40 MB, are saved and streamed back', async () => {
  const filler = JSON.stringify({ samples: Array.from({ length: 400 }, (_, n) => n * 7) });
  const states = Array.from({ length: 20_000 }, (_, n) => state(`CP-${n}`, `${n}${filler}`));
  await checkpoints().save(at(99), states);
  const found = await checkpoints().load(0);
  let count = 0;
  let size = 0;
  for await (const { text } of found!.states) {
    count++;
    size += text.length;
  }
  expect(count).toBe(20_000);
  expect(size).toBe(states.reduce((sum, { text }) => sum + text.length, 0));
}, 40_000);
