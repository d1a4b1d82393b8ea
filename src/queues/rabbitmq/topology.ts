/**
 * Declares what must exist in the broker before anybody publishes or consumes: the exchanges, the streams that keep what
 * is published to two of them, and the queues that work waits in.
 *
 * Each declaration is idempotent, and what feeds something is made after what it feeds: the exchange of events is bound
 * to its stream before anything else can be published to it by us, and a publisher that finds the exchange bound to
 * nothing (a `mandatory` return) declares all this again.
 */
import type { Channel, ChannelModel } from 'amqplib';
import { messageNames, RETRY_DELAYS, RETRY_MS, type RetryDelay } from '../../domain/messages/names.js';
import { type AmqpTls, closeAmqp, declareQueue, openAmqp, refusedDeclaration } from '../../platform/amqp.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { untilSuccess } from '../../platform/retry.js';

export interface QueueTopologyOptions {
  /** amqp[s]://user:password@host:port/vhost, or several of one cluster. */
  readonly amqpUrl: string;
  readonly tls?: AmqpTls;
  readonly prefix: string;
  /** Age at which charging events may go (WATTSTREAM_EVENTS_RETENTION_DAYS). */
  readonly eventsRetentionDays: number;
  /**
   * Longest life of a login (WATTSTREAM_LOGIN_DAYS), for whoever keeps logins. Without it their exchange and stream are not
   * made: who first makes the stream decides how long it remembers, and that must not be a process that does not know.
   */
  readonly loginDays?: number;
  /** Nodes that have a copy of each stream and queue, when they are made (WATTSTREAM_REPLICAS). Default: all nodes. */
  readonly replicas?: number;
  /** Default: what the names of the retry queues say. For tests, which cannot wait a minute. */
  readonly retryMs?: Readonly<Record<RetryDelay, number>>;
  readonly log?: Logger;
}

/** Ten processes that start at once on a small machine make the broker refuse one or the other for a moment (541). */
const ATTEMPTS = 5;

/** A message that is worked on for days is no fault: a kept command waits with its consumer until its charger is back. */
const CONSUMER_TIMEOUT_MS = 8 * 24 * 3_600_000;

const LONGEST_LOCAL_LISTS = 1_000_000;

/** Bytes of a snapshot stream: whole segments go, the newest stays. */
const SNAPSHOTS_MAX_BYTES = 200_000_000;
const SEGMENT_BYTES = 50_000_000;

/** Kept beyond the longest life of a login: clocks that differ, events that waited for the broker (`domain/logins`). */
const LOGIN_MARGIN_DAYS = 2;
/** Whole segments are forgotten, and each start reads what is kept: some 11 000 events. */
const LOGIN_SEGMENT_BYTES = 5_000_000;

/**
 * Makes sure that all of it exists. Safe at every start and from many processes at once. What is there with other
 * arguments is left as it is. Rejects with TOPOLOGY_REFUSED, BROKER_UNREACHABLE, BROKER_AUTH_FAILED, BROKER_VHOST_REFUSED.
 */
export async function ensureQueueTopology(options: QueueTopologyOptions): Promise<void> {
  const connection = await openAmqp(options.amqpUrl, 'wattstream queue topology', options.tls);
  try {
    await untilSuccess(() => declareAll(connection, options), {
      backoff: { firstMs: 50, maxMs: 1_000 },
      onFailure: (error, attempt) => {
        if (!(error instanceof WattstreamError) || !error.canRetry || attempt + 1 >= ATTEMPTS) throw error;
      },
    });
  } finally {
    await closeAmqp(connection);
  }
}

