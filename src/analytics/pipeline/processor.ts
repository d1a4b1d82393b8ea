/**
 * From the log to the tables: reads records, folds them, announces what they change, writes rows, takes checkpoints.
 *
 * What a record announces is published as soon as it is folded, long before its rows are written.
 * A flush has four steps; what a crash leaves behind after each:
 *   1. cut     rows, frames and (when a checkpoint is due) states are taken from the folds.
 *              Crash: nothing was written; the log is read again from the last checkpoint, and what was announced
 *              since is announced again, under the same ids with the same content.
 *   2. rows    one insert per table for all partitions held, sessions last.
 *              Crash: some rows stand already; reading again writes the same keys with the same values.
 *   3. confirms  of all that the partition had announced by the cut.
 *              Crash: as after 2; what was not confirmed is announced again too.
 *   4. marker  states and marker of each partition that is due.
 *              Crash: the checkpoint is whole or is skipped for the one before.
 * Steps 2 to 4 are tried until they succeed; meanwhile reading goes on until the backlog or the number of unconfirmed
 * announcements is full, then waits. Flushes follow one another, so a marker never overtakes the rows of an earlier
 * cut. They do not wait for steps 3 and 4: while RabbitMQ confirms nothing rows are written all the same, only the
 * next checkpoint of that partition is not cut before this one is taken.
 *
 * Whether a partition announces is part of its state, since what was announced before decides what is announced next.
 * Nothing leaves before a checkpoint says that it does: so no two readers can have begun at different records.
 */
import { PartitionFold } from '../../domain/charging/partition.js';
import type { Rows } from '../../domain/charging/rows.js';
import { decode } from '../../domain/ocpp/decode.js';
import type { StoredRecord } from '../../domain/ocpp/record.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { untilSuccess } from '../../platform/retry.js';
import { recordHash } from '../../streams/codec.js';
import type { PartitionHandler, Refusal, StartAt } from '../../streams/ports.js';
import { refusal } from '../../streams/start.js';
import type { Announcer, Lane } from './announcer.js';
import type { ProcessorMetrics } from './metrics.js';
import type { Checkpoints, Marker, RowWriter } from './ports.js';
import {
  ANOMALIES,
  anomalyLine,
  CONNECTIONS,
  connectionLine,
  ENERGY_15M,
  FRAMES,
  frameLine,
  METER_VALUES,
  meterValueLines,
  quarterLine,
  REFUSALS,
  type RunContext,
  refusalLine,
  SESSIONS,
  STATUS_INTERVALS,
  sessionLine,
  statusIntervalLine,
  type Table,
} from './tables.js';

export interface ProcessorSettings extends RunContext {
  readonly flushMs: number;
  readonly flushRecords: number;
  readonly checkpointMs: number;
  readonly checkpointRecords: number;
  readonly sessionDays: number;
  readonly undecodableRatio: number;
}

export interface ProcessorParts {
  readonly rows: RowWriter;
  readonly checkpoints: Checkpoints;
  /** Without one nothing is announced. */
  readonly announcer?: Announcer | undefined;
  readonly log: Logger;
  readonly metrics: ProcessorMetrics;
  /** Stops a partition for good. */
  readonly refuse: (refusal: Refusal) => void;
  /** Monotonic milliseconds. */
  readonly clock?: () => number;
  /** Epoch milliseconds; told to people, never read back. */
  readonly now?: () => number;
}

interface Held {
  readonly partition: number;
  readonly fold: PartitionFold;
  /** Lines of the archive since the last cut, and their characters. */
  frames: string[];
  size: number;
  last: StoredRecord | undefined;
  /** Records since the last checkpoint. */
  records: number;
  checkpointAt: number;
  readonly lane: Lane | undefined;
  /** The checkpoint it began at; undefined when none was ever taken. */
  readonly loaded: Marker | undefined;
  /** It is to announce from its next checkpoint on. */
  isToAnnounce: boolean;
  /** A checkpoint that was cut and is not taken yet. */
  saving: Promise<void> | undefined;
  /** Its rows are still written, but the next start begins at the checkpoint there is. */
  refused: boolean;
  undecodable: RecentShare;
}

/** A checkpoint that is to be taken once the rows are written. */
interface Due {
  readonly held: Held;
  readonly marker: Marker;
  /** Step 3. */
  readonly confirmed: Promise<void>;
  /** The checkpoint is taken. */
  readonly taken: () => void;
  readonly states: ReturnType<PartitionFold['takeStates']>;
}

