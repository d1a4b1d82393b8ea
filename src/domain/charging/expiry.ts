/** Forgetting: evidence of sessions that ended long ago, by the log's own clock. */
import { type ChargePoint, changePages } from './charge-point.js';
import { dropBefore } from './series.js';
import type { Session } from './sessions.js';
import type { TransactionPart } from './state.js';
import { takeSession } from './take-rows.js';
import { releaseSamples } from './untagged.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Ended sessions remembered per charge point, whatever their age. */
const MAX_SESSIONS = 500;
const MAX_EXPIRED = 2_000;

export const expiryDue = (point: ChargePoint, now: number): boolean =>
  now - point.state.core.expiryCheckedAt > HOUR;

/** Lets go of sessions that ended long ago, oldest first per EVSE, and of samples nobody can need any more. */
export function expire(point: ChargePoint, now: number, sessionDays: number): void {
  const { state } = point;
  state.core.expiryCheckedAt = now;
  const sessions = [...point.sessions.values()].sort(byStart);
  let surplus = sessions.length - MAX_SESSIONS;
  const blocked = new Set<number | null>();
  const oldestStart = new Map<number | null, number>();
  for (const session of sessions) {
    if (!point.sessions.has(session.sessionId)) continue;
    const together = sharingEvidence(point, session);
    const open = together.some((one) => one.stoppedAt === undefined && !one.abandoned);
    const parts = session.partKeys.map((key) => state.parts.get(key) as TransactionPart);
    const old = parts.every((part) => now - part.lastReceivedAt > sessionDays * DAY);
    if (open || (!old && surplus <= 0) || (session.evseId !== null && blocked.has(session.evseId))) {
      blocked.add(session.evseId);
      if (!oldestStart.has(session.evseId)) oldestStart.set(session.evseId, session.startedAt);
      continue;
    }
    // What was touched must still be written, as it stands, before its evidence goes.
    for (const one of together) {
      const touchedAt = point.touched.sessions.get(one.sessionId);
      if (touchedAt !== undefined) takeSession(point, one, touchedAt);
    }
    for (const one of together) {
      surplus--;
      for (const key of one.partKeys) forget(point, key);
      point.sessions.delete(one.sessionId);
    }
  }
  for (const [key, part] of state.parts) {
    const lone = part.starts.length === 0 && part.stops.length === 0 && part.events === undefined;
    if (lone && now - part.lastReceivedAt > sessionDays * DAY) forget(point, key);
  }
  for (const [evseId, evse] of Object.entries(state.core.evses)) {
    const needed = Math.min(oldestStart.get(Number(evseId)) ?? now, now - DAY);
    dropBefore(evse.samples, needed);
    evse.freeAt = evse.freeAt.filter((at) => at >= needed);
  }
}

const byStart = (a: Session, b: Session): number =>
  a.startedAt - b.startedAt || (a.sessionId < b.sessionId ? -1 : 1);

/** Sessions that can only be forgotten together: an id that was used again names several. */
function sharingEvidence(point: ChargePoint, session: Session): Session[] {
  const together = new Set([session]);
  for (const one of together)
    for (const key of one.partKeys) for (const other of point.byPart.get(key) ?? []) together.add(other);
  return [...together];
}

function forget(point: ChargePoint, key: string): void {
  releaseSamples(point.state, key);
  if (!point.state.parts.delete(key)) return;
  point.byPart.delete(key);
  point.changedParts.add(key);
  changePages(point, key, point.savedPages.get(key) ?? []);
  // Stops that named no transaction of ours as well: sent again, one would be an orphan of an identity already told
  // of, or end whoever happens to be open.
  const { expired } = point.state.core;
  expired.push(key);
  if (expired.length > MAX_EXPIRED) expired.splice(0, expired.length - MAX_EXPIRED);
}
