/** Promise 2: kill analytics at any moment, and what the tables show afterwards is what they would have shown. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  killAll,
  logOf,
  PARTITIONS,
  prepare,
  readThrough,
  recordedLog,
  SETTINGS,
  start,
  until,
} from '../../../test/support/pipeline-stage.js';
import type { FrameRecord, StoredRecord } from '../../domain/ocpp/record.js';
import { WattstreamError } from '../../platform/errors.js';
import { createMemoryLog } from '../../streams/memory/log.js';
import type { Checkpoints } from './ports.js';
import { Database } from './testing/database.js';

afterEach(killAll);

const frame = (id: string, n: number, more: Partial<FrameRecord> = {}): FrameRecord => ({
  body: `[2,"m${n}","Heartbeat",{}]`,
  subject: 'Heartbeat',
  chargePointId: id,
  messageId: `m${n}`,
  receivedAt: Date.UTC(2026, 10, 23, 8) + n * 1_000,
  protocol: 'ocpp1.6',
  direction: 'in',
  gateway: 'gw',
  connection: `${id}/1`,
  seq: n + 1,
  ...more,
});
const heartbeats = (count: number): FrameRecord[] =>
  Array.from({ length: count }, (_, n) => frame(`CP-${n % 5}`, n));
const nonsense = (n: number): FrameRecord =>
  frame('CP-1', n, { subject: 'StartTransaction', body: 'not a frame' });

/** What simulated chargers say through a real ingest. */
let recorded: FrameRecord[];
let expected: ReturnType<Database['shown']>;

beforeAll(async () => {
  recorded = await recordedLog();
  expected = await readThrough(await logOf(recorded), new Database(), {
    settings: { flushRecords: 1e6, checkpointRecords: 1e6 },
  });
}, 60_000);

test('the recorded log has something to tell', () => {
  expect(recorded.length).toBeGreaterThan(150);
  for (const table of ['sessions_rows', 'energy_15m_rows', 'meter_values_rows', 'status_intervals_rows'])
    expect(expected[table]?.length).toBeGreaterThan(3);
});

describe('tables are a function of the log alone', () => {
  test.each([
    ['row by row', { flushRecords: 1 }],
    ['in small flushes', { flushRecords: 7, checkpointRecords: 13 }],
    ['by age', { flushRecords: 1e6, flushMs: 3 }],
    ['with a checkpoint at every flush', { flushRecords: 50, checkpointMs: 0 }],
  ])('%s', async (_, settings) => {
    expect(await readThrough(await logOf(recorded), new Database(), { settings })).toEqual(expected);
  });

  test('whatever is slow', async () => {
    const delay = () => sleep(Math.random() * 8);
    expect(await readThrough(await logOf(recorded), new Database(), { delay })).toEqual(expected);
  });
});

/** A process that dies at its `nth` write, and one that begins where it left off; the tables after both. */
async function crashed(nth: number, fate: 'die' | 'store-and-die', before: 'store' | 'lie' = 'store') {
  const log = await logOf(recorded);
  const database = new Database();
  const first = await start(log, database, {
    fate: (number, what) => (number === nth ? fate : what === 'checkpoint' ? 'store' : before),
    // Small flushes, so that a crash leaves a good part unread; checkpoints with each.
    settings: { flushRecords: 20, checkpointMs: 0 },
  });
  await until(() => first.connection.writes.length > nth, `write ${nth}`);
  await first.kill();
  const died = first.connection.writes[nth]?.what as string;
  return { died, shown: await readThrough(log, database) };
}

