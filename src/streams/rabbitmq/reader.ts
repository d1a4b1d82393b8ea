/**
 * The reader of frames: one `PartitionReader` per partition, each with a connection of its own, all members of
 * one group in which the broker makes one member active per partition (single active consumer of the super
 * stream).
 */
import type { BrokerAddress } from '../../platform/config.js';
import { type Logger, silentLogger } from '../../platform/logger.js';
import { ascii, type StreamNames, streamNames } from '../names.js';
import type { LogReader, PartitionHandler, Refusal } from '../ports.js';
import type { AcceptedGaps } from '../start.js';
import { type ClientOptions, StreamClient } from './client.js';
import { PartitionReader } from './partition-reader.js';
import { keptBounds } from './stats.js';

export interface RabbitReaderOptions {
  readonly address: BrokerAddress;
  readonly tls?: ClientOptions['tls'];
  readonly prefix: string;
  readonly partitions: number;
  /** Readers with one name share the partitions; give each generation a group of its own. ASCII. */
  readonly group: string;
  /** What retention took and somebody decided to go on without. Default none. */
  readonly acceptedGaps?: AcceptedGaps;
  /** For connecting, and for each request. Default 10 000. */
  readonly timeoutMs?: number;
  /** A dead peer is noticed after about twice this. Default 5. */
  readonly heartbeatSeconds?: number;
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
  readonly log?: Logger;
}

/** Throws NAME_NOT_ASCII. Nothing is read before `start`. */
export function createRabbitReader(options: RabbitReaderOptions): LogReader {
  ascii(options.group, 'group name');
  return new RabbitReader(options, streamNames(options.prefix));
}

class RabbitReader implements LogReader {
  private partitions: PartitionReader[] = [];

  constructor(
    private readonly options: RabbitReaderOptions,
    private readonly names: StreamNames,
  ) {}

  /** Resolves at once; a broker that is away is tried again until `close`. */
  async start(handler: PartitionHandler): Promise<void> {
    if (this.partitions.length > 0) throw new Error('a reader is started once');
    const { address, tls, timeoutMs, heartbeatSeconds, group } = this.options;
    const log = this.options.log ?? silentLogger;
    const { names } = this;
    this.partitions = Array.from({ length: this.options.partitions }, (_, partition) => {
      const stream = names.partition(partition);
      return new PartitionReader({
        partition,
        stream,
        superStream: names.superStream,
        group,
        handler,
        acceptedGaps: this.options.acceptedGaps ?? new Map(),
        connect: () =>
          StreamClient.openFor(stream, 'replica', {
            address,
            tls,
            timeoutMs,
            heartbeatSeconds,
            name: `wattstream reader ${group} ${stream}`.slice(0, 255),
          }),
        boundsAtLeader: async () => {
          const name = `wattstream start of ${group} ${stream}`.slice(0, 255);
          const leader = await StreamClient.openFor(stream, 'leader', { address, tls, timeoutMs, name });
          try {
            return await keptBounds(leader, stream);
          } finally {
            await leader.close();
          }
        },
        backoff: this.options.backoff ?? { firstMs: 100, maxMs: 5_000 },
        log: log.child({ part: 'reader', partition }),
      });
    });
  }

  get active(): readonly number[] {
    return this.partitions.filter((reader) => reader.active).map((reader) => reader.partition);
  }

  async refuse(refusal: Refusal): Promise<void> {
    await this.partitions[refusal.partition]?.refuse(refusal);
  }

  async close(): Promise<void> {
    await Promise.all(this.partitions.map((reader) => reader.close()));
  }
}
