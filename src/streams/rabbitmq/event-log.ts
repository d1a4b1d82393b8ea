/**
 * Following a stream that an exchange feeds, from any place, without a group.
 *
 *   connecting --bounds, subscribe--> reading --gone--> connecting (after the last record handed on)
 *        \-- the stream is not what it was --> refused
 *
 * The place to begin is made a number at the first connection (`next` included), so that what is published while a
 * later one is being made is not passed over. Chunks begin earlier than asked, so records up to the position are
 * dropped. Chunks are handled one after the other; the next is asked for when one is done, so that whoever is slow
 * slows the broker and nothing else. Everything is asked of the leader: a replica that has just come back lags behind.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Offset, SubscribeRequest } from 'rabbitmq-stream-js-client/dist/requests/subscribe_request.js';
import type { BrokerAddress } from '../../platform/config.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import { type Logger, silentLogger } from '../../platform/logger.js';
import type { Backoff } from '../../platform/retry.js';
import { decodeEvent } from '../event-record.js';
import { ascii } from '../names.js';
import type { EventLog, Following } from '../ports.js';
import type { Kept } from '../start.js';
import { type ClientOptions, StreamClient } from './client.js';
import { Credit } from './credit.js';
import { type Chunk, KEY, messagesOf, parseDeliver } from './frames.js';
import { keepConnected } from './keep-connected.js';
import { keptBounds } from './stats.js';

export interface RabbitEventLogOptions {
  readonly address: BrokerAddress;
  readonly tls?: ClientOptions['tls'];
  /** Its whole name, prefix included (`messageNames(prefix).streams`). ASCII. */
  readonly stream: string;
  /** For connecting, and for each request. Default 10 000. */
  readonly timeoutMs?: number;
  /** A dead peer is noticed after about twice this. Default 5. */
  readonly heartbeatSeconds?: number;
  readonly backoff?: Backoff;
  readonly log?: Logger;
}

const SUBSCRIPTION = 0;
/** Chunks on their way or waiting here. */
const CREDIT = 10;
/** How often in a row the stream must look like another one. */
const DOUBTS = 5;
/** Handling records without a pause for longer than this would starve the process's sockets and timers. */
const SLICE_MS = 10;

/** Throws NAME_NOT_ASCII. */
export function createRabbitEventLog(options: RabbitEventLogOptions): EventLog {
  const { address, tls, timeoutMs, heartbeatSeconds } = options;
  const stream = ascii(options.stream, 'stream name');
  const followers = new Set<Follower>();
  let looking: StreamClient | undefined;
  let turns: Promise<unknown> = Promise.resolve();
  const connect = (what: string) =>
    StreamClient.openFor(stream, 'leader', {
      address,
      tls,
      timeoutMs,
      heartbeatSeconds,
      name: `wattstream ${what} ${stream}`.slice(0, 255),
    });
  return {
    follow(request) {
      const follower = new Follower({
        ...request,
        stream,
        connect: () => connect('follower'),
        backoff: options.backoff ?? { firstMs: 100, maxMs: 5_000 },
        log: (options.log ?? silentLogger).child({ part: 'event-log', stream }),
        ended: () => followers.delete(follower),
      });
      followers.add(follower);
      return follower;
    },
    bounds() {
      // One question at a time: its answer is a delivery that could be mistaken for another's.
      const asked = turns.then(async () => {
        if (!looking?.alive) looking = await connect('look at');
        const { first, last } = await keptBounds(looking, stream);
        return { first, last };
      });
      turns = asked.catch(() => {});
      return asked;
    },
    async close() {
      await Promise.all([...followers].map((follower) => follower.close()));
      await turns;
      await looking?.close();
    },
  };
}

type Request = Parameters<EventLog['follow']>[0];

interface FollowerOptions extends Request {
  readonly stream: string;
  readonly connect: () => Promise<StreamClient>;
  readonly backoff: Backoff;
  readonly log: Logger;
  readonly ended: () => void;
}

class Follower implements Following {
  position: number;
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;
  private queue: Promise<void> = Promise.resolve();
  private readonly credit = new Credit(SUBSCRIPTION, CREDIT);
  /** Raised with each connection; chunks of an earlier one are dropped. */
  private epoch = 0;
  /** `position` says where to go on, and no longer `from`. */
  private placed: boolean;
  /** Level once this offset was handed on; undefined before the first connection. */
  private levelAt: number | undefined;
  private levelTold = false;
  private doubts = 0;
  private slice = performance.now();

  constructor(private readonly options: FollowerOptions) {
    const { from } = options;
    this.placed = 'after' in from;
    this.position = 'after' in from ? from.after : -1;
    this.running = keepConnected({
      connect: options.connect,
      use: (client) => this.join(client),
      onGone: () => {
        this.epoch += 1;
      },
      signal: this.stop.signal,
      backoff: options.backoff,
      log: options.log,
    });
  }

