/**
 * What is announced is a function of the log too: whoever is killed, and whenever, everybody hears of everything, and
 * nobody hears two things under one id.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  killAll,
  logOf,
  readThrough,
  recordedLog,
  start,
  until,
} from '../../../test/support/pipeline-stage.js';
import type { Announcement } from '../../domain/messages/charging-events.js';
import { notification } from '../../domain/messages/notifications.js';
import type { FrameRecord } from '../../domain/ocpp/record.js';
import { silentLogger } from '../../platform/logger.js';
import { Announcer, type AnnouncerSettings } from './announcer.js';
import type { ProcessorMetrics } from './metrics.js';
import type { ProcessorSettings } from './processor.js';
import { Broadcast, type Wire, type WireOptions } from './testing/broadcast.js';
import { type ConnectionOptions, Database } from './testing/database.js';

afterEach(killAll);

const HOUR = 3_600_000;
let recorded: FrameRecord[];
/** A moment at which all of it has just happened. */
let afterwards: number;
let expected: { tables: ReturnType<Database['shown']>; announced: Announcement[] };

beforeAll(async () => {
  // The simulator ran faster than a charger does: a session is announced once a second at most.
  recorded = (await recordedLog()).map((record, n) => ({
    ...record,
    receivedAt: record.receivedAt + n * 300,
  }));
  afterwards = Math.max(...recorded.map(({ receivedAt }) => receivedAt)) + 1_000;
  const broadcast = new Broadcast();
  const options = {
    ...announcing(broadcast.connect()),
    settings: { flushRecords: 1e6, checkpointRecords: 1e6 },
  };
  const tables = await readThrough(await logOf(recorded), new Database(), options);
  expected = { tables, announced: broadcast.all() };
}, 60_000);

interface Announcing extends Partial<AnnouncerSettings> {
  now?: () => number;
  isActive?: () => boolean;
}

function announcing(
  { publisher }: Wire,
  { now = () => afterwards, isActive = () => true, ...more }: Announcing = {},
) {
  const settings = { unconfirmedMax: 1_000, maxAgeMs: 24 * HOUR, stalledMs: 100, ...more };
  return {
    announcer: (metrics: ProcessorMetrics) =>
      new Announcer({ publisher, isActive, log: silentLogger, metrics, now }, settings),
  };
}

test('the recorded log has something to announce', () => {
  const types = new Set(expected.announced.map(({ type }) => type));
  for (const type of [
    'session.started',
    'session.updated',
    'session.stopped',
    'connector.status',
    'charger.online',
  ])
    expect([...types]).toContain(type);
  expect(expected.announced.length).toBeGreaterThan(50);
});

describe('what is announced is a function of the log alone', () => {
  test.each<[string, Partial<ProcessorSettings>]>([
    ['row by row', { flushRecords: 1 }],
    ['in small flushes', { flushRecords: 7, checkpointRecords: 13 }],
    ['with a checkpoint at every flush', { flushRecords: 50, checkpointMs: 0 }],
  ])('%s', async (_, settings) => {
    const broadcast = new Broadcast();
    const wire = broadcast.connect({ delay: () => sleep(Math.random() * 3) });
    const shown = await readThrough(await logOf(recorded), new Database(), { ...announcing(wire), settings });
    expect(broadcast.all()).toEqual(expected.announced);
    expect(shown).toEqual(expected.tables);
  });

  test('and each comes as a notification too, for those it concerns', async () => {
    const broadcast = new Broadcast();
    await readThrough(await logOf(recorded), new Database(), announcing(broadcast.connect()));
    expect(broadcast.told().map(({ event }) => event)).toEqual(expected.announced);
    for (const told of broadcast.told()) {
      expect(notification.parse(told)).toEqual(told);
      const { stationId, accountId } = told.event as Announcement;
      expect(told.audience).toEqual({ stationId: stationId || null, accountId: accountId || null });
    }
  });
});

