/**
 * Tells the world what became of customers' requests, and ends those whose time is up. Every api does this for every
 * request: the one that began it at once, the others some seconds later, should that one be dead. The event's id is the
 * same whoever publishes it, and the first in the log counts.
 */
import { type ChargingRequest, isOver, overdue, tidingsOf } from '../../domain/customers/request.js';
import type { ChargingEventMessage } from '../../domain/messages/charging-events.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { EventPublisher } from '../../queues/ports.js';
import type { CommandClock } from '../commands/ports.js';
import type { ChargingBook } from './book.js';

const EVERY_MS = 500;
/** For the api that began a request to speak first. */
const OTHERS_MS = 3_000;
/** Said once and still not in the log: said again after this. */
const AGAIN_MS = 60_000;

export interface HeraldOptions {
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly clock: CommandClock;
  readonly graceMs: number;
  /** 0..1: spreads processes, so that mostly one of them speaks. */
  readonly spread: number;
  readonly logger: Logger;
  /** A request came to nothing, and this process is the one to say so: what was made for it can go. */
  onFailed(request: ChargingRequest): void;
}

export class Herald {
  private readonly said = new Map<string, number>();
  private readonly own = new Set<string>();
  private readonly heardAt = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: HeraldOptions) {}

  /** Begun by this process: it speaks first. */
  adopt(requestId: string): void {
    this.own.add(requestId);
  }

  start(book: Pick<ChargingBook, 'all' | 'level'>): void {
    this.timer = setInterval(() => {
      if (book.level) for (const request of book.all()) this.look(request);
    }, EVERY_MS).unref();
  }

  /** Something has changed about it, or time has passed. */
  look(request: ChargingRequest): void {
    const { requestId } = request.requested;
    if (request.isTold) {
      this.forget(requestId);
      return;
    }
    const { clock } = this.options;
    const now = clock.now();
    if (now < (this.said.get(requestId) ?? Number.NEGATIVE_INFINITY) + AGAIN_MS) return;
    const event = isOver(request) ? this.tidings(request, now) : this.lateness(request, now);
    if (event === undefined) return;
    this.said.set(requestId, now);
    this.say(request, event);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private tidings(request: ChargingRequest, now: number): ChargingEventMessage | undefined {
    const { requestId } = request.requested;
    const heardAt = this.heardAt.get(requestId) ?? now;
    this.heardAt.set(requestId, heardAt);
    const waitMs = this.own.has(requestId) ? 0 : OTHERS_MS * (1 + this.options.spread);
    return now - heardAt >= waitMs ? tidingsOf(request, now) : undefined;
  }

  private lateness(request: ChargingRequest, now: number): ChargingEventMessage | undefined {
    const { requestId, deadline } = request.requested;
    const { graceMs, spread } = this.options;
    const waitMs = graceMs + (this.own.has(requestId) ? 0 : OTHERS_MS * (1 + spread));
    return now >= Date.parse(deadline) + waitMs ? overdue(request, now) : undefined;
  }

  private say(request: ChargingRequest, event: ChargingEventMessage): void {
    this.options.events.publishChargingEvent(event).then(
      () => {
        if (event.type === 'charging.failed') this.options.onFailed(request);
      },
      (error: unknown) =>
        this.options.logger.warn(
          { request: request.requested.requestId, type: event.type, error: messageOf(error) },
          'what became of a request could not be told yet',
        ),
    );
  }

  private forget(requestId: string): void {
    this.said.delete(requestId);
    this.own.delete(requestId);
    this.heardAt.delete(requestId);
  }
}
