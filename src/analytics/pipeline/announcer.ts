/**
 * Announcements on their way: published at once, each to the exchange of events and as a notification, at least once.
 *
 * What is not confirmed is bounded: beyond the bound `isFull`, and whoever reads the log waits. While RabbitMQ is
 * away the publisher keeps what it has; rows go on being written, checkpoints wait (`Lane.confirmed`). The publisher's
 * own faults are tried again; a message that is not as its schema says can never be sent, so it is dropped, and seen.
 */
import type { Announcement } from '../../domain/messages/charging-events.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { untilSuccess } from '../../platform/retry.js';
import type { EventPublisher } from '../../queues/ports.js';
import type { ProcessorMetrics } from './metrics.js';

export interface AnnouncerSettings {
  /** Announcements waiting for a confirm, of all partitions, at which reading waits. */
  readonly unconfirmedMax: number;
  /** Nothing that happened longer ago is announced; 0: nothing is. */
  readonly maxAgeMs: number;
  /** Without a confirm for this long something is wrong. */
  readonly stalledMs: number;
}

export interface AnnouncerParts {
  readonly publisher: Pick<EventPublisher, 'publishChargingEvent' | 'publishNotification'>;
  /** Is what this process folds what people are shown? */
  readonly isActive: () => boolean;
  readonly log: Logger;
  readonly metrics: ProcessorMetrics;
  /** Epoch milliseconds: announcing is no table, so it may look at the clock. */
  readonly now?: () => number;
}

/** One partition's. */
export interface Lane {
  readonly pending: Set<Promise<void>>;
  /** Nothing leaves before this. */
  gate: Promise<void> | undefined;
}

/**
 * How much older than the limit records must be for a reader that begins with them to fold in silence. Not the limit
 * itself: two readers that begin a moment apart must not part ways over records that both of them pass.
 */
const MARGIN_MS = 3_600_000;
const RETRY = { firstMs: 100, maxMs: 5_000 };

export class Announcer {
  private readonly stop = new AbortController();
  /** When each that is not confirmed was made (monotonic), oldest first. */
  private readonly waiting = new Set<{ readonly since: number }>();
  private readonly watch: NodeJS.Timeout;
  private lastConfirm = 0;
  private isStalled = false;
  private failure: string | undefined;
  /** Called when there is room again. */
  onRoom: () => void = () => {};

  constructor(
    private readonly parts: AnnouncerParts,
    private readonly settings: AnnouncerSettings,
  ) {
    this.watch = setInterval(
      () => this.look(),
      Math.max(50, Math.min(1_000, settings.stalledMs / 4)),
    ).unref();
  }

  lane(): Lane {
    return { pending: new Set(), gate: undefined };
  }

  /** Is a record of this age to be announced? */
  wants(receivedAt: number): boolean {
    return this.isActive && this.ageOf(receivedAt) <= this.settings.maxAgeMs;
  }

  /** Is a reader that begins with a record of this age to fold in silence until it meets younger ones? */
  isReplay(receivedAt: number): boolean {
    return !this.isActive || this.ageOf(receivedAt) > this.settings.maxAgeMs + MARGIN_MS;
  }

  get isActive(): boolean {
    return this.settings.maxAgeMs > 0 && this.parts.isActive();
  }

  get isFull(): boolean {
    return this.waiting.size >= this.settings.unconfirmedMax;
  }

  get unconfirmed(): number {
    return this.waiting.size;
  }

  /** Why announcements are not where they should be; undefined when they are. */
  trouble(): string | undefined {
    if (!this.isStalled) return undefined;
    const why = this.failure === undefined ? '' : `: ${this.failure}`;
    return `${this.waiting.size} announcements wait for RabbitMQ's confirm${why}`;
  }

