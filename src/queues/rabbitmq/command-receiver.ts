/**
 * The gateway's end: a queue of its own, exclusive to its connection, bound once per charger that it holds.
 *
 * What is wanted (`wanted`) and what the broker has on the present channel (`bound`) are two sets; whatever differs is
 * in `dirty`, and one loop after the other brings the broker level. A new connection has nothing bound, so everything is
 * dirty again; a storm of comings and goings is worked off at the broker's pace, and who came and went in the
 * meantime costs nothing.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import {
  type ChargerHeld,
  chargerHeld,
  chargingCommand,
  type HeldCharger,
  heldCharger,
  locateQuestion,
} from '../../domain/messages/commands.js';
import { messageNames } from '../../domain/messages/names.js';
import { REPLY, replyCodeOf } from '../../platform/amqp.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { CommandHandler, CommandReceiver } from '../ports.js';
import type { KeptChannel, QueueConnection } from './connection.js';

/** A ghost that hears of its end later than this has been found out by its pings. */
const ANNOUNCEMENT_MS = 60_000;

export interface CommandReceiverOptions {
  readonly connection: QueueConnection;
  readonly prefix: string;
  readonly gateway: string;
  readonly handler: CommandHandler;
}

export const createCommandReceiver = (options: CommandReceiverOptions): CommandReceiver =>
  new RabbitCommandReceiver(options);

class RabbitCommandReceiver implements CommandReceiver {
  private readonly wanted = new Set<string>();
  private readonly bound = new Set<string>();
  private readonly dirty = new Set<string>();
  private readonly waiting = new Map<string, ((error?: WattstreamError) => void)[]>();
  private readonly kept: KeptChannel;
  private working: ConfirmChannel | undefined;
  private queue: string;
  private readonly ownName: string;
  private readonly exchange: string;
  /** The queue is there and consumed, on the present channel. */
  private prepared = false;
  private closed = false;

  constructor(private readonly options: CommandReceiverOptions) {
    const names = messageNames(options.prefix);
    this.exchange = names.exchanges.commands;
    this.ownName = names.gatewayCommands(options.gateway);
    this.queue = this.ownName;
    this.kept = options.connection.channel({
      name: `commands of ${options.gateway}`,
      use: (channel) => this.prepare(channel),
      onReady: (channel) => void this.level(channel),
      onGone: (reason) => this.gone(reason),
    });
  }

  bind(chargePointId: string): Promise<void> {
    this.wanted.add(chargePointId);
    return this.change(chargePointId);
  }

  unbind(chargePointId: string): Promise<void> {
    this.wanted.delete(chargePointId);
    return this.change(chargePointId);
  }

  announce(held: HeldCharger): void {
    const { kept } = this;
    const at = new Date().toISOString();
    const message: ChargerHeld = { ...held, id: randomUUID(), schema: 1, at, type: 'held' };
    try {
      kept.ready?.publish(this.exchange, held.chargePointId, Buffer.from(JSON.stringify(message)), {
        messageId: message.id,
        type: message.type,
        contentType: 'application/json',
        expiration: ANNOUNCEMENT_MS,
      });
    } catch (error) {
      this.options.connection.log.debug({ error: messageOf(error) }, 'the channel closed while announcing');
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.kept.close();
    const error = new WattstreamError('RECEIVER_CLOSED', 'The receiver of commands was closed');
    for (const waiters of this.waiting.values()) for (const settle of waiters) settle(error);
    this.waiting.clear();
  }

  private change(chargePointId: string): Promise<void> {
    if (this.closed) return Promise.reject(new WattstreamError('RECEIVER_CLOSED', 'The receiver was closed'));
    this.dirty.add(chargePointId);
    return new Promise((resolve, reject) => {
      const waiters = this.waiting.get(chargePointId) ?? [];
      waiters.push((error) => (error ? reject(error) : resolve()));
      this.waiting.set(chargePointId, waiters);
      if (this.kept.ready) void this.level(this.kept.ready);
    });
  }

  private async prepare(channel: ConfirmChannel): Promise<void> {
    try {
      await channel.assertQueue(this.queue, { exclusive: true, autoDelete: true, durable: false });
    } catch (error) {
      if (replyCodeOf(error) === REPLY.resourceLocked) {
        // Our last connection, which the broker has not found out to be dead yet; or another process of this name.
        this.options.connection.log.warn(
          {
            code: 'COMMAND_QUEUE_TAKEN',
            queue: this.queue,
            remedy: 'If it stays so: two ingest processes have the same WATTSTREAM_GATEWAY.',
          },
          'the queue belongs to another connection; one of another name is made',
        );
        this.queue = `${this.ownName}.${randomBytes(4).toString('hex')}`;
      }
      throw error;
    }
    await channel.consume(
      this.queue,
      (message) => {
        if (message) this.take(channel, message);
        else void this.kept.renew();
      },
      { noAck: true, exclusive: true },
    );
    this.prepared = true;
    this.bound.clear();
    for (const chargePointId of this.wanted) this.dirty.add(chargePointId);
  }

  private gone(reason: WattstreamError): void {
    this.bound.clear();
    this.working = undefined;
    if (this.prepared) this.queue = this.ownName;
    this.prepared = false;
    // Nothing is bound any more; who waited for that has it.
    for (const [chargePointId, waiters] of this.waiting)
      if (!this.wanted.has(chargePointId)) {
        for (const settle of waiters) settle();
        this.waiting.delete(chargePointId);
        this.dirty.delete(chargePointId);
      }
    this.options.connection.log.debug(
      { error: reason.message },
      'no commands arrive until the channel is back',
    );
  }

  private async level(channel: ConfirmChannel): Promise<void> {
    if (this.working === channel) return;
    this.working = channel;
    try {
      for (const chargePointId of this.dirty) {
        if (this.working !== channel) return;
        const wanted = this.wanted.has(chargePointId);
        this.dirty.delete(chargePointId);
        if (wanted !== this.bound.has(chargePointId)) {
          // Known before it is done: a change of mind meanwhile makes it dirty again.
          if (wanted) {
            this.bound.add(chargePointId);
            await channel.bindQueue(this.queue, this.exchange, chargePointId);
          } else {
            this.bound.delete(chargePointId);
            await channel.unbindQueue(this.queue, this.exchange, chargePointId);
          }
        }
        if (this.working === channel && !this.dirty.has(chargePointId)) this.settle(chargePointId);
      }
    } catch (error) {
      // The channel went; the next one binds everything.
      this.options.connection.log.debug({ error: messageOf(error) }, 'binding was interrupted');
    } finally {
      if (this.working === channel) this.working = undefined;
    }
  }

  private settle(chargePointId: string): void {
    for (const settle of this.waiting.get(chargePointId) ?? []) settle();
    this.waiting.delete(chargePointId);
  }

  private take(channel: ConfirmChannel, { content, properties }: ConsumeMessage): void {
    const { handler, connection } = this.options;
    try {
      const body: unknown = JSON.parse(content.toString());
      if (properties.type === 'command') {
        handler.command(chargingCommand.parse(body));
        return;
      }
      if (properties.type === 'held') {
        chargerHeld.parse(body);
        handler.held(heldCharger.parse(body));
        return;
      }
      const held = handler.locate(locateQuestion.parse(body).chargePointId);
      channel.publish('', properties.replyTo, Buffer.from(JSON.stringify(held ?? null)), {
        correlationId: properties.correlationId,
        contentType: 'application/json',
      });
    } catch (error) {
      connection.log.error(
        { code: 'COMMAND_UNREADABLE', error: messageOf(error), message: properties.messageId },
        'a command or question was dropped',
      );
    }
  }
}
