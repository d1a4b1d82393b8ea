/** From a session's evidence to its row and its quarter hours. Pure: nothing but the state decides. */
import { chargingMs, QUARTER, quarterOf, quartersOf } from './buckets.js';
import { type CurvePoint, type Energy, type EnergyFinding, energyOf } from './energy.js';
import type { QuarterRow, SessionRow } from './rows.js';
import { addPoints, latest, type Point, pick, type SeriesSet, spanOf, upTo } from './series.js';
import { type Session, sampleCut } from './sessions.js';
import { signedPair } from './signed.js';
import type { ChargePointState, TransactionPart } from './state.js';
import { untaggedAt } from './untagged.js';

/** What the evidence of a session amounts to, without how it spread over time. */
export interface SessionFigures {
  readonly offset: number;
  readonly session: Session;
  readonly row: Omit<SessionRow, 'chargingMs' | 'idleMs'>;
  /** The newest power sample (mW): a total, not a phase. */
  readonly powerMilli: number | null;
  readonly energy: Energy;
  readonly power: () => Point[];
}

export interface ProjectedSession {
  readonly row: SessionRow;
  readonly quarters: QuarterRow[];
}

/** @param offset of the last record that touched the session: the version of its rows */
export function figuresOf(state: ChargePointState, session: Session, offset: number): SessionFigures {
  const parts = session.partKeys.map((key) => state.parts.get(key) as TransactionPart);
  const own = parts[0] as TransactionPart;
  const tagged = mergedSamples(parts, session);
  const untagged = untaggedSamples(state, session);
  const cutAt = sampleCut(session);
  const energy = energyOf({
    startAt: session.startedAt,
    endAt: session.stoppedAt,
    cutAt,
    meterStart: session.start?.meterStart,
    meterStop: lowestStop(session),
    tagged,
    untagged,
    ...signedOf(parts, session),
  });
  const preferred = (quantity: 'power' | 'soc') => {
    const span = spanOf(tagged, quantity, cutAt);
    if (span !== undefined) return { set: tagged, span };
    return { set: untagged, span: spanOf(untagged, quantity, cutAt) };
  };
  const power = preferred('power');
  const soc = preferred('soc').span;
  const lastSeenAt = lastEvidence(session, parts, untagged);
  const findings = [...session.findings, ...sequenceFindings(session), ...distinct(energy.findings)];
  const row: SessionFigures['row'] = {
    chargePointId: state.core.id,
    offset,
    sessionId: session.sessionId,
    connectorId: session.start?.connectorId ?? session.events?.connector?.connectorId ?? null,
    evseId: session.evseId,
    transactionId: own.transactionId,
    ...people(session),
    status: statusOf(session),
    held: findings.some((finding) => finding.hold),
    startedAt: session.startedAt,
    stoppedAt: session.stoppedAt ?? (session.abandoned ? Math.max(session.startedAt, lastSeenAt) : null),
    unpluggedAt: unpluggedAt(state, session),
    lastSeenAt,
    clockSuspect: isSuspect(session),
    meterStartMilli: energy.meterStart ?? null,
    meterStopMilli:
      energy.meterStop ?? (session.kind === 'orphan' ? (session.stops[0]?.meterStop ?? null) : null),
    energyMilli: session.kind === 'orphan' ? null : (energy.milli ?? null),
    energySource: energy.source,
    exportMilli: energy.exportMilli ?? null,
    maxPowerMilli: power.span?.highest ?? null,
    socStartMilli: soc?.first ?? null,
    socEndMilli: soc?.last ?? null,
    stopReason: stopReason(session),
    estimated: energy.estimated,
    anomalies: findings.map(({ kind, detail }) => ({ kind, detail })),
    remoteStartId: session.events?.remoteStartId ?? null,
    protocol: session.kind === 'events' ? (session.events?.protocol ?? '') : 'ocpp1.6',
    deleted: false,
  };
  const powerPoints = () => upTo(pick(power.set, 'power'), cutAt);
  return { offset, session, row, powerMilli: power.span?.last ?? null, energy, power: powerPoints };
}

/** The rows that its figures amount to. */
export function projectSession(state: ChargePointState, figures: SessionFigures): ProjectedSession {
  const { session, energy } = figures;
  const own = state.parts.get(session.partKeys[0] as string) as TransactionPart;
  const curve = energy.curve();
  // An orphan has no start: it takes no time and shows no energy of its own.
  const endAt = Math.max(session.startedAt, session.stoppedAt ?? figures.row.lastSeenAt);
  const charging = Math.min(chargingMs(curve), endAt - session.startedAt);
  const idle = endAt - session.startedAt - charging;
  const row: SessionRow = { ...figures.row, chargingMs: charging, idleMs: idle };
  const quarters = session.kind === 'orphan' ? [] : quarterRows(row, endAt, curve, figures.power(), own);
  return { row, quarters };
}

