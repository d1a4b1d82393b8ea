/**
 * Where a reader of a stream of events begins, and when it must not begin or go on: what `src/streams/start.ts` is to the
 * partitions of frames, with remedies that name the stream. Pure.
 */
import { createHash } from 'node:crypto';
import type { EventRecord, FollowFrom, Refusal } from '../../streams/ports.js';
import type { Kept } from '../../streams/start.js';

/** Everything up to this record is stored. */
export interface EventPosition {
  readonly offset: number;
  /** `eventHash` of that record. */
  readonly hash: string;
}

export interface EventRefusal extends Pick<Refusal, 'message' | 'remedy'> {
  readonly stream: string;
  readonly code: 'RETENTION_PASSED_CHECKPOINT' | 'LOG_DIFFERS_FROM_CHECKPOINT' | 'OFFSET_WENT_BACK';
  readonly offset: number;
}

export const eventHash = ({ id, routingKey, body }: EventRecord): string =>
  createHash('sha256').update(`${id}\0${routingKey}\0`).update(body).digest('hex').slice(0, 32);

const REMEDY: Record<EventRefusal['code'], (stream: string, offset: number) => string> = {
  RETENTION_PASSED_CHECKPOINT: (stream, offset) =>
    'What lay between was never read, and RabbitMQ no longer has it. To go on without it, start analytics with ' +
    `WATTSTREAM_ACCEPT_GAP=${stream}:${offset} (several: separated by commas): it begins at the first record kept. The ` +
    'setting has no effect later.',
  LOG_DIFFERS_FROM_CHECKPOINT: () =>
    'Is this the right broker (RABBITMQ_URL, WATTSTREAM_PREFIX)? If so, the stream was created again or lost confirmed ' +
    'records: start analytics with WATTSTREAM_EVENTS_EPOCH one higher, and leave it so. It reads what the stream holds ' +
    'now; events that are stored already stay as they are.',
  OFFSET_WENT_BACK: () => 'Start analytics again: it compares the stream with what is stored.',
};

export const refuseEvents = (
  code: EventRefusal['code'],
  stream: string,
  message: string,
  offset: number,
): EventRefusal => ({ code, stream, offset, message, remedy: REMEDY[code](stream, offset) });

/** What retention took and somebody has decided to go on without, from `charging.events.log:17,0:5`. */
export const isAcceptedGap = (setting: string, { stream, offset }: EventRefusal): boolean =>
  setting.split(',').includes(`${stream}:${offset}`);

/** Why reading cannot go on after `stored`, given what is kept; undefined when it can. */
export function refuseEventStart(
  stream: string,
  stored: EventPosition | undefined,
  kept: Kept,
): EventRefusal | undefined {
  if (stored === undefined) return undefined;
  const { offset } = stored;
  if (kept.last === undefined || kept.last < offset)
    return refuseEvents(
      'LOG_DIFFERS_FROM_CHECKPOINT',
      stream,
      `Everything of ${stream} through offset ${offset} is stored, but it ends at ${kept.last ?? 'its beginning: it is empty'}`,
      offset,
    );
  if (kept.first !== undefined && kept.first > offset)
    return refuseEvents(
      'RETENTION_PASSED_CHECKPOINT',
      stream,
      `${stream} is stored through offset ${offset}, the first record kept is at ${kept.first}`,
      offset,
    );
  return undefined;
}

/** Reading begins with the record that is stored already, which `EventGuard` compares. */
export const followFrom = (stored: EventPosition | undefined): FollowFrom =>
  stored === undefined || stored.offset === 0 ? { from: 'first' } : { after: stored.offset - 1 };

/** Judges each record before it is taken: `fresh`, `stored` (already), or why to stop. */
export class EventGuard {
  private checked: boolean;
  private last: number;

  constructor(
    private readonly stream: string,
    private readonly stored: EventPosition | undefined,
  ) {
    this.checked = stored === undefined;
    this.last = -1;
  }

  judge(record: EventRecord): 'fresh' | 'stored' | EventRefusal {
    const { offset } = record;
    if (offset <= this.last)
      return refuseEvents(
        'OFFSET_WENT_BACK',
        this.stream,
        `Offset ${offset} of ${this.stream} came after offset ${this.last}`,
        this.last,
      );
    this.last = offset;
    if (this.checked || this.stored === undefined) return 'fresh';
    if (offset < this.stored.offset) return 'stored';
    this.checked = true;
    if (offset === this.stored.offset && eventHash(record) === this.stored.hash) return 'stored';
    const found =
      offset === this.stored.offset
        ? `The record at offset ${offset} of ${this.stream} is not the one that was stored`
        : `The record at offset ${this.stored.offset} of ${this.stream} is missing; the next one is at ${offset}`;
    return refuseEvents('LOG_DIFFERS_FROM_CHECKPOINT', this.stream, found, this.stored.offset);
  }
}
