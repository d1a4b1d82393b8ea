/**
 * What is remembered of one charge point: evidence, kept as sets so that a frame's order of arrival and
 * repetition decide nothing. Sessions are computed from it (`sessions.ts`), never stored in it.
 * Everything here is JSON: a checkpoint writes `core` and each changed part as text.
 */
import type { ClockState } from './clock.js';
import type { SessionRow } from './rows.js';
import type { SeriesSet } from './series.js';
import type { SignedSet } from './signed.js';

/** OCPP 1.6 StartTransaction, once per distinct content. */
export interface StartEvidence {
  readonly connectorId: number;
  readonly idToken: string;
  /** Corrected; sentAt as the charger said (null when unreadable). */
  readonly at: number;
  readonly sentAt: number | null;
  readonly suspect: boolean;
  readonly meterStart: number;
  readonly authStatus: string;
  /** How often the same start had already ended before a boot and come again (`id_reused`). */
  readonly reuse: number;
  /** Boots seen before it. */
  readonly boots: number;
  readonly offset: number;
  station?: string | undefined;
  account?: string | undefined;
  tariff?: string | undefined;
}

/** OCPP 1.6 StopTransaction, once per distinct (time, meterStop). */
export interface StopEvidence {
  readonly at: number;
  readonly suspect: boolean;
  /** null when absent or unreadable. */
  readonly meterStop: number | null;
  readonly idToken: string | null;
  reason: string;
  readonly offset: number;
  readonly boots: number;
}

/** OCPP 2.x TransactionEvents of one transaction, folded so that order and repetition do not matter. */
export interface EventsEvidence {
  /** Sorted, disjoint ranges of the seqNo seen: [from, to, from, to, ...]. */
  seqNos: number[];
  /** The Started event with the lowest seqNo. */
  started?: { seqNo: number; at: number; suspect: boolean };
  /** Ended events by seqNo; the first one ends the session, later ones add what it left out. */
  ended: { seqNo: number; at: number; suspect: boolean; reason: string; lastSampleAt: number | null }[];
  /** Earliest event of any kind. */
  firstAt: number;
  evse?: { seqNo: number; evseId: number | null };
  /** Apart, since a station may name the EVSE first and the connector later. */
  connector?: { seqNo: number; connectorId: number };
  idToken?: { seqNo: number; token: string };
  authStatus?: { seqNo: number; status: string };
  chargingState?: { seqNo: number; state: string; at: number };
  /** First time it said Charging. */
  chargedAt?: number;
  /** That of its first event in the log. */
  protocol?: string | undefined;
  remoteStartId?: number;
  station?: string | undefined;
  account?: string | undefined;
  tariff?: string | undefined;
}

/** All evidence that carries one transaction id. */
export interface TransactionPart {
  readonly transactionId: string;
  starts: StartEvidence[];
  stops: StopEvidence[];
  events?: EventsEvidence;
  samples: SeriesSet;
  /** Where signed data came with keys to verify it by. */
  signed?: SignedSet;
  /** Offsets of the first and last record that spoke of it. */
  firstOffset: number;
  lastOffset: number;
  /** Receipt time of the last one: the log's clock, by which parts expire. */
  lastReceivedAt: number;
  /** Latest event time of anything that spoke of it, whether it counts or not. */
  lastEventAt: number;
  /** By session id: the widest stretch [from, to] that ever showed in quarter hours, so that what shrinks is taken back. */
  shown: Record<string, [number, number]>;
  /** By session id: what was last announced of it. It goes when the session is let go of. */
  announced?: Record<string, AnnouncedSession>;
}

/** What must be known to say whether the next record announces something, and after what. */
export interface AnnouncedSession {
  /** Offset and receipt time of the record that did. */
  offset: number;
  at: number;
  status: SessionRow['status'] | 'vanished';
  /** Digests: of what is announced at once when it changes, and of all that was said. */
  weighty: string;
  view: string;
  /** Kinds of anomalies announced, ever. */
  kinds: string[];
}

