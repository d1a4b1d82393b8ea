import type { Protocol } from '../../domain/ocpp/record.js';
import type { LedgerSession } from '../ledger.js';
import type { Call, Payload } from './call.js';
import type { Memory } from './memory.js';
import type { Profile } from './profile.js';
import type { Settings } from './settings.js';

/** One reading of a connector's meter. `at` is what the charger's clock says. */
export interface Reading {
  readonly at: number;
  readonly wh: number;
  readonly powerW: number;
  /** By phase. */
  readonly volts: readonly number[];
  readonly amps: readonly number[];
  /** 0..1; DC only (ISO 15118 tells). */
  readonly soc?: number;
  readonly context: 'Transaction.Begin' | 'Sample.Periodic' | 'Transaction.End' | 'Trigger';
}

/** What a connector looks like from outside, in words common to the versions. */
export type OutletStatus =
  | 'Available'
  | 'Preparing'
  | 'Reserved'
  | 'Charging'
  | 'SuspendedEV'
  | 'Finishing'
  | 'Unavailable';

export type StopReason =
  | 'Local'
  | 'EVDisconnected'
  | 'Remote'
  | 'DeAuthorized'
  | 'HardReset'
  | 'SoftReset'
  | 'UnlockCommand';

/** A running session as a dialect needs it. Dialects count `seqNo` and nothing else. */
export interface Running {
  readonly ledger: LedgerSession;
  readonly idTag: string;
  readonly readings: Reading[];
  readonly remoteStartId?: number;
  /** It was reserved for this. */
  readonly reservationId?: number;
  seqNo: number;
  /** 2.x: the cable was plugged in before anybody was known, and this session began with it. */
  readonly beganUnauthorized: boolean;
  /** The server's word on the token, each time it gives one. */
  readonly judged: (status: string) => void;
}

export interface Dialect {
  readonly protocol: Protocol;
  boot(reason: BootReason, answered: (payload: Payload) => void, refused: () => void): Call;
  heartbeat(): Call;
  /** The version's own word for it. */
  statusWord(status: OutletStatus): string;
  /** Whether the station itself (connector 0) reports a status. */
  readonly reportsStation: boolean;
  status(connectorId: number, status: OutletStatus, at: number): Call;
  authorize(idTag: string, answered: (status: string) => void): Call;
  started(session: Running, begin: Reading, offline: boolean): Call[];
  /** 2.x, when the session began with the cable: somebody is known now. */
  authorized(session: Running, at: number, offline: boolean): Call[];
  /** 2.x: charging state changes are part of the transaction. */
  changed(session: Running, status: OutletStatus, at: number, offline: boolean): Call[];
  sampled(session: Running, reading: Reading, offline: boolean): Call[];
  /** The version's own word for it. */
  stopWord(reason: StopReason): string;
  stopped(session: Running, end: Reading, reason: StopReason, options: StopOptions): Call[];
  /** A reading taken after the end, reported as if the session still ran. */
  sampledAfterStop(session: Running, reading: Reading): Call;
  /** Replies to the server's CALL: the CALLRESULT's payload, or the CALLERROR's code. */
  reply(action: string, payload: Payload, device: Device): Payload | Refusal;
}

export interface StopOptions {
  readonly offline: boolean;
  /** Some firmware says it twice, first without the reason (seen in the field). */
  readonly twice: boolean;
}

/** CALLERROR codes of a charger: the action is unknown to it; known but not supported; or its payload makes no sense. */
export type Refusal = 'NotImplemented' | 'NotSupported' | 'GenericError';

/** As 2.x says it; 1.6 has no field for it. */
export type BootReason = 'PowerUp' | 'ScheduledReset' | 'RemoteReset';

/** The charger, as the server's commands see it. */
export interface Device {
  readonly profile: Profile;
  readonly settings: Settings;
  /** What the server gave it to keep. */
  readonly memory: Memory;
  /** What its clock shows, epoch milliseconds. */
  readonly shown: number;
  /** Says it so long after the reply, if it is online then. */
  say(afterMs: number, action: string, payload: () => Payload): void;
  /** Connector 0 or none: any. `expired` is called unless it was used or cancelled before. */
  reserve(
    connectorId: number | undefined,
    reservation: { id: number; idTag: string; untilMs: number },
    expired: () => void,
  ): 'Accepted' | 'Occupied' | 'Unavailable' | 'Rejected';
  cancelReservation(id: number): boolean;
  /** Transaction id of each connector from 1, `undefined` when it has none. */
  transactions(): (string | undefined)[];
  remoteStart(connectorId: number | undefined, idTag: string, remoteStartId: number | undefined): boolean;
  remoteStop(transactionId: string): boolean;
  reset(kind: 'HardReset' | 'SoftReset', whenIdle: boolean): void;
  /** Connector 0: all. */
  setOperative(connectorId: number, operative: boolean): 'Accepted' | 'Scheduled' | 'Rejected';
  unlock(connectorId: number): boolean;
  /** Sends the message soon after the reply. */
  trigger(message: string, connectorId: number | undefined): 'Accepted' | 'Rejected' | 'NotImplemented';
  hasTransaction(transactionId: string): boolean;
  /** Transaction frames wait to be delivered: of this transaction, or at all. */
  queued(transactionId: string | undefined): boolean;
}
