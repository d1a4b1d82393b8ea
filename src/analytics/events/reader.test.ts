/**
 * What is in the stream is in the table, whatever dies, is away or comes twice; and where that cannot be promised, it is
 * refused by name. The table here keeps what ReplacingMergeTree(precedence) would show.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../platform/logger.js';
import { Registry } from '../../platform/metrics.js';
import type { RowWriter } from '../pipeline/ports.js';
import { CHARGING_EVENTS, chargingEventLine } from './charging-events.js';
import { createEventReaderMetrics } from './metrics.js';
import type { EventPositions } from './ports.js';
import { EventReader } from './reader.js';
import type { EventPosition, EventRefusal } from './start.js';
import { FakeEventLog } from './testing/event-log.js';

const column = (name: string) => CHARGING_EVENTS.columns.indexOf(name);
const STREAM = 'charging.events.log';

class Table implements RowWriter, EventPositions {
  readonly rows = new Map<string, string[]>();
  readonly refusals: EventRefusal[] = [];
  readonly inserts: number[] = [];
  position: EventPosition | undefined;
  away = false;
  /** Stored, but whoever wrote it never hears of it. */
  mute = false;

  private answer(): void {
    if (this.away || this.mute) throw new Error('connect ECONNREFUSED');
  }
  async insert(_: unknown, lines: readonly string[]): Promise<void> {
    await sleep(1);
    if (this.away) throw new Error('connect ECONNREFUSED');
    this.inserts.push(lines.length);
    for (const line of lines) {
      const row = line.split('\t');
      const key = row.slice(0, 4).join('\t');
      const known = this.rows.get(key);
      const rank = (one: string[]) => Number(one[column('precedence')]);
      if (known === undefined || rank(row) > rank(known)) this.rows.set(key, row);
    }
    this.answer();
  }
  async save(_: string, position: EventPosition): Promise<void> {
    this.answer();
    this.position = position;
  }
  async load(): Promise<EventPosition | undefined> {
    this.answer();
    return this.position;
  }
  async refuse(refusal: EventRefusal): Promise<void> {
    this.refusals.push(refusal);
  }
  get shown(): string[] {
    return [...this.rows.values()].map((row) => row.join('\t')).sort();
  }
  get ids(): string[] {
    return [...this.rows.values()].map((row) => row[column('id')] as string);
  }
}

const readers: EventReader[] = [];
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.stop()));
});

function read(
  log: FakeEventLog,
  table: Table,
  settings: Partial<ConstructorParameters<typeof EventReader>[0]> = {},
) {
  const reader = new EventReader({
    log,
    table: {
      stream: STREAM,
      table: CHARGING_EVENTS,
      open: (epoch) => (record) => chargingEventLine(record, epoch),
    },
    rows: table,
    positions: table,
    epoch: 1,
    flushMs: 2,
    flushRecords: 10,
    checkpointMs: 5,
    acceptedGaps: '',
    logger: silentLogger,
    metrics: createEventReaderMetrics(new Registry()),
    ...settings,
  });
  readers.push(reader);
  reader.start();
  return reader;
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(2);
}

const event = (n: number, more: Record<string, unknown> = {}) => ({
  id: `e${n}`,
  schema: 1,
  type: 'charger.online',
  at: '2026-11-25T10:00:00.000Z',
  chargePointId: 'CP-1',
  ...more,
});
const events = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => event(from + n));

test('what is in the stream is in the table, and what comes later too', async () => {
  const log = new FakeEventLog();
  const table = new Table();
  log.append(...events(0, 25));
  read(log, table);
  await until(() => table.rows.size === 25);
  log.append(event(25));
  await until(() => table.rows.size === 26);
  await until(() => table.position?.offset === 25);
});

