/**
 * The rows that the log amounts to: absolute facts keyed by identity. Times are epoch milliseconds, amounts
 * thousandths of the base unit; `deleted` marks a fact that no longer holds (a tombstone).
 */
import type { EnergySource } from './energy.js';
import type { Sample } from './events.js';

export interface SessionRow {
  chargePointId: string;
  /** The last record that touched it: its version. */
  offset: number;
  sessionId: string;
  connectorId: number | null;
  evseId: number | null;
  transactionId: string;
  idToken: string;
  authStatus: string;
  stationId: string;
  accountId: string;
  tariff: string;
  status: 'active' | 'completed' | 'abandoned' | 'orphan';
  held: boolean;
  startedAt: number;
  stoppedAt: number | null;
  unpluggedAt: number | null;
  lastSeenAt: number;
  clockSuspect: boolean;
  meterStartMilli: number | null;
  meterStopMilli: number | null;
  energyMilli: number | null;
  energySource: EnergySource;
  exportMilli: number | null;
  maxPowerMilli: number | null;
  socStartMilli: number | null;
  socEndMilli: number | null;
  stopReason: string;
  chargingMs: number;
  idleMs: number;
  estimated: boolean;
  anomalies: { kind: string; detail: string }[];
  remoteStartId: number | null;
  protocol: string;
  deleted: boolean;
}

export interface QuarterRow {
  chargePointId: string;
  /** The last record that touched it: its version. */
  offset: number;
  sessionId: string;
  connectorId: number | null;
  evseId: number | null;
  bucket: number;
  energyMilli: number;
  peakPowerMilli: number | null;
  connectedMs: number;
  chargingMs: number;
  deleted: boolean;
}

/** Samples of one time in one frame: one row of the table for each. They share all that is said here. */
export interface MeterValuesRow {
  chargePointId: string;
  offset: number;
  at: number;
  sentAt: number | null;
  origin: string;
  connectorId: number | null;
  evseId: number | null;
  sessionId: string | null;
  samples: readonly Sample[];
}

export interface StatusIntervalRow {
  chargePointId: string;
  /** The last record that touched it: its version. */
  offset: number;
  evseId: number;
  connectorId: number;
  from: number;
  to: number | null;
  status: string;
  errorCode: string;
  vendorCode: string;
  deleted: boolean;
}

export interface ConnectionRow {
  chargePointId: string;
  /** The last record that touched it: its version. */
  offset: number;
  connection: string;
  gateway: string;
  protocol: string;
  address: string;
  from: number;
  to: number | null;
  closeCode: number | null;
}

export interface AnomalyRow {
  chargePointId: string;
  offset: number;
  number: number;
  sessionId: string | null;
  at: number;
  kind: string;
  detail: string;
}

/** What one charge point has to say since it was last asked. */
export interface Rows {
  sessions: SessionRow[];
  quarters: QuarterRow[];
  meterValues: MeterValuesRow[];
  statusIntervals: StatusIntervalRow[];
  connections: ConnectionRow[];
  anomalies: AnomalyRow[];
}

export const noRows = (): Rows => ({
  sessions: [],
  quarters: [],
  meterValues: [],
  statusIntervals: [],
  connections: [],
  anomalies: [],
});