describe('a crash', () => {
  test('after any step of a flush leaves the tables as an undisturbed run would have', async () => {
    const steps = new Set<string>();
    for (let nth = 0; nth < 18; nth++) {
      for (const fate of ['die', 'store-and-die'] as const) {
        const { died, shown } = await crashed(nth, fate);
        steps.add(`${died} ${fate}`);
        expect({ nth, fate, died, shown }).toEqual({ nth, fate, died, shown: expected });
      }
    }
    // Both sides of step 2 and of step 3 have been met.
    expect([...steps]).toEqual(
      expect.arrayContaining(['checkpoint die', 'checkpoint store-and-die', 'sessions_rows die']),
    );
  }, 60_000);

  test('would show: rows that are acknowledged before they are stored are missed after it', async () => {
    let missed = 0;
    for (let nth = 10; nth < 30; nth += 3) {
      const outcome = await crashed(nth, 'die', 'lie').catch(() => undefined);
      if (JSON.stringify(outcome?.shown) !== JSON.stringify(expected)) missed++;
    }
    expect(missed).toBeGreaterThan(0);
  }, 60_000);

  test('again and again, at random moments, changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 5, max: 200 }),
        async (deaths, flushRecords) => {
          const log = await logOf(recorded);
          const database = new Database();
          for (const death of deaths) {
            const one = await start(log, database, {
              fate: (number) => (number === death ? (death % 2 ? 'die' : 'store-and-die') : 'store'),
              settings: { flushRecords, checkpointRecords: flushRecords * 2 },
            });
            const over = () => database.frames >= log.records().length;
            await until(() => over() || one.connection.writes.length > death, 'it dies or is done');
            await one.kill();
          }
          expect(await readThrough(log, database)).toEqual(expected);
        },
      ),
      { numRuns: 10 },
    );
  }, 60_000);
});

test('a checkpoint never speaks of a record whose frame is not stored', async () => {
  const log = await logOf(recorded);
  const database = new Database();
  const early: number[] = [];
  const one = await start(log, database, {
    settings: { flushRecords: 10, checkpointMs: 0 },
    delay: () => sleep(1),
    fate(_, what) {
      if (what === 'checkpoint') early.push(database.frames);
      return 'store';
    },
  });
  await until(() => database.frames >= log.records().length, 'all is written');
  await one.stop();
  const offsets = log.records();
  const inMarkers = (count: number) => {
    const last = new Map<number, number>();
    for (const { partition, lastOffset } of database.markers.slice(0, count)) last.set(partition, lastOffset);
    return offsets.filter(({ partition, offset }) => offset <= (last.get(partition) ?? -1)).length;
  };
  expect(database.markers.length).toBeGreaterThan(1);
  for (const [index, frames] of early.entries()) expect(frames).toBeGreaterThanOrEqual(inMarkers(index + 1));
});

