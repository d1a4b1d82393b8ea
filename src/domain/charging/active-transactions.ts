/**
 * Which tokens are in a transaction, as far as one gateway knows: for ConcurrentTx (rules, "Sessions"). It decides what
 * is answered and nothing else: tables are computed from the log alone.
 *
 * It knows from two sides:
 * - its own answers, at once (`note`), so that of two starts a moment apart one is refused;
 * - what is announced about sessions of all gateways (`heard`), some moments later, or after a restart.
 * What was answered here stands against what is announced: an announcement may have been on its way when a charger said
 * the end here.
 *
 * Transactions of a charger that has gone away (`left`, `heardLeft`) do not count: whoever was charging there may unplug,
 * and it keeps the stop until it is back. Each counts again when something is announced of it that the charger says of a
 * time after its return: what it had kept says nothing of now. At the gateway that it left, what was answered there no
 * longer counts by itself: it may have been ended at another one.
 *
 * When it may be wrong it lets people charge: before the announcements have been read (`level`), while none come
 * although some must (analytics is away), for what nobody has heard of for hours, and beyond `limit`. Then only this
 * gateway's own answers to chargers that are still here count.
 *
 * Order and failure: everything is kept in memory. After a kill the announcements are read again; an answer that was
 * given to a start which never came into the log is forgotten with it, and the charger, unanswered, asks again.
 */
import type { SessionView } from '../messages/charging-events.js';

/** The frame by which a token begins a transaction. */
export interface TransactionStart {
  readonly sessionId: string;
  readonly chargePointId: string;
  readonly transactionId: string;
  /** 1.6: the connector. undefined: it does not say. */
  readonly evseId: number | undefined;
  /** `tokenHash`. */
  readonly tokenHash: string;
  /** As of when it is judged: when it was received, or its own time where it may have been kept; epoch milliseconds. */
  readonly at: number;
  readonly receivedAt: number;
  /** It happened at `at` for certain, and was delivered when the charger was back. */
  readonly keptOffline: boolean;
  /**
   * Tells askings of one transaction apart: a repeated frame has the same. 0 for the transaction's first frame, else
   * its seqNo: a card that was refused may be shown again later.
   */
  readonly asking: number;
}

/** What was answered, or was said of an end. */
export type TransactionNote =
  | { readonly is: 'begun'; readonly start: TransactionStart; readonly accepted: boolean }
  | {
      readonly is: 'ended';
      readonly chargePointId: string;
      readonly transactionId: string;
      /** The frame's own time where that can be true, else when it was received. */
      readonly at: number;
      readonly receivedAt: number;
    };

/** Announced of a session. */
export interface Announced {
  readonly view: Pick<
    SessionView,
    | 'sessionId'
    | 'chargePointId'
    | 'evseId'
    | 'transactionId'
    | 'status'
    | 'authStatus'
    | 'startedAt'
    | 'stoppedAt'
    | 'lastSeenAt'
    | 'idTokenHash'
  >;
  /** Rises with the log. */
  readonly version: number;
  /** When a gateway had the frame that caused it. */
  readonly at: number;
}

export interface ActiveOptions {
  /** What was not heard of for so long no longer counts. */
  readonly forgetMs: number;
  /** Transactions kept; beyond it the oldest are forgotten, ended ones first. */
  readonly limit: number;
}

interface Held {
  readonly sessionId: string;
  readonly chargePointId: string;
  readonly transactionId: string;
  evseId: number | undefined;
  tokenHash: string;
  /** undefined: refused for another reason, or nothing was shown yet. */
  decision: 'accepted' | 'concurrent' | undefined;
  asking: number;
  /** The earlier of what the charger said and when a gateway had it: no clock that runs ahead is believed. */
  begunAt: number;
  endedAt: number | undefined;
  heardAt: number;
  /** When a gateway first had something of it, or this one had its start again. */
  arrivedAt: number;
  /** Its charger went away or came anew then, and nothing newer is known of it. */
  doubtedSince: number | undefined;
  /** Answered here. */
  own: boolean;
  /** By the connection that its charger still has here. */
  here: boolean;
  /** Its end was said here. */
  ownEnd: boolean;
  /** Of the newest announcement; -1: none yet. */
  version: number;
}

