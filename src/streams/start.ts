import { messageOf } from '../platform/errors.js';
import { recordHash } from './codec.js';
import type { Refusal, RefusalCode, StartAt, StoredRecord } from './ports.js';

/** What is known of a partition before reading it: bounds of what is kept, undefined when it is empty. */
export interface Kept {
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/**
 * What to do, in words that can be carried out as they stand: `start.test.ts` and the test of refusals on a real
 * installation hold each of them to that.
 */
const REMEDY: Record<RefusalCode, (partition: number, offset: number | undefined) => string> = {
  RETENTION_PASSED_CHECKPOINT: (partition, offset) =>
    'What lay between was never read, and RabbitMQ no longer has it. To go on without it, start analytics with ' +
    `WATTSTREAM_ACCEPT_GAP=${partition}:${offset} (several partitions: 0:17,3:99): it begins at the first record ` +
    'kept and remembers what it knew at the checkpoint; sessions lack what was said in between. The setting has ' +
    'no effect later. Then raise the retention, or do not leave analytics away for as long.',
  LOG_DIFFERS_FROM_CHECKPOINT: () =>
    'Is this the right broker (RABBITMQ_URL, WATTSTREAM_PREFIX)? If so, the stream was created again or lost ' +
    'confirmed records: start analytics with WATTSTREAM_EPOCH one higher, and leave it so. It reads what the log ' +
    'holds now; nothing stored is lost, but sessions that were open count only what comes from now on.',
  CHECKPOINTS_TORN: () =>
    'Beginning anew could miss what retention took. Restore the table checkpoints_rows from a backup and start ' +
    'analytics again; or start it with WATTSTREAM_GENERATION one higher than any so far: it computes all that ' +
    'RabbitMQ still keeps into rows of its own, which are shown once that generation is made the active one ' +
    '(docs/failure.md, "A new generation").',
  OFFSET_WENT_BACK: () =>
    'Start analytics again: it compares the log with its checkpoint. If it then refuses with ' +
    'LOG_DIFFERS_FROM_CHECKPOINT, the stream was replaced while it was read.',
  TOO_MANY_UNDECODABLE: () =>
    'Look at the anomalies of kind undecodable: is something else writing into ocpp.frames (only ingest may), or ' +
    'is this version older than the writers? Once that is corrected, start analytics with ' +
    'WATTSTREAM_UNDECODABLE_RATIO=1 to read through what is there, and take the setting away again.',
  POISON_RECORD: () =>
    'A defect in the processing code: please report it with this message. Nothing of this partition after its last ' +
    'checkpoint is taken for done: start a version that has the defect mended, and it goes on from there.',
};

/** A refusal with the remedy of its code. */
export const refusal = (code: RefusalCode, partition: number, message: string, offset?: number): Refusal => ({
  code,
  partition,
  message,
  remedy: REMEDY[code](partition, offset),
  ...(offset === undefined ? {} : { offset }),
});

/** The refusal of a record that the handler could not take. */
export const poison = (record: StoredRecord, error: unknown): Refusal =>
  refusal(
    'POISON_RECORD',
    record.partition,
    `The record at offset ${record.offset} (${record.subject || 'no subject'} of ` +
      `${record.chargePointId || 'nobody'}) cannot be processed: ${messageOf(error)}`,
    record.offset,
  );

/**
 * Records that retention took and that somebody has decided to go on without: partition -> offset of the
 * checkpoint they followed. Of one checkpoint only, so that a decision does not outlive its occasion.
 */
export type AcceptedGaps = ReadonlyMap<number, number>;

/** From `0:17,3:99`; those that name a stream of events (`charging.events.log:5`) are not for partitions. */
export const acceptedGaps = (text: string): AcceptedGaps =>
  new Map(
    text
      .split(',')
      .filter((pair) => /^\d+:/.test(pair))
      .map((pair) => pair.split(':').map(Number) as [number, number]),
  );

/** Where to begin instead, when retention has passed the checkpoint and that was accepted; undefined otherwise. */
export function beyondGap(start: StartAt, why: Refusal, accepted: AcceptedGaps): StartAt | undefined {
  const isAccepted =
    why.code === 'RETENTION_PASSED_CHECKPOINT' &&
    'after' in start &&
    accepted.get(why.partition) === start.after;
  return isAccepted ? { from: 'first' } : undefined;
}

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
