import type { LedgerSession } from '../ledger.js';

export type Payload = Record<string, unknown>;

/** A CALL a charger means to make. */
export interface Call {
  readonly action: string;
  /**
   * Transaction-related: kept while offline, resent, delivered in order (OCPP 1.6, 3.7; 2.0.1 Part 2, E12).
   * Everything else is worth sending only while it is true, and is forgotten with the connection.
   */
  readonly durable: boolean;
  /** Asked for once, at the first transmission: only then is a 1.6 transaction id known. */
  readonly payload: () => Payload;
  readonly session?: LedgerSession;
  /** The last frame of its session: once it is answered or given up, the session is closed. */
  readonly last?: boolean;
  /** A CALLRESULT came. For a frame sent several times it is called for each answer. */
  readonly answered?: (payload: Payload) => void;
  /** A CALLERROR came for something that is not durable. */
  readonly refused?: (code: string) => void;
}