async function declareAll(connection: ChannelModel, options: QueueTopologyOptions): Promise<void> {
  const names = messageNames(options.prefix);
  const { exchanges, queues, streams } = names;
  const copies = options.replicas;
  const replicated = { 'x-queue-leader-locator': 'balanced' };
  const stream = {
    'x-queue-type': 'stream',
    'x-stream-max-segment-size-bytes': SEGMENT_BYTES,
    ...replicated,
    ...(copies === undefined ? {} : { 'x-initial-cluster-size': copies }),
  };
  const quorum = {
    'x-queue-type': 'quorum',
    ...replicated,
    ...withoutDeliveryLimit(connection),
    ...(copies === undefined ? {} : { 'x-quorum-initial-group-size': copies }),
  };
  const declare = async (name: string, queueArguments: Record<string, unknown>, remedy?: string) => {
    const same = await declareQueue(connection, name, queueArguments);
    if (!same)
      options.log?.warn(
        { code: 'QUEUE_ARGUMENTS_DIFFER', queue: name, ...(remedy === undefined ? {} : { remedy }) },
        'a queue is there with other arguments; it is left as it is',
      );
  };

  let what = 'The exchanges';
  try {
    const channel: Channel = await connection.createChannel();
    channel.on('error', () => {});
    await channel.assertExchange(exchanges.commands, 'direct', { durable: true });
    await channel.assertExchange(exchanges.notifications, 'topic', { durable: true });
    await channel.assertExchange(exchanges.deadLetters, 'fanout', { durable: true });

    what = 'The event streams';
    await declare(streams.chargingEvents, { ...stream, 'x-max-age': `${options.eventsRetentionDays}D` });
    await declare(streams.cmsEvents, stream);
    await declare(streams.cmsSnapshots, { ...stream, 'x-max-length-bytes': SNAPSHOTS_MAX_BYTES });
    await declare(streams.webhookAttempts, {
      ...stream,
      'x-max-age': '2D',
      'x-max-length-bytes': SNAPSHOTS_MAX_BYTES,
    });
    await channel.assertExchange(exchanges.chargingEvents, 'topic', { durable: true });
    await channel.bindQueue(streams.chargingEvents, exchanges.chargingEvents, '#');
    await channel.assertExchange(exchanges.cmsEvents, 'topic', { durable: true });
    await channel.bindQueue(streams.cmsEvents, exchanges.cmsEvents, '#');
    if (options.loginDays !== undefined) {
      await declare(
        streams.logins,
        {
          ...stream,
          'x-stream-max-segment-size-bytes': LOGIN_SEGMENT_BYTES,
          'x-max-age': `${options.loginDays + LOGIN_MARGIN_DAYS}D`,
        },
        'It was made for another WATTSTREAM_LOGIN_DAYS. With more days now, logins may end earlier than they say: delete this stream, it is made again, and everybody logs in once more.',
      );
      await channel.assertExchange(exchanges.logins, 'topic', { durable: true });
      await channel.bindQueue(streams.logins, exchanges.logins, '#');
    }

    what = 'The queues';
    await declare(queues.deadLetters, quorum);
    await channel.bindQueue(queues.deadLetters, exchanges.deadLetters, '');
    // In order, therefore by one process at a time: it hands them on to the queues of webhooks.
    await declare(queues.notifications, { ...quorum, 'x-single-active-consumer': true });
    await channel.bindQueue(queues.notifications, exchanges.notifications, '#');
    await declare(queues.keptCommands, {
      ...quorum,
      'x-single-active-consumer': true,
      'x-consumer-timeout': CONSUMER_TIMEOUT_MS,
    });
    await declare(queues.localLists, {
      ...quorum,
      'x-single-active-consumer': true,
      'x-consumer-timeout': CONSUMER_TIMEOUT_MS,
      // Without any api for long: each charger is looked at when it comes anyway.
      'x-max-length': LONGEST_LOCAL_LISTS,
      'x-overflow': 'drop-head',
    });
    await channel.bindQueue(queues.localLists, exchanges.chargingEvents, 'charger.online');
    for (const kind of ['token', 'account', 'point'])
      await channel.bindQueue(queues.localLists, exchanges.cmsEvents, `cms.${kind}.*`);
    for (const queue of [queues.notifications, queues.keptCommands, queues.localLists])
      for (const delay of RETRY_DELAYS)
        await declare(names.retry(queue, delay), {
          ...quorum,
          'x-message-ttl': (options.retryMs ?? RETRY_MS)[delay],
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': queue,
          // Both, or every message is lost whose queue is away at the moment its time has come.
          'x-dead-letter-strategy': 'at-least-once',
          'x-overflow': 'reject-publish',
        });
  } catch (error) {
    throw refusedDeclaration(what, error);
  }
}

/**
 * Quorum queues of RabbitMQ 4 drop what was given back 20 times; attempts are counted here, and looking at a dead letter
 * must not use it up. Before 4 there is no limit unless set, and -1 is refused.
 */
function withoutDeliveryLimit(connection: ChannelModel): { 'x-delivery-limit'?: number } {
  const [major = 0] = String(connection.connection.serverProperties.version).split('.').map(Number);
  return major >= 4 ? { 'x-delivery-limit': -1 } : {};
}