describe('ClickHouse away', () => {
  test('reading stops when the backlog is full, says why, and catches up', async () => {
    const log = await logOf(heartbeats(5_000));
    const database = new Database();
    database.away = true;
    const one = await start(log, database);
    await until(() => one.processor.trouble() !== undefined, 'trouble is told');
    expect(one.processor.trouble()).toContain('ECONNREFUSED');
    database.away = false;
    await until(() => one.reader.active.length === PARTITIONS && database.frames > 0, 'it reads');
    database.away = true;
    await until(() => one.processor.trouble() !== undefined, 'trouble is told again');
    const readBefore = one.processor.accepted;
    await sleep(100);
    // A cut under way and a backlog behind it, and not one record more.
    expect(one.processor.accepted).toBe(readBefore);
    expect(readBefore - database.frames).toBeLessThanOrEqual(2 * 4 * SETTINGS.flushRecords + PARTITIONS);
    database.away = false;
    await until(() => database.frames === 5_000, 'caught up');
    await until(() => one.processor.trouble() === undefined, 'well again');
    await one.stop();
    expect(database.refused).toBeGreaterThan(0);
  }, 30_000);

  test('large frames fill the backlog by their size', async () => {
    const body = 'x'.repeat(250 * 1024);
    const log = await logOf(Array.from({ length: 600 }, (_, n) => frame('CP-1', n, { body })));
    const database = new Database();
    const one = await start(log, database, { settings: { flushRecords: 1e6 } });
    await until(() => database.frames > 0, 'it reads');
    database.away = true;
    await until(() => one.processor.trouble() !== undefined, 'trouble is told');
    await sleep(50);
    const held = one.processor.accepted - database.frames;
    expect(held * body.length).toBeLessThan(2 * 4 * 17 * 1024 ** 2);
    expect(one.processor.accepted).toBeLessThan(600);
    database.away = false;
    await until(() => database.frames === 600, 'caught up');
    await one.stop();
  }, 30_000);

  test('trouble is told as long as one table is refused, whatever the others take', async () => {
    const database = new Database();
    const one = prepare(await logOf(heartbeats(200)), database, { settings: { flushRecords: 10 } });
    const insert = one.connection.insert;
    let broken = true;
    one.connection.insert = async (table, lines) => {
      if (broken && table.name === 'frames_rows') throw new Error('table frames_rows is read-only');
      await insert(table, lines);
    };
    await one.reader.start(one.processor);
    await until(() => one.processor.trouble() !== undefined, 'trouble is told');
    for (let i = 0; i < 20; i++, await sleep(5)) expect(one.processor.trouble()).toContain('read-only');
    broken = false;
    await until(() => one.processor.trouble() === undefined, 'well again');
    await one.stop();
  });

  test('who finds a session in the tables finds the samples that its cost is computed from', async () => {
    const database = new Database();
    const one = prepare(await logOf(recorded), database, { settings: { flushRecords: 50 } });
    const insert = one.connection.insert;
    let [samplesUnderWay, early] = [0, 0];
    one.connection.insert = async (table, lines) => {
      if (table.name === 'sessions_rows') early += samplesUnderWay;
      if (table.name !== 'meter_values_rows') return insert(table, lines);
      samplesUnderWay += 1;
      await sleep(5);
      await insert(table, lines);
      samplesUnderWay -= 1;
    };
    await one.reader.start(one.processor);
    await until(() => database.frames === recorded.length, 'everything is stored');
    await one.stop();
    expect(early).toBe(0);
    expect(one.connection.writes.filter(({ what }) => what === 'meter_values_rows').length).toBeGreaterThan(
      1,
    );
  });

  test.each([
    ['while it reads', true],
    ['before it could load a checkpoint', false],
  ])('%s: a stop waits for nothing', async (_, reads) => {
    const database = new Database();
    database.away = !reads;
    const log = await logOf(heartbeats(3_000));
    const one = await start(log, database, { settings: { flushRecords: 50 } });
    if (reads) await until(() => database.frames > 0, 'it reads');
    database.away = true;
    await until(() => one.processor.trouble() !== undefined, 'trouble is told');
    await sleep(50);
    // The database stays away: whoever waited for it would wait until the test fails.
    one.processor.leave();
    await one.reader.close();
    await one.processor.close(100);
    // And nothing is missing afterwards.
    database.away = false;
    await readThrough(log, database);
    expect(database.frames).toBe(3_000);
  });

  test('does not hold up a stop beyond the time for it', async () => {
    const database = new Database();
    const one = await start(await logOf(heartbeats(300)), database);
    await until(() => database.frames > 0, 'it reads');
    database.away = true;
    await one.processor.accept(stored(frame('CP-1', 1), 1_000_000));
    await one.processor.close(100);
    const { refused } = database;
    await sleep(300);
    // Nothing goes on in the background.
    expect(database.refused).toBe(refused);
  });
});

const stored = (record: FrameRecord, offset: number, partition = 0): StoredRecord => ({
  ...record,
  partition,
  offset,
});

