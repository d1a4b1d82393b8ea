/**
 * A customer's sessions, live and past, what they cost, and their receipts. The tables are what they are made of; where
 * the log has told of something newer of a session, that is laid over it.
 */
import type { Queries } from '../../analytics/ports.js';
import { outletsOf } from '../../domain/customers/outlets.js';
import { type Receipt, receiptOf } from '../../domain/customers/receipt.js';
import { lookUp } from '../../domain/registry/state.js';
import { stateAt } from '../../domain/registry/timeline.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Replica } from '../../registry/replica.js';
import { camelCased } from '../camel-case.js';
import type { ChargingBook } from './book.js';
import type { Reckoned, SessionPricer } from './pricer.js';
import type { SessionRow } from './session-row.js';
import { type SessionOut, viewOfSession } from './view.js';

export interface SessionDeskOptions {
  readonly queries: Pick<Queries, 'ask'>;
  readonly book: Pick<ChargingBook, 'session' | 'sessionsOf'>;
  readonly replica: Pick<Replica, 'state' | 'get'>;
  readonly pricer: Pick<SessionPricer, 'reckon'>;
  readonly supplier: {
    readonly name: string | undefined;
    readonly address: string | undefined;
    readonly vatId: string | undefined;
  };
}

export interface SessionsAsked {
  readonly limit: number;
  readonly cursor: string;
  readonly status: '' | 'active' | 'completed' | 'abandoned' | 'orphan';
}

const milli = (amount: number | null): number | null => (amount === null ? null : Math.round(amount * 1_000));

export class SessionDesk {
  constructor(private readonly options: SessionDeskOptions) {}

  /** Newest first. */
  async list(
    accountId: string,
    { limit, cursor, status }: SessionsAsked,
  ): Promise<{ sessions: SessionOut[]; nextCursor: string | null }> {
    const rows = await this.rows({ account_id: accountId, limit: limit + 1, cursor, status });
    const page = rows.slice(0, limit);
    const reckoned = await this.options.pricer.reckon(page);
    const sessions = page.map((row) => this.shown(row, reckoned.get(row.sessionId)));
    const next = rows.length > limit ? (page.at(-1)?.cursor ?? null) : null;
    // Begun a moment ago: announced, and in no table yet. Each has its page by its start, and when it is written the same.
    if (status === '' || status === 'active')
      sessions.push(...this.unwritten(accountId, page, { after: cursor, upTo: next ?? '' }));
    sessions.sort((a, b) => compareKeys(keyOf(b), keyOf(a)));
    return { sessions, nextCursor: next };
  }

  /** Rejects with SESSION_UNKNOWN, also for another's. */
  async one(accountId: string, sessionId: string): Promise<SessionOut> {
    const row = await this.row(accountId, sessionId);
    if (row !== undefined) return this.shown(row, (await this.options.pricer.reckon([row])).get(sessionId));
    const known = this.options.book.session(sessionId);
    if (known?.session.accountId !== accountId) throw unknownSession(sessionId);
    return viewOfSession(undefined, known, undefined, this.stationName(known.session.stationId));
  }

  /**
   * Rejects with SESSION_UNKNOWN, and with why there is no receipt: SESSION_GOES_ON, SESSION_HELD, SESSION_ORPHAN,
   * COST_UNKNOWN, SUPPLIER_UNKNOWN.
   */
  async receipt(accountId: string, sessionId: string): Promise<Receipt> {
    const row = await this.row(accountId, sessionId);
    if (row === undefined) {
      if (this.options.book.session(sessionId)?.session.accountId !== accountId)
        throw unknownSession(sessionId);
      throw noReceipt('SESSION_GOES_ON', 'The session has only just begun.');
    }
    if (row.status === 'active' || row.stoppedAt === null)
      throw noReceipt('SESSION_GOES_ON', 'The session goes on; there is a receipt when it has ended.');
    if (row.status === 'orphan')
      throw noReceipt('SESSION_ORPHAN', 'Nothing is known of how this session began; it is not billed.');
    if (row.held)
      throw noReceipt(
        'SESSION_HELD',
        `Somebody has to look at this session before it is billed${row.anomalies.length === 0 ? '' : ` (${row.anomalies.join(', ')})`}.`,
      );
    const pricing = (await this.options.pricer.reckon([row])).get(sessionId)?.pricing;
    if (pricing?.kind !== 'priced')
      throw noReceipt(
        'COST_UNKNOWN',
        pricing === undefined ? 'no price is known' : `${pricing.reason}: ${pricing.detail}`,
      );
    const { cost } = pricing;
    const { inclVat } = cost;
    if (inclVat === null || row.energyWh === null)
      throw noReceipt('COST_UNKNOWN', 'vat-unknown: the tariff does not say how much VAT its limits hold');
    const { replica } = this.options;
    const station = replica.get('station', row.stationId)?.state;
    return receiptOf({
      sessionId,
      evseId: this.printedId(row),
      chargePointId: row.chargePointId,
      station: {
        id: row.stationId,
        name: station?.name ?? null,
        address: station?.address ?? null,
        city: station === undefined ? null : [station.postal_code, station.city].filter(Boolean).join(' '),
        country: station?.country ?? null,
      },
      timeZone: station?.time_zone ?? null,
      startedAt: Date.parse(row.startedAt),
      stoppedAt: Date.parse(row.stoppedAt),
      energyMilli: milli(row.energyWh) as number,
      estimated: row.estimated,
      tariff: row.tariff,
      supplier: this.supplierOf(station?.operator?.name),
      // The log keeps it: whoever shows it adds the name, as long as there is one.
      customer: { accountId, name: null },
      cost: { ...cost, inclVat },
    });
  }