test('an id that comes again changes nothing, whichever record is written first', async () => {
  const log = new FakeEventLog();
  log.append(event(1, { gateway: 'g1' }), event(2), event(1, { gateway: 'g2' }));
  const table = new Table();
  const reader = read(log, table);
  await until(() => table.position?.offset === 2);
  await reader.stop();
  const once = table.shown;
  expect(once).toHaveLength(2);
  expect(once.join('\n')).toContain('"gateway":"g1"');
  // A second process, which reads the repeat before the first has written the original.
  const late = new Table();
  const repeat = {
    offset: 2,
    routingKey: '',
    id: 'e1',
    app: '',
    publishedAt: 0,
    body: JSON.stringify(event(1, { gateway: 'g2' })),
  };
  await late.insert(undefined, [chargingEventLine(repeat, 1)]);
  read(log, late);
  await until(() => late.position?.offset === 2);
  expect(late.shown).toEqual(once);
});

test('a restart goes on after what is stored, and reads nothing else again', async () => {
  const log = new FakeEventLog();
  const table = new Table();
  log.append(...events(0, 30));
  const first = read(log, table);
  await until(() => table.rows.size === 30);
  await first.stop();
  expect(table.position).toMatchObject({ offset: 29 });
  log.handedOn = 0;
  log.append(...events(30, 35));
  read(log, table);
  await until(() => table.rows.size === 35);
  // The last stored one, to be compared, and the five new ones.
  expect(log.handedOn).toBe(6);
});

test('killed between rows and position: the same rows', async () => {
  const log = new FakeEventLog();
  log.append(...events(0, 40));
  const undisturbed = new Table();
  read(log, undisturbed);
  await until(() => undisturbed.position?.offset === 39);
  const table = new Table();
  table.mute = true;
  const killed = read(log, table).stop();
  table.mute = false;
  table.position = undefined;
  read(log, table);
  await until(() => table.position?.offset === 39);
  await killed;
  expect(table.shown).toEqual(undisturbed.shown);
});

test('two readers side by side leave what one leaves', async () => {
  const log = new FakeEventLog();
  const alone = new Table();
  const shared = new Table();
  read(log, alone);
  read(log, shared);
  read(log, shared, { flushRecords: 3, flushMs: 1 });
  for (let n = 0; n < 20; n++) {
    log.append(...events(n * 5, n * 5 + 5));
    await sleep(1);
  }
  await until(() => alone.rows.size === 100 && shared.position?.offset === 99);
  expect(shared.shown).toEqual(alone.shown);
});

test('while ClickHouse is away reading waits, with a bounded backlog, and nothing is lost', async () => {
  const log = new FakeEventLog();
  const table = new Table();
  const reader = read(log, table);
  log.append(event(0));
  await until(() => table.rows.size === 1);
  table.away = true;
  log.append(...events(1, 2_000));
  await until(() => reader.trouble()?.includes('writing charging_events_rows') === true);
  await sleep(50);
  // One insert under way, and four times that waiting.
  expect(log.handedOn).toBeLessThanOrEqual(1 + 5 * 10 + 10);
  table.away = false;
  await until(() => table.rows.size === 2_000);
  expect(reader.trouble()).toBeUndefined();
  await until(() => table.position?.offset === 1_999);
});

test('neither side has to be there at the start', async () => {
  const log = new FakeEventLog();
  const table = new Table();
  log.append(event(0));
  log.away = table.away = true;
  const reader = read(log, table);
  await until(() => reader.trouble()?.includes('loading the position') === true);
  table.away = false;
  await until(() => reader.trouble()?.includes('bounds') === true);
  log.away = false;
  log.append(event(1));
  await until(() => table.rows.size === 2);
});

test('a stop while ClickHouse is away does not wait for it; the next one has everything', async () => {
  const log = new FakeEventLog();
  const table = new Table();
  const reader = read(log, table);
  log.append(event(0));
  await until(() => table.rows.size === 1);
  table.away = true;
  log.append(event(1));
  await until(() => reader.trouble() !== undefined);
  await reader.stop();
  table.away = false;
  read(log, table);
  await until(() => table.rows.size === 2);
});