describe('taking over', () => {
  test('whoever hands a partition over leaves it written, with a checkpoint at its last record', async () => {
    const log = await logOf(recorded);
    const database = new Database();
    const one = await start(log, database, { settings: { flushMs: 1e6, flushRecords: 1e6 } });
    const all = log.records();
    await until(() => one.processor.accepted === all.length, 'all is read');
    expect(database.frames).toBe(0);
    await one.stop();
    expect(database.shown()).toEqual(expected);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const last = all.findLast((record) => record.partition === partition);
      expect(database.markers.find((marker) => marker.partition === partition)?.lastOffset).toBe(
        last?.offset,
      );
    }
  });

  test('partitions go to and fro between two processes, and nothing shows', async () => {
    const log = await logOf(recorded);
    const database = new Database();
    const both = [await start(log, database, { delay: () => sleep(2) }), await start(log, database)];
    for (let i = 0; i < 6; i++) {
      await sleep(15);
      await log.takeOver();
      if (i % 2 === 0) await log.dropConnection();
    }
    await until(() => database.frames >= log.records().length, 'all is written');
    await Promise.all(both.map((one) => one.stop()));
    expect(database.shown()).toEqual(expected);
  });

  test('the late rows and checkpoints of a zombie do no harm', async () => {
    const log = await logOf(recorded);
    const database = new Database();
    let wake = () => {};
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    let writes = 0;
    const zombie = await start(log, database, {
      settings: { flushRecords: 60, checkpointRecords: 60 },
      delay: () => (writes++ < 10 ? Promise.resolve() : asleep),
    });
    await until(() => writes > 10, 'the zombie hangs in a write');
    // A member of another group: the broker has given the partition away, the zombie does not know.
    const heir = prepare(log, database);
    const reader = log.reader('after the session of the zombie has ended');
    await reader.start(heir.processor);
    await until(() => database.frames >= log.records().length, 'the heir has read all');
    await reader.close();
    await heir.stop();
    expect(database.shown()).toEqual(expected);

    const before = zombie.connection.writes.length;
    wake();
    await until(() => zombie.connection.writes.length > before + 5, 'the zombie writes');
    expect(database.shown()).toEqual(expected);
    await zombie.stop();
    expect(database.shown()).toEqual(expected);
    // And a restart from whichever checkpoint is the newest now.
    expect(await readThrough(log, database)).toEqual(expected);
  });
});

