/**
 * Dead letters: looked at, put back to work, dropped. They lie in a quorum queue, which can only be looked at by taking
 * messages out of it: a look takes all of them unacknowledged, and gives back what it does not mean to settle. The queue has
 * no delivery limit, so that no look uses a letter up. Two looks at once would hide letters from each other; so whoever looks
 * holds an exclusive queue of a fixed name meanwhile, which vanishes with his connection.
 *
 * A redrive or drop of a letter: 1. the audit event is confirmed; 2. (redrive) its copy is confirmed in the queue it came
 * from; 3. the letter is acknowledged. Who dies before 3 leaves the letter where it was: at worst it is worked on and
 * still here, and the log says who wanted it so. Recording what was not done comes before doing what is not recorded.
 */
import { randomUUID } from 'node:crypto';
import type { ChannelModel, ConfirmChannel, GetMessage } from 'amqplib';
import { v5 as uuidOf } from 'uuid';
import { messageNames } from '../../domain/messages/names.js';
import { redact } from '../../domain/ocpp/redact.js';
import { type AmqpTls, closeAmqp, openAmqp, REPLY, replyCodeOf } from '../../platform/amqp.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import { withTimeout } from '../../platform/retry.js';
import type { DeadLetter, DeadLetters, EventPublisher } from '../ports.js';
import { HEADER, headerOf, propertiesOf, publishOnce } from './work-queue.js';

export interface DeadLettersOptions {
  readonly amqpUrl: string;
  readonly tls?: AmqpTls;
  readonly prefix: string;
  /** For the audit. */
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  /** How long another look is waited for. Default 10 000. */
  readonly busyMs?: number;
  readonly now?: () => number;
}

/** Letters held in this process during one look. What lies behind them is reached when these are fewer. */
const MOST = 20_000;
const AUDIT_MS = 10_000;
const GIVE_BACK_MS = 2_000;
const FOREIGN = '5b0b8f39-3c9a-4a8c-8a33-5f5f4a3f7f10';

interface Look {
  readonly channel: ConfirmChannel;
  readonly messages: readonly GetMessage[];
  readonly total: number;
  /** Takes it out of the queue for good. */
  settle(message: GetMessage): void;
}

/** Connects for each question and disconnects after it: it is asked seldom. Rejects as `openAmqp`. */
export function createDeadLetters(options: DeadLettersOptions): DeadLetters {
  const names = messageNames(options.prefix);
  const { deadLetters: queue } = names.queues;
  const { busyMs = 10_000, now = Date.now } = options;

  const onConnection = async <T>(work: (connection: ChannelModel) => Promise<T>): Promise<T> => {
    const connection = await openAmqp(options.amqpUrl, 'wattstream dead letters', options.tls);
    try {
      return await work(connection);
    } finally {
      await closeAmqp(connection);
    }
  };

  const look = <T>(work: (look: Look) => Promise<T>): Promise<T> =>
    onConnection(async (connection) => {
      const until = performance.now() + busyMs;
      for (;;) {
        try {
          return await lookOnce(connection, queue, work);
        } catch (error) {
          // Another one looks.
          if (replyCodeOf(error) !== REPLY.resourceLocked) throw missing(error, queue);
          if (performance.now() > until)
            throw new WattstreamError('DEAD_LETTERS_BUSY', 'Somebody else is looking at the dead letters', {
              canRetry: true,
              cause: error,
            });
          await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80));
        }
      }
    });

  const decide = (
    ids: readonly string[] | 'all',
    actor: string,
    type: 'ops.dead-letter.redriven' | 'ops.dead-letter.dropped',
  ): Promise<string[]> => {
    const wanted = ids === 'all' ? undefined : new Set(ids);
    return look(async ({ channel, messages, settle }) => {
      const done = new Set<string>();
      for (const message of messages) {
        const letter = letterOf(message);
        if (wanted && !wanted.has(letter.id)) continue;
        // The same letter again: somebody died between burying it and taking it out of its queue.
        if (!done.has(letter.id)) {
          await withTimeout(
            options.events.publishChargingEvent({
              id: `${type}/${randomUUID()}`,
              schema: 1,
              at: new Date(now()).toISOString(),
              type,
              actor,
              letter: auditOf(letter),
            }),
            AUDIT_MS,
            'Recording it in the log of events',
          );
          if (type === 'ops.dead-letter.redriven') {
            const { exchange, routingKey } = letter;
            const headers = { [HEADER.exchange]: exchange, [HEADER.routingKey]: routingKey };
            const refused = await publishOnce(
              channel,
              '',
              letter.queue,
              message.content,
              propertiesOf(message, headers),
            );
            if (refused) continue;
          }
          done.add(letter.id);
        }
        settle(message);
      }
      return [...done];
    });
  };

  return {
    list: ({ limit }) =>
      // All of them: the queue keeps no order once some were given back.
      look(async ({ messages, total }) => ({
        letters: distinct(messages.map(letterOf)).slice(0, limit),
        total,
      })),
    show: (id) =>
      look(async ({ messages }) => {
        const letter = distinct(messages.map(letterOf)).find((one) => one.id === id);
        if (letter) return letter;
        throw new WattstreamError('DEAD_LETTER_UNKNOWN', `There is no dead letter ${id}`, {
          remedy: 'wattstream dead-letters list shows what there is.',
        });
      }),
    redrive: (ids, actor) => decide(ids, actor, 'ops.dead-letter.redriven'),
    drop: (ids, actor) => decide(ids, actor, 'ops.dead-letter.dropped'),
    close: async () => {},
  };
}