/** Chargers write whole seconds, and their clocks differ a little: so long before another one is not "before". */
const CLOSE_MS = 5_000;
/** An overlap with something that has ended must be longer than clocks differ. */
const OVERLAP_MS = 300_000;
/** An own start is announced within this, or announcements are not to be relied on. */
const AWAIT_MS = 120_000;

export class ActiveTransactions {
  /** What was announced up to now has been read. */
  level = false;
  private readonly sessions = new Map<string, Held>();
  private readonly byToken = new Map<string, Held[]>();
  /** By charge point and transaction id, in which an end is said. */
  private readonly byName = new Map<string, Held>();
  private readonly byCharger = new Map<string, Set<Held>>();
  /** Since when an own start waits for any announcement. */
  private awaiting: number | undefined;
  private forgotten = 0;

  constructor(private readonly options: ActiveOptions) {}

  get size(): number {
    return this.sessions.size;
  }

  /** How many were forgotten for want of room, though they may still go on. */
  get crowdedOut(): number {
    return this.forgotten;
  }

  /** Announcements count: they have been read, and they come. */
  isInformed(now: number): boolean {
    return this.level && (this.awaiting === undefined || now - this.awaiting <= AWAIT_MS);
  }

  /** Whether the token is in another transaction as of this start. A repeated frame gets the answer it got. */
  isElsewhere(start: TransactionStart): boolean {
    const known = this.sessions.get(start.sessionId);
    if (known?.decision === 'accepted') return false;
    if (known?.decision === 'concurrent' && known.asking === start.asking) return true;
    const informed = this.isInformed(start.receivedAt);
    for (const other of this.byToken.get(start.tokenHash) ?? [])
      if (other !== known && (informed || other.here) && this.countsAgainst(other, start)) return true;
    return false;
  }

  private countsAgainst(other: Held, start: TransactionStart): boolean {
    if (other.decision !== 'accepted') return false;
    if (isSameOutlet(other, start)) return false;
    if (other.begunAt > start.at + CLOSE_MS) return false;
    if (other.endedAt !== undefined) return start.keptOffline && other.endedAt > start.at + OVERLAP_MS;
    if (other.doubtedSince !== undefined) return false;
    return start.receivedAt - other.heardAt <= this.options.forgetMs;
  }

  /** Call with everything that was answered, in order. */
  note(note: TransactionNote): void {
    if (note.is === 'begun') this.noteBegun(note.start, note.accepted);
    else this.noteEnded(note);
  }

  private noteBegun(start: TransactionStart, accepted: boolean): void {
    const known = this.sessions.get(start.sessionId);
    // What else it kept, its stop perhaps, comes in a moment.
    if (known !== undefined) {
      known.own = true;
      known.here = true;
      known.arrivedAt = start.receivedAt;
      known.doubtedSince = undefined;
      if (known.decision === 'accepted') return;
    }
    const begunAt = Math.min(start.at, start.receivedAt);
    const held = known ?? {
      sessionId: start.sessionId,
      chargePointId: start.chargePointId,
      transactionId: start.transactionId,
      evseId: start.evseId,
      tokenHash: '',
      decision: undefined,
      asking: start.asking,
      begunAt,
      endedAt: undefined,
      heardAt: start.receivedAt,
      arrivedAt: start.receivedAt,
      doubtedSince: undefined,
      own: true,
      here: true,
      ownEnd: false,
      version: -1,
    };
    held.decision = accepted ? 'accepted' : 'concurrent';
    held.asking = start.asking;
    held.heardAt = Math.max(held.heardAt, start.receivedAt);
    held.evseId ??= start.evseId;
    this.setToken(held, start.tokenHash);
    if (known === undefined) {
      this.add(held);
      // What is delivered very late is not announced any more.
      if (!start.keptOffline) this.awaiting ??= start.receivedAt;
    }
    if (accepted) this.leaveBehind(held);
  }

