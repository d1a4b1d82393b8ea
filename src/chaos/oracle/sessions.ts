/**
 * The sessions of a charger out of what it delivered: a second reading of the rules of charging ("Sessions",
 * "Energy"), for the well-behaved transactions of simulated chargers. It shares no code with what it judges.
 */
import {
  addReadings,
  type DeliveredCall,
  inOrder,
  type Json,
  noReadings,
  object,
  type Reading,
  type Readings,
  text,
  time,
} from './delivered.js';
import { course, follow, framed, type Quarter, quarters, risingMs } from './energy.js';

/** A row of `sessions` as far as the charger decides it. Times in epoch ms, energy in mWh, power in mW. */
export interface ExpectedSession {
  readonly chargePointId: string;
  readonly transactionId: string;
  readonly protocol: string;
  readonly connectorId: number | null;
  readonly evseId: number | null;
  readonly idToken: string;
  readonly authStatus: string;
  readonly status: 'active' | 'completed';
  readonly held: boolean;
  /** undefined = more than one word for it; not compared. */
  readonly anomalies: readonly string[] | undefined;
  readonly startedAt: number;
  readonly stoppedAt: number | null;
  readonly unpluggedAt: number | null;
  readonly lastSeenAt: number;
  readonly meterStartMilli: number | null;
  readonly meterStopMilli: number | null;
  readonly energyMilli: number;
  readonly energySource: string;
  readonly maxPowerMilli: number | null;
  readonly socStartMilli: number | null;
  readonly socEndMilli: number | null;
  readonly stopReason: string;
  readonly chargingS: number;
  readonly idleS: number;
  readonly quarters: readonly Quarter[];
}

interface Draft {
  readonly transactionId: string;
  readonly call: DeliveredCall;
  connectorId: number | null;
  evseId: number | null;
  idToken: string;
  authStatus: string;
  startedAt: number;
  stoppedAt: number | undefined;
  lastEventAt: number;
  /** 1.6 only. */
  meterStart: number | undefined;
  meterStop: number | undefined;
  stopReason: string;
  readonly readings: Readings;
}

/** Calls of one charge point. */
export function sessionsOf(calls: readonly DeliveredCall[]): ExpectedSession[] {
  const drafts = calls[0]?.protocol === 'ocpp1.6' ? drafts16(calls) : drafts2(calls);
  const free = freeTimes(calls);
  return drafts.map((draft) => {
    const later = drafts.filter(
      (other) => other.evseId === draft.evseId && other.startedAt > draft.startedAt,
    );
    const nextStartAt = Math.min(...later.map((other) => other.startedAt), Number.POSITIVE_INFINITY);
    return finished(draft, free.get(draft.evseId) ?? [], nextStartAt);
  });
}

const wattHours = (value: unknown): number => Math.round(Number(value) * 1_000);

function drafts16(calls: readonly DeliveredCall[]): Draft[] {
  const byId = new Map<string, Draft>();
  for (const call of calls) {
    const { action, payload, answer } = call;
    if (action !== 'StartTransaction') continue;
    const transactionId = text(answer?.transactionId);
    if (byId.has(transactionId)) continue;
    const startedAt = time(payload.timestamp) as number;
    byId.set(transactionId, {
      transactionId,
      call,
      connectorId: Number(payload.connectorId),
      evseId: Number(payload.connectorId),
      idToken: text(payload.idTag),
      authStatus: text(object(answer?.idTagInfo).status),
      startedAt,
      stoppedAt: undefined,
      lastEventAt: startedAt,
      meterStart: wattHours(payload.meterStart),
      meterStop: undefined,
      stopReason: '',
      readings: noReadings(),
    });
  }
  for (const { action, payload } of calls) {
    const draft = byId.get(text(payload.transactionId));
    if (draft === undefined) continue;
    if (action === 'MeterValues') addReadings(draft.readings, payload.meterValue);
    if (action !== 'StopTransaction') continue;
    draft.stoppedAt = Math.min(
      draft.stoppedAt ?? Number.POSITIVE_INFINITY,
      time(payload.timestamp) as number,
    );
    draft.meterStop = wattHours(payload.meterStop);
    if (payload.reason !== undefined) draft.stopReason = text(payload.reason);
    addReadings(draft.readings, payload.transactionData);
  }
  return [...byId.values()];
}

function drafts2(calls: readonly DeliveredCall[]): Draft[] {
  const byId = new Map<string, Draft>();
  for (const call of calls) {
    const { action, payload, answer } = call;
    if (action !== 'TransactionEvent') continue;
    const transactionId = text(object(payload.transactionInfo).transactionId);
    const at = time(payload.timestamp) as number;
    const known = byId.get(transactionId);
    const draft: Draft = known ?? {
      transactionId,
      call,
      connectorId: null,
      evseId: null,
      idToken: '',
      authStatus: '',
      startedAt: at,
      stoppedAt: undefined,
      lastEventAt: at,
      meterStart: undefined,
      meterStop: undefined,
      stopReason: '',
      readings: noReadings(),
    };
    byId.set(transactionId, draft);
    draft.lastEventAt = Math.max(draft.lastEventAt, at);
    addReadings(draft.readings, payload.meterValue);
    noteEvse(draft, object(payload.evse));
    if (payload.idToken !== undefined) draft.idToken ||= text(object(payload.idToken).idToken);
    draft.authStatus ||= text(object(answer?.idTokenInfo).status);
    if (payload.eventType === 'Started') draft.startedAt = at;
    if (payload.eventType === 'Ended') {
      draft.stoppedAt = Math.min(draft.stoppedAt ?? Number.POSITIVE_INFINITY, at);
      draft.stopReason ||= text(object(payload.transactionInfo).stoppedReason);
    }
  }
  return [...byId.values()];
}