interface Cut {
  readonly lines: Map<Table, string[]>;
  readonly due: readonly Due[];
  readonly records: number;
}

/** Characters of frames that are written without waiting for more rows: frames may have 256 KiB. */
const FLUSH_SIZE = 16 * 1024 ** 2;
/** What is folded but not yet written, as a multiple of what brings a flush forward, at which reading waits. */
const BACKLOG = 4;
/** Time for writing what was read when a partition goes to another reader. */
const HANDOVER_MS = 5_000;
const RETRY = { firstMs: 100, maxMs: 5_000 };

export class Processor implements PartitionHandler {
  private readonly held = new Map<number, Held>();
  private readonly refusals = new Map<number, Refusal>();
  private readonly stop = new AbortController();
  /** The reader is about to be closed: it must not be kept waiting. */
  private readonly leaving = new AbortController();
  private unwritten = 0;
  private unwrittenSize = 0;
  private flushing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Runs while all is written, but not all is in a checkpoint. */
  private idleTimer: NodeJS.Timeout | undefined;
  private roomWaiters: (() => void)[] = [];
  /** What ClickHouse does not take at present, and why. */
  private readonly failures = new Map<string, string>();
  /** Refusals that are being written down. */
  private noting: Promise<void> = Promise.resolve();
  private readonly clock: () => number;

  constructor(
    private readonly parts: ProcessorParts,
    private readonly settings: ProcessorSettings,
  ) {
    this.clock = parts.clock ?? performance.now.bind(performance);
    if (parts.announcer !== undefined) parts.announcer.onRoom = () => this.letReadersGoOn();
  }

  /** Why this process is not well; undefined when it is. */
  trouble(): string | undefined {
    const [first] = this.refusals.values();
    if (first !== undefined) return `${first.code}: ${first.message}`;
    const [failure] = this.failures.values();
    return failure ?? this.parts.announcer?.trouble();
  }

  /** Rejects when the partition was refused, or this process is closing. */
  async activate(partition: number): Promise<StartAt> {
    const { fold, marker } = await this.loadUntilItAnswers(partition);
    this.held.set(partition, {
      partition,
      fold,
      frames: [],
      size: 0,
      last: undefined,
      records: 0,
      checkpointAt: this.clock() + this.settings.checkpointMs,
      lane: this.parts.announcer?.lane(),
      loaded: marker,
      isToAnnounce: false,
      saving: undefined,
      refused: false,
      undecodable: new RecentShare(),
    });
    this.parts.metrics.partitions.set(this.held.size);
    this.parts.log.info({ partition, after: marker?.lastOffset, chargePoints: fold.chargePoints }, 'reading');
    return marker === undefined ? { from: 'first' } : { after: marker.lastOffset, hash: marker.lastHash };
  }

