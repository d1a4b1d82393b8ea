/**
 * From a stream of events to its table. A flush has two steps; what a crash leaves behind after each:
 *   1. rows      one insert, in the order of the log.
 *                Crash: some rows stand; they are read again, and are the same rows.
 *   2. position  every `checkpointMs`, and when this process stops: through here everything is stored.
 *                Crash: what was read since the one before is read again.
 * While ClickHouse is away both are tried again; reading goes on until the backlog is full, then waits.
 *
 * Nothing here needs to be alone: two readers of one stream write equal rows under equal keys, and each saves only
 * positions whose rows it has written itself, so the higher one is as true as the lower.
 */
import { messageOf, type WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { untilSuccess } from '../../platform/retry.js';
import type { EventLog, EventRecord, Following } from '../../streams/ports.js';
import type { RowWriter } from '../pipeline/ports.js';
import type { EventReaderMetrics } from './metrics.js';
import type { EventPositions, EventTable } from './ports.js';
import {
  EventGuard,
  type EventPosition,
  type EventRefusal,
  eventHash,
  followFrom,
  isAcceptedGap,
  refuseEventStart,
  refuseEvents,
} from './start.js';

export interface EventReaderOptions {
  readonly log: EventLog;
  readonly table: EventTable;
  readonly rows: RowWriter;
  readonly positions: EventPositions;
  readonly epoch: number;
  readonly flushMs: number;
  /** Records that are written without waiting for the age. */
  readonly flushRecords: number;
  readonly checkpointMs: number;
  /** WATTSTREAM_ACCEPT_GAP. */
  readonly acceptedGaps: string;
  readonly logger: Logger;
  readonly metrics: EventReaderMetrics;
}

/** Characters of rows that are written without waiting for more. */
const FLUSH_SIZE = 4 * 1024 ** 2;
/** What is read but not yet written, as a multiple of what brings a flush forward, at which reading waits. */
const BACKLOG = 4;
/** Time for writing what was read when this process stops, or another takes over. */
const HANDOVER_MS = 5_000;
const RETRY = { firstMs: 100, maxMs: 5_000 };

/** `start` and `stop` may be called any number of times, in any order; neither rejects. */
export class EventReader {
  private run: Run | undefined;
  /** Of the run before, until the next one begins. */
  private refusal: EventRefusal | undefined;

  constructor(private readonly options: EventReaderOptions) {}

  /** Begins where the table ends, as soon as both sides answer. */
  start(): void {
    if (this.run !== undefined) return;
    this.refusal = undefined;
    this.run = new Run(this.options, (refusal) => {
      this.refusal = refusal;
    });
  }

  /** Writes what was read, with its position; gives up after some seconds. */
  async stop(): Promise<void> {
    const run = this.run;
    this.run = undefined;
    await run?.stop();
  }

  close(): Promise<void> {
    return this.stop();
  }

  /** Why it is not well; undefined when it is, or when it does not read. */
  trouble(): string | undefined {
    if (this.refusal !== undefined) return `${this.refusal.code}: ${this.refusal.message}`;
    return this.run?.trouble();
  }
}

/** Reading from one `start` to its `stop`. */
class Run {
  private readonly stopping = new AbortController();
  /** Nothing is written any more. */
  private readonly over = new AbortController();
  private following: Following | undefined;
  private guard: EventGuard | undefined;
  private lineOf: ((record: EventRecord) => string) | undefined;
  private lines: string[] = [];
  private size = 0;
  private last: EventRecord | undefined;
  private saved: EventPosition | undefined;
  private saveAt: number;
  private flushing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly watch: NodeJS.Timeout;
  private roomWaiters: (() => void)[] = [];
  private failure: string | undefined;
  private refused = false;
  private noting: Promise<void> = Promise.resolve();
  private readonly beginning: Promise<void>;

  constructor(
    private readonly options: EventReaderOptions,
    private readonly onRefused: (refusal: EventRefusal) => void,
  ) {
    this.saveAt = performance.now() + options.checkpointMs;
    this.watch = setInterval(() => this.settle(), options.checkpointMs);
    this.beginning = this.begin().catch((error: unknown) => {
      if (!this.stopping.signal.aborted) throw error;
    });
  }

  trouble(): string | undefined {
    return this.failure;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearInterval(this.watch);
    this.letReadersGoOn();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, HANDOVER_MS);
    });
    const written = async () => {
      await this.beginning;
      await this.following?.close();
      if (this.failure !== undefined) return; // The next reader reads it again.
      this.saveAt = 0;
      // The first may have been cut before; the second has everything.
      await this.flush();
      await this.flush();
      await this.noting;
    };
    await Promise.race([written(), late]);
    clearTimeout(timer);
    this.over.abort();
    clearTimeout(this.timer);
  }

  private async begin(): Promise<void> {
    const { options } = this;
    const { stream } = options.table;
    let stored = await this.untilItAnswers(
      `loading the position of ${stream}`,
      () => options.positions.load(options.table),
      this.stopping.signal,
    );
    // After the position: the other way round a position saved meanwhile could seem to lie beyond the stream.
    const kept = await this.untilItAnswers(
      `asking for the bounds of ${stream}`,
      () => options.log.bounds(),
      this.stopping.signal,
    );
    const refusal = refuseEventStart(stream, stored, kept);
    if (refusal !== undefined) {
      const goesOn =
        refusal.code === 'RETENTION_PASSED_CHECKPOINT' && isAcceptedGap(options.acceptedGaps, refusal);
      if (!goesOn) return this.refuse(refusal);
      stored = undefined;
    }
    if (this.stopping.signal.aborted) return;
    this.saved = stored;
    this.guard = new EventGuard(stream, stored);
    this.lineOf = options.table.open(options.epoch, (kept.first ?? 0) === 0);
    this.following = options.log.follow({
      from: followFrom(options.table.fromFirst ? undefined : stored),
      accept: (record) => this.accept(record),
      refused: (error) => this.lostThread(error),
    });
    options.logger.info({ stream, after: stored?.offset }, 'reading events');
  }

  private accept(record: EventRecord): undefined | Promise<void> {
    const { guard, lineOf } = this;
    if (this.refused || guard === undefined || lineOf === undefined) return undefined;
    const verdict = guard.judge(record);
    if (typeof verdict !== 'string') {
      this.refuse(verdict);
      return undefined;
    }
    if (verdict === 'stored') {
      if (this.options.table.fromFirst) lineOf(record);
      return undefined;
    }
    const line = lineOf(record);
    this.lines.push(line);
    this.size += line.length;
    this.last = record;
    if (this.isFull(1)) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), this.options.flushMs);
    if (!this.isFull(BACKLOG) || this.stopping.signal.aborted) return undefined;
    return new Promise((resolve) => this.roomWaiters.push(resolve));
  }

  private isFull(times: number): boolean {
    return this.lines.length >= this.options.flushRecords * times || this.size >= FLUSH_SIZE * times;
  }

  private flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.flushing ??= this.flushOnce().finally(() => {
      this.flushing = undefined;
      if (!this.over.signal.aborted && this.lines.length > 0)
        this.timer ??= setTimeout(() => void this.flush(), this.isFull(1) ? 0 : this.options.flushMs);
    });
    return this.flushing;
  }

  private async flushOnce(): Promise<void> {
    const { options, lines, last } = this;
    const { stream, table } = options.table;
    this.lines = [];
    this.size = 0;
    this.letReadersGoOn();
    try {
      if (lines.length > 0) {
        await this.untilItAnswers(
          `writing ${table.name}`,
          () => options.rows.insert(table, lines),
          this.over.signal,
        );
        options.metrics.records.inc({ stream }, lines.length);
      }
      if (last === undefined || performance.now() < this.saveAt) return;
      this.saveAt = performance.now() + options.checkpointMs;
      if (last.offset === this.saved?.offset) return;
      const position = { offset: last.offset, hash: eventHash(last) };
      await this.untilItAnswers(
        `saving the position of ${stream}`,
        () => options.positions.save(stream, position),
        this.over.signal,
      );
      this.saved = position;
    } catch (error) {
      if (!this.over.signal.aborted) throw error;
    }
  }

  /** A stream that falls silent gets its position too: retention must not pass what was read long ago. */
  private settle(): void {
    if (this.lines.length === 0 && !this.refused) void this.flush();
  }

  /** It was made anew, or cut short, while it was read. */
  private lostThread(error: WattstreamError): void {
    const code =
      error.code === 'RETENTION_PASSED_POSITION'
        ? 'RETENTION_PASSED_CHECKPOINT'
        : 'LOG_DIFFERS_FROM_CHECKPOINT';
    const { stream } = this.options.table;
    this.refuse(refuseEvents(code, stream, error.message, this.following?.position ?? 0));
  }

  /** What was read until here is written; nothing after it is read. */
  private refuse(refusal: EventRefusal): void {
    const { options } = this;
    this.refused = true;
    this.onRefused(refusal);
    options.metrics.refusals.inc({ stream: refusal.stream, code: refusal.code });
    options.logger.error({ ...refusal }, 'refusing to go on with a stream of events');
    void this.following?.close();
    this.noting = this.untilItAnswers(
      'writing a refusal',
      () => options.positions.refuse(refusal),
      this.over.signal,
    ).catch((error: unknown) => {
      if (!this.over.signal.aborted) throw error;
    });
  }

  private async untilItAnswers<T>(doing: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const result = await untilSuccess(work, {
      backoff: RETRY,
      signal,
      onFailure: (error) => {
        this.failure = `${doing} failed: ${messageOf(error)}`;
        this.options.metrics.failures.inc({ stream: this.options.table.stream });
        this.options.logger.warn(
          { code: 'EVENTS_WAIT', doing, error: messageOf(error) },
          'did not succeed; trying again',
        );
      },
    });
    this.failure = undefined;
    return result;
  }

  private letReadersGoOn(): void {
    const waiting = this.roomWaiters;
    this.roomWaiters = [];
    for (const resolve of waiting) resolve();
  }
}