function noteEvse(draft: Draft, evse: Json): void {
  if (evse.id !== undefined) draft.evseId ??= Number(evse.id);
  if (evse.connectorId !== undefined) draft.connectorId ??= Number(evse.connectorId);
}

/** When each EVSE (1.6: connector) was reported Available. */
function freeTimes(calls: readonly DeliveredCall[]): Map<number | null, number[]> {
  const times = new Map<number | null, number[]>();
  for (const { action, payload, receivedAt } of calls) {
    if (action !== 'StatusNotification') continue;
    if ((payload.status ?? payload.connectorStatus) !== 'Available') continue;
    const evseId = Number(payload.evseId ?? payload.connectorId);
    const at = time(payload.timestamp) ?? receivedAt;
    if (at !== undefined) times.set(evseId, [...(times.get(evseId) ?? []), at]);
  }
  return times;
}

function finished(draft: Draft, free: readonly number[], nextStartAt: number): ExpectedSession {
  const { call, startedAt, stoppedAt, readings } = draft;
  // Samples after the stop never add.
  const until = (all: readonly Reading[]) =>
    inOrder(all).filter((reading) => reading.at <= (stoppedAt ?? Number.POSITIVE_INFINITY));
  const register = until(readings.register);
  const power = until(readings.power);
  const soc = until(readings.soc);
  const seen = Math.max(
    startedAt,
    stoppedAt ?? startedAt,
    call.protocol === 'ocpp1.6' ? startedAt : draft.lastEventAt,
    ...Object.values(readings).flatMap((all: Reading[]) => all.map((reading) => reading.at)),
  );
  const energy = energyOf(draft, register);
  const endAt = stoppedAt ?? seen;
  const points = course(startedAt, endAt, energy.milli, energy.taken);
  const chargingMs = risingMs(points, startedAt, endAt);
  const unplugged = free.filter((at) => at >= (stoppedAt ?? Number.POSITIVE_INFINITY));
  const unpluggedAt = unplugged.length === 0 ? undefined : Math.min(...unplugged);
  return {
    chargePointId: call.chargePointId,
    transactionId: draft.transactionId,
    protocol: call.protocol,
    connectorId: draft.connectorId,
    evseId: draft.evseId,
    idToken: draft.idToken,
    authStatus: draft.authStatus,
    status: stoppedAt === undefined ? 'active' : 'completed',
    held: energy.doubtful,
    anomalies: energy.doubtful ? undefined : [],
    startedAt,
    stoppedAt: stoppedAt ?? null,
    unpluggedAt: unpluggedAt === undefined || unpluggedAt > nextStartAt ? null : unpluggedAt,
    lastSeenAt: seen,
    meterStartMilli: draft.meterStart ?? null,
    meterStopMilli: energy.meterStop ?? null,
    energyMilli: energy.milli,
    energySource: energy.source,
    maxPowerMilli: power.length === 0 ? null : Math.max(...power.map(({ milli }) => milli)),
    socStartMilli: soc[0]?.milli ?? null,
    socEndMilli: soc.at(-1)?.milli ?? null,
    stopReason: draft.stopReason || (stoppedAt === undefined ? '' : 'Local'),
    chargingS: Math.round(chargingMs / 1_000),
    idleS: Math.round((endAt - startedAt - chargingMs) / 1_000),
    quarters: quarters(startedAt, endAt, points, power),
  };
}

/** meterStop - meterStart; else Transaction.End - Transaction.Begin; else the register. The lower one stands. */
function energyOf(draft: Draft, register: readonly Reading[]) {
  const { meterStart, meterStop, startedAt } = draft;
  if (meterStart !== undefined && meterStop !== undefined && meterStop >= meterStart) {
    const { taken, reset } = follow(register);
    const base = register[0] === undefined ? 0 : register[0].milli - meterStart;
    return {
      milli: meterStop - meterStart,
      source: 'meter_stop',
      taken: taken.map(({ at, milli }) => ({ at, milli: milli + base })),
      meterStop,
      doubtful: reset,
    };
  }
  const begun =
    meterStart === undefined ? register : [{ at: startedAt, milli: meterStart, context: '' }, ...register];
  const { taken, reset } = follow(begun);
  const rise = taken.at(-1)?.milli ?? 0;
  const between = framed(register);
  return {
    milli: Math.min(rise, between ?? rise),
    source: between === undefined ? 'registers' : 'transaction_context',
    taken,
    meterStop: undefined,
    doubtful: reset || meterStop !== undefined,
  };
}