test('what is no message of ours is kept too, under its position', async () => {
  const log = new FakeEventLog();
  const table = new Table();
  log.append('{"id":', '[1]', '{"id":7,"type":"x"}', '{"type":"a.b"}', event(0));
  log.append({ id: 'e6', type: 'command.sent', chargePointId: 'CP-1', commandId: 'none' });
  read(log, table);
  await until(() => table.rows.size === 6);
  expect(table.ids.sort()).toEqual(['1/0', '1/1', '1/2', '1/3', '1/5', 'e0']);
});

test('where meaning depends on what came before, a restart judges it all again and writes only what is new', async () => {
  const log = new FakeEventLog();
  const table = new Table();
  log.append(...events(0, 10));
  /** How many records came before, as the registry's judgement depends on them. */
  const counting = {
    stream: STREAM,
    table: CHARGING_EVENTS,
    fromFirst: true,
    open: (epoch: number) => {
      let before = 0;
      return (record: Parameters<typeof chargingEventLine>[0]) =>
        chargingEventLine({ ...record, body: record.body.replace('CP-1', `after-${before++}`) }, epoch);
    },
  };
  const first = read(log, table, { table: counting });
  await until(() => table.rows.size === 10);
  await first.stop();
  table.inserts.length = 0;
  log.append(event(10), event(11));
  read(log, table, { table: counting });
  await until(() => table.rows.size === 12);
  expect(table.inserts.reduce((sum, n) => sum + n, 0)).toBe(2);
  expect(table.shown.join('\n')).toContain('after-11');
});

describe('refused by name, in words that can be followed', () => {
  const stored = async (log: FakeEventLog, table: Table) => {
    log.append(...events(0, 10));
    const reader = read(log, table);
    await until(() => table.rows.size === 10);
    await reader.stop();
    expect(table.position?.offset).toBe(9);
  };
  const refusal = async (table: Table, reader: EventReader) => {
    await until(() => table.refusals.length > 0);
    const [why] = table.refusals;
    expect(reader.trouble()).toBe(`${why?.code}: ${why?.message}`);
    return why;
  };

  test('the stream was made anew and is shorter', async () => {
    const log = new FakeEventLog();
    const table = new Table();
    await stored(log, table);
    log.recreate();
    log.append(event(100));
    const why = await refusal(table, read(log, table));
    expect(why).toMatchObject({
      code: 'LOG_DIFFERS_FROM_CHECKPOINT',
      stream: STREAM,
      remedy: expect.stringContaining('WATTSTREAM_EVENTS_EPOCH'),
    });
    expect(table.rows.size).toBe(10);
    // What the remedy says: another epoch has no position yet, and the rows there are stay.
    table.position = undefined;
    table.refusals.length = 0;
    read(log, table, { epoch: 2 });
    await until(() => table.rows.size === 11);
  });

  test('the stream was made anew and is longer', async () => {
    const log = new FakeEventLog();
    const table = new Table();
    await stored(log, table);
    log.recreate();
    log.append(...events(100, 130));
    const why = await refusal(table, read(log, table));
    expect(why?.code).toBe('LOG_DIFFERS_FROM_CHECKPOINT');
    expect(table.rows.size).toBe(10);
  });

  test('the stream is made anew while it is read', async () => {
    const log = new FakeEventLog();
    const table = new Table();
    log.append(...events(0, 10));
    const reader = read(log, table);
    await until(() => table.rows.size === 10);
    log.recreate();
    expect((await refusal(table, reader))?.code).toBe('LOG_DIFFERS_FROM_CHECKPOINT');
  });

  test('retention has passed what is stored, and going on without it is a decision', async () => {
    const log = new FakeEventLog();
    const table = new Table();
    await stored(log, table);
    log.append(...events(10, 20));
    log.expire(15);
    const reader = read(log, table);
    const why = await refusal(table, reader);
    expect(why?.code).toBe('RETENTION_PASSED_CHECKPOINT');
    await reader.stop();
    const [, gap] = /WATTSTREAM_ACCEPT_GAP=(\S+)/.exec(why?.remedy ?? '') ?? [];
    read(log, table, { acceptedGaps: `0:5,${gap}` });
    await until(() => table.rows.size === 15);
  });
});
