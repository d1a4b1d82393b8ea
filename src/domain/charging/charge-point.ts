/** A charge point while it is being folded: its evidence, the sessions that follow, and what has been touched. */
import { MAX_QUARTERS, QUARTER } from './buckets.js';
import type { SessionFigures } from './project.js';
import { noRows, type Rows } from './rows.js';
import type { Page } from './sample-pages.js';
import { latest } from './series.js';
import { resolveSessions, type Session, sampleCut } from './sessions.js';
import type { ChargePointState, ConnectionState, TransactionPart } from './state.js';
import { untaggedAt } from './untagged.js';

export interface ChargePoint {
  readonly state: ChargePointState;
  /** By session id, and by the part of the evidence they draw on. */
  sessions: Map<string, Session>;
  byPart: Map<string, Session[]>;
  touched: Touched;
  /** Parts changed or gone since their states were last taken. */
  changedParts: Set<string>;
  /** By part: pages of samples changed since their states were last taken; pages that checkpoints hold. */
  changedPages: Map<string, Set<Page>>;
  savedPages: Map<string, Set<Page>>;
  changedCore: boolean;
  /** What the record under way touches; kept only while somebody announces. */
  noted: Noted | undefined;
  /** By session: figures computed for an announcement; those of its row, if nothing touches it before rows are taken. */
  figures: RecentFigures;
}

/** The most recent ones only: figures hold every sample of a session. */
export class RecentFigures {
  private static readonly MOST = 1_000;
  private readonly bySession = new Map<string, SessionFigures>();

  get(sessionId: string): SessionFigures | undefined {
    return this.bySession.get(sessionId);
  }

  set(sessionId: string, figures: SessionFigures): void {
    this.bySession.delete(sessionId);
    this.bySession.set(sessionId, figures);
    if (this.bySession.size <= RecentFigures.MOST) return;
    const [oldest] = this.bySession.keys();
    this.bySession.delete(oldest as string);
  }

  clear(): void {
    this.bySession.clear();
  }
}

/** What one record touched, by which its announcements are found. */
export interface Noted {
  readonly sessions: Set<string>;
  /** Sessions that were none before it, and that are none any more. */
  readonly appeared: Set<string>;
  readonly vanished: Map<string, Session>;
  readonly outlets: Set<string>;
  connections: boolean;
}

export const nothingNoted = (): Noted => ({
  sessions: new Set(),
  appeared: new Set(),
  vanished: new Map(),
  outlets: new Set(),
  connections: false,
});

/**
 * Facts to be computed anew when the rows are next taken, each with the offset of the last record that touched
 * it: its version, which so does not depend on when rows are taken.
 */
export interface Touched {
  sessions: Map<string, number>;
  /** Sessions that are none any more, with the stretch their quarter hours may have shown. */
  vanished: Map<string, { offset: number; shown: [number, number] | undefined }>;
  /** By outlet key; and from which time on its stretches may have changed. */
  outlets: Map<string, { offset: number; from: number }>;
  connections: Map<ConnectionState, number>;
  rows: Rows;
}

export const untouched = (): Touched => ({
  sessions: new Map(),
  vanished: new Map(),
  outlets: new Map(),
  connections: new Map(),
  rows: noRows(),
});

export function chargePointFrom(
  state: ChargePointState,
  savedPages = new Map<string, Set<Page>>(),
): ChargePoint {
  const point: ChargePoint = {
    state,
    sessions: new Map(),
    byPart: new Map(),
    touched: untouched(),
    changedParts: new Set(),
    changedPages: new Map(),
    savedPages,
    changedCore: false,
    noted: undefined,
    figures: new RecentFigures(),
  };
  index(point, resolveSessions(state));
  return point;
}

/** Resolves the sessions anew; marks those that differ from before, and those that vanished. */
export function resolve(point: ChargePoint): void {
  const before = point.sessions;
  index(point, resolveSessions(point.state));
  for (const [sessionId, session] of point.sessions) {
    point.touched.vanished.delete(sessionId);
    const known = before.get(sessionId);
    if (known?.signature !== session.signature) touch(point, session);
    // What went and came again within one record was there all the time.
    if (known === undefined && point.noted?.vanished.delete(sessionId) === false)
      point.noted.appeared.add(sessionId);
  }
  for (const [sessionId, session] of before) {
    if (point.sessions.has(sessionId)) continue;
    if (point.noted?.appeared.delete(sessionId) === false) point.noted.vanished.set(sessionId, session);
    const part = point.state.parts.get(session.partKeys[0] as string);
    const { appliedThrough: offset } = point.state.core;
    point.touched.vanished.set(sessionId, { offset, shown: part?.shown[sessionId] });
  }
}

