/**
 * The log as the rest of wattstream sees it. Two implementations: `rabbitmq/` (the real one) and `memory/`
 * (the twin for unit tests). `streams.contract.ts` runs over both.
 */
import type { FrameRecord, Position, StoredRecord } from '../domain/ocpp/record.js';
import type { WattstreamError } from '../platform/errors.js';

/**
 * How the publisher is doing.
 * - `flowing`: confirms arrive.
 * - `full`: the map of unconfirmed records has reached its limit; stop producing until it flows again.
 * - `stalled`: records have waited longer than the stall limit (10 s) without any confirm, or no partition
 *   can be reached; whoever depends on answers should be sent away.
 */
export type PublisherState = 'flowing' | 'full' | 'stalled';

export interface FramePublisher {
  /**
   * Appends a record to its charge point's partition. Records of one charge point are stored in the order
   * of the calls. Resolves after RabbitMQ confirmed it, with the partition it went to; survives any number
   * of reconnects meanwhile (resent with the same publishing id, so stored once).
   * Rejects only with code RECORD_TOO_LARGE (never sent) or PUBLISHER_CLOSED (fate unknown).
   */
  publishOCPPMessage(record: FrameRecord): Promise<{ partition: number }>;
  /**
   * Appends one record to EVERY partition (a gateway's GatewayStarted and GatewayAlive: presence is decided
   * per partition). Ordered with `publishOCPPMessage` calls of the same partition; resolves after all confirms; rejects
   * as `publishOCPPMessage` does.
   */
  publishToAll(record: FrameRecord): Promise<void>;
  readonly partitions: number;
  readonly state: PublisherState;
  /** Records not yet confirmed. */
  readonly unconfirmed: number;
  /** Called at each change of state; returns how to stop listening. */
  onState(listener: (state: PublisherState) => void): () => void;
  /** Waits until all is confirmed or `drainMs` have passed, then lets go of every connection. */
  close(drainMs?: number): Promise<void>;
}

/** Where a reader begins in a partition. */
export type StartAt =
  | { readonly from: 'first' }
  /** After this record, whose hash (`recordHash`) is compared on re-reading it. */
  | { readonly after: number; readonly hash: string };

/** Why reading a partition must not go on. Each names what happened and what to do. */
export type RefusalCode =
  | 'RETENTION_PASSED_CHECKPOINT'
  | 'LOG_DIFFERS_FROM_CHECKPOINT'
  | 'CHECKPOINTS_TORN'
  | 'OFFSET_WENT_BACK'
  | 'TOO_MANY_UNDECODABLE'
  | 'POISON_RECORD';

export interface Refusal {
  readonly code: RefusalCode;
  readonly partition: number;
  readonly offset?: number;
  readonly message: string;
  readonly remedy: string;
}

/** What a reader drives. One call at a time per partition; partitions run side by side. */
export interface PartitionHandler {
  /** This process has become the active reader. Load state, say where to start. May be called again. */
  activate(partition: number): Promise<StartAt>;
  /**
   * The next record, in order. Returning a promise holds the partition back until it settles. Must not
   * reject or throw; a defect here stops the partition with a POISON_RECORD refusal.
   */
  accept(record: StoredRecord): void | Promise<void>;
  /** No longer the active reader (another took over, or the connection was lost). Late calls are harmless. */
  deactivate(partition: number): Promise<void>;
  /** The partition was stopped for good (until restart). */
  refused(refusal: Refusal): void;
}

export interface LogReader {
  /** Joins the group of readers; partitions are handed to this process as the broker sees fit. */
  start(handler: PartitionHandler): Promise<void>;
  /** Partitions this process is reading now. */
  readonly active: readonly number[];
  /** Stops one partition for good with a refusal (used by the handler's owner). */
  refuse(refusal: Refusal): Promise<void>;
  close(): Promise<void>;
}

export interface PartitionBounds {
  readonly partition: number;
  /** First offset still retained; undefined when the partition is empty. */
  readonly first: number | undefined;
  /** Last committed offset; undefined when the partition is empty. */
  readonly last: number | undefined;
}

export interface LogInspector {
  bounds(): Promise<PartitionBounds[]>;
  /** Reads [from, to] of a partition in order, without joining the group. */
  read(partition: number, from: number, to: number): AsyncIterable<StoredRecord>;
  close(): Promise<void>;
}

/**
 * A stream that a topic exchange feeds (`charging.events.log`, `cms.events.log`): one partition, written over AMQP by
 * whoever publishes, read from any place without a group.
 */
export interface EventRecord {
  readonly offset: number;
  readonly routingKey: string;
  /** `messageId`, `appId` and `timestamp` (whole seconds, as milliseconds) of the AMQP message; '' and 0 where absent. */
  readonly id: string;
  readonly app: string;
  readonly publishedAt: number;
  /** The text of the body; JSON when it is one of ours. */
  readonly body: string;
}

export type FollowFrom =
  | { readonly from: 'first' }
  | { readonly from: 'next' }
  | { readonly after: number }
  /** Epoch milliseconds. Begins at the chunk of that time: some earlier records may come too. */
  | { readonly since: number };

export interface EventLog {
  /**
   * Hands on every record from there, in order, for ever: reconnects by itself and goes on after the last record handed
   * on. A promise holds the following record back until it settles. `accept` must not throw or reject: a record it cannot
   * use is its business.
   */
  follow(options: {
    readonly from: FollowFrom;
    accept(record: EventRecord): void | Promise<void>;
    /** Once: everything that was in the stream at the start has been handed on. At once when it was empty. */
    onLevel?(): void;
    /**
     * The stream is not what it was, and following ends: RETENTION_PASSED_POSITION (records after the place to go on from
     * are gone), LOG_DIFFERS_FROM_POSITION (it ends before that place: it was created again, or lost confirmed records).
     * Without this the error is thrown where nobody catches it: the process ends, and begins anew from its own start.
     */
    refused?(error: WattstreamError): void;
  }): Following;
  /** First and last offset kept; undefined when the stream is empty. Rejects when the broker is away. */
  bounds(): Promise<{ readonly first: number | undefined; readonly last: number | undefined }>;
  close(): Promise<void>;
}

export interface Following {
  /** Offset of the last record handed on; before the first what `after` said, or -1. */
  readonly position: number;
  close(): Promise<void>;
}

export type { FrameRecord, Position, StoredRecord };
