/**
 * What this process knows of customers' requests, their sessions and outlets: the events' log, followed from about an hour
 * ago and folded into memory. What came of a request is what the log says; two apis that have read the same say the same,
 * and the death of the one that began it changes nothing.
 */

import type { OutletStatus } from '../../domain/customers/outlets.js';
import type { Receipt } from '../../domain/customers/receipt.js';
import { type ChargingRequest, evolveRequest, isOver } from '../../domain/customers/request.js';
import {
  type ChargingEventMessage,
  chargingEvent,
  type SessionView,
} from '../../domain/messages/charging-events.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { EventLog, EventRecord, Following } from '../../streams/ports.js';
import type { CommandClock } from '../commands/ports.js';
import { Waiters } from '../waiters.js';

export interface ChargingBookOptions {
  readonly log: Pick<EventLog, 'follow'>;
  readonly clock: CommandClock;
  readonly rememberMs: number;
  readonly logger: Logger;
  /** A request has changed. Not called for what lay in the log at the start, but once when that has been read. */
  onChange?(request: ChargingRequest): void;
}

/** The newest of a session that somebody's account pays for. */
export interface KnownSession {
  readonly version: number;
  readonly session: SessionView;
}

/** Of the id of a command's step: the command, which is the request. */
const UUID_LENGTH = 36;

export class ChargingBook {
  private readonly requests = new Map<string, ChargingRequest>();
  /** Requests that a session may still be the answer to, by charge point. */
  private readonly openAt = new Map<string, Set<string>>();
  private readonly sessions = new Map<string, KnownSession>();
  private readonly outlets = new Map<string, Map<string, OutletStatus>>();
  private readonly waiters = new Waiters<ChargingRequest>();
  private readonly receipts = new Map<
    string,
    Map<string, { readonly at: string; readonly receipt: Receipt }>
  >();
  private readonly receiptWaiters = new Waiters<Receipt>();
  private readonly following: Following;
  private readonly tidying: NodeJS.Timeout;
  private isLevel = false;

  constructor(private readonly options: ChargingBookOptions) {
    const { log, clock, rememberMs } = options;
    this.following = log.follow({
      from: { since: clock.now() - rememberMs },
      accept: (record) => this.accept(record),
      onLevel: () => {
        this.isLevel = true;
        for (const request of this.requests.values()) options.onChange?.(request);
      },
    });
    this.tidying = setInterval(() => this.forget(), Math.min(60_000, rememberMs)).unref();
  }

  /** Everything that was in the log at the start has been read. */
  get level(): boolean {
    return this.isLevel;
  }

  get(requestId: string): ChargingRequest | undefined {
    return this.requests.get(requestId);
  }

  all(): Iterable<ChargingRequest> {
    return this.requests.values();
  }

  /** Not over yet. */
  openFor(chargePointId: string): ChargingRequest[] {
    return [...(this.openAt.get(chargePointId) ?? [])].flatMap((id) => this.requests.get(id) ?? []);
  }

  session(sessionId: string): KnownSession | undefined {
    return this.sessions.get(sessionId);
  }

  sessionsOf(accountId: string): KnownSession[] {
    return [...this.sessions.values()].filter(({ session }) => session.accountId === accountId);
  }

  /** What was announced of its outlets lately. */
  statusesOf(chargePointId: string): OutletStatus[] {
    return [...(this.outlets.get(chargePointId)?.values() ?? [])];
  }

  /** Resolves as soon as the log says so of the request; with undefined after `withinMs`. */
  until(
    requestId: string,
    is: (request: ChargingRequest) => boolean,
    withinMs: number,
  ): Promise<ChargingRequest | undefined> {
    return this.waiters.until(requestId, this.requests.get(requestId), is, withinMs);
  }

  /** Made out lately, in the order of the log. */
  receiptsOf(sessionId: string): Receipt[] {
    return [...(this.receipts.get(sessionId)?.values() ?? [])].map(({ receipt }) => receipt);
  }