/** Tombstones for a session that is none any more, and for all quarter hours it may have shown. */
export function vanishedSession(
  chargePointId: string,
  offset: number,
  sessionId: string,
  shown: [number, number] | undefined,
): ProjectedSession {
  const row = deletedSession(chargePointId, offset, sessionId);
  const quarters: QuarterRow[] = [];
  if (shown !== undefined) {
    for (let bucket = quarterOf(shown[0]); bucket <= shown[1]; bucket += QUARTER) {
      quarters.push(deletedQuarter(row, bucket));
    }
  }
  return { row, quarters };
}

function quarterRows(
  row: SessionRow,
  endAt: number,
  curve: readonly CurvePoint[],
  power: readonly Point[],
  part: TransactionPart,
): QuarterRow[] {
  const rows: QuarterRow[] = quartersOf(row.startedAt, endAt, curve, power).map((quarter) => ({
    chargePointId: row.chargePointId,
    offset: row.offset,
    sessionId: row.sessionId,
    connectorId: row.connectorId,
    evseId: row.evseId,
    bucket: quarter.bucket,
    energyMilli: quarter.energyMilli,
    peakPowerMilli: quarter.peakPowerMilli ?? null,
    connectedMs: quarter.connectedMs,
    chargingMs: quarter.chargingMs,
    deleted: false,
  }));
  const shown = part.shown[row.sessionId];
  if (shown === undefined) return rows;
  const kept = new Set(rows.map((quarter) => quarter.bucket));
  for (let bucket = quarterOf(shown[0]); bucket <= shown[1]; bucket += QUARTER) {
    if (!kept.has(bucket)) rows.push(deletedQuarter(row, bucket));
  }
  return rows;
}

const deletedQuarter = (
  row: Pick<SessionRow, 'chargePointId' | 'offset' | 'sessionId'>,
  bucket: number,
): QuarterRow => ({
  chargePointId: row.chargePointId,
  offset: row.offset,
  sessionId: row.sessionId,
  connectorId: null,
  evseId: null,
  bucket,
  energyMilli: 0,
  peakPowerMilli: null,
  connectedMs: 0,
  chargingMs: 0,
  deleted: true,
});

function mergedSamples(parts: TransactionPart[], session: Session): SeriesSet {
  const unlimited = session.samplesFrom === -Infinity && session.samplesBefore === Infinity;
  if (parts.length === 1 && unlimited) return (parts[0] as TransactionPart).samples;
  const sets = parts.map((part) => part.samples);
  return mergeSets(sets, session.samplesFrom, session.samplesBefore);
}

/** Signed readings within the session's share of its parts. */
function signedOf(parts: readonly TransactionPart[], session: Session) {
  const within = (at: number) => at >= session.samplesFrom && at < session.samplesBefore;
  const signed = signedPair(
    parts.flatMap((part) => part.signed?.readings.filter(({ at }) => within(at)) ?? []),
  );
  const signatureInvalid = parts.some((part) => part.signed?.invalidAt.some(within));
  return { signed, signatureInvalid };
}

/** Samples of the EVSE that named no transaction we know, within the session's time. */
function untaggedSamples(state: ChargePointState, session: Session): SeriesSet {
  const sets = untaggedAt(state, session.evseId, session.partKeys);
  return mergeSets(sets, session.startedAt, session.nextStartAt ?? Number.POSITIVE_INFINITY);
}

function mergeSets(sets: SeriesSet[], from: number, before: number): SeriesSet {
  const merged: SeriesSet = {};
  for (const set of sets) addPoints(merged, set, from, before);
  return merged;
}

/** Where several stops disagree the lower figure stands. */
function lowestStop(session: Session): number | undefined {
  const start = session.start?.meterStart;
  const figures = session.stops.flatMap((stop) => (stop.meterStop === null ? [] : [stop.meterStop]));
  const usable = start === undefined ? figures : figures.filter((figure) => figure >= start);
  const among = usable.length > 0 ? usable : figures;
  return among.length === 0 ? undefined : Math.min(...among);
}

