/**
 * What a record means for charging, freed of OCPP versions. `domain/ocpp` decodes records into these;
 * `domain/charging` folds them into sessions, energy, status and presence.
 *
 * Shapes: times are epoch milliseconds as the charger sent them (NaN when unreadable), never corrected
 * here. Quantities are integers in thousandths of the base unit ("milli": mWh, mW, mV, m%), so that
 * arithmetic is exact; watt-hours thus have the 3 decimals of the rules.
 */

export type Phase = string;

export interface Sample {
  readonly at: number;
  readonly measurand: string;
  /** '' = total, else L1, L2, L3, N, L1-N, ... */
  readonly phase: Phase;
  /** Body, Cable, EV, Inlet, Outlet, Upstream. Default Outlet. */
  readonly location: string;
  /** Default Sample.Periodic. */
  readonly context: string;
  /** Thousandths of the base unit; NaN when it is no number (signed data alone). */
  readonly milli: number;
  /** Base unit: Wh, W, varh, var, VAh, VA, A, V, Hertz, Celsius, Percent, or as sent when unknown. */
  readonly unit: string;
  /** The value's text as sent. */
  readonly raw: string;
  /** Signed meter data as sent; `signed.ts` verifies it. */
  readonly signed?: string;
}

/** 1.6 connector, or 2.x EVSE and (optional, never defaulted) connector. 0 is the whole station. */
export interface Outlet {
  readonly evseId?: number;
  readonly connectorId?: number;
}

export interface IdToken {
  /** As sent. Compared without regard to case (OCPP 1.6 section 4; 2.0.1 Part 2, C01). */
  readonly token: string;
  readonly type?: string;
}

/** One schema complaint or protocol oddity that must be seen by people, but stops nothing. */
export interface Oddity {
  /** A kind out of ANOMALY_KINDS. */
  readonly kind: string;
  readonly detail: string;
}

export type ChargingEvent =
  | { kind: 'connected'; address: string; securityProfile: number }
  | { kind: 'disconnected'; code: number; reason: string }
  | { kind: 'gateway-alive' }
  | { kind: 'gateway-started' }
  | {
      kind: 'boot';
      vendor: string;
      model: string;
      serial: string;
      firmware: string;
      reason: string;
      answered: string;
    }
  /** `at` NaN when the charger gave no timestamp (optional in 1.6): then the receipt time stands. */
  | {
      kind: 'status';
      outlet: Outlet;
      status: string;
      errorCode: string;
      vendorCode: string;
      info: string;
      at: number;
    }
  | {
      /** OCPP 1.6 StartTransaction. `transactionId` and `authStatus` are what we answered. */
      kind: 'start';
      outlet: Outlet;
      idToken: IdToken;
      meterStartMilli: number;
      at: number;
      transactionId: string;
      authStatus: string;
      messageId: string;
    }
  | {
      /** OCPP 1.6 StopTransaction. `meterStopMilli` NaN when absent or unreadable. */
      kind: 'stop';
      transactionId: string;
      idToken?: IdToken;
      meterStopMilli: number;
      at: number;
      /** '' when absent (1.6 then means Local). */
      reason: string;
      samples: Sample[];
    }
  | { kind: 'meter-values'; outlet: Outlet; transactionId?: string; samples: Sample[] }
  | {
      /** OCPP 2.x TransactionEvent. */
      kind: 'transaction';
      eventType: 'Started' | 'Updated' | 'Ended';
      transactionId: string;
      seqNo: number;
      at: number;
      trigger: string;
      chargingState?: string;
      stoppedReason?: string;
      outlet?: Outlet;
      idToken?: IdToken;
      authStatus?: string;
      offline: boolean;
      remoteStartId?: number;
      samples: Sample[];
    }
  /** Valid, kept in `frames`, without a meaning for charging (Heartbeat, DataTransfer, ...). */
  | { kind: 'other'; action: string };

/** The decoded record: its event and what looked wrong with it. `undefined` event = undecodable. */
export interface Decoded {
  readonly event: ChargingEvent | undefined;
  readonly oddities: readonly Oddity[];
}