  /** Resolves with the receipt of that number as the log has it; with undefined after `withinMs`. */
  untilReceipt(sessionId: string, number: string, withinMs: number): Promise<Receipt | undefined> {
    const known = this.receipts.get(sessionId)?.get(number)?.receipt;
    return this.receiptWaiters.until(number, known, () => true, withinMs);
  }

  async close(): Promise<void> {
    clearInterval(this.tidying);
    this.receiptWaiters.close();
    this.waiters.close();
    await this.following.close();
  }

  /** Most of the log concerns no customer's request: it is passed over by what can be seen without parsing. */
  private accept({ routingKey, id, body }: EventRecord): void {
    const topic = routingKey.slice(0, routingKey.indexOf('.'));
    const isWanted =
      topic === 'charging' ||
      topic === 'session' ||
      topic === 'connector' ||
      (topic === 'command' && this.requests.has(id.slice(0, UUID_LENGTH)));
    if (!isWanted) return;
    try {
      const event = JSON.parse(body) as ChargingEventMessage;
      // What tables and analytics said is taken as it is; what decides about somebody's request is held to its shape.
      this.take(topic === 'charging' || topic === 'command' ? chargingEvent.parse(event) : event);
    } catch (error) {
      this.options.logger.warn({ routingKey, error: messageOf(error) }, 'an event could not be read');
    }
  }

  private take(event: ChargingEventMessage): void {
    if (event.type === 'connector.status') {
      this.onStatus(event);
      return;
    }
    if (event.type === 'charging.receipt') {
      const { sessionId, number, at, receipt } = event;
      const own = this.receipts.get(sessionId) ?? new Map();
      this.receipts.set(sessionId, own);
      const made = own.get(number) ?? { at, receipt: receipt as unknown as Receipt };
      own.set(number, made);
      this.receiptWaiters.say(number, made.receipt);
      return;
    }
    if (event.type === 'session.vanished') {
      this.sessions.delete(event.sessionId);
      return;
    }
    if ('session' in event) {
      const { version, session } = event;
      const known = this.sessions.get(session.sessionId);
      if (session.accountId !== '' && (known === undefined || version > known.version))
        this.sessions.set(session.sessionId, { version, session });
      for (const request of this.openFor(session.chargePointId))
        this.fold(request.requested.requestId, event);
      return;
    }
    if ('requestId' in event) this.fold(event.requestId, event);
    else if ('commandId' in event) this.fold(event.commandId, event);
  }

  private onStatus(event: OutletStatus & { readonly chargePointId: string }): void {
    const { chargePointId, evseId, connectorId, status, version } = event;
    const outlets = this.outlets.get(chargePointId) ?? new Map<string, OutletStatus>();
    this.outlets.set(chargePointId, outlets);
    const key = `${evseId}/${connectorId}`;
    if ((outlets.get(key)?.version ?? -1) < version)
      outlets.set(key, { evseId, connectorId, status, version });
  }

  private fold(requestId: string, event: ChargingEventMessage): void {
    const before = this.requests.get(requestId);
    const request = evolveRequest(before, event);
    if (request === undefined || request === before) return;
    this.requests.set(requestId, request);
    const { chargePointId } = request.requested;
    const open = this.openAt.get(chargePointId) ?? new Set();
    if (isOver(request)) open.delete(requestId);
    else open.add(requestId);
    if (open.size > 0) this.openAt.set(chargePointId, open);
    else this.openAt.delete(chargePointId);
    this.waiters.say(requestId, request);
    if (this.isLevel) this.options.onChange?.(request);
  }

  private forget(): void {
    const before = new Date(this.options.clock.now() - this.options.rememberMs).toISOString();
    for (const [id, request] of this.requests)
      if (request.isTold && (request.endedAt ?? '') < before) this.requests.delete(id);
    for (const [id, own] of this.receipts)
      if ([...own.values()].every(({ at }) => at < before)) this.receipts.delete(id);
    for (const [id, { session }] of this.sessions) if (session.lastSeenAt < before) this.sessions.delete(id);
  }
}
