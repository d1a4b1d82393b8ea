/**
 * A record of the stream `ocpp.frames`: one OCPP-J frame as it crossed the socket, or a fact about the
 * connection itself. The log of these records is the only truth; every table is computed from it.
 */

/** WebSocket subprotocols, as negotiated. */
export const PROTOCOLS = ['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Subjects of records that are not frames: the connection's and the gateway's own. */
export const CONNECTION_SUBJECTS = ['Connected', 'Disconnected', 'GatewayAlive', 'GatewayStarted'] as const;
export type ConnectionSubject = (typeof CONNECTION_SUBJECTS)[number];

export interface FrameRecord {
  /** The frame's text byte for byte (secrets redacted); for connection records a JSON object. */
  readonly body: string;
  /** OCPP action, a ConnectionSubject, or `CallResult` / `CallError` for charger answers to our commands. */
  readonly subject: string;
  /** For GatewayAlive and GatewayStarted: the gateway id. */
  readonly chargePointId: string;
  /** OCPP message id; absent on connection records. */
  readonly messageId?: string;
  /** When ingest had the frame, epoch milliseconds. The only clock a reader of the log may use. */
  readonly receivedAt: number;
  readonly protocol?: Protocol;
  /** `in` = from the charger. */
  readonly direction: 'in' | 'out';
  readonly gateway: string;
  /** Unique per connection; absent on gateway records. */
  readonly connection?: string;
  /** Per connection, from 1. */
  readonly seq?: number;
  /**
   * What was answered, as the JSON text of the CALLRESULT payload, when it carries a decision
   * (BootNotification, Authorize, StartTransaction, TransactionEvent); of the `[code, description]` pair
   * when the answer was a CALLERROR.
   */
  readonly answer?: string;
  /** Enrichment: what the registry said at the frame's corrected event time. */
  readonly station?: string;
  readonly account?: string;
  /** `<id>@<version>`. */
  readonly tariff?: string;
  /** Public keys of the charge point's meters, separated by spaces; on frames that carry signed meter data. */
  readonly meterKeys?: string;
}

/** Where a record lies in the log. Offsets rise but are not contiguous. */
export interface Position {
  readonly partition: number;
  readonly offset: number;
}

export type StoredRecord = FrameRecord & Position;

/** Body of a `Connected` record. */
export interface ConnectedBody {
  address: string;
  protocol: Protocol;
  /** OCPP security profile by which the charger was admitted. */
  securityProfile: 0 | 1 | 2 | 3;
}

/** Body of a `Disconnected` record. `code` is the WebSocket close code (RFC 6455, 7.4). */
export interface DisconnectedBody {
  code: number;
  reason: string;
}
