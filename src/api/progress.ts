/** How far the tables have come behind the log, partition by partition. Pure. */
import type { PartitionBounds } from '../streams/ports.js';

/** A row of the question `checkpoints`. */
export interface CheckpointRow {
  readonly generation: number;
  readonly active: boolean;
  readonly epoch: number;
  readonly partition: number;
  readonly next_offset: number;
  readonly last_offset: number;
  readonly last_hash: string;
  readonly taken_at: string;
  readonly age_s: number;
}

/**
 * - `empty`: no record was ever written, or none is retained.
 * - `unread`: there are records, and no checkpoint yet.
 * - `level`: the newest checkpoint covers all there is.
 * - `behind`: it does not; `behind` says by how many offsets (an upper bound of records: offsets are not
 *   contiguous, and rows are written well before a checkpoint is taken).
 * - `lost`: retention has passed the checkpoint; records between were never processed by this generation.
 * - `ahead`: the checkpoint lies beyond the log: the stream was created again, or this is another broker.
 */
export type ProgressState = 'empty' | 'unread' | 'level' | 'behind' | 'lost' | 'ahead';

export interface PartitionProgress {
  readonly partition: number;
  readonly firstOffset: number | null;
  readonly lastOffset: number | null;
  readonly nextOffset: number | null;
  readonly checkpointAt: string | null;
  readonly checkpointAgeSeconds: number | null;
  readonly state: ProgressState;
  /** Offsets between the checkpoint and the end of the log. */
  readonly behind: number;
}

/** Judges by the active generation's checkpoints. In the order of the partitions. */
export function progressOf(
  bounds: readonly PartitionBounds[],
  checkpoints: readonly CheckpointRow[],
): PartitionProgress[] {
  const byPartition = new Map(checkpoints.filter((row) => row.active).map((row) => [row.partition, row]));
  return [...bounds]
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition, first, last }) => {
      const checkpoint = byPartition.get(partition);
      const next = checkpoint?.next_offset;
      const behind = last === undefined ? 0 : Math.max(0, last + 1 - (next ?? first ?? 0));
      return {
        partition,
        firstOffset: first ?? null,
        lastOffset: last ?? null,
        nextOffset: next ?? null,
        checkpointAt: checkpoint?.taken_at ?? null,
        checkpointAgeSeconds: checkpoint?.age_s ?? null,
        state: judge(first, last, next),
        behind,
      };
    });
}

function judge(first: number | undefined, last: number | undefined, next: number | undefined): ProgressState {
  if (first === undefined || last === undefined) return next === undefined || next === 0 ? 'empty' : 'ahead';
  if (next === undefined) return 'unread';
  if (next > last + 1) return 'ahead';
  if (next < first) return 'lost';
  return next === last + 1 ? 'level' : 'behind';
}

/** A row of the question `event-positions`. */
export interface EventPositionRow {
  readonly stream: string;
  readonly epoch: number;
  readonly offset: number;
  readonly stored_at: string;
  readonly age_s: number;
}

export interface EventProgress {
  readonly stream: string;
  readonly firstOffset: number | null;
  readonly lastOffset: number | null;
  readonly storedOffset: number | null;
  readonly storedAt: string | null;
  readonly storedAgeSeconds: number | null;
  /** As of a partition; `unknown`: the stream did not say what it holds. */
  readonly state: ProgressState | 'unknown';
  /** Offsets between what is stored and the end. */
  readonly behind: number;
}

/**
 * How far a stream of events is stored. `kept`: what it holds, `unknown` when it did not answer. Positions are saved every
 * few seconds, so a busy stream is a little `behind` at all times.
 */
export function eventProgressOf(
  stream: string,
  kept: Pick<PartitionBounds, 'first' | 'last'> | 'unknown',
  positions: readonly EventPositionRow[],
): EventProgress {
  const stored = positions.find((row) => row.stream === stream);
  const next = stored === undefined ? undefined : stored.offset + 1;
  const { first, last } = kept === 'unknown' ? { first: undefined, last: undefined } : kept;
  return {
    stream,
    firstOffset: first ?? null,
    lastOffset: last ?? null,
    storedOffset: stored?.offset ?? null,
    storedAt: stored?.stored_at ?? null,
    storedAgeSeconds: stored?.age_s ?? null,
    state: kept === 'unknown' ? 'unknown' : judge(first, last, next),
    behind: last === undefined ? 0 : Math.max(0, last + 1 - (next ?? first ?? 0)),
  };
}
