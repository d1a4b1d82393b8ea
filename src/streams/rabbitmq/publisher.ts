/**
 * The publisher of frames: routes each record to the lane of its partition, and says how it is doing.
 *
 * `full` and `stalled` are advice, not a lock: a record given meanwhile is kept and sent like any other, so the
 * limits hold only for producers that listen. One partition that confirms nothing makes the whole publisher
 * `stalled`: its chargers would count the silence as failed attempts and discard, which loses data, while
 * chargers that are sent away keep queueing.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import { type Logger, silentLogger } from '../../platform/logger.js';
import { partitionOf } from '../codec.js';
import { ascii, streamNames } from '../names.js';
import type { FramePublisher, FrameRecord, PublisherState } from '../ports.js';
import { BatchWriter } from './batch.js';
import { type ClientOptions, StreamClient } from './client.js';
import { Lane } from './lane.js';

export interface RabbitPublisherOptions {
  readonly address: BrokerAddress;
  readonly tls?: ClientOptions['tls'];
  readonly prefix: string;
  readonly partitions: number;
  /** Name of this ingest process. ASCII. */
  readonly gateway: string;
  /** Unconfirmed records, and bytes of them, at which the state is `full`. Default 20 000 and 64 MiB. */
  readonly maxUnconfirmed?: number;
  readonly maxUnconfirmedBytes?: number;
  /** Default 10 000. */
  readonly stallMs?: number;
  /** Without any confirm for this long, a partition's connection is replaced. Default 5 000. */
  readonly confirmTimeoutMs?: number;
  /** Largest body, bytes. Default 256 KiB. */
  readonly maxRecordBytes?: number;
  /** For connecting, and for each request. Default 10 000. */
  readonly timeoutMs?: number;
  readonly heartbeatSeconds?: number;
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
  readonly log?: Logger;
}

/** The stream plugin's default, which every connection must at least offer. */
const FRAME_MAX = 1024 * 1024;
const MAX_MESSAGE = 0.8 * FRAME_MAX;
/** `full` ends at this share of the limits, so that it does not flap. */
const RELIEF = 0.75;

/**
 * Connects in the background and returns at once, in state `stalled` until every partition was reached.
 * Throws NAME_NOT_ASCII.
 */
export function createRabbitPublisher(options: RabbitPublisherOptions): FramePublisher {
  return new RabbitPublisher(options);
}

class RabbitPublisher implements FramePublisher {
  private readonly lanes: Lane[];
  private readonly listeners = new Set<(state: PublisherState) => void>();
  private readonly timer: NodeJS.Timeout;
  private readonly limits: { records: number; bytes: number; stallMs: number; body: number };
  private current: PublisherState = 'stalled';
  private greeted = false;
  private closing: Promise<void> | undefined;

  constructor(options: RabbitPublisherOptions) {
    const { address, tls, partitions, prefix, timeoutMs, heartbeatSeconds } = options;
    const log = options.log ?? silentLogger;
    const names = streamNames(prefix);
    const boot = randomBytes(6).toString('hex');
    this.limits = {
      records: options.maxUnconfirmed ?? 20_000,
      bytes: options.maxUnconfirmedBytes ?? 64 * 1024 * 1024,
      stallMs: options.stallMs ?? 10_000,
      body: options.maxRecordBytes ?? 256 * 1024,
    };
    this.lanes = Array.from(
      { length: partitions },
      (_, partition) =>
        new Lane({
          partition,
          stream: names.partition(partition),
          reference: ascii(`${options.gateway}/${boot}/${partition}`, 'gateway name'),
          connect: async (stream) =>
            checkFrameMax(
              await StreamClient.openFor(stream, 'leader', {
                address,
                tls,
                timeoutMs,
                heartbeatSeconds,
                name: `wattstream publisher ${options.gateway} ${stream}`.slice(0, 255),
              }),
            ),
          confirmTimeoutMs: options.confirmTimeoutMs ?? 5_000,
          backoff: options.backoff ?? { firstMs: 100, maxMs: 5_000 },
          log: log.child({ part: 'publisher', partition }),
          onChange: () => this.judge(),
        }),
    );
    this.timer = setInterval(() => this.watch(), Math.min(500, this.limits.stallMs / 4));
  }

