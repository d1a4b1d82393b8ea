/**
 * Reading one partition as a member of a group.
 *
 * The broker asks a member to become active or to step back (ConsumerUpdate); it waits up to 60 s for the
 * answer, and drops the connection of a member that takes longer. Each crossing raises `epoch`; whatever was
 * delivered under an earlier one is dropped, its credit given back.
 *
 *   standby --active--> loading (handler.activate, bounds) --> reading --inactive, gone--> standby
 *                           \-- refused <---------------------/
 *
 * Everything that calls the handler runs in one queue, so its calls never overlap: chunks are handled one after
 * the other in the order in which they came, `deactivate` follows the record that was being handled, and the
 * answer that lets the next member begin follows `deactivate`. Still, activity is a hint: after a cut
 * connection two members can hold one partition for a moment.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { Offset, SubscribeRequest } from 'rabbitmq-stream-js-client/dist/requests/subscribe_request.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { backoffMs } from '../../platform/retry.js';
import { decodeMessage } from '../codec.js';
import type { PartitionHandler, Refusal, StartAt } from '../ports.js';
import {
  type AcceptedGaps,
  beyondGap,
  type Kept,
  poison,
  refusal,
  refuseStart,
  StartGuard,
} from '../start.js';
import type { StreamClient } from './client.js';
import { Credit } from './credit.js';
import {
  type Chunk,
  type ConsumerUpdate,
  consumerUpdate,
  consumerUpdateReply,
  KEY,
  messagesOf,
  parseDeliver,
} from './frames.js';
import { keepConnected } from './keep-connected.js';
import { keptBounds } from './stats.js';

const SUBSCRIPTION = 0;
/** Chunks on their way or waiting here; a new one is asked for when one is done. */
const CREDIT = 10;
/** Handling records without a pause for longer than this would starve the process's sockets and timers. */
const SLICE_MS = 10;
/** Deliveries that cannot be read, with no new record between them, before the partition is given up. */
const UNREADABLE_LIMIT = 5;
/** Times a leader must say that its log ends before the checkpoint. With the usual pauses that takes 8 to 16 s. */
const ASKED_AT_MOST = 8;

export interface PartitionReaderOptions {
  readonly partition: number;
  readonly stream: string;
  readonly superStream: string;
  readonly group: string;
  readonly handler: PartitionHandler;
  readonly acceptedGaps: AcceptedGaps;
  readonly connect: () => Promise<StreamClient>;
  /** What the leader keeps, asked on a connection of its own. */
  readonly boundsAtLeader: () => Promise<Kept>;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly log: Logger;
}

export class PartitionReader {
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;
  private queue: Promise<void> = Promise.resolve();
  private readonly credit = new Credit(SUBSCRIPTION, CREDIT);
  private epoch = 0;
  /** The activation whose start the broker was told. */
  private reading: { readonly epoch: number; readonly guard: StartGuard } | undefined;
  /** `activate` was called and `deactivate` not yet. */
  private loaded = false;
  private closing = false;
  private unreadable = 0;
  private slice = performance.now();

  constructor(private readonly options: PartitionReaderOptions) {
    this.running = keepConnected({
      connect: options.connect,
      use: (client) => this.join(client),
      onGone: () => this.stepBack(),
      signal: this.stop.signal,
      backoff: options.backoff,
      log: options.log,
    });
  }

  get partition(): number {
    return this.options.partition;
  }

  get active(): boolean {
    return this.reading !== undefined;
  }