  /** Hands them on in their order. They are late for nobody if they are older than the limit: then they are left out. */
  announce(lane: Lane, announcements: readonly Announcement[], receivedAt: number): void {
    if (announcements.length === 0) return;
    const { metrics } = this.parts;
    if (this.ageOf(receivedAt) > this.settings.maxAgeMs) {
      metrics.announcementsDropped.inc({ reason: 'too_old' }, announcements.length);
      return;
    }
    for (const announcement of announcements) {
      const entry = { since: performance.now() };
      if (this.waiting.size === 0) this.lastConfirm = entry.since;
      this.waiting.add(entry);
      const published = this.publish(lane, announcement).then(() => {
        lane.pending.delete(published);
        this.confirmed(entry);
        metrics.announcements.inc({ type: announcement.type });
      });
      // Whoever must know asks `confirmed`.
      published.catch(() => {});
      lane.pending.add(published);
    }
    metrics.announcementsUnconfirmed.set(this.waiting.size);
  }

  /** Resolves when RabbitMQ has all that was announced of the partition by now. Rejects when this process ends before. */
  async settled(lane: Lane): Promise<void> {
    await Promise.all(lane.pending);
  }

  /** Nothing is tried again after this. */
  close(): void {
    this.stop.abort();
    clearInterval(this.watch);
  }

  private async publish(lane: Lane, announcement: Announcement): Promise<void> {
    const { publisher } = this.parts;
    // Not awaited when there is none: what is published at once is published in order.
    if (lane.gate !== undefined) await lane.gate;
    const notification = notificationOf(announcement);
    await Promise.all([
      this.untilConfirmed(announcement.id, () => publisher.publishChargingEvent(announcement)),
      this.untilConfirmed(announcement.id, () => publisher.publishNotification(notification)),
    ]);
  }

  private async untilConfirmed(id: string, publish: () => Promise<void>): Promise<void> {
    const { log, metrics } = this.parts;
    let invalid: WattstreamError | undefined;
    await untilSuccess(
      () =>
        publish().catch((error: unknown) => {
          if (!(error instanceof WattstreamError) || error.code !== 'MESSAGE_INVALID') throw error;
          invalid = error;
        }),
      {
        backoff: RETRY,
        signal: this.stop.signal,
        onFailure: (error) => {
          // It was not confirmed, and by this process it will not be.
          if (error instanceof WattstreamError && error.code === 'PUBLISHER_CLOSED') throw error;
          this.failure = messageOf(error);
          log.warn({ code: 'ANNOUNCEMENT_FAILED', id, error: this.failure }, 'was not taken; trying again');
        },
      },
    );
    if (invalid === undefined) return;
    metrics.announcementsDropped.inc({ reason: 'invalid' });
    log.error(
      { code: invalid.code, id, error: invalid.message },
      'an announcement is not as its schema says; left out',
    );
  }

  private confirmed(entry: { readonly since: number }): void {
    const wasFull = this.isFull;
    this.waiting.delete(entry);
    this.lastConfirm = performance.now();
    this.parts.metrics.announcementsUnconfirmed.set(this.waiting.size);
    if (wasFull && !this.isFull) this.onRoom();
  }

  private look(): void {
    const { log } = this.parts;
    const silentMs = performance.now() - this.lastConfirm;
    const stalled = this.waiting.size > 0 && silentMs > this.settings.stalledMs;
    if (stalled === this.isStalled) return;
    this.isStalled = stalled;
    if (stalled)
      log.warn(
        { code: 'ANNOUNCEMENTS_WAIT', waiting: this.waiting.size, silentMs: Math.round(silentMs) },
        'RabbitMQ does not confirm announcements; rows are written, checkpoints wait',
      );
    else {
      this.failure = undefined;
      log.info({ waiting: this.waiting.size }, 'announcements are confirmed again');
    }
  }

  private ageOf(receivedAt: number): number {
    return (this.parts.now ?? Date.now)() - receivedAt;
  }
}

/** To everybody who may see it: operators, those who watch its station, the customer it concerns. */
export const notificationOf = (event: Announcement): Notification => ({
  id: event.id,
  schema: 1,
  at: event.at,
  type: event.type,
  audience: { stationId: event.stationId || null, accountId: event.accountId || null },
  event,
});