function index(point: ChargePoint, sessions: Session[]): void {
  point.sessions = new Map(sessions.map((session) => [session.sessionId, session]));
  point.byPart = new Map();
  for (const session of sessions) {
    for (const key of session.partKeys) {
      const sharing = point.byPart.get(key);
      if (sharing === undefined) point.byPart.set(key, [session]);
      else sharing.push(session);
    }
  }
}

/**
 * Marks a session, and notes the widest stretch that its quarter hours may ever have shown: whatever shrinks
 * later can then be taken back, whether or not it was ever written.
 */
export function touch(point: ChargePoint, session: Session): void {
  point.touched.sessions.set(session.sessionId, point.state.core.appliedThrough);
  point.noted?.sessions.add(session.sessionId);
  if (session.kind === 'orphan') return;
  const key = session.partKeys[0] as string;
  const part = point.state.parts.get(key) as TransactionPart;
  // However far a wrong clock reaches, no more quarter hours than these are ever shown.
  const to = Math.min(
    Math.max(session.startedAt, session.stoppedAt ?? latestEvidence(point.state, session)),
    session.startedAt + MAX_QUARTERS * QUARTER,
  );
  const shown = part.shown[session.sessionId];
  if (shown !== undefined && session.startedAt >= shown[0] && to <= shown[1]) return;
  part.shown[session.sessionId] = [
    Math.min(shown?.[0] ?? session.startedAt, session.startedAt),
    Math.max(shown?.[1] ?? to, to),
  ];
  point.changedParts.add(key);
}

/** Nothing that was seen of an open session is later than this. */
function latestEvidence(state: ChargePointState, session: Session): number {
  let last = session.startedAt;
  for (const key of session.partKeys) {
    const part = state.parts.get(key) as TransactionPart;
    last = Math.max(last, part.lastEventAt, latest(part.samples));
  }
  const before = session.nextStartAt ?? Number.POSITIVE_INFINITY;
  for (const set of untaggedAt(state, session.evseId, session.partKeys))
    last = Math.max(last, Math.min(before, latest(set)));
  return last;
}

/** Notes that pages of a part's samples are others than checkpoints hold. */
export function changePages(point: ChargePoint, partKey: string, pages: Iterable<Page>): void {
  let changed = point.changedPages.get(partKey);
  if (changed === undefined) {
    changed = new Set();
    point.changedPages.set(partKey, changed);
  }
  for (const page of pages) changed.add(page);
}

/** Marks every session of an EVSE. */
export function touchEvse(point: ChargePoint, evseId: number): void {
  for (const session of point.sessions.values()) if (session.evseId === evseId) touch(point, session);
}

/** Marks the sessions for which a sample counts that goes by EVSE and time. */
export function touchMeasured(point: ChargePoint, evseId: number, at: number): void {
  for (const session of point.sessions.values()) {
    if (session.evseId !== evseId || at < session.startedAt) continue;
    if (at > (sampleCut(session) ?? at) || at >= (session.nextStartAt ?? Number.POSITIVE_INFINITY)) continue;
    touch(point, session);
  }
}

export const touchPart = (point: ChargePoint, key: string): void => {
  for (const session of point.byPart.get(key) ?? []) touch(point, session);
};

export function touchConnections(point: ChargePoint, connections: readonly ConnectionState[]): void {
  const { appliedThrough } = point.state.core;
  for (const connection of connections) point.touched.connections.set(connection, appliedThrough);
  if (connections.length === 0) return;
  if (point.noted !== undefined) point.noted.connections = true;
  touchOutlets(point, Math.min(...connections.map((connection) => connection.to ?? connection.from)));
}

/** What the station or its connection is like shows on all its connectors. */
export function touchOutlets(point: ChargePoint, from: number): void {
  for (const key of Object.keys(point.state.core.outlets)) touchOutlet(point, key, from);
}

export function touchOutlet(point: ChargePoint, key: string, from: number): void {
  const earlier = point.touched.outlets.get(key)?.from ?? from;
  const offset = point.state.core.appliedThrough;
  point.noted?.outlets.add(key);
  point.touched.outlets.set(key, { offset, from: Math.min(from, earlier) });
}
