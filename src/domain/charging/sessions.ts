/**
 * Which sessions the evidence amounts to, and which start, stop and samples belong to each. A pure function
 * of the state: run again whenever a start or a stop has come in, it gives the same answer for the same
 * evidence, however it arrived (rules, "Sessions").
 */
import { identity } from './session-id.js';
import type {
  ChargePointState,
  EventsEvidence,
  StartEvidence,
  StopEvidence,
  TransactionPart,
} from './state.js';

/** Identities by the evidence they come from: hashing every session anew at each start is most of the cost. */
const identities = new WeakMap<object, string>();
function identityOf(evidence: object, ...names: (string | number)[]): string {
  let known = identities.get(evidence);
  if (known === undefined) {
    known = identity(...names);
    identities.set(evidence, known);
  }
  return known;
}

export interface Session {
  readonly sessionId: string;
  readonly kind: 'started' | 'events' | 'orphan';
  /** Keys of the parts it draws on: its own first, then its aliases'. */
  readonly partKeys: readonly string[];
  readonly start: StartEvidence | undefined;
  readonly stops: readonly StopEvidence[];
  readonly events: EventsEvidence | undefined;
  readonly evseId: number | null;
  readonly startedAt: number;
  readonly stoppedAt: number | undefined;
  /** The connector's next start: untagged samples from then on are not its own, and it is abandoned if open. */
  readonly nextStartAt: number | undefined;
  /** Samples of its part before this belong to an earlier start with the same id, and after to a later one. */
  readonly samplesFrom: number;
  readonly samplesBefore: number;
  readonly abandoned: boolean;
  /** Stop found by circumstance, not by id. */
  readonly matchedStop: boolean;
  readonly findings: readonly { kind: string; detail: string; hold: boolean }[];
  /** Changes when anything above does, but for `events`: whoever adds to those touches the session itself. */
  readonly signature: string;
}

interface Draft {
  partKeys: string[];
  start: StartEvidence;
  stops: StopEvidence[];
  matchedStop: boolean;
  aliases: StartEvidence[];
}

/**
 * Samples later than this never add: the stop's time, or in 2.x that of the readings that the first Ended
 * with any brought along. Undefined while the session goes on.
 */
export function sampleCut(session: Session): number | undefined {
  if (session.events === undefined) return session.stoppedAt;
  const first = session.events.ended[0];
  if (first === undefined) return undefined;
  const withSamples = session.events.ended.find((ended) => ended.lastSampleAt !== null);
  return Math.max(first.at, withSamples?.lastSampleAt ?? first.at);
}

export const isOwnTransactionId = (transactionId: string): boolean => /^[1-9][0-9]*$/.test(transactionId);

export function resolveSessions(state: ChargePointState): Session[] {
  const drafts = draftsOf(state);
  const orphans = assignStops(state, drafts);
  const sessions = [
    ...drafts.map((draft) => startedSession(state, draft)),
    ...orphans.map(({ key, part, stop }) => orphanSession(state, key, part, stop)),
    ...eventSessions(state),
  ];
  return withNextStarts(state, sessions);
}

