/**
 * A connection that comes back by itself, and channels on it that do.
 *
 * `amqp-connection-manager` keeps the connection: several addresses in turn, heartbeats, a new attempt after a pause. Its
 * `ChannelWrapper` is not used. With amqplib 2 it rejects what was unconfirmed when the connection went, instead of
 * sending it again; what it does send again it puts behind what came later; and after an error of the channel alone
 * (an exchange that is missing) it waits for ever. `KeptChannel` is opened anew in either case.
 */
import { type AmqpConnectionManager, connect } from 'amqp-connection-manager';
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { type AmqpTls, closeAmqp, REPLY, replyCodeOf, unreachable } from '../../platform/amqp.js';
import { brokerUrls } from '../../platform/config.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import { type Logger, silentLogger } from '../../platform/logger.js';
import { backoffMs, withTimeout } from '../../platform/retry.js';
import { gatherWrites } from './gather-writes.js';

export interface QueueConnectionOptions {
  /** amqp[s]://user:password@host:port/vhost, or several of one cluster. */
  readonly amqpUrl: string;
  readonly tls?: AmqpTls;
  /** Shown by the broker's management. */
  readonly name: string;
  /** A dead peer is noticed after about twice this. Default 5. */
  readonly heartbeatSeconds?: number;
  /** Between attempts to connect. Default 500. */
  readonly reconnectMs?: number;
  readonly log?: Logger;
  /**
   * Declares the topology: before the first channel is opened, and before one is opened anew after something was
   * missing (404). When it fails the channels are opened all the same: what they miss, they say.
   */
  readonly repair?: () => Promise<void>;
}

const CONNECT_LIMIT_MS = 10_000;
const CLOSE_LIMIT_MS = 2_000;
const REOPEN = { firstMs: 50, maxMs: 5_000 };
/** A channel that held this long counts as good: the next attempt is made at once again. */
const SETTLED_MS = 10_000;

export class QueueConnection {
  private readonly manager: AmqpConnectionManager;
  private readonly channels = new Set<KeptChannel>();
  private closing = false;
  private preparing: Promise<void> | undefined;
  private prepared = false;
  /** Why there is no connection; undefined while there is one. */
  trouble: WattstreamError | undefined;
  readonly log: Logger;

  constructor(readonly options: QueueConnectionOptions) {
    this.log = options.log ?? silentLogger;
    const urls = brokerUrls(options.amqpUrl);
    this.trouble = unreachable(urls[0] ?? '', new Error('not connected yet'));
    this.manager = connect(urls, {
      heartbeatIntervalInSeconds: options.heartbeatSeconds ?? 5,
      reconnectTimeInSeconds: (options.reconnectMs ?? 500) / 1_000,
      connectionOptions: {
        timeout: CONNECT_LIMIT_MS,
        noDelay: true,
        clientProperties: { connection_name: options.name },
        ...options.tls,
      },
    });
    this.manager.on('connectFailed', ({ err, url }) => {
      this.trouble = unreachable(typeof url === 'string' ? url : (urls[0] ?? ''), err);
      this.warn(this.trouble);
    });
    this.manager.on('disconnect', ({ err }) => {
      this.trouble = new WattstreamError(
        'BROKER_CONNECTION_LOST',
        `The connection to RabbitMQ is gone: ${messageOf(err)}`,
        { canRetry: true },
      );
      if (!this.closing) this.warn(this.trouble);
    });
    this.manager.on('blocked', ({ reason }) =>
      this.log.warn(
        {
          code: 'BROKER_BLOCKED',
          reason,
          remedy: 'RabbitMQ takes no messages until it has memory and disk again.',
        },
        'publishing waits',
      ),
    );
    this.manager.on('connect', () => {
      if (this.manager.connection !== undefined) gatherWrites(this.manager.connection);
      this.trouble = undefined;
      this.log.info({ connection: options.name }, 'connected to RabbitMQ');
      void this.prepare().then(() => {
        for (const channel of this.channels) channel.open();
      });
    });
  }

  /** What channels may be opened on. */
  get current(): ChannelModel | undefined {
    return this.closing || !this.prepared ? undefined : this.manager.connection;
  }

  private prepare(): Promise<void> {
    this.preparing ??= this.repair().then(() => {
      this.prepared = true;
    });
    return this.preparing;
  }

  /** Never rejects. */
  async repair(): Promise<void> {
    try {
      await this.options.repair?.();
    } catch (error) {
      this.log.warn(
        {
          code: error instanceof WattstreamError ? error.code : 'TOPOLOGY_REFUSED',
          error: messageOf(error),
          remedy: error instanceof WattstreamError ? error.remedy : undefined,
        },
        'exchanges and queues could not be declared',
      );
    }
  }

  channel(options: KeptChannelOptions): KeptChannel {
    const channel = new KeptChannel(this, options, () => this.channels.delete(channel));
    this.channels.add(channel);
    channel.open();
    return channel;
  }