describe('refusals', () => {
  test('records that make no sense stop a partition, but only once there are enough of them to judge', async () => {
    const log = createMemoryLog({ partitions: PARTITIONS });
    const publisher = log.publisher();
    const { partition } = await publisher.publishOCPPMessage(nonsense(0));
    await Promise.all(Array.from({ length: 998 }, (_, n) => publisher.publishOCPPMessage(nonsense(n + 1))));
    const database = new Database();
    const settings = { checkpointRecords: 1e6 };
    const one = await start(log, database, { settings });
    await until(() => database.frames === 999, 'all is written');
    expect(one.refusals).toEqual([]);
    await publisher.publishOCPPMessage(nonsense(999));
    await until(() => one.refusals.length > 0, 'refused');
    expect(one.refusals).toEqual([
      expect.objectContaining({ code: 'TOO_MANY_UNDECODABLE', partition, offset: 999 }),
    ]);
    expect(one.refusals[0]?.remedy).toContain('WATTSTREAM_UNDECODABLE_RATIO');
    expect(one.processor.trouble()).toContain('TOO_MANY_UNDECODABLE');
    // People find the anomalies; the other partition is read on.
    await until(() => database.shown().anomalies_rows?.length === 1_000, 'the anomalies are written');
    expect(one.reader.active).toEqual([1 - partition]);
    await until(() => database.refusals.length === 1, 'it is written down for the doctor');
    expect(database.refusals[0]).toMatch(new RegExp(`^1\t1\t${partition}\tTOO_MANY_UNDECODABLE\t999\t`));
    expect(await one.metrics.metrics()).toContain('wattstream_refusals_total{code="TOO_MANY_UNDECODABLE"} 1');
    await one.stop();
    // The next start meets the same; unless somebody has decided to read through it.
    const again = await start(log, database, { settings });
    await until(() => again.refusals.length > 0, 'refused again');
    await again.stop();
    await publisher.publishOCPPMessage(frame('CP-1', 1_000));
    const decided = await start(log, database, { settings: { undecodableRatio: 1 } });
    await until(() => database.frames === 1_001, 'read through');
    await decided.stop();
    expect(decided.refusals).toEqual([]);
  }, 30_000);

  test('a share below the ratio goes on for ever, each record an anomaly of its own', async () => {
    const records = Array.from({ length: 3_000 }, (_, n) => (n % 5 < 2 ? nonsense(n) : frame('CP-1', n)));
    const database = new Database();
    const one = await start(await logOf(records), database);
    await until(() => database.frames === 3_000, 'all is written');
    await one.stop();
    expect(one.refusals).toEqual([]);
    expect(database.shown().anomalies_rows?.length).toBe(1_200);
  });

  test('the log was created again: refused by name, nothing written', async () => {
    const log = await logOf(heartbeats(300));
    const database = new Database();
    await readThrough(log, database);
    const shown = database.shown();
    await log.recreate();
    const publisher = log.publisher();
    await Promise.all(
      heartbeats(600).map((record) =>
        publisher.publishOCPPMessage({ ...record, body: '[2,"x","Heartbeat",{}]' }),
      ),
    );
    const one = await start(log, database);
    await until(() => one.processor.trouble() !== undefined, 'refused');
    expect(one.processor.trouble()).toContain('LOG_DIFFERS_FROM_CHECKPOINT');
    await one.stop();
    expect(database.shown()).toEqual(shown);
  });

  test('retention passed the checkpoint while nobody read: refused by name, nothing written', async () => {
    const log = await logOf(heartbeats(300));
    const database = new Database();
    await readThrough(log, database);
    const shown = database.shown();
    const publisher = log.publisher();
    await Promise.all(heartbeats(300).map((record) => publisher.publishOCPPMessage(record)));
    for (const { partition, lastOffset } of database.markers) log.truncateBefore(partition, lastOffset + 1);
    const one = await start(log, database);
    await until(() => one.processor.trouble() !== undefined, 'refused');
    expect(one.processor.trouble()).toMatch(/^RETENTION_PASSED_CHECKPOINT: /);
    await one.stop();
    expect(database.shown()).toEqual(shown);
  });

  test('torn checkpoints and none whole: refused by name instead of beginning anew', async () => {
    const database = new Database();
    const torn: Checkpoints = {
      save: async () => {},
      load: async () => {
        throw new WattstreamError('CHECKPOINTS_TORN', 'None of the 3 checkpoints matches its states');
      },
    };
    const one = await start(await logOf(heartbeats(50)), database, { checkpoints: torn });
    await until(() => one.refusals.length === PARTITIONS, 'both refused');
    expect(one.processor.trouble()).toMatch(/^CHECKPOINTS_TORN: None of the 3/);
    expect(one.refusals[0]?.remedy).toContain('WATTSTREAM_GENERATION');
    expect(database.frames).toBe(0);
    await one.stop();
  });

  test('a defect met in the middle of a record leaves nothing of the state it half changed', async () => {
    const log = await logOf(heartbeats(20));
    const database = new Database();
    const one = await start(log, database, { settings: { flushMs: 1e6, flushRecords: 1e6 } });
    await until(() => one.processor.accepted === 20, 'all is read');
    // No record is known that does this; the state is damaged by hand.
    const held = (one.processor as unknown as { held: Map<number, { fold: { apply(): never } }> }).held;
    for (const { fold } of held.values())
      fold.apply = () => {
        throw new Error('a defect');
      };
    const { partition } = await log.publisher().publishOCPPMessage(frame('CP-1', 20));
    await until(() => one.processor.trouble() !== undefined, 'refused');
    expect(one.processor.trouble()).toMatch(/^POISON_RECORD: .*a defect/);
    await one.stop();
    expect(database.markers.map((marker) => marker.partition)).toEqual([1 - partition]);
    await readThrough(log, database);
    expect(database.frames).toBe(21);
  });

  test('a defect met while rows are made stops its partition, not the others, and leaves no checkpoint', async () => {
    const log = await logOf(recorded);
    const database = new Database();
    const one = prepare(log, database, { settings: { flushRecords: 1e6, flushMs: 1e6 } });
    await one.reader.start(one.processor);
    const all = log.records();
    await until(() => one.processor.accepted === all.length, 'all is read');
    // No record is known that does this; the state is damaged by hand.
    const held = (one.processor as unknown as { held: Map<number, { fold: { takeRows(): never } }> }).held;
    held.get(0)!.fold.takeRows = () => {
      throw new Error('a defect');
    };
    await one.stop();
    expect(one.refusals).toEqual([expect.objectContaining({ code: 'POISON_RECORD', partition: 0 })]);
    expect(database.markers.map(({ partition }) => partition)).toEqual([1]);
    expect(await readThrough(log, database)).toEqual(expected);
  });
});