function lastEvidence(session: Session, parts: TransactionPart[], untagged: SeriesSet): number {
  let last = Math.max(session.startedAt, session.stoppedAt ?? session.startedAt);
  if (session.events !== undefined) last = Math.max(last, (parts[0] as TransactionPart).lastEventAt);
  for (const part of parts) {
    const seen = latest(part.samples);
    if (seen > last && seen < session.samplesBefore) last = seen;
  }
  return Math.max(last, session.stoppedAt === undefined ? latest(untagged) : last);
}

/** Who it is about, as its first enriched records said. */
export function people(
  session: Session,
): Pick<SessionRow, 'idToken' | 'authStatus' | 'stationId' | 'accountId' | 'tariff'> {
  const { start, events } = session;
  return {
    idToken:
      start?.idToken ?? events?.idToken?.token ?? session.stops.find((stop) => stop.idToken)?.idToken ?? '',
    authStatus: start?.authStatus ?? events?.authStatus?.status ?? '',
    stationId: start?.station ?? events?.station ?? '',
    accountId: start?.account ?? events?.account ?? '',
    tariff: start?.tariff ?? events?.tariff ?? '',
  };
}

function statusOf(session: Session): SessionRow['status'] {
  if (session.kind === 'orphan') return 'orphan';
  if (session.stoppedAt !== undefined) return 'completed';
  return session.abandoned ? 'abandoned' : 'active';
}

/** OCPP 1.6 section 6.49: an absent reason means Local. */
function stopReason(session: Session): string {
  if (session.events !== undefined) {
    return (
      session.events.ended.find((ended) => ended.reason !== '')?.reason ?? (session.stoppedAt ? 'Local' : '')
    );
  }
  const given = session.stops.find((stop) => stop.reason !== '');
  return given?.reason ?? (session.stops.length > 0 ? 'Local' : '');
}

const isSuspect = (session: Session): boolean =>
  session.start?.suspect === true ||
  session.stops[0]?.suspect === true ||
  session.events?.started?.suspect === true ||
  session.events?.ended[0]?.suspect === true;

/** The first Available at or after the stop and before the connector's next start. */
function unpluggedAt(state: ChargePointState, session: Session): number | null {
  if (session.stoppedAt === undefined || session.evseId === null) return null;
  const free = state.core.evses[session.evseId]?.freeAt ?? [];
  const at = free.find((time) => time >= (session.stoppedAt as number));
  return at === undefined || (session.nextStartAt !== undefined && at > session.nextStartAt) ? null : at;
}

/** A gap, or a beginning that never came: seqNo counts from 0 in every station met so far. */
function sequenceFindings(session: Session): EnergyFinding[] {
  const ranges = session.events?.seqNos ?? [];
  const beginningMissing = session.events?.started === undefined && (ranges[0] ?? 0) > 0;
  if (ranges.length <= 2 && !beginningMissing) return [];
  const texts: string[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    texts.push(ranges[i] === ranges[i + 1] ? `${ranges[i]}` : `${ranges[i]}-${ranges[i + 1]}`);
  }
  return [{ kind: 'missing_events', detail: `seqNo seen: ${texts.join(', ')}`, hold: false }];
}

/** One finding per kind: the first says enough, the others would make the row as long as the session. */
function distinct(findings: readonly EnergyFinding[]): EnergyFinding[] {
  const seen = new Map<string, EnergyFinding>();
  for (const finding of findings) {
    const earlier = seen.get(finding.kind);
    if (earlier === undefined) seen.set(finding.kind, finding);
    else if (finding.hold && !earlier.hold) seen.set(finding.kind, { ...earlier, hold: true });
  }
  return [...seen.values()];
}

const deletedSession = (chargePointId: string, offset: number, sessionId: string): SessionRow => ({
  chargePointId,
  offset,
  sessionId,
  connectorId: null,
  evseId: null,
  transactionId: '',
  idToken: '',
  authStatus: '',
  stationId: '',
  accountId: '',
  tariff: '',
  status: 'orphan',
  held: false,
  startedAt: 0,
  stoppedAt: null,
  unpluggedAt: null,
  lastSeenAt: 0,
  clockSuspect: false,
  meterStartMilli: null,
  meterStopMilli: null,
  energyMilli: null,
  energySource: 'none',
  exportMilli: null,
  maxPowerMilli: null,
  socStartMilli: null,
  socEndMilli: null,
  stopReason: '',
  chargingMs: 0,
  idleMs: 0,
  estimated: false,
  anomalies: [],
  remoteStartId: null,
  protocol: '',
  deleted: true,
});
