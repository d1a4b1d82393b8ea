import { recordHash } from './codec.js';
import type { Refusal, RefusalCode, StartAt, StoredRecord } from './ports.js';

/** What is known of a partition before reading it: bounds of what is kept, undefined when it is empty. */
export interface Kept {
  readonly first: number | undefined;
  readonly last: number | undefined;
}

const REMEDY: Record<RefusalCode, string> = {
  RETENTION_PASSED_CHECKPOINT:
    'Records between the checkpoint and the log are gone from RabbitMQ: rebuild from the archive (`wattstream replay`), then start again.',
  LOG_DIFFERS_FROM_CHECKPOINT:
    'The stream was created again or lost confirmed records: raise WATTSTREAM_EPOCH and rebuild, or restore the stream.',
  CHECKPOINTS_TORN:
    'Beginning anew could miss what retention took: rebuild as a new WATTSTREAM_GENERATION, or restore the table checkpoints_rows, then start again.',
  OFFSET_WENT_BACK:
    'The stream was replaced while it was read: restart, and see LOG_DIFFERS_FROM_CHECKPOINT.',
  TOO_MANY_UNDECODABLE: 'Find out who writes into ocpp.frames; only ingest may (permissions of the vhost).',
  POISON_RECORD:
    'A defect in the processing code: fix it and start again; nothing after this record was applied.',
};

/** A refusal with the remedy of its code. */
export const refusal = (code: RefusalCode, partition: number, message: string, offset?: number): Refusal => ({
  code,
  partition,
  message,
  remedy: REMEDY[code],
  ...(offset === undefined ? {} : { offset }),
});

/** Why reading cannot begin at `start`; undefined when it can. The broker would move such a start silently. */
export function refuseStart(start: StartAt, kept: Kept, partition: number): Refusal | undefined {
  if ('from' in start) return undefined;
  const { after } = start;
  if (kept.first !== undefined && kept.first > after)
    return refusal(
      'RETENTION_PASSED_CHECKPOINT',
      partition,
      `The checkpoint is at offset ${after}, the first record kept is at ${kept.first}`,
      after,
    );
  if (kept.last === undefined || kept.last < after)
    return refusal(
      'LOG_DIFFERS_FROM_CHECKPOINT',
      partition,
      `The checkpoint is at offset ${after}, the log ends at ${kept.last ?? 'its beginning: it is empty'}`,
      after,
    );
  return undefined;
}

/**
 * Judges each record of one activation before it is handed on: drops what lies before the start (chunks begin
 * earlier), compares the record of the checkpoint, and lets offsets only rise.
 */
export class StartGuard {
  private checked: boolean;
  private last: number;

  constructor(
    private readonly start: StartAt,
    private readonly partition: number,
  ) {
    this.checked = 'from' in start;
    this.last = 'from' in start ? -1 : start.after - 1;
  }

  /** `pass`, `drop`, or why to stop. */
  judge(record: StoredRecord): 'pass' | 'drop' | Refusal {
    const { offset } = record;
    if (!this.checked && 'after' in this.start) {
      if (offset < this.start.after) return 'drop';
      this.checked = true;
      this.last = this.start.after;
      if (offset === this.start.after && recordHash(record) === this.start.hash) return 'drop';
      return refusal(
        'LOG_DIFFERS_FROM_CHECKPOINT',
        this.partition,
        offset === this.start.after
          ? `The record at offset ${offset} is not the one that the checkpoint ends with`
          : `The record at offset ${this.start.after} is missing; the next one is at ${offset}`,
        this.start.after,
      );
    }
    if (offset <= this.last)
      return refusal(
        'OFFSET_WENT_BACK',
        this.partition,
        `Offset ${offset} came after offset ${this.last}`,
        offset,
      );
    this.last = offset;
    return 'pass';
  }
}