  accept(record: StoredRecord): undefined | Promise<void> {
    const held = this.held.get(record.partition);
    if (held === undefined || held.refused) return undefined;
    if (held.undecodable.add(this.fold(held, record)) > this.settings.undecodableRatio) {
      this.tooManyUndecodable(record);
      return undefined;
    }
    if (this.isFull(1)) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), this.settings.flushMs);
    return this.hasRoom() ? undefined : this.room();
  }

  private hasRoom(): boolean {
    if (this.leaving.signal.aborted) return true;
    return !this.isFull(BACKLOG) && this.parts.announcer?.isFull !== true;
  }

  private async room(): Promise<void> {
    while (!this.hasRoom()) await new Promise<void>((resolve) => this.roomWaiters.push(resolve));
  }

  /**
   * Writes what was folded, with a checkpoint, so that the next reader begins where this one ended. While
   * ClickHouse is away nobody waits for that: the next reader folds the same records again.
   */
  async deactivate(partition: number): Promise<void> {
    const held = this.held.get(partition);
    if (held === undefined) return;
    held.checkpointAt = 0;
    if (this.failures.size === 0) await this.settle(HANDOVER_MS);
    this.release(held);
    this.parts.log.info({ partition }, 'no longer reading');
  }

  refused(why: Refusal): void {
    this.refusals.set(why.partition, why);
    this.parts.metrics.refusals.inc({ code: why.code });
    this.parts.log.error({ ...why }, 'refusing to go on with a partition');
    this.noting = Promise.all([this.noting, this.note(why)]).then(() => {});
    const held = this.held.get(why.partition);
    if (held === undefined) return;
    held.refused = true;
    // The rows through here are what people will look at. No checkpoint: a restart must meet the same.
    void this.settle(HANDOVER_MS).then(() => this.release(held));
  }

  /**
   * To be called before the reader is closed: whoever waits in `activate` or `accept` for a ClickHouse that is
   * away is let go, so that closing does not wait for it either.
   */
  leave(): void {
    this.leaving.abort();
    this.letReadersGoOn();
  }

  /** Writes what was folded and takes a checkpoint of every partition held; gives up after `drainMs`. */
  async close(drainMs = HANDOVER_MS): Promise<void> {
    this.leave();
    for (const held of this.held.values()) held.checkpointAt = 0;
    await this.settle(drainMs);
    this.stop.abort();
    this.parts.announcer?.close();
    clearTimeout(this.timer);
    clearTimeout(this.idleTimer);
  }

  private async loadUntilItAnswers(partition: number) {
    const doing = `loading the checkpoint of partition ${partition}`;
    try {
      return await untilSuccess(() => this.load(partition), {
        backoff: RETRY,
        signal: this.leaving.signal,
        onFailure: (error) => {
          if (isTorn(error)) throw error;
          this.failed(doing, error);
        },
      });
    } catch (error) {
      if (isTorn(error)) this.parts.refuse(refusal('CHECKPOINTS_TORN', partition, messageOf(error)));
      throw error;
    } finally {
      this.failures.delete(doing);
    }
  }

  private async load(partition: number): Promise<{ fold: PartitionFold; marker: Marker | undefined }> {
    const checkpoint = await this.parts.checkpoints.load(partition);
    if (checkpoint === undefined)
      return { fold: new PartitionFold(this.settings, [], this.settings), marker: undefined };
    const states = [];
    for await (const state of checkpoint.states) states.push(state);
    return { fold: new PartitionFold(this.settings, states, this.settings), marker: checkpoint.marker };
  }

  /** True when the record could not be decoded. A state that a defect left half changed is let go of. */
  private fold(held: Held, record: StoredRecord): boolean {
    try {
      const decoded = decode(record);
      const line = frameLine(record, this.settings);
      this.decideWhetherToAnnounce(held, record);
      const announced = held.fold.apply(record, decoded);
      held.frames.push(line);
      held.size += line.length;
      held.last = record;
      held.records++;
      this.unwritten++;
      this.unwrittenSize += line.length;
      if (held.lane !== undefined) this.parts.announcer?.announce(held.lane, announced, record.receivedAt);
      return decoded.event === undefined;
    } catch (error) {
      this.release(held);
      throw error;
    }
  }

  /** Before the record is folded. Replays, other generations and what is long past fold in silence, which costs less. */
  private decideWhetherToAnnounce(held: Held, record: StoredRecord): void {
    const { fold } = held;
    const { announcer } = this.parts;
    if (fold.announcing) {
      const begins = held.last === undefined;
      if (announcer?.isActive !== true || (begins && announcer.isReplay(record.receivedAt)))
        fold.announce(false);
      return;
    }
    if (held.isToAnnounce || announcer?.wants(record.receivedAt) !== true) return;
    if (held.loaded === undefined && held.last === undefined) fold.announce(true);
    else {
      held.isToAnnounce = true;
      // Unless one is under way, the cut is made before this returns: this very record is announced.
      void this.flush();
    }
  }

  private isFull(times: number): boolean {
    return this.unwritten >= this.settings.flushRecords * times || this.unwrittenSize >= FLUSH_SIZE * times;
  }

  /** What is not written yet is folded again by whoever reads the partition next. */
  private release(held: Held): void {
    if (this.held.get(held.partition) !== held) return;
    this.held.delete(held.partition);
    this.unwritten -= held.frames.length;
    this.unwrittenSize -= held.size;
    this.parts.metrics.partitions.set(this.held.size);
    this.letReadersGoOn();
  }

  /** Resolves when all that is folded by now is written, or after `ms`. */
  private async settle(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    // The first may have been cut before; the second has everything.
    await Promise.race([Promise.all([this.writeAll(), this.noting]), late]);
    clearTimeout(timer);
  }

  private async writeAll(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      await this.flush();
      // Nobody waits for a RabbitMQ that confirms nothing: whoever reads next announces it again.
      if (this.stop.signal.aborted || this.parts.announcer?.trouble() !== undefined) continue;
      await Promise.all([...this.held.values()].map(({ saving }) => saving));
    }
  }

  private flush(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.idleTimer);
    this.timer = undefined;
    this.idleTimer = undefined;
    this.flushing ??= this.flushOnce().finally(() => {
      this.flushing = undefined;
      if (!this.stop.signal.aborted) this.flushLater();
    });
    return this.flushing;
  }

  private flushLater(): void {
    const { flushMs, checkpointMs } = this.settings;
    if (this.unwritten > 0) {
      this.timer ??= setTimeout(() => void this.flush(), this.isFull(1) ? 0 : flushMs);
    } else if ([...this.held.values()].some((held) => held.records > 0 && !held.refused)) {
      // A partition that falls silent gets its checkpoint too: retention must not pass what was read long ago.
      this.idleTimer ??= setTimeout(() => void this.flush(), checkpointMs);
    }
  }

  private async flushOnce(): Promise<void> {
    const started = this.clock();
    const cut = this.cut();
    try {
      const others = [...cut.lines].filter(([table]) => table !== SESSIONS);
      await Promise.all(others.map(([table, lines]) => this.write(table, lines)));
      // Last: who finds a session's row finds the samples that its cost is computed from.
      await this.write(SESSIONS, cut.lines.get(SESSIONS) ?? []);
      this.parts.metrics.records.inc(cut.records);
      for (const due of cut.due) this.save(due);
      this.parts.metrics.flushSeconds.observe((this.clock() - started) / 1_000);
    } catch (error) {
      if (!this.stop.signal.aborted) throw error;
    }
  }

  /** Steps 3 and 4, after step 2 and beside the flushes to come. */
  private save({ held, marker, states, confirmed, taken }: Due): void {
    const saving = async () => {
      await confirmed;
      // A restart must meet what it was refused for.
      if (held.refused) return;
      await this.untilWritten('a checkpoint', () => this.parts.checkpoints.save(marker, states));
      this.parts.metrics.checkpoints.inc();
      taken();
    };
    held.saving = saving().then(
      () => {
        held.saving = undefined;
      },
      (error: unknown) => {
        // Its states are gone from the fold, so no later checkpoint of it would be whole: `saving` stays.
        if (!this.stop.signal.aborted) this.failed('taking a checkpoint', error);
      },
    );
  }

  /** Step 1. Nothing may happen between taking the rows and taking the states. */
  private cut(): Cut {
    const lines = new Map<Table, string[]>();
    const due: Due[] = [];
    const records = this.unwritten;
    for (const held of [...this.held.values()]) {
      try {
        const checkpoint = this.cutPartition(held, lines);
        if (checkpoint !== undefined) due.push(checkpoint);
      } catch (error) {
        this.release(held);
        const through = `of partition ${held.partition} through offset ${held.last?.offset}`;
        const message = `The records ${through} cannot be made into rows: ${messageOf(error)}`;
        this.parts.refuse(refusal('POISON_RECORD', held.partition, message, held.last?.offset));
      }
    }
    this.unwritten = 0;
    this.unwrittenSize = 0;
    this.letReadersGoOn();
    return { lines, due, records };
  }

  private cutPartition(held: Held, lines: Map<Table, string[]>): Due | undefined {
    for (const rows of held.fold.takeRows()) appendRows(lines, rows, this.settings, held.partition);
    append(lines, FRAMES, held.frames);
    held.frames = [];
    held.size = 0;
    const now = this.clock();
    const isDue = now >= held.checkpointAt || held.records >= this.settings.checkpointRecords;
    const isWanted = held.isToAnnounce || (isDue && held.records > 0);
    const { partition, last, loaded } = held;
    const marker =
      last === undefined ? loaded : { partition, lastOffset: last.offset, lastHash: recordHash(last) };
    if (!isWanted || held.refused || held.saving !== undefined || marker === undefined) return undefined;
    held.records = 0;
    held.checkpointAt = now + this.settings.checkpointMs;
    const confirmed = this.confirmsOf(held);
    const taken = this.beginToAnnounce(held);
    // Until step 2 is done and it is really being saved.
    held.saving = confirmed;
    return { held, marker, confirmed, taken, states: held.fold.takeStates() };
  }

  private confirmsOf({ lane }: Held): Promise<void> {
    const confirmed =
      lane === undefined ? Promise.resolve() : (this.parts.announcer?.settled(lane) ?? Promise.resolve());
    // It is awaited after the rows are written; a failure before that is no defect.
    confirmed.catch(() => {});
    return confirmed;
  }

  /** From the next record on, if it is to; but nothing leaves before the checkpoint that is being cut is taken. */
  private beginToAnnounce(held: Held): () => void {
    const { lane } = held;
    if (!held.isToAnnounce || lane === undefined) return () => {};
    held.isToAnnounce = false;
    held.fold.announce(true);
    let open = () => {};
    lane.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    return () => {
      lane.gate = undefined;
      open();
    };
  }

  /** Step 2, in pieces that ClickHouse takes gladly. */
  private async write(table: Table, lines: string[]): Promise<void> {
    const piece = this.settings.flushRecords * 2;
    for (let from = 0; from < lines.length; from += piece) {
      const some = lines.length <= piece ? lines : lines.slice(from, from + piece);
      await this.untilWritten(table.name, () => this.parts.rows.insert(table, some));
      this.parts.metrics.rows.inc({ table: table.name }, some.length);
    }
  }

  private async untilWritten(what: string, write: () => Promise<void>): Promise<void> {
    const doing = `writing ${what}`;
    await untilSuccess(write, {
      backoff: RETRY,
      signal: this.stop.signal,
      onFailure: (error) => this.failed(doing, error),
    });
    this.failures.delete(doing);
  }

  private failed(doing: string, error: unknown): void {
    this.failures.set(doing, `${doing} failed: ${messageOf(error)}`);
    this.parts.metrics.failures.inc();
    this.parts.log.warn(
      { code: 'CLICKHOUSE_FAILED', doing, error: messageOf(error) },
      'ClickHouse did not take it; trying again',
    );
  }

  /** For whoever looks from outside, and after this process is gone. */
  private async note(why: Refusal): Promise<void> {
    // A checkpoint that is being saved is of before, and must not seem to have been taken after it: that would mean mended.
    const saving = this.held.get(why.partition)?.saving;
    await this.flushing?.catch(() => {});
    await saving?.catch(() => {});
    const line = refusalLine(why, this.settings, (this.parts.now ?? Date.now)());
    try {
      await this.untilWritten('a refusal', () => this.parts.rows.insert(REFUSALS, [line]));
    } catch (error) {
      if (!this.stop.signal.aborted) throw error;
    }
  }

  private tooManyUndecodable(record: StoredRecord): void {
    const share = `${this.settings.undecodableRatio * 100} % of the last ${RecentShare.WINDOW} records`;
    const message = `More than ${share} of partition ${record.partition} make no sense`;
    this.parts.refuse(refusal('TOO_MANY_UNDECODABLE', record.partition, message, record.offset));
  }

  private letReadersGoOn(): void {
    const waiting = this.roomWaiters;
    this.roomWaiters = [];
    for (const resolve of waiting) resolve();
  }
}

