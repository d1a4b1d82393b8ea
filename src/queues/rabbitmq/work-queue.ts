/**
 * Consumers with an outcome word. A message leaves its queue only when what became of it is certain:
 *
 *   1. `handle` says ack, retry or dead-letter (what it throws is a retry);
 *   2. a retry is published to a queue where it waits, a dead letter to the exchange of dead letters, confirmed;
 *   3. the original is acknowledged.
 *
 * Who dies before 3 leaves the message to another consumer: it is worked on once more, at worst it is in two places.
 * Nothing is lost. What waits comes back by its time to live: RabbitMQ dead-letters it, at least once, to the queue it
 * came from.
 */
import type { ConfirmChannel, ConsumeMessage, Message, Options } from 'amqplib';
import { v5 as uuidOf } from 'uuid';
import { messageNames, RETRY_DELAYS, type RetryDelay } from '../../domain/messages/names.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import { backoffMs } from '../../platform/retry.js';
import type { Consumer, Delivery, Outcome, WorkQueue } from '../ports.js';
import type { KeptChannel, QueueConnection } from './connection.js';

/** What we write into headers of what is retried or dead: strings only (a stream client ends at anything else). */
export const HEADER = {
  attempt: 'x-wattstream-attempt',
  reason: 'x-wattstream-reason',
  exchange: 'x-wattstream-exchange',
  routingKey: 'x-wattstream-routing-key',
  queue: 'x-wattstream-queue',
  deadAt: 'x-wattstream-dead-at',
  letter: 'x-wattstream-letter',
} as const;

/** Reasons come from anywhere; what is longer than this says nothing more. */
const REASON_CHARS = 2_000;
const AGAIN = { firstMs: 100, maxMs: 5_000 };
/** UUIDv5 of a dead letter: the same message out of the same queue is the same letter, however often it came. */
const LETTERS = '0d6fcf4c-0a5c-4d4e-9a0e-5b7a4b1a9d3f';

export interface WorkQueueOptions {
  readonly connection: QueueConnection;
  readonly prefix: string;
  /** Its whole name (`messageNames(prefix).queues`). */
  readonly queue: string;
  readonly now?: () => number;
}

/** Attempt 1 that failed waits 1 s, the second 10 s, each further one 1 min. */
export const delayAfter = (attempt: number): RetryDelay =>
  RETRY_DELAYS[Math.min(attempt, RETRY_DELAYS.length) - 1]!;

export const createWorkQueue = (options: WorkQueueOptions): WorkQueue => ({
  consume: (work) => new WorkConsumer({ ...options, ...work }),
});

type ConsumerOptions = WorkQueueOptions & Parameters<WorkQueue['consume']>[0];

class WorkConsumer implements Consumer {
  private readonly kept: KeptChannel;
  private readonly busy = new Set<Promise<void>>();
  /** Deliveries begin before it is `ready`. */
  private current: ConfirmChannel | undefined;
  private tag: string | undefined;
  private closing = false;
  private readonly names: ReturnType<typeof messageNames>;

  constructor(private readonly options: ConsumerOptions) {
    this.names = messageNames(options.prefix);
    this.kept = options.connection.channel({
      name: `consumer of ${options.queue}`,
      use: async (channel) => {
        this.current = channel;
        await channel.prefetch(options.prefetch);
        const { consumerTag } = await channel.consume(options.queue, (message) => {
          // Null: the broker cancelled the consumer (its queue was deleted, or moved).
          if (!message) void this.kept.renew();
          else if (!this.closing) this.begin(channel, message);
        });
        this.tag = consumerTag;
      },
      onGone: () => {
        this.current = undefined;
        options.lost?.();
      },
    });
  }

