/**
 * A stage for tests of the processor: a log in memory, a database in memory, and processes that read the one into the
 * other and can be stopped or killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcer } from '../../src/analytics/pipeline/announcer.js';
import { createProcessorMetrics, type ProcessorMetrics } from '../../src/analytics/pipeline/metrics.js';
import type { Checkpoints } from '../../src/analytics/pipeline/ports.js';
import { Processor, type ProcessorSettings } from '../../src/analytics/pipeline/processor.js';
import type {
  Connection,
  ConnectionOptions,
  Database,
} from '../../src/analytics/pipeline/testing/database.js';
import type { FrameRecord, StoredRecord } from '../../src/domain/ocpp/record.js';
import { silentLogger } from '../../src/platform/logger.js';
import { Registry } from '../../src/platform/metrics.js';
import { simulate } from '../../src/simulator/fleet.js';
import { createMemoryLog, type MemoryLog } from '../../src/streams/memory/log.js';
import type { LogReader, Refusal, StartAt } from '../../src/streams/ports.js';
import { testIngest } from './ingest.js';

export const PARTITIONS = 2;
export const SETTINGS: ProcessorSettings = {
  generation: 1,
  epoch: 1,
  flushMs: 1,
  flushRecords: 100,
  checkpointMs: 1e9,
  checkpointRecords: 100,
  sessionDays: 3,
  undecodableRatio: 0.5,
};

export interface Running {
  readonly processor: WatchedProcessor;
  readonly reader: LogReader;
  readonly connection: Connection;
  readonly refusals: Refusal[];
  readonly metrics: Registry;
  /** As SIGTERM does. */
  stop(): Promise<void>;
  /** As kill -9 does: nothing more is written. */
  kill(): Promise<void>;
}

/** What a processor has been told, so that tests can wait for it. */
export class WatchedProcessor extends Processor {
  accepted = 0;
  readonly through = new Map<number, number>();

  override async activate(partition: number): Promise<StartAt> {
    const start = await super.activate(partition);
    this.through.set(partition, 'after' in start ? start.after : -1);
    return start;
  }
  override accept(record: StoredRecord): undefined | Promise<void> {
    this.accepted++;
    this.through.set(record.partition, record.offset);
    return super.accept(record);
  }
}

const running = new Set<Running>();
/** After each test: nothing may go on. */
export const killAll = () => Promise.all([...running].map((one) => one.kill()));

export interface StartOptions extends ConnectionOptions {
  settings?: Partial<ProcessorSettings>;
  checkpoints?: Checkpoints;
  announcer?: (metrics: ProcessorMetrics) => Announcer;
}

export function prepare(log: MemoryLog, database: Database, options: StartOptions = {}): Running {
  const connection = database.connect(options);
  const reader = log.reader();
  const refusals: Refusal[] = [];
  const metrics = new Registry();
  const processorMetrics = createProcessorMetrics(metrics);
  const processor = new WatchedProcessor(
    {
      rows: connection,
      checkpoints: options.checkpoints ?? connection,
      log: silentLogger,
      metrics: processorMetrics,
      announcer: options.announcer?.(processorMetrics),
      refuse(refusal) {
        refusals.push(refusal);
        void reader.refuse(refusal);
      },
    },
    { ...SETTINGS, ...options.settings },
  );
  const one: Running = {
    processor,
    reader,
    connection,
    refusals,
    metrics,
    async stop() {
      running.delete(one);
      processor.leave();
      await reader.close();
      await processor.close();
    },
    async kill() {
      running.delete(one);
      connection.cut();
      await processor.close(0);
      await reader.close();
    },
  };
  running.add(one);
  return one;
}

export async function start(
  log: MemoryLog,
  database: Database,
  options: StartOptions = {},
): Promise<Running> {
  const one = prepare(log, database, options);
  await one.reader.start(one.processor);
  return one;
}

export async function until(satisfied: () => boolean, what: string, ms = 10_000): Promise<void> {
  for (const deadline = Date.now() + ms; !satisfied(); await sleep(2))
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
}

export async function logOf(records: readonly FrameRecord[]): Promise<MemoryLog> {
  const log = createMemoryLog({ partitions: PARTITIONS, gapEvery: 7 });
  const publisher = log.publisher();
  await Promise.all(
    records.map((record) =>
      record.subject.startsWith('Gateway')
        ? publisher.publishToAll(record)
        : publisher.publishOCPPMessage(record),
    ),
  );
  return log;
}

/** Reads to the end and stops; what is shown then. */
export async function readThrough(log: MemoryLog, database: Database, options: StartOptions = {}) {
  const one = await start(log, database, options);
  const ends = new Map(log.records().map(({ partition, offset }) => [partition, offset]));
  const { through } = one.processor;
  await until(() => [...ends].every(([partition, end]) => through.get(partition) === end), 'all is read');
  await one.stop();
  return database.shown();
}

/** What simulated chargers say through a real ingest, in the order in which it came. */
export async function recordedLog(): Promise<FrameRecord[]> {
  const log = createMemoryLog({ partitions: PARTITIONS });
  const ingest = await testIngest({ publisher: log.publisher() });
  await simulate({
    url: ingest.url,
    scenario: 'rush-hour',
    chargers: 3,
    speed: Infinity,
    seed: 5,
    durationMs: 1_200_000,
  });
  await ingest.close();
  const seen = new Set<string>();
  return log
    .records()
    .sort((a, b) => a.receivedAt - b.receivedAt || a.offset - b.offset)
    .filter((record) => {
      if (!record.subject.startsWith('Gateway')) return true;
      const key = `${record.subject} ${record.receivedAt}`;
      return !seen.has(key) && seen.add(key);
    });
}
