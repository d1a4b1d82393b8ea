/** What is older than memory, asked of the tables by their named questions. */
import type { Queries } from '../../analytics/ports.js';
import type { Receipt } from '../../domain/customers/receipt.js';
import { type ChargingRequest, evolveRequest } from '../../domain/customers/request.js';
import { chargingEvent, receiptEvent } from '../../domain/messages/charging-events.js';
import { camelCased } from '../camel-case.js';
import type { ChargingHistory, OwnSession } from './ports.js';

type Row = Record<string, unknown>;

export const chargingHistoryFrom = (queries: Pick<Queries, 'ask'>): ChargingHistory => ({
  /** By the rule that folds them in memory, so that both say the same. Sessions' part in it the log tells by `charging.*`. */
  async request(requestId) {
    const { rows } = await queries.ask('charging-request', { request_id: requestId });
    return rows.reduce<ChargingRequest | undefined>((request, { payload }) => {
      const event = chargingEvent.safeParse(JSON.parse(String(payload)));
      return event.success ? evolveRequest(request, event.data) : request;
    }, undefined);
  },
  async outlets(chargePointId) {
    const [connectors, sessions] = await Promise.all([
      queries.ask('outlets-now', { charge_point_ids: JSON.stringify([chargePointId]) }),
      queries.ask('live-sessions', { charge_point_id: chargePointId }),
    ]);
    return {
      statuses: connectors.rows.map((row) => camelCased(row)),
      sessions: sessions.rows.map(({ evse_id, connector_id }: Row) => ({
        evseId: numberOrNull(evse_id),
        connectorId: numberOrNull(connector_id),
      })),
    };
  },
  async receipts(sessionId) {
    const { rows } = await queries.ask('charging-events', {
      type: 'charging.receipt',
      session_id: sessionId,
      from: '1900-01-01',
    });
    const byNumber = new Map<string, Receipt>();
    for (const { payload } of [...rows].reverse()) {
      const event = receiptEvent.safeParse(JSON.parse(String(payload)));
      if (event.success && !byNumber.has(event.data.number))
        byNumber.set(event.data.number, event.data.receipt as unknown as Receipt);
    }
    return [...byNumber.values()];
  },
  async session(accountId, sessionId) {
    const { rows } = await queries.ask('account-sessions', { account_id: accountId, session_id: sessionId });
    return rows[0] === undefined ? undefined : camelCased<OwnSession>(rows[0]);
  },
});

const numberOrNull = (value: unknown): number | null => (value == null ? null : Number(value));