/** Dies at its `nth` write to the database; what it has published by then arrives, confirmed or not, or is lost. */
async function dies(
  nth: number,
  fate: 'die' | 'store-and-die',
  wireOptions: WireOptions,
  { honest = true }: { honest?: boolean } = {},
) {
  const log = await logOf(recorded);
  const database = new Database();
  const broadcast = new Broadcast();
  const wire = broadcast.connect(wireOptions);
  const options: ConnectionOptions = { fate: (number) => (number === nth ? fate : 'store') };
  const first = await start(log, database, {
    ...options,
    ...announcing(honest ? wire : confirmingEarly(wire)),
    settings: { flushRecords: 20, checkpointMs: 0 },
  });
  await until(() => first.connection.writes.length > nth, `write ${nth}`);
  wire.cut();
  await first.kill();
  const died = first.connection.writes[nth]?.what as string;
  const tables = await readThrough(log, database, announcing(broadcast.connect()));
  return { died, tables, announced: broadcast.all() };
}

/** A publisher that says to have been confirmed what is still on its way. */
const confirmingEarly = ({ publisher, ...wire }: Wire): Wire => ({
  ...wire,
  publisher: {
    async publishChargingEvent(event) {
      void publisher.publishChargingEvent(event);
    },
    async publishNotification(told) {
      void publisher.publishNotification(told);
    },
  },
});

describe('a crash', () => {
  test('after any step of a flush loses no announcement, and makes none with another content', async () => {
    const steps = new Set<string>();
    const wanted = ['checkpoint die', 'checkpoint store-and-die', 'sessions_rows die'];
    // Which write is the nth is the machine's affair: until each kind was hit.
    for (let nth = 0; nth < 16 || (nth < 80 && !wanted.every((step) => steps.has(step))); nth++) {
      for (const fate of ['die', 'store-and-die'] as const) {
        const { died, ...outcome } = await dies(nth, fate, { delay: () => sleep(Math.random() * 4) });
        steps.add(`${died} ${fate}`);
        expect({ nth, fate, ...outcome }).toEqual({ nth, fate, ...expected });
      }
    }
    expect([...steps]).toEqual(expect.arrayContaining(wanted));
  }, 60_000);

  test('would show: what counts as confirmed before it is stored is missed after it', async () => {
    let missed = 0;
    for (let nth = 10; nth < 30; nth += 4) {
      const { announced } = await dies(nth, 'die', { delay: () => sleep(300) }, { honest: false });
      if (announced.length < expected.announced.length) missed++;
    }
    expect(missed).toBeGreaterThan(0);
  }, 60_000);
});

describe('RabbitMQ confirms nothing', () => {
  test('rows are written all the same, no checkpoint is taken, and it is seen; then everything arrives', async () => {
    const log = await logOf(recorded);
    const database = new Database();
    const broadcast = new Broadcast();
    broadcast.away = true;
    const one = await start(log, database, {
      ...announcing(broadcast.connect()),
      settings: { flushRecords: 20, checkpointMs: 0 },
    });
    await until(() => database.frames === log.records().length, 'all rows are written');
    await until(() => one.processor.trouble() !== undefined, 'trouble is told');
    expect(one.processor.trouble()).toContain('confirm');
    expect(database.markers).toEqual([]);
    broadcast.back();
    await until(() => one.processor.trouble() === undefined, 'well again');
    await one.stop();
    expect(broadcast.all()).toEqual(expected.announced);
    expect(database.shown()).toEqual(expected.tables);
    expect(database.markers.length).toBeGreaterThan(0);
  });

  test('reading waits when too many are unconfirmed, and goes on', async () => {
    const log = await logOf(recorded);
    const broadcast = new Broadcast();
    broadcast.away = true;
    const one = await start(log, new Database(), announcing(broadcast.connect(), { unconfirmedMax: 10 }));
    await until(() => one.processor.trouble() !== undefined, 'trouble is told');
    const accepted = one.processor.accepted;
    await sleep(100);
    expect(one.processor.accepted).toBe(accepted);
    expect(accepted).toBeLessThan(recorded.length);
    const unconfirmed = await one.metrics.getSingleMetric('wattstream_announcements_unconfirmed')?.get();
    const [waiting] = unconfirmed?.values ?? [];
    expect(waiting?.value).toBeGreaterThanOrEqual(10);
    // One record of each partition may have been let in before, and announces a few things at most.
    expect(waiting?.value).toBeLessThan(40);
    broadcast.back();
    await until(() => one.processor.accepted === log.records().length, 'all is read');
    await one.stop();
    expect(broadcast.all()).toEqual(expected.announced);
  });

  test('does not hold up a stop; whoever comes next announces what was not confirmed', async () => {
    const log = await logOf(recorded);
    const database = new Database();
    const broadcast = new Broadcast();
    broadcast.away = true;
    const wire = broadcast.connect();
    const one = await start(log, database, announcing(wire));
    await until(() => one.processor.accepted === log.records().length, 'all is read');
    await until(() => one.processor.trouble() !== undefined, 'trouble is told');
    // Whoever waited for a confirm here would wait until the test fails.
    one.processor.leave();
    await one.reader.close();
    expect(database.frames).toBe(log.records().length);
    expect(database.markers).toEqual([]);
    wire.cut();
    await one.kill();
    broadcast.back();
    await readThrough(log, database, announcing(broadcast.connect()));
    expect(broadcast.all()).toEqual(expected.announced);
  });
});

