/**
 * Messages that must arrive: kept here until RabbitMQ has confirmed them, and sent again, in order, over each new
 * channel until then. At least once, therefore: what was stored but not confirmed comes once more.
 *
 *   send -> waiting --channel--> in flight --confirm--> done
 *              ^---- channel gone, nack, returned ----/
 *
 * A message that comes back unroutable (`mandatory`) reached no queue: its exchange has lost its bindings. The topology
 * is declared again, and the message sent again.
 */
import type { ConfirmChannel, Options } from 'amqplib';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import { backoffMs } from '../../platform/retry.js';
import type { KeptChannel, QueueConnection } from './connection.js';

export interface Outgoing {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly properties: Options.Publish & { readonly messageId: string };
}

interface Entry extends Outgoing {
  readonly resolve: () => void;
  readonly reject: (error: WattstreamError) => void;
  returned: boolean;
}

export interface OutboxOptions {
  readonly connection: QueueConnection;
  readonly name: string;
  /** Messages kept here at most; beyond it `send` rejects. */
  readonly maxUnconfirmed: number;
}

/** What the broker refuses (a full queue, a node that is away) is tried again after this. */
const AGAIN = { firstMs: 50, maxMs: 2_000 };

export class Outbox {
  private waiting: Entry[] = [];
  private readonly inFlight = new Set<Entry>();
  private readonly kept: KeptChannel;
  private closed = false;
  private refusals = 0;
  private pause: NodeJS.Timeout | undefined;
  private hasRoom = true;
  private readonly idle = new Set<() => void>();

  constructor(private readonly options: OutboxOptions) {
    this.kept = options.connection.channel({
      name: options.name,
      use: async (channel) => {
        channel.on('return', ({ properties }: { properties: { messageId?: string } }) => {
          for (const entry of this.inFlight)
            if (entry.properties.messageId === properties.messageId) entry.returned = true;
        });
        channel.on('drain', () => {
          this.hasRoom = true;
          this.pump();
        });
        this.hasRoom = true;
      },
      onReady: () => this.pump(),
      onGone: () => {
        this.waiting = [...this.inFlight, ...this.waiting];
        this.inFlight.clear();
      },
    });
  }

  get unconfirmed(): number {
    return this.inFlight.size + this.waiting.length;
  }

  /** Resolves when it is confirmed. Rejects with PUBLISHER_FULL (it was not taken), PUBLISHER_CLOSED. */
  send(message: Outgoing): Promise<void> {
    if (this.closed) return Promise.reject(closedError());
    if (this.unconfirmed >= this.options.maxUnconfirmed)
      return Promise.reject(
        new WattstreamError('PUBLISHER_FULL', `${this.unconfirmed} messages wait for their confirms`, {
          canRetry: true,
          remedy: 'Wait until RabbitMQ is back, or until `unconfirmed` has gone down.',
        }),
      );
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...message, resolve, reject, returned: false });
      this.pump();
    });
  }

  /** Takes no more; what is not confirmed within `drainMs` is rejected with PUBLISHER_CLOSED. */
  async close(drainMs: number): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.unconfirmed > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.idle.add(resolve);
        timer = setTimeout(resolve, drainMs);
      });
      clearTimeout(timer);
    }
    clearTimeout(this.pause);
    const left = [...this.inFlight, ...this.waiting];
    this.inFlight.clear();
    this.waiting = [];
    for (const entry of left) entry.reject(closedError());
    await this.kept.close();
  }

  private pump(): void {
    const channel = this.kept.ready;
    if (!channel || this.pause || this.waiting.length === 0) return;
    let sent = 0;
    while (this.hasRoom && sent < this.waiting.length) {
      const entry = this.waiting[sent++]!;
      entry.returned = false;
      this.inFlight.add(entry);
      try {
        this.hasRoom = channel.publish(
          entry.exchange,
          entry.routingKey,
          entry.body,
          entry.properties,
          (error) => this.settled(channel, entry, error),
        );
      } catch (error) {
        // The channel is closing: `onGone` puts back what is in flight.
        if (error instanceof Error && error.name === 'IllegalOperationError') break;
        this.inFlight.delete(entry);
        entry.reject(
          new WattstreamError('MESSAGE_INVALID', `A message cannot be written: ${messageOf(error)}`, {
            cause: error,
          }),
        );
      }
    }
    this.waiting.splice(0, sent);
  }

  private settled(channel: ConfirmChannel, entry: Entry, error: unknown): void {
    // amqplib settles everything with an error when the channel goes; `onGone` has that.
    if (channel !== this.kept.ready || !this.inFlight.has(entry)) return;
    if (error instanceof Error && /channel closed/.test(error.message)) return;
    this.inFlight.delete(entry);
    if (!error && !entry.returned) {
      this.refusals = 0;
      entry.resolve();
      if (this.unconfirmed === 0) for (const resume of this.idle) resume();
      return;
    }
    this.waiting.unshift(entry);
    this.options.connection.log.warn(
      { code: entry.returned ? 'MESSAGE_UNROUTABLE' : 'MESSAGE_REFUSED', exchange: entry.exchange },
      entry.returned
        ? 'the exchange is bound to nothing; the topology is declared again'
        : 'RabbitMQ could not take a message; it is sent again',
    );
    this.later(entry.returned);
  }

  private later(repair: boolean): void {
    if (this.pause) return;
    this.pause = setTimeout(
      async () => {
        if (repair) await this.options.connection.repair();
        this.pause = undefined;
        this.pump();
      },
      backoffMs(this.refusals++, AGAIN),
    );
  }
}

const closedError = (): WattstreamError =>
  new WattstreamError('PUBLISHER_CLOSED', 'The publisher was closed before RabbitMQ confirmed the message');
