/**
 * What sessions cost so far, told in the rooms that show them. What analytics announces has no costs: tariffs are no
 * part of the log that it is made of. So each process prices what somebody is looking at, out of the tables, in one
 * go every few seconds; a session nobody looks at costs nothing here.
 *
 * A price is told once its row is as new as what was announced. Its row may come late (analytics is catching up,
 * ClickHouse was away): the session stays on the list until then.
 */
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { News, SessionCost } from './news.js';

/** A session as the tables have it. `version` is that of its row. */
export type PricedSession = Omit<SessionCost, 'id' | 'schema' | 'at' | 'type'>;

export interface SessionPrices {
  /** Those of them that the tables know. Rejects when the database does not answer. */
  price(
    wanted: readonly { readonly sessionId: string; readonly chargePointId: string }[],
  ): Promise<readonly PricedSession[]>;
}

interface Wanted {
  readonly sessionId: string;
  readonly chargePointId: string;
  /** The row must be as new as this. */
  readonly version: number;
  /** Epoch milliseconds: then it is given up. */
  readonly until: number;
}

export interface LiveCostsOptions {
  readonly prices: SessionPrices;
  readonly everyMs: number;
  /** Sessions priced at once. */
  readonly batch: number;
  readonly now: () => number;
  readonly tell: (news: News) => void;
  readonly log: Logger;
}

/** Waiting, and remembered. */
const CAPACITY = 20_000;
/** Analytics that is so far behind has the session announced anew when it gets there. */
const PATIENCE_MS = 120_000;

export class LiveCosts {
  /** Longest waiting first. */
  private readonly wanted = new Map<string, Wanted>();
  /** The newest price of sessions that go on, longest untouched first. */
  private readonly known = new Map<string, PricedSession>();
  private readonly timer: NodeJS.Timeout;
  private pricing: Promise<void> | undefined;
  private failing = false;

  constructor(private readonly options: LiveCostsOptions) {
    this.timer = setInterval(() => void this.tick(), options.everyMs).unref();
  }

  /** Of a session that somebody looks at, when something of it was announced or it was shown. */
  want(session: { readonly sessionId: string; readonly chargePointId: string }, version: number): void {
    const { sessionId, chargePointId } = session;
    if ((this.known.get(sessionId)?.version ?? -1) >= version) return;
    const before = this.wanted.get(sessionId);
    if (before !== undefined && before.version >= version) return;
    if (before === undefined && this.wanted.size >= CAPACITY) return;
    const until = this.options.now() + PATIENCE_MS;
    // One that is told of all the time keeps its place, or its turn would never come.
    this.wanted.set(sessionId, { sessionId, chargePointId, version, until });
  }

  /** null: not known yet, or no price can be. */
  of(sessionId: string): SessionCost['cost'] {
    return this.known.get(sessionId)?.cost ?? null;
  }

  forget(sessionId: string): void {
    this.wanted.delete(sessionId);
    this.known.delete(sessionId);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.pricing;
  }

  /** Prices those that have waited longest. Never rejects; at most one at a time. */
  tick(): Promise<void> {
    this.pricing ??= this.price().finally(() => {
      this.pricing = undefined;
    });
    return this.pricing;
  }

  private async price(): Promise<void> {
    const { prices, batch, now, log } = this.options;
    const turn = [...this.wanted.values()].slice(0, batch);
    if (turn.length === 0) return;
    try {
      for (const priced of await prices.price(turn)) this.take(priced);
      this.failing = false;
    } catch (error) {
      if (!this.failing) log.warn({ error: messageOf(error) }, 'sessions cannot be priced; trying again');
      this.failing = true;
    }
    for (const one of turn) {
      if (this.wanted.get(one.sessionId) !== one) continue;
      // To the end, so that the others have their turn.
      this.wanted.delete(one.sessionId);
      if (one.until > now()) this.wanted.set(one.sessionId, one);
    }
  }

  private take(priced: PricedSession): void {
    const { sessionId, version } = priced;
    const wanted = this.wanted.get(sessionId);
    if (wanted !== undefined && version < wanted.version) return;
    this.wanted.delete(sessionId);
    const before = this.known.get(sessionId);
    if (before !== undefined && before.version >= version) return;
    this.known.delete(sessionId);
    if (priced.cost?.final !== true) this.known.set(sessionId, priced);
    if (this.known.size > CAPACITY) this.known.delete(this.known.keys().next().value as string);
    this.options.tell(newsOf(priced, this.options.now()));
  }
}

function newsOf(priced: PricedSession, now: number): News {
  const at = new Date(now).toISOString();
  // Of one row and one version of a tariff there is one price: whoever hears it twice can tell.
  const id = `session.cost:${priced.sessionId}:${priced.version}`;
  return {
    id,
    schema: 1,
    at,
    type: 'session.cost',
    audience: { stationId: priced.stationId || null, accountId: priced.accountId || null },
    event: { id, schema: 1, at, type: 'session.cost', ...priced },
  };
}
