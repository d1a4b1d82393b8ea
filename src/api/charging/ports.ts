/** What customers' requests ask of what is older than an api's memory, or lies elsewhere. */
import type { OutletStatus, Taken } from '../../domain/customers/outlets.js';
import type { Receipt } from '../../domain/customers/receipt.js';
import type { ChargingRequest } from '../../domain/customers/request.js';

export interface ChargingHistory {
  /** Folded out of its events. Rejects when it cannot be asked now. */
  request(requestId: string): Promise<ChargingRequest | undefined>;
  /** What the tables know of a charge point's outlets. Rejects when it cannot be asked now. */
  outlets(
    chargePointId: string,
  ): Promise<{ readonly statuses: readonly OutletStatus[]; readonly sessions: readonly Taken[] }>;
  /** One session of an account; undefined: it has none of this id. */
  session(accountId: string, sessionId: string): Promise<OwnSession | undefined>;
  /** Made out for a session, in the order of the log. Rejects when it cannot be asked now. */
  receipts(sessionId: string): Promise<Receipt[]>;
}

export interface OwnSession {
  readonly sessionId: string;
  readonly chargePointId: string;
  readonly stationId: string;
  readonly transactionId: string;
  readonly status: string;
}