  async close(): Promise<void> {
    this.epoch += 1;
    this.stop.abort();
    await this.running;
    this.options.ended();
  }

  private async join(client: StreamClient): Promise<void> {
    // The record that is being handled may still move the position.
    await Promise.race([this.queue, client.gone]);
    const { stream } = this.options;
    const kept = await keptBounds(client, stream);
    if (!this.trusts(kept)) return;
    const offset = this.startAt(kept);
    this.levelAt ??= kept.last ?? -1;
    const epoch = ++this.epoch;
    client.taps = { onFrame: (key, frame) => this.onFrame(client, epoch, key, frame) };
    await client.call(
      new SubscribeRequest({
        subscriptionId: SUBSCRIPTION,
        stream,
        credit: CREDIT,
        offset,
        properties: {},
      }),
      `Following ${stream}`,
    );
    this.doubts = 0;
    this.options.log.debug({ position: this.position, last: kept.last }, 'following');
    this.tellLevel();
  }

  private startAt(kept: Kept & { readonly lastWrittenAt?: number }): Offset {
    const { from } = this.options;
    if (!this.placed) {
      if ('since' in from) {
        if (from.since <= (kept.lastWrittenAt ?? Number.NEGATIVE_INFINITY))
          // The client leaves a time of 0 out of the request, which then never ends.
          return Offset.timestamp(new Date(Math.max(1, from.since)));
      } else if ('from' in from && from.from === 'first') return Offset.first();
      this.position = kept.last ?? -1;
      this.placed = true;
    }
    return Offset.offset(BigInt(this.position + 1));
  }

  /**
   * Whether the stream can be the one that was followed so far. The broker would move a start that it does not keep
   * silently. A leader that has just been elected may not know for a moment how far its stream is committed, so what
   * speaks against it must be found several times.
   */
  private trusts({ first, last }: Kept): boolean {
    const { position } = this;
    if (!this.placed || position < 0) return true;
    let doubt: WattstreamError | undefined;
    if (first !== undefined && first > position + 1)
      doubt = new WattstreamError(
        'RETENTION_PASSED_POSITION',
        `The stream ${this.options.stream} was followed to offset ${position}; the first record kept is at ${first}`,
        { remedy: 'What lay between is gone. Begin anew, from what is kept.' },
      );
    else if (last === undefined || last < position)
      doubt = new WattstreamError(
        'LOG_DIFFERS_FROM_POSITION',
        `The stream ${this.options.stream} was followed to offset ${position}; it ends at ${last ?? 'its beginning: it is empty'}`,
        {
          remedy: 'The stream was created again, or has lost confirmed records. Begin anew, from its start.',
        },
      );
    if (doubt === undefined) return true;
    this.doubts += 1;
    if (this.doubts < DOUBTS)
      throw new WattstreamError('REPLICA_BEHIND', doubt.message, { canRetry: true, cause: doubt });
    this.refuse(doubt);
    return false;
  }

  private refuse(error: WattstreamError): void {
    this.options.log.error(
      { code: error.code, error: error.message, remedy: error.remedy },
      'this stream is not followed any further',
    );
    this.epoch += 1;
    this.stop.abort();
    this.options.ended();
    const { refused } = this.options;
    if (refused) refused(error);
    else
      queueMicrotask(() => {
        throw error;
      });
  }

  private onFrame(client: StreamClient, epoch: number, key: number, frame: Buffer): void {
    if (key !== KEY.deliver) return;
    const chunk = parseDeliver(frame);
    this.queue = this.queue
      .then(() => this.handle(client, epoch, chunk))
      .catch((error: unknown) =>
        this.options.log.error({ code: 'HANDLER_DEFECT', error: messageOf(error) }, 'a record was not taken'),
      );
  }

  private async handle(client: StreamClient, epoch: number, chunk: Chunk): Promise<void> {
    const { accept } = this.options;
    for (const { offset, bytes, start, end } of messagesOf(chunk)) {
      if (epoch !== this.epoch) return;
      if (offset <= this.position) continue;
      this.placed = true;
      try {
        const done = accept(decodeEvent(offset, bytes, start, end));
        if (done) await done;
      } catch (error) {
        this.options.log.error(
          { code: 'HANDLER_DEFECT', offset, error: messageOf(error) },
          'a record was not taken',
        );
      }
      this.position = offset;
      this.tellLevel();
      if (performance.now() - this.slice > SLICE_MS) {
        await turn();
        this.slice = performance.now();
      }
    }
    this.credit.handled(client);
  }

  private tellLevel(): void {
    if (this.levelTold || this.levelAt === undefined || this.position < this.levelAt) return;
    this.levelTold = true;
    this.options.onLevel?.();
  }
}