  private supplierOf(operator: string | undefined): Receipt['supplier'] {
    const { name = operator, address = null, vatId = null } = this.options.supplier;
    if (name !== undefined) return { name, address, vatId };
    throw noReceipt('SUPPLIER_UNKNOWN', 'It is not known who supplied the energy.', {
      remedy: 'An operator sets WATTSTREAM_RECEIPT_SUPPLIER, or names the operator of the station.',
    });
  }

  /** The eMI3 id, else the charge point and the outlet's number. */
  private printedId(row: SessionRow): string {
    const point = lookUp(this.options.replica.state, 'point', row.chargePointId);
    const state = point && stateAt(point, Date.parse(row.startedAt));
    const is16 = row.protocol === 'ocpp1.6';
    const outlet = (state ? outletsOf(state) : []).find((one) =>
      is16 ? one.number16 === row.connectorId : one.evseId === row.evseId,
    );
    return outlet?.printedId ?? `${row.chargePointId}*${(is16 ? row.connectorId : row.evseId) ?? '?'}`;
  }

  private async row(accountId: string, sessionId: string): Promise<SessionRow | undefined> {
    return (await this.rows({ account_id: accountId, session_id: sessionId }))[0];
  }

  private async rows(params: Record<string, unknown>): Promise<SessionRow[]> {
    const { rows } = await this.options.queries.ask('account-sessions', params);
    return rows.map((row) => camelCased<SessionRow>(row));
  }

  private shown(row: SessionRow, reckoned: Reckoned | undefined): SessionOut {
    const known = this.options.book.session(row.sessionId);
    const newer = known !== undefined && known.version >= row.version ? known : undefined;
    return viewOfSession(row, newer, reckoned, this.stationName(row.stationId));
  }

  /** @param range cursors between which the page lies; '': it has no end there */
  private unwritten(
    accountId: string,
    page: readonly SessionRow[],
    { after, upTo }: { readonly after: string; readonly upTo: string },
  ): SessionOut[] {
    const written = new Set(page.map(({ sessionId }) => sessionId));
    return this.options.book
      .sessionsOf(accountId)
      .filter(({ session }) => session.status === 'active' && !written.has(session.sessionId))
      .filter(
        ({ session }) =>
          (after === '' || compareKeys(keyOf(session), keyIn(after)) < 0) &&
          (upTo === '' || compareKeys(keyOf(session), keyIn(upTo)) > 0),
      )
      .map((known) => viewOfSession(undefined, known, undefined, this.stationName(known.session.stationId)));
  }

  private stationName(stationId: string): string | null {
    return this.options.replica.get('station', stationId)?.state.name ?? null;
  }
}

/** What pages are in the order of: milliseconds and id, as the question of the tables has it. */
type Key = readonly [number, string];
const keyOf = ({ startedAt, sessionId }: { startedAt: string; sessionId: string }): Key => [
  Date.parse(startedAt),
  sessionId,
];
const keyIn = (cursor: string): Key => {
  const separator = cursor.indexOf('_');
  return [Number(cursor.slice(0, separator)), cursor.slice(separator + 1)];
};
const compareKeys = ([aMs, aId]: Key, [bMs, bId]: Key): number =>
  aMs - bMs || (aId < bId ? -1 : aId > bId ? 1 : 0);

const unknownSession = (sessionId: string): WattstreamError =>
  new WattstreamError('SESSION_UNKNOWN', `You have no session ${sessionId}.`);

const noReceipt = (code: string, message: string, options = {}): WattstreamError =>
  new WattstreamError(code, message, options);