  /** What began at this outlet before is over, whatever became of its stop. */
  private leaveBehind(held: Held): void {
    for (const other of this.byToken.get(held.tokenHash) ?? [])
      if (other !== held && isSameOutlet(other, held) && other.begunAt < held.begunAt)
        other.endedAt ??= held.begunAt;
  }

  private noteEnded({
    chargePointId,
    transactionId,
    at,
    receivedAt,
  }: TransactionNote & { is: 'ended' }): void {
    const held = this.byName.get(nameOf(chargePointId, transactionId));
    if (held === undefined) return;
    held.endedAt = Math.min(held.endedAt ?? Number.POSITIVE_INFINITY, at, receivedAt);
    held.ownEnd = true;
  }

  /**
   * Something was announced of this session that need not be looked at if all is known of it: then true, and it counts
   * as heard of.
   */
  goesOn(sessionId: string, at: number): boolean {
    this.awaiting = undefined;
    const held = this.sessions.get(sessionId);
    if (held === undefined || held.endedAt !== undefined || held.evseId === undefined) return false;
    if (held.version < 0 || held.doubtedSince !== undefined) return false;
    held.heardAt = Math.max(held.heardAt, at);
    return true;
  }

  heard({ view, version, at }: Announced): void {
    this.awaiting = undefined;
    const known = this.sessions.get(view.sessionId);
    if (known !== undefined && version <= known.version) return;
    const tokenHash = view.idTokenHash ?? '';
    if (known === undefined && tokenHash === '') return;
    const begunAt = Math.min(Date.parse(view.startedAt), at);
    const held = known ?? {
      sessionId: view.sessionId,
      chargePointId: view.chargePointId,
      transactionId: view.transactionId,
      evseId: undefined,
      tokenHash: '',
      decision: undefined,
      asking: 0,
      begunAt,
      endedAt: undefined,
      heardAt: at,
      arrivedAt: at,
      doubtedSince: undefined,
      own: false,
      here: false,
      ownEnd: false,
      version,
    };
    held.version = version;
    held.evseId = view.evseId ?? held.evseId;
    held.begunAt = Math.min(held.begunAt, begunAt);
    held.heardAt = Math.max(held.heardAt, at);
    if (!held.own) held.decision = decisionOf(view.authStatus);
    if (held.tokenHash === '') this.setToken(held, tokenHash);
    if (known === undefined) this.add(held);
    if (view.status === 'active') {
      if (!held.ownEnd) held.endedAt = undefined;
      const said = Math.min(Date.parse(view.lastSeenAt) + CLOSE_MS, at);
      if (said > (held.doubtedSince ?? 0)) held.doubtedSince = undefined;
    } else {
      const end = Math.min(Date.parse(view.stoppedAt ?? view.lastSeenAt), at);
      held.endedAt = held.ownEnd ? Math.min(held.endedAt as number, end) : end;
      this.endAliases(held, end);
    }
  }

  /** A second start that the log took for the same one (an alias) is never announced by its own name. */
  private endAliases(held: Held, end: number): void {
    for (const other of this.byToken.get(held.tokenHash) ?? [])
      if (other !== held && other.version < 0 && isSameOutlet(other, held) && other.begunAt < end)
        other.endedAt ??= end;
  }

  /**
   * A charger went away or came anew, at any gateway: what is known of its transactions is what was so before. `at`: by the
   * gateway's clock; what began after it is not meant, this may be heard late.
   */
  heardLeft(chargePointId: string, at: number): void {
    this.awaiting = undefined;
    for (const held of this.byCharger.get(chargePointId) ?? []) if (held.arrivedAt <= at) doubt(held, at);
  }