  /** Stops for good. The handler hears of nothing after `refused`. */
  async refuse(why: Refusal): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    this.loaded = false;
    this.stepBack();
    this.options.log.error({ ...why }, 'this partition is not read any further');
    try {
      this.options.handler.refused(why);
    } catch (error) {
      this.options.log.error({ code: 'HANDLER_DEFECT', error: messageOf(error) }, 'refused() threw');
    }
    this.stop.abort();
    await this.running;
  }

  /** Steps back first and disconnects then, so that the next member begins where the handler ended. */
  async close(): Promise<void> {
    this.closing = true;
    this.stepBack();
    await this.queue;
    this.stop.abort();
    await this.running;
  }

  private async join(client: StreamClient): Promise<void> {
    client.taps = { onFrame: (key, frame) => this.onFrame(client, key, frame) };
    const { stream, group, superStream } = this.options;
    await client.call(
      new SubscribeRequest({
        subscriptionId: SUBSCRIPTION,
        stream,
        credit: CREDIT,
        // Never used: the answer to the broker's question names the start.
        offset: Offset.next(),
        properties: { 'single-active-consumer': 'true', name: group, 'super-stream': superStream },
      }),
      `Joining ${group} on ${stream}`,
    );
  }

  private onFrame(client: StreamClient, key: number, frame: Buffer): void {
    if (key === KEY.consumerUpdate) this.onUpdate(client, consumerUpdate(frame));
    else if (key === KEY.deliver) this.onDeliver(client, frame);
  }

  private onUpdate(client: StreamClient, update: ConsumerUpdate): void {
    if (update.active && !this.closing) {
      const epoch = ++this.epoch;
      this.reading = undefined;
      this.enqueue(() => this.activate(client, epoch, update));
      return;
    }
    this.stepBack();
    this.enqueue(async () => client.write(consumerUpdateReply(update.correlationId, 'none')));
  }

  private onDeliver(client: StreamClient, frame: Buffer): void {
    let chunk: Chunk;
    try {
      chunk = parseDeliver(frame);
    } catch (error) {
      if (++this.unreadable >= UNREADABLE_LIMIT)
        void this.refuse(
          refusal('POISON_RECORD', this.partition, `A delivery cannot be read: ${messageOf(error)}`),
        );
      throw error;
    }
    const { reading } = this;
    if (reading && reading.epoch === this.epoch) this.enqueue(() => this.handle(client, reading, chunk));
    else this.credit.handled(client);
  }

  /** From here on nothing that was delivered so far is handled any more. */
  private stepBack(): void {
    this.epoch += 1;
    this.reading = undefined;
    this.enqueue(() => this.unload());
  }

  private async unload(): Promise<void> {
    if (!this.loaded) return;
    this.loaded = false;
    await this.options.handler.deactivate(this.partition);
  }

  private async activate(client: StreamClient, epoch: number, update: ConsumerUpdate): Promise<void> {
    if (!client.alive) return;
    if (epoch === this.epoch) {
      try {
        // The broker may activate an active member again, to no purpose that we know of.
        await this.unload();
        let start = await this.options.handler.activate(this.partition);
        this.loaded = true;
        let refused = await this.whyNot(client, start, epoch);
        const beyond = refused && beyondGap(start, refused, this.options.acceptedGaps);
        if (refused && beyond) {
          this.options.log.warn(
            { code: 'GAP_ACCEPTED', gap: refused.message },
            'going on without what is gone',
          );
          start = beyond;
          refused = undefined;
        }
        if (epoch === this.epoch && refused) {
          await this.refuse(refused);
          return;
        }
        if (epoch === this.epoch) {
          this.reading = { epoch, guard: new StartGuard(start, this.partition) };
          client.write(
            consumerUpdateReply(update.correlationId, 'from' in start ? 'first' : { offset: start.after }),
          );
          this.options.log.info({ start }, 'reading');
          return;
        }
      } catch (error) {
        client.die(
          new WattstreamError(
            'ACTIVATION_FAILED',
            `No start for ${this.options.stream}: ${messageOf(error)}`,
            {
              canRetry: true,
              cause: error,
            },
          ),
        );
        return;
      }
    }
    // Overtaken by a step back; the broker waits for an answer all the same.
    client.write(consumerUpdateReply(update.correlationId, 'none'));
  }

  /**
   * Why reading cannot begin there; undefined when it can. What a replica says against it is asked of the leader:
   * one that has just come back lags behind, or holds nothing yet. Throws REPLICA_BEHIND when that was all.
   *
   * A leader that has just come back says the same for a while (of 23 605 records, "it is empty"), so a log that
   * ends too early counts only when it keeps saying so.
   */
  private async whyNot(client: StreamClient, start: StartAt, epoch: number): Promise<Refusal | undefined> {
    if ('from' in start) return undefined;
    const { stream, boundsAtLeader, backoff } = this.options;
    const doubt = refuseStart(start, await keptBounds(client, stream), this.partition);
    if (doubt === undefined) return undefined;
    for (let asked = 1; ; asked++) {
      const refused = refuseStart(start, await boundsAtLeader(), this.partition);
      if (refused === undefined)
        throw new WattstreamError(
          'REPLICA_BEHIND',
          `a replica of ${stream} is not as far as its leader yet`,
          { canRetry: true },
        );
      const mayPass = refused.code === 'LOG_DIFFERS_FROM_CHECKPOINT' && asked < ASKED_AT_MOST;
      if (!mayPass || epoch !== this.epoch) return refused;
      await sleep(backoffMs(asked, backoff));
    }
  }

  private async handle(
    client: StreamClient,
    { epoch, guard }: { epoch: number; guard: StartGuard },
    chunk: Chunk,
  ): Promise<void> {
    for (const { offset, bytes, start, end } of messagesOf(chunk)) {
      if (epoch !== this.epoch) break;
      const record = Object.assign(decodeMessage(bytes, start, end), { partition: this.partition, offset });
      const verdict = guard.judge(record);
      if (verdict === 'drop') continue;
      if (verdict !== 'pass') {
        await this.refuse(verdict);
        return;
      }
      this.unreadable = 0;
      try {
        const done = this.options.handler.accept(record);
        if (done) await done;
      } catch (error) {
        await this.refuse(poison(record, error));
        return;
      }
      if (performance.now() - this.slice > SLICE_MS) {
        await turn();
        this.slice = performance.now();
      }
    }
    this.credit.handled(client);
  }

  private enqueue(work: () => Promise<void>): void {
    this.queue = this.queue.then(work).catch((error: unknown) => {
      this.options.log.error({ code: 'HANDLER_DEFECT', error: messageOf(error) }, 'a handler rejected');
    });
  }
}