test('no record throws, whatever is in it', async () => {
  const database = new Database();
  const { processor, refusals } = prepare(createMemoryLog({ partitions: 1 }), database, {
    settings: { undecodableRatio: 1 },
  });
  await processor.activate(0);
  const times = fc.constantFrom(
    '2026-11-23T08:00:00Z',
    '1970-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '-271821-04-20T00:00:00Z',
    '9999-99-99',
    '',
  );
  const numbers = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom(1e300, -1, 0, 2 ** 53, '12', '1e400', ''),
  );
  const payloads = fc.record(
    {
      connectorId: numbers,
      evseId: numbers,
      evse: fc.record({ id: numbers, connectorId: numbers }),
      idTag: fc.string(),
      idToken: fc.record({ idToken: fc.string(), type: fc.string() }),
      meterStart: numbers,
      meterStop: numbers,
      timestamp: times,
      transactionId: fc.oneof(numbers, fc.string()),
      status: fc.oneof(fc.string(), fc.constantFrom('Available', 'Charging', 'Faulted')),
      connectorStatus: fc.constantFrom('Available', 'Occupied', 'x'),
      errorCode: fc.string(),
      eventType: fc.constantFrom('Started', 'Updated', 'Ended', 'x'),
      seqNo: numbers,
      triggerReason: fc.string(),
      transactionInfo: fc.record({ transactionId: fc.string(), chargingState: fc.string() }),
      meterValue: fc.array(
        fc.record({
          timestamp: times,
          sampledValue: fc.array(
            fc.record(
              {
                value: numbers,
                measurand: fc.constantFrom('Energy.Active.Import.Register', 'SoC', '__proto__'),
                phase: fc.string(),
                unit: fc.constantFrom('Wh', 'kWh', 'x'),
              },
              { requiredKeys: [] },
            ),
          ),
        }),
      ),
    },
    { requiredKeys: [] },
  );
  const subjects = fc.constantFrom(
    'StartTransaction',
    'StopTransaction',
    'MeterValues',
    'StatusNotification',
    'BootNotification',
    'TransactionEvent',
    'Connected',
    'Disconnected',
    'GatewayAlive',
    'GatewayStarted',
    'CallResult',
    '__proto__',
    '',
  );
  const bodies = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(subjects, payloads).map(([a, p]) => JSON.stringify([2, 'm', a, p])) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
  );
  let offset = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        body: bodies,
        subject: subjects,
        chargePointId: fc.constantFrom('CP-1', '', '__proto__', 'tab\t\n'),
        receivedAt: fc.oneof(
          fc.constantFrom(0, -1, Date.UTC(2026, 10, 23, 8), 8.64e15, -8.64e15),
          fc.integer({ min: 0, max: 2e12 }),
        ),
        protocol: fc.constantFrom('ocpp1.6' as const, 'ocpp2.0.1' as const, 'ocpp2.1' as const, undefined),
        direction: fc.constantFrom('in' as const, 'out' as const),
        gateway: fc.constantFrom('gw', '', '__proto__'),
        answer: fc.oneof(
          fc.constantFrom(undefined, '', 'x', '{"transactionId":7,"idTagInfo":{"status":"Accepted"}}'),
          fc.string(),
        ),
      }),
      async (record) => {
        await processor.accept({ ...(record as FrameRecord), partition: 0, offset: offset++ });
      },
    ),
    { numRuns: 1_500 },
  );
  await processor.close(10_000);
  expect(refusals).toEqual([]);
  expect(processor.trouble()).toBeUndefined();
  expect(database.frames).toBe(offset);
}, 60_000);

test('a partition that falls silent gets its checkpoint all the same', async () => {
  const database = new Database();
  const one = await start(await logOf(heartbeats(50)), database, { settings: { checkpointMs: 50 } });
  await until(() => new Set(database.markers.map(({ partition }) => partition)).size === PARTITIONS, 'both');
  await one.stop();
});