  get partitions(): number {
    return this.lanes.length;
  }

  get state(): PublisherState {
    return this.current;
  }

  get unconfirmed(): number {
    let sum = 0;
    for (const lane of this.lanes) sum += lane.unconfirmed;
    return sum;
  }

  publishOCPPMessage(record: FrameRecord): Promise<{ partition: number }> {
    return this.admit(record, (bound) => {
      const stored = this.lanes[partitionOf(record.chargePointId, this.lanes.length)]!.publish(record, bound);
      this.judgeFull();
      return stored;
    });
  }

  publishToAll(record: FrameRecord): Promise<void> {
    return this.admit(record, async (bound) => {
      const stored = this.lanes.map((lane) => lane.publish(record, bound));
      this.judgeFull();
      await Promise.all(stored);
    });
  }

  onState(listener: (state: PublisherState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(drainMs = 10_000): Promise<void> {
    this.closing ??= (async () => {
      const until = performance.now() + drainMs;
      while (this.unconfirmed > 0 && performance.now() < until) await sleep(5);
      clearInterval(this.timer);
      await Promise.all(this.lanes.map((lane) => lane.close()));
    })();
    return this.closing;
  }

  private admit<T>(record: FrameRecord, go: (bound: number) => Promise<T>): Promise<T> {
    if (this.closing)
      return Promise.reject(new WattstreamError('PUBLISHER_CLOSED', 'The publisher is closed'));
    const bound = BatchWriter.bound(record);
    if (Buffer.byteLength(record.body) > this.limits.body || bound > MAX_MESSAGE)
      return Promise.reject(
        new WattstreamError(
          'RECORD_TOO_LARGE',
          `A ${record.subject} record of ${record.chargePointId} is too large: about ${bound} bytes`,
          { remedy: `Frames of at most ${this.limits.body} bytes are taken (WATTSTREAM_MAX_FRAME_BYTES).` },
        ),
      );
    return go(bound);
  }

  private watch(): void {
    const now = performance.now();
    for (const lane of this.lanes) lane.watch(now);
    this.judge();
  }

  /** The cheap half of `judge`, for every record. */
  private judgeFull(): void {
    if (this.current === 'flowing' && this.load() >= 1) this.judge();
  }

  private load(): number {
    let records = 0;
    let bytes = 0;
    for (const lane of this.lanes) {
      records += lane.unconfirmed;
      bytes += lane.unconfirmedBytes;
    }
    return Math.max(records / this.limits.records, bytes / this.limits.bytes);
  }

  private judge(): void {
    const next = this.judged(performance.now());
    if (next === this.current) return;
    this.current = next;
    for (const listener of this.listeners) listener(next);
  }

  private judged(now: number): PublisherState {
    this.greeted ||= this.lanes.every((lane) => lane.downMs(now) === 0);
    if (!this.greeted) return 'stalled';
    const { stallMs } = this.limits;
    if (this.lanes.some((lane) => lane.waitedMs(now) > stallMs)) return 'stalled';
    if (this.lanes.every((lane) => lane.downMs(now) > stallMs)) return 'stalled';
    const load = this.load();
    return load >= 1 || (this.current === 'full' && load > RELIEF) ? 'full' : 'flowing';
  }
}

/** A broker that takes smaller frames than our largest would close the connection at the first such record. */
async function checkFrameMax(client: StreamClient): Promise<StreamClient> {
  if (client.frameMax === 0 || client.frameMax >= FRAME_MAX) return client;
  const { frameMax } = client;
  await client.close();
  throw new WattstreamError('FRAME_MAX_TOO_SMALL', `The broker takes frames of at most ${frameMax} bytes`, {
    remedy: `Set stream.frame_max of the broker to ${FRAME_MAX} or more.`,
  });
}
