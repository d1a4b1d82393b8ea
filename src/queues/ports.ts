/**
 * The queues as the rest of wattstream sees them. The streams' counterpart is `src/streams/ports.ts`; publishing a
 * frame (`publishOCPPMessage`) is there.
 */

import type { ChargingEventMessage } from '../domain/messages/charging-events.js';
import type { CmsEvent } from '../domain/messages/cms-events.js';
import type { ChargingCommand, HeldCharger, KeptCommand } from '../domain/messages/commands.js';
import type { LoginEvent } from '../domain/messages/login-events.js';
import type { Notification } from '../domain/messages/notifications.js';

/**
 * Facts: at least once. Each resolves when RabbitMQ has confirmed it; sent again after a reconnect until then (readers
 * drop an id they have had). Reject with MESSAGE_INVALID (not as its schema says; never sent), PUBLISHER_CLOSED.
 * Messages of one caller that awaits each are kept in order.
 */
export interface EventPublisher {
  publishChargingEvent(event: ChargingEventMessage): Promise<void>;
  publishNotification(notification: Notification): Promise<void>;
  publishCMSEvent(event: CmsEvent): Promise<void>;
  publishLoginEvent(event: LoginEvent): Promise<void>;
  /** Messages not yet confirmed. */
  readonly unconfirmed: number;
  close(drainMs?: number): Promise<void>;
}

/** Commands: at most once. Nothing here is ever sent a second time. */
export interface CommandSender {
  /**
   * The connection that a charger has now; undefined: no gateway holds it. Rejects with GATEWAY_SILENT (one holds it and
   * does not answer within the time), BROKER_UNREACHABLE (nothing was asked).
   */
  locate(chargePointId: string): Promise<HeldCharger | undefined>;
  /**
   * One attempt. `taken`: a gateway's queue has it. `offline`: RabbitMQ gave it back, nobody holds the charger.
   * `not-sent`: it never left this process. `unknown`: the connection broke before the confirm.
   */
  publishChargingCommand(command: ChargingCommand): Promise<'taken' | 'offline' | 'not-sent' | 'unknown'>;
  close(): Promise<void>;
}

/** What a gateway does with what arrives for its chargers. Neither call may throw. */
export interface CommandHandler {
  command(command: ChargingCommand): void;
  locate(chargePointId: string): HeldCharger | undefined;
  /** Another gateway (or this one) has announced that it holds the charger. */
  held(elsewhere: HeldCharger): void;
}

/** A gateway's own queue, which vanishes with it. Bindings are made anew after each reconnect. */
export interface CommandReceiver {
  /** From now on commands for this charge point come here. Resolves when RabbitMQ has the binding. */
  bind(chargePointId: string): Promise<void>;
  unbind(chargePointId: string): Promise<void>;
  /**
   * Tells every gateway that is bound to this charge point (`CommandHandler.held`; this one hears it too). At most once,
   * and of no consequence when it is lost: never rejects.
   */
  announce(held: HeldCharger): void;
  close(): Promise<void>;
}

/** Commands for chargers that are away: the durable queue `commands.kept`, one active consumer in the whole system. */
export interface KeptCommands {
  /** Resolves when RabbitMQ has confirmed it; sent again after a reconnect until then. */
  keep(command: KeptCommand): Promise<void>;
  /**
   * Takes part. Where this process is the active one, each kept command is handed over, once per connection; it
   * stays in the queue until `settle` says that it need not come again, for days when need be. `take` must not throw.
   */
  consume(take: (command: KeptCommand, settle: () => void) => void): Consumer;
  close(): Promise<void>;
}

/** Why to look whether chargers' local authorization lists are up to date. */
export type ListWake =
  /** A charger came online. */
  | { readonly kind: 'online'; readonly chargePointId: string }
  /** Something was proposed to the registry, whether or not it applied; the making of a one-time token is told to nobody. */
  | { readonly kind: 'changed'; readonly entity: 'token' | 'account' | 'point'; readonly id: string }
  /** Somebody wants it now; `full`: the whole list, whatever the charger says it has. */
  | { readonly kind: 'push'; readonly chargePointId: string; readonly full: boolean };

/**
 * The durable queue `local-lists`: fed by `charger.online` and by changes of tokens, accounts and charging points; one
 * active consumer in the whole system.
 */