/** The same of the charge point itself. */
export interface AnnouncedPoint {
  outlets: Record<string, { offset: number; status: string; errorCode: string; vendorCode: string }>;
  /** The connection it was online by; '' = offline. */
  presence?: { offset: number; connection: string };
}

/** A change of one connector, at its event time. */
export interface StatusEvent {
  readonly at: number;
  /** As reported; undefined on an event that only refines. */
  readonly status?: string;
  readonly errorCode?: string;
  readonly vendorCode?: string;
  /** OCPP 2.x: what a transaction says of an Occupied connector; '' = no transaction any more. */
  readonly refine?: string;
}

export interface StatusStretch {
  readonly from: number;
  readonly status: string;
  readonly errorCode: string;
  readonly vendorCode: string;
}

/** Status history of one connector (1.6: evseId = connectorId; 0/0 = the whole station). */
export interface OutletState {
  readonly evseId: number;
  readonly connectorId: number;
  /** In order of event time, equal times in log order. */
  events: StatusEvent[];
  /** The stretch in force at the floor of the history, when there is one. */
  base?: StatusStretch;
}

/** What belongs to an EVSE (1.6: connector) as a whole. */
export interface EvseState {
  /** Samples that named no transaction. */
  samples: SeriesSet;
  /** Keys of parts that were measured here before their start was known; sorted. */
  unstarted: string[];
  /** The last Available after a boot, by its own time: who is still open from before it has been abandoned. */
  idle?: { at: number; offset: number; bootOffset: number };
  /** Times at which the connector reported Available; sorted, recent ones. */
  freeAt: number[];
}

export interface ConnectionState {
  readonly connection: string;
  readonly gateway: string;
  readonly protocol: string;
  readonly address: string;
  readonly from: number;
  /** null = open. */
  to: number | null;
  closeCode: number | null;
  /** Receipt time of its last record. */
  lastAt: number;
}

export interface ChargePointCore {
  readonly id: string;
  /** Offset of the last record applied; records at or below it are ignored. */
  appliedThrough: number;
  protocol: string;
  clock: ClockState;
  boots: number;
  lastBootOffset: number;
  connections: ConnectionState[];
  outlets: Record<string, OutletState>;
  /** Status before this time is final; what arrives for it later is `late`. */
  statusFloor: number;
  /** Times after the floor at which a stretch once began and may begin no longer. */
  takenBack: number[];
  evses: Record<string, EvseState>;
  /** Keys of parts that were let go of, newest last; what still comes for them is `late`. */
  expired: string[];
  /** Receipt time up to which expiry has been looked at. */
  expiryCheckedAt: number;
  /** Of its newest enriched record. */
  station?: string;
  announced?: AnnouncedPoint;
}

export interface ChargePointState {
  readonly core: ChargePointCore;
  readonly parts: Map<string, TransactionPart>;
}

export const initialState = (chargePointId: string): ChargePointState => ({
  core: {
    id: chargePointId,
    appliedThrough: -1,
    protocol: '',
    clock: { shift: null },
    boots: 0,
    lastBootOffset: -1,
    connections: [],
    outlets: {},
    statusFloor: Number.MIN_SAFE_INTEGER,
    takenBack: [],
    evses: {},
    expired: [],
    expiryCheckedAt: 0,
  },
  parts: new Map(),
});

export function partOf(
  state: ChargePointState,
  key: string,
  transactionId: string,
  offset: number,
): TransactionPart {
  let part = state.parts.get(key);
  if (part === undefined) {
    part = {
      transactionId,
      starts: [],
      stops: [],
      samples: {},
      shown: {},
      firstOffset: offset,
      lastOffset: offset,
      lastReceivedAt: 0,
      lastEventAt: Number.MIN_SAFE_INTEGER,
    };
    state.parts.set(key, part);
  }
  return part;
}

export function evseOf(state: ChargePointState, evseId: number): EvseState {
  const key = String(evseId);
  let evse = state.core.evses[key];
  if (evse === undefined) {
    evse = { samples: {}, unstarted: [], freeAt: [] };
    state.core.evses[key] = evse;
  }
  return evse;
}