test('a message that is not as its schema says is left out and counted, and holds up nothing', async () => {
  const broadcast = new Broadcast();
  const invalid = (id: string) => id.startsWith('connector.status/');
  const one = await start(await logOf(recorded), new Database(), announcing(broadcast.connect({ invalid })));
  await until(() => one.processor.accepted >= recorded.length, 'all is read');
  await one.stop();
  expect(broadcast.all()).toEqual(expected.announced.filter(({ id }) => !invalid(id)));
  expect(await one.metrics.getSingleMetricAsString('wattstream_announcements_dropped_total')).toMatch(
    /reason="invalid"} [1-9]/,
  );
});

describe('nothing is announced', () => {
  test('by a generation that nobody is shown', async () => {
    const broadcast = new Broadcast();
    const options = announcing(broadcast.connect(), { isActive: () => false });
    expect(await readThrough(await logOf(recorded), new Database(), options)).toEqual(expected.tables);
    expect(broadcast.arrived).toBe(0);
  });

  test('of what happened too long ago', async () => {
    const broadcast = new Broadcast();
    const options = announcing(broadcast.connect(), { now: () => afterwards + 26 * HOUR });
    expect(await readThrough(await logOf(recorded), new Database(), options)).toEqual(expected.tables);
    expect(broadcast.arrived).toBe(0);
  });
});

const withoutPlace = (one: Announcement) => ({ ...one, previous: undefined });

describe('a generation that becomes the active one', () => {
  /** Folds the first half in silence, then becomes active; dies or not some writes later. */
  async function swapped(nth: number, fate: 'die' | 'store-and-die' | 'store') {
    const half = Math.floor(recorded.length / 2);
    const log = await logOf(recorded.slice(0, half));
    const database = new Database();
    const broadcast = new Broadcast();
    let isActive = false;
    const settings = { flushRecords: 20, checkpointRecords: 40 };
    await readThrough(log, database, {
      ...announcing(broadcast.connect(), { isActive: () => isActive }),
      settings,
    });
    expect(broadcast.arrived).toBe(0);
    isActive = true;
    const publisher = log.publisher();
    for (const record of recorded.slice(half))
      if (record.subject.startsWith('Gateway')) await publisher.publishToAll(record);
      else await publisher.publishOCPPMessage(record);
    const wire = broadcast.connect({ delay: () => sleep(Math.random() * 4) });
    const one = await start(log, database, {
      ...announcing(wire),
      settings,
      fate: (number) => (number === nth ? fate : 'store'),
    });
    const over = () => one.processor.accepted > recorded.length - half - 10;
    await until(() => one.connection.writes.length > nth || over(), 'it dies or is done');
    wire.cut();
    await one.kill();
    const tables = await readThrough(log, database, announcing(broadcast.connect()));
    return { tables, announced: broadcast.all() };
  }

  test('announces what comes after a checkpoint that says so, whoever dies meanwhile', async () => {
    for (let nth = 0; nth < 14; nth++) {
      for (const fate of ['die', 'store-and-die'] as const) {
        // `Broadcast` refuses two contents of one id.
        const { tables, announced } = await swapped(nth, fate);
        expect(tables).toEqual(expected.tables);
        expect(announced.length).toBeGreaterThan(0);
        // It knows nothing of what was announced before; apart from that it says what the other would have.
        const known = new Map(expected.announced.map((one) => [one.id, one]));
        for (const one of announced) {
          const same = known.get(one.id);
          if (same !== undefined) expect(withoutPlace(one)).toEqual(withoutPlace(same));
        }
      }
    }
  }, 60_000);
});
