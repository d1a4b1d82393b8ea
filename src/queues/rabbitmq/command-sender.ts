/**
 * Commands to chargers: at most once. Whatever is not certain here is said to be so, and never sent again: a charger
 * that starts, stops or resets twice is worse than a command whose fate its deadline decides.
 *
 * `mandatory` has RabbitMQ give back what no gateway's queue is bound for; the return comes before the confirm of the
 * same message, over the same channel.
 */
import { randomUUID } from 'node:crypto';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import {
  type ChargingCommand,
  chargingCommand,
  type HeldCharger,
  heldCharger,
  type LocateQuestion,
  locateQuestion,
} from '../../domain/messages/commands.js';
import { messageNames } from '../../domain/messages/names.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { CommandSender } from '../ports.js';
import { validated } from '../validate.js';
import type { QueueConnection } from './connection.js';

export interface CommandSenderOptions {
  readonly connection: QueueConnection;
  readonly prefix: string;
  /** Time in which a gateway must answer. Default 2 000 (WATTSTREAM_LOCATE_MS). */
  readonly locateMs?: number;
  /** How long another gateway's answer is waited for after the first: one of them has a ghost. Default 30. */
  readonly settleMs?: number;
  /** How long a connection that is just being made is waited for. Default 2 000. */
  readonly patienceMs?: number;
}

/** RabbitMQ's direct reply-to: answers to what was published over the same channel. */
const REPLY_TO = 'amq.rabbitmq.reply-to';

interface Question {
  answered(held: HeldCharger | undefined): void;
  returned(): void;
  lost(reason: WattstreamError): void;
}

type Fate = 'taken' | 'offline' | 'not-sent' | 'unknown';

export function createCommandSender(options: CommandSenderOptions): CommandSender {
  const { connection, locateMs = 2_000, settleMs = 30, patienceMs = 2_000 } = options;
  const { exchanges } = messageNames(options.prefix);
  const questions = new Map<string, Question>();
  const commands = new Map<string, (fate: Fate) => void>();
  let closed = false;

  const kept = connection.channel({
    name: 'commands out',
    async use(channel) {
      channel.on('return', ({ properties }: ConsumeMessage) => {
        questions.get(properties.correlationId)?.returned();
        commands.get(properties.correlationId)?.('offline');
      });
      await channel.consume(
        REPLY_TO,
        (message) => {
          if (message) questions.get(message.properties.correlationId)?.answered(answerIn(message));
          else void kept.renew();
        },
        { noAck: true },
      );
    },
    onGone(reason) {
      for (const question of questions.values()) question.lost(reason);
      // What was confirmed or returned before has been settled; of the rest nobody knows.
      for (const settle of commands.values()) settle('unknown');
    },
  });

  const ask = (channel: ConfirmChannel, chargePointId: string): Promise<HeldCharger | undefined> => {
    const id = randomUUID();
    const question: LocateQuestion = validated(
      locateQuestion,
      { id, schema: 1, at: new Date().toISOString(), type: 'locate', chargePointId },
      'A question',
    );
    return new Promise((resolve, reject) => {
      let newest: HeldCharger | undefined;
      let settling: NodeJS.Timeout | undefined;
      const end = (): void => {
        questions.delete(id);
        clearTimeout(settling);
        clearTimeout(late);
      };
      const fail = (error: WattstreamError): void => {
        end();
        reject(error);
      };
      const late = setTimeout(
        () =>
          fail(
            new WattstreamError(
              'GATEWAY_SILENT',
              `The gateway that holds ${chargePointId} has not answered within ${locateMs} ms`,
              { canRetry: true, remedy: 'Is an ingest process hanging, or cut off from RabbitMQ?' },
            ),
          ),
        locateMs,
      );
      questions.set(id, {
        answered(held) {
          if (held && (!newest || held.since > newest.since)) newest = held;
          settling ??= setTimeout(() => {
            end();
            resolve(newest);
          }, settleMs);
        },
        returned() {
          end();
          resolve(undefined);
        },
        lost: (reason) => fail(unasked(reason)),
      });
      try {
        channel.publish(exchanges.commands, chargePointId, Buffer.from(JSON.stringify(question)), {
          messageId: id,
          correlationId: id,
          type: 'locate',
          replyTo: REPLY_TO,
          contentType: 'application/json',
          mandatory: true,
          // A gateway that is cut off should not find old questions when it is back.
          expiration: locateMs,
        });
      } catch (error) {
        fail(unasked(error));
      }
    });
  };

  return {
    async locate(chargePointId) {
      if (closed) throw unasked(new Error('the sender was closed'));
      const channel = await kept.whenReady(patienceMs).catch((error: unknown) => {
        throw unasked(error);
      });
      return ask(channel, chargePointId);
    },

    async publishChargingCommand(command: ChargingCommand) {
      const message = validated(chargingCommand, command, 'A command');
      const channel = closed ? undefined : await kept.whenReady(patienceMs).catch(() => undefined);
      const leftMs = Date.parse(message.deadline) - Date.now();
      if (!channel || leftMs <= 0) return 'not-sent';
      // Not the command's own id: should its owner ever publish it twice, each attempt has a fate of its own.
      const attempt = randomUUID();
      return new Promise<Fate>((resolve) => {
        const settle = (fate: Fate): void => {
          if (commands.delete(attempt)) resolve(fate);
        };
        commands.set(attempt, settle);
        try {
          channel.publish(
            exchanges.commands,
            message.chargePointId,
            Buffer.from(JSON.stringify(message)),
            {
              messageId: message.id,
              correlationId: attempt,
              type: message.type,
              appId: message.chargePointId,
              timestamp: Math.floor(Date.parse(message.at) / 1_000),
              contentType: 'application/json',
              mandatory: true,
              expiration: Math.ceil(leftMs),
            },
            (error) => settle(error ? 'unknown' : 'taken'),
          );
        } catch (error) {
          connection.log.debug(
            { error: messageOf(error) },
            'the channel closed before a command was written',
          );
          settle('not-sent');
        }
      });
    },

    async close() {
      closed = true;
      await kept.close();
    },
  };
}

/** Undefined: that gateway does not hold it any more. */
function answerIn(message: ConsumeMessage): HeldCharger | undefined {
  try {
    return heldCharger.safeParse(JSON.parse(message.content.toString())).data;
  } catch {
    return undefined;
  }
}

const unasked = (cause: unknown): WattstreamError =>
  new WattstreamError('BROKER_UNREACHABLE', `RabbitMQ could not be asked: ${messageOf(cause)}`, {
    canRetry: true,
    remedy: 'Is the broker up, and does RABBITMQ_URL name it?',
    cause,
  });