  /** Ends the connection because of a fault that its owner noticed; a new one follows. */
  reconnect(): void {
    if (!this.closing) this.manager.reconnect();
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    for (const channel of this.channels) await channel.close();
    await withTimeout(this.manager.close(), CLOSE_LIMIT_MS, 'Closing').catch(() => {});
  }

  private warn({ code, message, remedy }: WattstreamError): void {
    this.log.warn({ code, error: message, remedy }, 'no connection to RabbitMQ; a new one follows');
  }
}

export interface KeptChannelOptions {
  readonly name: string;
  /** Prepares the channel; it is `ready` once this has resolved. When it rejects, another channel is tried. */
  use?(channel: ConfirmChannel): Promise<void>;
  /** `use` is done. */
  onReady?(channel: ConfirmChannel): void;
  /** The channel that `use` had is gone; nothing more comes from it. */
  onGone?(reason: WattstreamError): void;
}

/** One channel with publisher confirms, opened anew whenever it is gone, until it is closed. */
export class KeptChannel {
  private opening = false;
  private again: NodeJS.Timeout | undefined;
  private attempt = 0;
  private closed = false;
  private usable: ConfirmChannel | undefined;
  private readonly waiting = new Set<() => void>();
  private underway: ConfirmChannel | undefined;

  constructor(
    private readonly connection: QueueConnection,
    private readonly options: KeptChannelOptions,
    private readonly forget: () => void,
  ) {}

  /** Undefined while there is none. */
  get ready(): ConfirmChannel | undefined {
    return this.usable;
  }

  /** The channel, waited for. Rejects with why there is none after `ms`. */
  async whenReady(ms: number): Promise<ConfirmChannel> {
    if (this.usable) return this.usable;
    let done!: () => void;
    const opened = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.waiting.add(done);
    await withTimeout(opened, ms, 'Opening a channel').catch(() => {});
    this.waiting.delete(done);
    if (this.usable) return this.usable;
    throw (
      this.connection.trouble ??
      new WattstreamError('BROKER_UNREACHABLE', 'RabbitMQ gives no channel', { canRetry: true })
    );
  }

  open(): void {
    if (this.opening || this.closed || this.underway) return;
    const { current } = this.connection;
    if (!current) return;
    clearTimeout(this.again);
    this.opening = true;
    void this.tryOpen(current).finally(() => {
      this.opening = false;
      // The connection may have gone, and another come, meanwhile.
      if (!this.underway && this.connection.current !== current) this.open();
    });
  }

  /** Gives the channel up because of something that its owner noticed; another one follows. */
  async renew(): Promise<void> {
    if (this.underway) await closeAmqp(this.underway);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.again);
    this.forget();
    const channel = this.underway;
    if (channel) await withTimeout(closeAmqp(channel), CLOSE_LIMIT_MS, 'Closing').catch(() => {});
  }

  private async tryOpen(model: ChannelModel): Promise<void> {
    const startedAt = performance.now();
    let channel: ConfirmChannel | undefined;
    let fault: unknown;
    try {
      const opened: ConfirmChannel = await model.createConfirmChannel();
      channel = opened;
      if (this.closed) {
        await closeAmqp(opened);
        return;
      }
      this.underway = opened;
      // One per message that is being moved.
      opened.setMaxListeners(0);
      opened.on('error', (error: unknown) => {
        fault = error;
      });
      opened.once('close', () => this.gone(opened, fault, startedAt));
      await this.options.use?.(opened);
      if (this.underway !== opened) return;
      this.usable = opened;
      this.options.onReady?.(opened);
      for (const resume of this.waiting) resume();
    } catch (error) {
      fault ??= error;
      if (channel && this.underway === channel) await closeAmqp(channel);
      // Whose close was heard goes on from there.
      else if (!channel) this.tryLater(fault, startedAt);
    }
  }

  private gone(channel: Channel, fault: unknown, startedAt: number): void {
    if (this.underway !== channel) return;
    this.underway = undefined;
    this.usable = undefined;
    const reason = new WattstreamError(
      'BROKER_CHANNEL_LOST',
      `The channel ${this.options.name} is gone: ${fault === undefined ? 'closed' : messageOf(fault)}`,
      { canRetry: true, cause: fault },
    );
    this.options.onGone?.(reason);
    this.tryLater(fault, startedAt);
  }

  /** While the connection stands; else the next one opens it. */
  private tryLater(fault: unknown, startedAt: number): void {
    if (this.closed) return;
    if (performance.now() - startedAt > SETTLED_MS) this.attempt = 0;
    if (fault !== undefined && this.connection.current)
      this.connection.log.warn(
        {
          code: 'BROKER_CHANNEL_LOST',
          channel: this.options.name,
          error: messageOf(fault),
          attempt: this.attempt,
        },
        'a channel is gone; a new one follows',
      );
    this.again = setTimeout(
      async () => {
        if (replyCodeOf(fault) === REPLY.notFound) await this.connection.repair();
        this.open();
      },
      backoffMs(this.attempt++, REOPEN),
    );
    this.again.unref();
  }
}