export interface ListWakes {
  /** Resolves when RabbitMQ has confirmed it. */
  push(chargePointId: string, full: boolean): Promise<void>;
  /**
   * As `KeptCommands.consume`. `lost`: what was handed over is not this process's any more; another one may be active.
   */
  consume(take: (wake: ListWake, settle: () => void) => void, lost?: () => void): Consumer;
  close(): Promise<void>;
}

/** What became of a message that was worked on. */
export type Outcome =
  | { readonly outcome: 'ack' }
  /** Again after the next delay (1 s, 10 s, 1 min, 1 min ...); after `attempts` it becomes a dead letter. */
  | { readonly outcome: 'retry'; readonly reason: string }
  | { readonly outcome: 'dead-letter'; readonly reason: string };

export interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly routingKey: string;
  /** Parsed JSON. */
  readonly body: unknown;
  /** 1 for the first. */
  readonly attempt: number;
  /** RabbitMQ has delivered it before, to somebody who did not say what became of it. */
  readonly redelivered: boolean;
  readonly publishedAt: number;
}

/** Works on a queue that all processes share; each message goes to one of them. */
export interface WorkQueue {
  /**
   * `handle` gets up to `prefetch` messages at once. What it throws is a `retry` with its message as the reason. Whoever
   * dies before the outcome is known leaves the message to another: at least once.
   */
  consume(options: {
    readonly prefetch: number;
    /** What was taken and has no outcome yet is delivered again, here or elsewhere. */
    readonly lost?: () => void;
    /** After so many failures it is a dead letter. */
    readonly attempts: number;
    handle(delivery: Delivery): Promise<Outcome>;
  }): Consumer;
}

/** Every notification there is, to every process that listens: a queue of its own, which vanishes with it. */
export interface NotificationFeed {
  listen(listener: NotificationListener): Consumer;
}

export interface NotificationListener {
  /** In the order of the queue. Must not throw. */
  notification(notification: Notification): void;
  /** From now on nothing is missed. At each (re)connection. */
  up(): void;
  /** What is published from now on does not come, until `up`. */
  down(): void;
}

export interface Consumer {
  /** Stops taking; resolves when what was taken has an outcome, or after `drainMs` (then it is delivered again). */
  close(drainMs?: number): Promise<void>;
}

/** Something that could not be worked on, kept until somebody decides. */
export interface DeadLetter {
  readonly id: string;
  readonly type: string;
  readonly reason: string;
  readonly attempts: number;
  /** Queue it came from, and the exchange and routing key it was first published with. */
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly deadAt: string;
  /** Parsed JSON, secrets redacted; the text where it is none. */
  readonly body: unknown;
}

/**
 * `actor` is who asked for it. Each letter's redrive or drop is in the log of charging events
 * (`ops.dead-letter.redriven`, `ops.dead-letter.dropped`) before it happens.
 */
export interface DeadLetters {
  /** Oldest first. Looking changes nothing. Rejects with DEAD_LETTERS_BUSY when another looks for too long. */
  list(options: { limit: number }): Promise<{ letters: DeadLetter[]; total: number }>;
  /** Rejects with DEAD_LETTER_UNKNOWN. */
  show(id: string): Promise<DeadLetter>;
  /**
   * Back to the queue it came from, its attempts forgotten; `all` or some ids. Returns those that went; one whose queue is
   * gone, and an id that is not (or no longer) there, is not among them.
   */
  redrive(ids: readonly string[] | 'all', actor: string): Promise<string[]>;
  drop(ids: readonly string[] | 'all', actor: string): Promise<string[]>;
  close(): Promise<void>;
}

/** The queues of webhooks: notifications in, one queue per subscription out, and a stream of what became of attempts. */
export interface WebhookQueues {
  /** The durable queue of all notifications; one consumer at a time in the whole system, in order. */
  incoming(): WorkQueue;
  /** Makes sure that the subscription's queue is there. Rejects when the broker is away. */
  ensure(id: string): Promise<void>;
  /** With everything in it. */
  remove(id: string): Promise<void>;
  /** Into the subscription's queue; resolves when confirmed. In the order of the calls; one that is gone takes nothing. */
  hand(id: string, notification: Notification): Promise<void>;
  /** One consumer at a time, in order. `publishedAt` of its deliveries is when they were handed over. */
  work(id: string): WorkQueue;
  /** Into the stream of attempts. Best effort: never rejects. */
  record(attempt: object): void;
  close(): Promise<void>;
}