const isTorn = (error: unknown): boolean =>
  error instanceof WattstreamError && error.code === 'CHECKPOINTS_TORN';

/** The share of `true` among the most recent answers. 0 until there are enough of them to judge. */
class RecentShare {
  static readonly WINDOW = 1_000;
  private readonly recent = new Uint8Array(RecentShare.WINDOW);
  private count = 0;
  private hits = 0;

  add(hit: boolean): number {
    const slot = this.count % RecentShare.WINDOW;
    this.hits += (hit ? 1 : 0) - (this.recent[slot] as number);
    this.recent[slot] = hit ? 1 : 0;
    this.count++;
    return this.count < RecentShare.WINDOW ? 0 : this.hits / RecentShare.WINDOW;
  }
}

function append(lines: Map<Table, string[]>, table: Table, more: string[]): void {
  if (more.length === 0) return;
  const known = lines.get(table);
  if (known === undefined) lines.set(table, more);
  else for (const line of more) known.push(line);
}

function appendRows(lines: Map<Table, string[]>, rows: Rows, run: RunContext, partition: number): void {
  append(
    lines,
    SESSIONS,
    rows.sessions.map((row) => sessionLine(row, run, partition)),
  );
  append(
    lines,
    ENERGY_15M,
    rows.quarters.map((row) => quarterLine(row, run)),
  );
  append(lines, METER_VALUES, meterValueLines(rows.meterValues, run, partition));
  append(
    lines,
    STATUS_INTERVALS,
    rows.statusIntervals.map((row) => statusIntervalLine(row, run)),
  );
  append(
    lines,
    CONNECTIONS,
    rows.connections.map((row) => connectionLine(row, run)),
  );
  append(
    lines,
    ANOMALIES,
    rows.anomalies.map((row) => anomalyLine(row, run, partition)),
  );
}