/** Starts in the connector's order, second starts without a stop or energy between folded into the first. */
function draftsOf(state: ChargePointState): Draft[] {
  const starts = [...state.parts].flatMap(([key, part]) =>
    part.starts.map((start) => ({ key, part, start })),
  );
  starts.sort(
    (a, b) =>
      a.start.connectorId - b.start.connectorId ||
      a.start.at - b.start.at ||
      a.start.reuse - b.start.reuse ||
      (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  );
  const drafts: Draft[] = [];
  let previous: Draft | undefined;
  for (const { key, part, start } of starts) {
    if (previous !== undefined && isAlias(state, previous, part, start)) {
      if (!previous.partKeys.includes(key)) previous.partKeys.push(key);
      previous.aliases.push(start);
      continue;
    }
    previous = { partKeys: [key], start, stops: [], matchedStop: false, aliases: [] };
    drafts.push(previous);
  }
  return drafts;
}

/** Same connector, idTag and meterStart; no stop and no energy between (rules, "Sessions"). */
function isAlias(
  state: ChargePointState,
  first: Draft,
  part: TransactionPart,
  start: StartEvidence,
): boolean {
  const same =
    start.connectorId === first.start.connectorId &&
    start.idToken.toUpperCase() === first.start.idToken.toUpperCase() &&
    start.meterStart === first.start.meterStart &&
    start.reuse === 0;
  if (!same) return false;
  return !first.partKeys.some((key) => {
    const earlier = state.parts.get(key) as TransactionPart;
    if (earlier === part) return false;
    return (
      earlier.stops.some((stop) => stop.at <= start.at) ||
      roseBefore(earlier, first.start.meterStart, start.at)
    );
  });
}

function roseBefore(part: TransactionPart, meterStart: number, before: number): boolean {
  for (const [key, points] of Object.entries(part.samples)) {
    if (!key.startsWith('register|')) continue;
    for (let i = 0; i < points.length && (points[i] as number) < before; i += 3) {
      if ((points[i + 1] as number) > meterStart) return true;
    }
  }
  return false;
}

/** Gives every stop to its session; returns those that belong to none. */
function assignStops(
  state: ChargePointState,
  drafts: Draft[],
): { key: string; part: TransactionPart; stop: StopEvidence }[] {
  const unknown: { key: string; part: TransactionPart; stop: StopEvidence }[] = [];
  const named = new Map<string, Draft[]>();
  for (const draft of drafts)
    for (const key of draft.partKeys) named.set(key, [...(named.get(key) ?? []), draft]);
  for (const [key, part] of state.parts) {
    for (const stop of part.stops) {
      const draft = draftById(named.get(key) ?? [], stop);
      if (draft === undefined) unknown.push({ key, part, stop });
      else draft.stops.push(stop);
    }
  }
  unknown.sort(
    (a, b) =>
      a.stop.at - b.stop.at || (a.stop.meterStop ?? 0) - (b.stop.meterStop ?? 0) || (a.key < b.key ? -1 : 1),
  );
  return unknown.filter(({ key, stop }) => {
    const open = drafts.filter((draft) => couldEndWith(draft, drafts, stop));
    const only = open.length === 1 ? open[0] : undefined;
    if (only === undefined) return true;
    only.stops.push(stop);
    only.partKeys.push(key);
    only.matchedStop = true;
    return false;
  });
}

/** An id names the latest start before the frame's own time; the first one when all lie after. */
function draftById(named: Draft[], stop: StopEvidence): Draft | undefined {
  const before = named.filter((draft) => draft.start.at <= stop.at && draft.start.boots <= stop.boots);
  return before[before.length - 1] ?? named[0];
}

/** An unknown stop goes to the only open session with start and meter before it and a compatible token. */
function couldEndWith(draft: Draft, drafts: Draft[], stop: StopEvidence): boolean {
  const { start } = draft;
  if (draft.stops.length > 0 || start.at > stop.at) return false;
  if (stop.meterStop !== null && start.meterStart > stop.meterStop) return false;
  if (stop.idToken !== null && stop.idToken.toUpperCase() !== start.idToken.toUpperCase()) return false;
  return !drafts.some(
    (other) =>
      other !== draft &&
      other.start.connectorId === start.connectorId &&
      other.start.at > start.at &&
      other.start.at <= stop.at,
  );
}

function startedSession(state: ChargePointState, draft: Draft): Session {
  const { start } = draft;
  draft.stops.sort(
    (a, b) =>
      a.at - b.at || (a.meterStop ?? Infinity) - (b.meterStop ?? Infinity) || (a.reason < b.reason ? -1 : 1),
  );
  const part = state.parts.get(draft.partKeys[0] as string) as TransactionPart;
  const siblings = part.starts.filter((other) => other !== start && !draft.aliases.includes(other));
  const findings: Session['findings'][number][] = [];
  if (start.reuse > 0) {
    findings.push({
      kind: 'id_reused',
      detail: 'an equal start had already ended before a boot',
      hold: true,
    });
  }
  if (draft.aliases.length > 0) {
    findings.push({
      kind: 'start_repeated',
      detail: `${draft.aliases.length} more start(s) with the same token and meter, no energy between`,
      hold: false,
    });
  }
  if (draft.matchedStop) {
    findings.push({
      kind: 'stop_matched',
      detail: 'the stop named no known transaction; found by circumstance',
      hold: true,
    });
  }
  const names = [state.core.id, part.transactionId, start.connectorId, start.sentAt ?? start.at];
  return {
    sessionId: identityOf(start, ...names, ...(start.reuse > 0 ? [start.reuse] : [])),
    kind: 'started',
    partKeys: draft.partKeys,
    start,
    stops: draft.stops,
    events: undefined,
    evseId: start.connectorId,
    startedAt: start.at,
    stoppedAt: draft.stops[0]?.at,
    nextStartAt: undefined,
    samplesFrom: siblings.some((other) => other.at <= start.at) ? start.at : Number.NEGATIVE_INFINITY,
    samplesBefore: Math.min(
      Infinity,
      ...siblings.filter((other) => other.at > start.at).map((other) => other.at),
    ),
    abandoned: false,
    matchedStop: draft.matchedStop,
    findings,
    signature: '',
  };
}

/** A stop without a session: shown, never billed. */
function orphanSession(
  state: ChargePointState,
  key: string,
  part: TransactionPart,
  stop: StopEvidence,
): Session {
  return {
    sessionId: orphanId(state.core.id, part.transactionId, stop),
    kind: 'orphan',
    partKeys: [key],
    start: undefined,
    stops: [stop],
    events: undefined,
    evseId: null,
    startedAt: stop.at,
    stoppedAt: stop.at,
    nextStartAt: undefined,
    samplesFrom: Number.NEGATIVE_INFINITY,
    samplesBefore: Number.POSITIVE_INFINITY,
    abandoned: false,
    matchedStop: false,
    findings: [
      { kind: 'orphan', detail: `stop of the unknown transaction ${part.transactionId}`, hold: true },
    ],
    signature: '',
  };
}

export const orphanId = (chargePointId: string, transactionId: string, stop: StopEvidence): string =>
  identityOf(stop, chargePointId, 'orphan', transactionId, stop.at, stop.meterStop ?? '');

/** OCPP 2.x: one session per transaction id, whichever event came first. */
function eventSessions(state: ChargePointState): Session[] {
  const sessions: Session[] = [];
  for (const [key, part] of state.parts) {
    const { events } = part;
    if (events === undefined) continue;
    sessions.push({
      sessionId: identityOf(part, state.core.id, part.transactionId),
      kind: 'events',
      partKeys: [key],
      start: undefined,
      stops: [],
      events,
      evseId: events.evse?.evseId ?? null,
      startedAt: events.started?.at ?? events.firstAt,
      stoppedAt: events.ended[0]?.at,
      nextStartAt: undefined,
      samplesFrom: Number.NEGATIVE_INFINITY,
      samplesBefore: Number.POSITIVE_INFINITY,
      abandoned: false,
      matchedStop: false,
      findings: [],
      signature: '',
    });
  }
  return sessions;
}

/** A session is abandoned when its connector starts another one or reports Available after a boot. */
function withNextStarts(state: ChargePointState, sessions: Session[]): Session[] {
  const byEvse = new Map<number, Session[]>();
  for (const session of sessions) {
    if (session.evseId === null || session.kind === 'orphan') continue;
    const list = byEvse.get(session.evseId);
    if (list === undefined) byEvse.set(session.evseId, [session]);
    else list.push(session);
  }
  for (const list of byEvse.values()) {
    list.sort((a, b) => a.startedAt - b.startedAt || (a.sessionId < b.sessionId ? -1 : 1));
  }
  const nextStarts = new Map<Session, number>();
  for (const list of byEvse.values()) {
    // Strictly later: the reused twin of a session (`id_reused`) begins at the same moment and follows nobody.
    for (let i = list.length - 2; i >= 0; i--) {
      const [session, next] = [list[i] as Session, list[i + 1] as Session];
      const at = next.startedAt > session.startedAt ? next.startedAt : nextStarts.get(next);
      if (at !== undefined) nextStarts.set(session, at);
    }
  }
  return sessions.map((session) => {
    const nextStartAt = nextStarts.get(session);
    const open = session.stoppedAt === undefined;
    const abandoned = open && (nextStartAt !== undefined || leftIdle(state, session));
    const settled = { ...session, nextStartAt, abandoned };
    return { ...settled, signature: signatureOf(settled) };
  });
}

function leftIdle(state: ChargePointState, session: Session): boolean {
  const idle = session.evseId === null ? undefined : state.core.evses[session.evseId]?.idle;
  if (idle === undefined || idle.at < session.startedAt) return false;
  const parts = session.partKeys.map((key) => state.parts.get(key) as TransactionPart);
  const first = Math.min(...parts.map((part) => part.firstOffset));
  const last = Math.max(...parts.map((part) => part.lastOffset));
  return idle.bootOffset > first && idle.offset > last;
}

const signatureOf = (session: Session): string =>
  [
    session.partKeys.join(','),
    session.evseId,
    session.startedAt,
    session.stoppedAt,
    session.stops.map((stop) => `${stop.at}/${stop.meterStop}/${stop.reason}`).join(','),
    session.start === undefined
      ? ''
      : `${session.start.station}/${session.start.account}/${session.start.tariff}`,
    session.nextStartAt,
    session.samplesFrom,
    session.samplesBefore,
    session.abandoned,
    session.findings.map((finding) => finding.kind + finding.detail).join(','),
  ].join(';');
