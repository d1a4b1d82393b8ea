/**
 * What this process knows at this moment, and who is to be told: takes each notification once, numbers it in every room
 * that somebody holds, hands it on.
 *
 * The queue that feeds it dies with the connection to RabbitMQ. What is published while there is none comes never, so
 *   1. `up` gives every room a new epoch at once: whoever is in one subscribes again;
 *   2. snapshots wait until `prime` has heard what the events log kept of the last minute: rows of what was
 *      announced just before the queue stood may not be written yet, and no notification of it will come.
 */
import type { CommandStep } from '../../domain/messages/charging-events.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { LiveCosts } from './costs.js';
import type { LiveMetrics } from './metrics.js';
import { Newest } from './newest.js';
import type { News } from './news.js';
import type { NotificationListener, Whereabouts } from './ports.js';
import { presentable } from './presentable.js';
import type { StaleReason } from './protocol.js';
import { type Change, Room } from './room.js';
import { roomsOf } from './rooms.js';
import { type RunningCommand, RunningCommands } from './running-commands.js';

export interface HubOptions {
  readonly memoryMs: number;
  /** How long a room that nobody holds keeps its numbers. */
  readonly roomMs: number;
  /** Changes kept per room. */
  readonly replay: number;
  readonly whereabouts: Whereabouts;
  /** Hands `take` what was announced since then (epoch ms); resolves when it is level. Must give up by itself. */
  readonly prime: (since: number, take: (notification: Notification) => void) => Promise<void>;
  /** Told of the sessions that somebody looks at. */
  readonly costs: Pick<LiveCosts, 'want' | 'forget'>;
  readonly now: () => number;
  readonly metrics: LiveMetrics;
  readonly log: Logger;
}

export interface HubListener {
  change(change: Change): void;
  /** The room begins a new epoch: nobody is in it any more. */
  stale(room: string, reason: StaleReason): void;
  feed(live: boolean): void;
}

/** Ids and versions remembered; some 200 bytes each. */
const CAPACITY = 100_000;
/** Something missed over and over must not have everybody read snapshots over and over. */
const RESTART_MS = 5_000;

export class Hub implements NotificationListener {
  private readonly rooms = new Map<string, Room>();
  private readonly newest: Newest;
  private readonly commands: RunningCommands;
  /** Station of a charge point, as notifications told: also of those the registry does not know. */
  private readonly heard = new Map<string, string>();
  private readonly restarts = new Map<string, { at: number; due: boolean }>();
  private listener: HubListener = { change: () => {}, stale: () => {}, feed: () => {} };
  private isLive = false;
  private priming: Promise<void> = Promise.resolve();

  constructor(private readonly options: HubOptions) {
    this.newest = new Newest({ memoryMs: options.memoryMs, capacity: CAPACITY, now: options.now });
    this.commands = new RunningCommands(CAPACITY, options.now);
  }

  tell(listener: HubListener): void {
    this.listener = listener;
  }

  get live(): boolean {
    return this.isLive;
  }

  /** Resolves once a snapshot would be whole. */
  get primed(): Promise<void> {
    return this.priming;
  }

  stationOf(chargePointId: string): string | undefined {
    return this.options.whereabouts.stationOf(chargePointId) ?? this.heard.get(chargePointId);
  }

  notification(received: News): void {
    const { metrics, now } = this.options;
    const verdict = this.newest.take(received);
    metrics.notifications.inc({ verdict });
    if (verdict === 'repeated' || verdict === 'older') return;
    this.learn(received);
    metrics.lag.observe(Math.max(0, now() - Date.parse(received.at)) / 1_000);
    const notification = presentable(received);
    let isLookedAt = false;
    for (const name of roomsOf(received)) {
      const room = this.rooms.get(name);
      if (room === undefined) continue;
      isLookedAt ||= room.holders > 0;
      if (verdict === 'gap') this.restartSoon(room);
      this.listener.change(room.append(notification));
    }
    const { event } = received;
    if ('entityId' in event) return;
    if (event.type === 'session.vanished') this.options.costs.forget(event.sessionId);
    else if (isLookedAt && 'session' in event) this.options.costs.want(event.session, event.version);
  }

  up(): void {
    const { now, memoryMs, log } = this.options;
    this.isLive = true;
    this.priming = this.options
      .prime(now() - memoryMs, (notification) => {
        if (this.newest.take(notification) !== 'older') this.learn(notification);
      })
      .catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'snapshots may lack what is in no table yet: the events log'),
      );
    this.listener.feed(true);
    for (const room of this.rooms.values()) this.restart(room, 'feed-interrupted');
  }

  down(): void {
    if (!this.isLive) return;
    this.isLive = false;
    this.listener.feed(false);
  }

  /** The room, which stays as it is until it is let go of. */
  hold(name: string): Room {
    let room = this.rooms.get(name);
    if (room === undefined) {
      room = new Room(name, this.options.replay);
      this.rooms.set(name, room);
    }
    room.holders += 1;
    return room;
  }

  release(room: Room): void {
    room.holders -= 1;
    if (room.holders === 0) room.emptySince = this.options.now();
  }

  /** Newest notification about each thing, of the last while. */
  recent(): Iterable<News> {
    return this.newest.recent();
  }

  runningCommands(): RunningCommand[] {
    return this.commands.list();
  }

  get roomCount(): number {
    return this.rooms.size;
  }

  /** Called now and then: gives up rooms that everybody left, and restarts those that are due. */
  sweep(): void {
    const now = this.options.now();
    this.newest.forget();
    for (const [name, room] of this.rooms)
      if (room.holders === 0 && now - room.emptySince > this.options.roomMs) this.rooms.delete(name);
    for (const [name, restart] of this.restarts) {
      if (now - restart.at < RESTART_MS) continue;
      const room = this.rooms.get(name);
      if (restart.due && room !== undefined) this.restart(room, 'notification-missed');
      this.restarts.delete(name);
    }
  }

  private learn({ event }: News): void {
    if ('commandId' in event) this.commands.take(event as CommandStep);
    if ('chargePointId' in event && 'stationId' in event) {
      if (event.stationId === '') this.heard.delete(event.chargePointId);
      else this.heard.set(event.chargePointId, event.stationId);
    }
  }

  private restartSoon(room: Room): void {
    const restart = this.restarts.get(room.name);
    if (restart !== undefined) {
      restart.due = true;
      return;
    }
    this.restarts.set(room.name, { at: this.options.now(), due: false });
    this.restart(room, 'notification-missed');
  }

  private restart(room: Room, reason: StaleReason): void {
    room.restart();
    this.options.metrics.restarts.inc({ reason });
    this.listener.stale(room.name, reason);
  }
}