  /** A charger's connection here has ended. What it may have begun elsewhere meanwhile is for announcements to say. */
  left(chargePointId: string, at: number): void {
    for (const held of this.byCharger.get(chargePointId) ?? []) {
      if (!held.here) continue;
      held.here = false;
      doubt(held, at);
    }
  }

  /** It turned out to be none. */
  vanished(sessionId: string): void {
    this.awaiting = undefined;
    const held = this.sessions.get(sessionId);
    if (held !== undefined && !held.own) this.remove(held);
  }

  /** Call now and then. */
  forget(now: number): void {
    const before = now - this.options.forgetMs;
    for (const held of this.sessions.values())
      if (Math.max(held.heardAt, held.endedAt ?? 0) < before) this.remove(held);
  }

  /** The announcements that were read are not those that come: what only they say is void. */
  forgetHeard(): void {
    this.level = false;
    for (const held of [...this.sessions.values()]) {
      if (!held.own) {
        this.remove(held);
        continue;
      }
      held.version = -1;
      if (!held.here) doubt(held, held.heardAt);
    }
  }

  private add(held: Held): void {
    this.sessions.set(held.sessionId, held);
    this.byName.set(nameOf(held.chargePointId, held.transactionId), held);
    const atCharger = this.byCharger.get(held.chargePointId);
    if (atCharger === undefined) this.byCharger.set(held.chargePointId, new Set([held]));
    else atCharger.add(held);
    if (this.sessions.size > this.options.limit) this.makeRoom();
  }

  /** A tenth at once, so that a crowd costs no search at each start. */
  private makeRoom(): void {
    const room = Math.floor(this.options.limit * 0.9);
    for (const held of this.sessions.values()) {
      if (this.sessions.size <= room) return;
      if (held.endedAt !== undefined) this.remove(held);
    }
    for (const held of this.sessions.values()) {
      if (this.sessions.size <= room) return;
      this.remove(held);
      this.forgotten += 1;
    }
  }

  private setToken(held: Held, tokenHash: string): void {
    if (held.tokenHash === tokenHash) return;
    this.unlist(held);
    held.tokenHash = tokenHash;
    const list = this.byToken.get(tokenHash);
    if (list === undefined) this.byToken.set(tokenHash, [held]);
    else list.push(held);
  }

  private unlist(held: Held): void {
    const list = this.byToken.get(held.tokenHash);
    if (list === undefined) return;
    const place = list.indexOf(held);
    if (place >= 0) list.splice(place, 1);
    if (list.length === 0) this.byToken.delete(held.tokenHash);
  }

  private remove(held: Held): void {
    this.unlist(held);
    this.sessions.delete(held.sessionId);
    const name = nameOf(held.chargePointId, held.transactionId);
    if (this.byName.get(name) === held) this.byName.delete(name);
    const atCharger = this.byCharger.get(held.chargePointId);
    atCharger?.delete(held);
    if (atCharger?.size === 0) this.byCharger.delete(held.chargePointId);
  }
}

const doubt = (held: Held, at: number): void => {
  held.doubtedSince = Math.max(held.doubtedSince ?? at, at);
};

const nameOf = (chargePointId: string, transactionId: string): string => `${chargePointId}/${transactionId}`;

interface AtOutlet {
  readonly chargePointId: string;
  readonly evseId: number | undefined;
}

/** One of them ends when the other begins. Where the EVSE is not known it may be the same. */
const isSameOutlet = (a: AtOutlet, b: AtOutlet): boolean =>
  a.chargePointId === b.chargePointId &&
  (a.evseId === undefined || b.evseId === undefined || a.evseId === b.evseId);

const decisionOf = (authStatus: string): Held['decision'] =>
  authStatus === 'Accepted' ? 'accepted' : authStatus === 'ConcurrentTx' ? 'concurrent' : undefined;