  async close(drainMs = 5_000): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    // A single active consumer that is cancelled keeps what it has until its channel closes, and the next one would get
    // what is behind that first. When nothing is waited for the channel alone is closed: everything goes back in order.
    if (drainMs > 0 && this.current && this.tag !== undefined)
      await this.current.cancel(this.tag).catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainMs);
    });
    await Promise.race([Promise.all(this.busy), late]);
    clearTimeout(timer);
    await this.kept.close();
  }

  private begin(channel: ConfirmChannel, message: ConsumeMessage): void {
    const work = this.work(channel, message).catch((error: unknown) => {
      // Whatever it was, the message is still the broker's: it is delivered again with the next channel.
      this.options.connection.log.warn(
        { code: 'OUTCOME_UNKNOWN', queue: this.options.queue, error: messageOf(error) },
        'a message will be delivered again',
      );
    });
    this.busy.add(work);
    void work.finally(() => this.busy.delete(work));
  }

  private async work(channel: ConfirmChannel, message: ConsumeMessage): Promise<void> {
    const delivery = deliveryOf(message);
    const outcome =
      delivery === undefined
        ? ({ outcome: 'dead-letter', reason: 'the body is no JSON' } as const)
        : await this.outcomeOf(delivery);
    const attempt = attemptOf(message);
    if (outcome.outcome === 'retry' && attempt < this.options.attempts)
      await this.move(channel, message, '', this.names.retry(this.options.queue, delayAfter(attempt)), {
        [HEADER.attempt]: String(attempt + 1),
        [HEADER.reason]: outcome.reason.slice(0, REASON_CHARS),
      });
    else if (outcome.outcome !== 'ack') await this.bury(channel, message, outcome.reason, attempt);
    // On another channel its tag would name another message.
    if (this.current === channel) channel.ack(message);
  }

  private async outcomeOf(delivery: Delivery): Promise<Outcome> {
    try {
      return await this.options.handle(delivery);
    } catch (error) {
      return { outcome: 'retry', reason: messageOf(error) };
    }
  }

  private bury(channel: ConfirmChannel, message: ConsumeMessage, reason: string, attempt: number) {
    const { queue, now = Date.now } = this.options;
    this.options.connection.log.warn(
      { code: 'DEAD_LETTER', queue, message: message.properties.messageId, reason, attempts: attempt },
      'a message could not be worked on; it lies in dead-letters',
    );
    return this.move(channel, message, this.names.exchanges.deadLetters, '', {
      [HEADER.attempt]: String(attempt),
      [HEADER.reason]: reason.slice(0, REASON_CHARS),
      [HEADER.queue]: queue,
      [HEADER.deadAt]: new Date(now()).toISOString(),
      [HEADER.letter]: letterId(queue, message),
    });
  }

  /** Resolves when the broker has it elsewhere; rejects when the channel goes first. */
  private async move(
    channel: ConfirmChannel,
    message: ConsumeMessage,
    exchange: string,
    routingKey: string,
    headers: Record<string, string>,
  ): Promise<void> {
    const properties = propertiesOf(message, { ...originOf(message), ...headers });
    for (let attempt = 0; ; attempt++) {
      const refused = await publishOnce(channel, exchange, routingKey, message.content, properties);
      if (refused === undefined) return;
      if (this.current !== channel) throw refused;
      this.options.connection.log.warn(
        { code: 'MESSAGE_REFUSED', exchange, routingKey, error: refused.message },
        'a message cannot be moved yet; it is tried again',
      );
      await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, AGAIN)));
      if (refused.code === 'MESSAGE_UNROUTABLE') await this.options.connection.repair();
    }
  }
}

/** One confirmed, mandatory publish. Resolves with why it was not taken; undefined when it was. */
export async function publishOnce(
  channel: ConfirmChannel,
  exchange: string,
  routingKey: string,
  body: Buffer,
  properties: Options.Publish,
): Promise<WattstreamError | undefined> {
  let returned = false;
  const onReturn = (back: ConsumeMessage): void => {
    if (
      back.properties.messageId === properties.messageId &&
      back.fields.exchange === exchange &&
      back.fields.routingKey === routingKey
    )
      returned = true;
  };
  channel.on('return', onReturn);
  try {
    await new Promise<void>((resolve, reject) => {
      channel.publish(
        exchange,
        routingKey,
        body,
        { ...properties, persistent: true, mandatory: true },
        (error: unknown) => (error ? reject(error) : resolve()),
      );
    });
  } catch (error) {
    return new WattstreamError('MESSAGE_REFUSED', `RabbitMQ did not take it: ${messageOf(error)}`, {
      canRetry: true,
      cause: error,
    });
  } finally {
    channel.off('return', onReturn);
  }
  if (!returned) return undefined;
  return new WattstreamError('MESSAGE_UNROUTABLE', `There is no queue ${routingKey || exchange}`, {
    canRetry: true,
    remedy: 'Start ingest, analytics or the api: each declares the queues.',
  });
}

/** The properties a message had, with these headers only: what brokers add on the way is not ours to pass on. */
export const propertiesOf = ({ properties }: Message, headers: Record<string, string>): Options.Publish => ({
  messageId: properties.messageId,
  type: properties.type,
  appId: properties.appId,
  timestamp: properties.timestamp,
  contentType: properties.contentType,
  headers,
});

export const headerOf = ({ properties }: Message, name: string): string | undefined => {
  const value: unknown = properties.headers?.[name];
  return typeof value === 'string' ? value : undefined;
};

/** The exchange and routing key it was first published with, however often it was moved since. */
export const originOf = (message: ConsumeMessage): Record<string, string> => ({
  [HEADER.exchange]: headerOf(message, HEADER.exchange) ?? message.fields.exchange,
  [HEADER.routingKey]: headerOf(message, HEADER.routingKey) ?? message.fields.routingKey,
});

const attemptOf = (message: ConsumeMessage): number => {
  const attempt = Number(headerOf(message, HEADER.attempt) ?? 1);
  return Number.isInteger(attempt) && attempt > 0 ? attempt : 1;
};

const letterId = (queue: string, { properties, content }: ConsumeMessage): string =>
  uuidOf(`${queue}\n${properties.messageId ?? content.toString('base64')}`, LETTERS);

function deliveryOf(message: ConsumeMessage): Delivery | undefined {
  const { properties, fields, content } = message;
  let body: unknown;
  try {
    body = JSON.parse(content.toString());
  } catch {
    return undefined;
  }
  return {
    id: String(properties.messageId ?? ''),
    type: String(properties.type ?? ''),
    routingKey: originOf(message)[HEADER.routingKey]!,
    body,
    attempt: attemptOf(message),
    redelivered: fields.redelivered,
    publishedAt: (Number(properties.timestamp) || 0) * 1_000,
  };
}
