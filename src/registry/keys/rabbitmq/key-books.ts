/**
 * Key books as streams `cms.keys.<n>`, each declared when it is begun and deleted when another has taken its place. They
 * are published to by name, `mandatory`: what is meant for a stream that has been deleted comes back, and makes no new one.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageNames } from '../../../domain/messages/names.js';
import { REPLY, refusedDeclaration, replyCodeOf, withChannel } from '../../../platform/amqp.js';
import type { BrokerAddress } from '../../../platform/config.js';
import { messageOf, WattstreamError } from '../../../platform/errors.js';
import type { Logger } from '../../../platform/logger.js';
import { withTimeout } from '../../../platform/retry.js';
import type { QueueConnection } from '../../../queues/rabbitmq/connection.js';
import type { Following } from '../../../streams/ports.js';
import { createRabbitEventLog } from '../../../streams/rabbitmq/event-log.js';
import type { KeyBookPart, KeyBooks, KeyRecord } from '../ports.js';
import { keysOf, missingBook, recordsOf } from '../record.js';

export interface RabbitKeyBooksOptions {
  readonly address: BrokerAddress;
  readonly connection: QueueConnection;
  readonly prefix: string;
  /** Nodes that have a copy (WATTSTREAM_REPLICAS). Default: all nodes. */
  readonly replicas?: number | undefined;
  readonly log: Logger;
}

/** For the broker to answer; whoever waits longer tries again. */
const LIMIT_MS = 10_000;
/** Reading a book of a hundred thousand keys takes a second. */
const READ_MS = 60_000;
/** How often it is looked whether a book that is being read is still there. */
const LOOK_MS = 300;
const SEGMENT_BYTES = 50_000_000;

export function createRabbitKeyBooks(options: RabbitKeyBooksOptions): KeyBooks {
  const { address, connection, prefix, replicas, log } = options;
  const names = messageNames(prefix);
  const returned = new Set<string>();
  const kept = connection.channel({
    name: 'key books',
    use: async (channel) => {
      channel.on('return', ({ properties }: { properties: { messageId?: string } }) => {
        returned.add(properties.messageId ?? '');
      });
    },
  });

  const publish = async (stream: string, body: string): Promise<boolean> => {
    const channel = await kept.whenReady(LIMIT_MS);
    const messageId = randomUUID();
    const confirmed = new Promise<void>((resolve, reject) => {
      channel.publish(
        '',
        stream,
        Buffer.from(body),
        { messageId, mandatory: true, persistent: true, contentType: 'application/json' },
        (error: unknown) => (error ? reject(error) : resolve()),
      );
    });
    try {
      await withTimeout(confirmed, LIMIT_MS, 'The confirm of a key');
    } catch (error) {
      throw new WattstreamError('KEY_BOOK_UNANSWERED', `A key could not be kept: ${messageOf(error)}`, {
        canRetry: true,
        cause: error,
      });
    }
    return !returned.delete(messageId);
  };

  /** On a channel of its own, which a refusal closes. */
  const asked = async <T>(what: string, work: Parameters<typeof withChannel<T>>[1]): Promise<T> => {
    await kept.whenReady(LIMIT_MS);
    const { current } = connection;
    if (current === undefined)
      throw new WattstreamError('BROKER_UNREACHABLE', 'RabbitMQ is away.', { canRetry: true });
    try {
      return await withTimeout(withChannel(current, work), LIMIT_MS, what);
    } catch (error) {
      // What the broker refused has a code; everything else is a connection that has gone.
      if (error instanceof WattstreamError || replyCodeOf(error) !== undefined) throw error;
      throw new WattstreamError('KEY_BOOK_UNANSWERED', `${what} came to nothing: ${messageOf(error)}`, {
        canRetry: true,
        cause: error,
      });
    }
  };

  const isThere = async (stream: string): Promise<boolean> => {
    try {
      await asked('Looking for a key book', (channel) => channel.checkQueue(stream));
      return true;
    } catch (error) {
      if (replyCodeOf(error) === REPLY.notFound) return false;
      throw error;
    }
  };

  /** Rejects when the stream is there no more; whoever follows it would wait for it to come back. */
  const untilGone = async (stream: string, signal: AbortSignal): Promise<never> => {
    do await sleep(LOOK_MS, undefined, { signal });
    while (await isThere(stream));
    throw new WattstreamError('KEY_BOOK_MISSING', `The stream ${stream} was removed while it was read.`);
  };

  return {
    async declare(book) {
      const stream = names.keyBook(book);
      const queueArguments = {
        'x-queue-type': 'stream',
        'x-stream-max-segment-size-bytes': SEGMENT_BYTES,
        'x-queue-leader-locator': 'balanced',
        ...(replicas === undefined ? {} : { 'x-initial-cluster-size': replicas }),
      };
      try {
        await asked('Declaring a key book', (channel) =>
          channel.assertQueue(stream, { durable: true, arguments: queueArguments }),
        );
      } catch (error) {
        // Another number of copies than today's setting: it is there.
        if (replyCodeOf(error) === REPLY.preconditionFailed) return;
        if (error instanceof WattstreamError) throw error;
        throw refusedDeclaration(`The key book ${stream}`, error);
      }
    },
    async append(book, records) {
      const stream = names.keyBook(book);
      for (const body of recordsOf(records)) if (!(await publish(stream, body))) throw missingBook(book);
    },
    async read(book, after): Promise<KeyBookPart> {
      const stream = names.keyBook(book);
      if (!(await isThere(stream))) throw missingBook(book);
      const reader = createRabbitEventLog({ address, stream, log });
      const over = new AbortController();
      try {
        const { last } = await reader.bounds();
        if (last === undefined || last <= (after ?? -1)) return { records: [], last: last ?? after };
        const records: KeyRecord[] = [];
        let following: Following | undefined;
        const level = new Promise<void>((resolve, reject) => {
          following = reader.follow({
            from: after === undefined ? { from: 'first' } : { after },
            accept: ({ offset, body }) => {
              records.push(...keysOf(body));
              if (offset >= last) resolve();
            },
            refused: reject,
          });
        });
        await withTimeout(
          Promise.race([level, untilGone(stream, over.signal)]),
          READ_MS,
          `Reading ${stream}`,
        );
        return {
          records,
          last: following?.position === undefined ? last : Math.max(last, following.position),
        };
      } catch (error) {
        // One that is removed while it is read looks like a broker that does not answer.
        if (await isThere(stream)) throw error;
        throw missingBook(book);
      } finally {
        over.abort();
        await reader.close();
      }
    },
    async remove(book) {
      await asked('Deleting a key book', (channel) => channel.deleteQueue(names.keyBook(book)));
    },
    close: () => kept.close(),
  };
}
