import type { Protocol } from '../domain/ocpp/record.js';

/**
 * What REALLY happened, as only the chargers know it: the truth against which tables are compared.
 * Times are epoch milliseconds of true (virtual) time, energy is in Wh.
 */
export interface LedgerSession {
  readonly chargePointId: string;
  readonly protocol: Protocol;
  readonly connectorId: number;
  /** 2.x only. */
  readonly evseId?: number;
  readonly idTag: string;
  /** 1.6: as the server answered, `undefined` until it did. 2.x: chosen by the charger. */
  transactionId?: string;
  /** Every different id the server answered for this one start (1.6); more than one is the server's defect. */
  readonly answeredIds: string[];
  /** The server's word on the token: Accepted, Invalid, ConcurrentTx, ... */
  authStatus?: string;
  readonly remoteStartId?: number;
  readonly startedAt: number;
  stoppedAt?: number;
  /** What the charger's clock showed minus true time, at the start. 0 unless its clock is wrong. */
  readonly clockOffsetMs: number;
  /** Began without a connection. */
  readonly startedOffline: boolean;
  /** Its stop was sent with transactionId -1 because the start's answer was never noted. */
  readonly idLost: boolean;
  /** 1.6: the whole Wh of StartTransaction. 2.x: the Transaction.Begin reading, one decimal. */
  readonly meterStartWh: number;
  meterStopWh?: number;
  /**
   * Energy really delivered, in the resolution of what the charger reported: whole Wh for 1.6 (meterStop -
   * meterStart), tenths for 2.x. After a meter reset it is still the energy delivered.
   */
  energyWh: number;
  /** Part of `energyWh` that no reader of the frames can know: what flowed between the readings around a reset. */
  unseenWh: number;
  meterResets: number;
  /** As said in the stop. */
  stopReason?: string;
  /** Message ids in order of transmission; a frame sent three times is here three times. */
  readonly sent: string[];
  /** Message ids in order of their CALLRESULTs. */
  readonly answered: string[];
  /** Message ids given up after TransactionMessageAttempts (1.6, 9.1) or MessageAttempts (2.x) failures. */
  readonly discarded: string[];
  /** The stop, and all before it, has been answered (or given up). */
  closed: boolean;
}

/** One CALL of a charger, with everything that happened to it. */
export interface LedgerFrame {
  readonly chargePointId: string;
  readonly protocol: Protocol;
  readonly messageId: string;
  readonly action: string;
  /** Byte for byte as sent. */
  readonly text: string;
  transmissions: number;
  /** Texts of the CALLRESULTs, one per answered transmission. */
  readonly answers: string[];
  /** Texts of the CALLERRORs. */
  readonly errors: string[];
  discarded: boolean;
}

/** One CALL of the server, and what the charger replied. */
export interface LedgerCommand {
  readonly chargePointId: string;
  readonly protocol: Protocol;
  readonly messageId: string;
  readonly action: string;
  readonly text: string;
  readonly reply: string;
}

export interface LedgerCounts {
  connects: number;
  disconnects: number;
  refusals: number;
  sessionsStarted: number;
  sessionsClosed: number;
  /** Transmissions of CALLs, resends included. */
  sent: number;
  resent: number;
  answered: number;
  callErrors: number;
  timeouts: number;
  discarded: number;
  commands: number;
}

export interface LedgerOptions {
  /** Keep the text of every frame and all closed sessions. Without it memory stays bounded by live sessions. */
  readonly keep: boolean;
}

export class Ledger {
  readonly counts: LedgerCounts = {
    connects: 0,
    disconnects: 0,
    refusals: 0,
    sessionsStarted: 0,
    sessionsClosed: 0,
    sent: 0,
    resent: 0,
    answered: 0,
    callErrors: 0,
    timeouts: 0,
    discarded: 0,
    commands: 0,
  };
  /** In order of start per charger. With `keep: false` only those not yet closed. */
  readonly sessions = new Set<LedgerSession>();
  /** In order of first transmission per charger. Empty with `keep: false`. */
  readonly frames: LedgerFrame[] = [];
  readonly commands: LedgerCommand[] = [];

  constructor(private readonly options: LedgerOptions = { keep: true }) {}

  /** Every frame that was answered with a CALLRESULT at least once: what must be in the log. */
  get answered(): LedgerFrame[] {
    return this.frames.filter((frame) => frame.answers.length > 0);
  }

  started(session: LedgerSession): void {
    this.counts.sessionsStarted++;
    this.sessions.add(session);
  }

  closed(session: LedgerSession): void {
    if (session.closed) return;
    session.closed = true;
    this.counts.sessionsClosed++;
    if (!this.options.keep) this.sessions.delete(session);
  }

  framed(frame: LedgerFrame): LedgerFrame {
    if (this.options.keep) this.frames.push(frame);
    return frame;
  }

  commanded(command: LedgerCommand): void {
    this.counts.commands++;
    if (this.options.keep) this.commands.push(command);
  }

  /** Sessions first begun, first listed, over all chargers; plain data for a report. */
  sessionList(): LedgerSession[] {
    return [...this.sessions].sort(
      (a, b) => a.startedAt - b.startedAt || (a.chargePointId < b.chargePointId ? -1 : 1),
    );
  }
}