async function lookOnce<T>(
  connection: ChannelModel,
  queue: string,
  work: (look: Look) => Promise<T>,
): Promise<T> {
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => {});
  channel.setMaxListeners(0);
  await channel.assertQueue(`${queue}.look`, { exclusive: true, autoDelete: true, durable: false });
  const messages: GetMessage[] = [];
  let behind = 0;
  while (messages.length < MOST) {
    const message = await channel.get(queue);
    if (!message) break;
    messages.push(message);
    behind = message.fields.messageCount;
  }
  const settled = new Set<GetMessage>();
  const settle = (message: GetMessage): void => {
    channel.ack(message);
    settled.add(message);
  };
  try {
    return await work({ channel, messages, settle, total: messages.length + behind });
  } finally {
    for (const message of messages) if (!settled.has(message)) channel.nack(message, false, true);
    await givenBack(channel, queue, messages.length - settled.size + behind);
  }
}

/** A queue takes back in its own time; the next look must not begin before. */
async function givenBack(channel: ConfirmChannel, queue: string, count: number): Promise<void> {
  const until = performance.now() + GIVE_BACK_MS;
  while ((await channel.checkQueue(queue)).messageCount < count && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 5));
  await closeAmqp(channel);
}

/** Oldest first; of one letter that is there twice the older. */
function distinct(letters: readonly DeadLetter[]): DeadLetter[] {
  const sorted = [...letters].sort((a, b) => a.deadAt.localeCompare(b.deadAt));
  const seen = new Set<string>();
  return sorted.filter(({ id }) => !seen.has(id) && seen.add(id));
}

const auditOf = ({ body: _, ...letter }: DeadLetter): Omit<DeadLetter, 'body'> => letter;

function letterOf(message: GetMessage): DeadLetter {
  const { properties, fields, content } = message;
  const text = content.toString();
  return {
    id: headerOf(message, HEADER.letter) ?? uuidOf(`${properties.messageId ?? ''}\n${text}`, FOREIGN),
    type: String(properties.type ?? ''),
    reason: headerOf(message, HEADER.reason) ?? '',
    attempts: Number(headerOf(message, HEADER.attempt) ?? 0) || 0,
    queue: headerOf(message, HEADER.queue) ?? '',
    exchange: headerOf(message, HEADER.exchange) ?? fields.exchange,
    routingKey: headerOf(message, HEADER.routingKey) ?? fields.routingKey,
    deadAt: headerOf(message, HEADER.deadAt) ?? '',
    // A kept command holds what only its charger may see.
    body: parsed(redact(text)),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function missing(error: unknown, queue: string): unknown {
  if (replyCodeOf(error) !== REPLY.notFound) return error;
  return new WattstreamError('QUEUE_MISSING', `The queue ${queue} does not exist: ${messageOf(error)}`, {
    remedy: 'Start ingest, analytics or the api: each declares it. Is WATTSTREAM_PREFIX right?',
    canRetry: true,
    cause: error,
  });
}
