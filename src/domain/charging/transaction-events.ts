/** OCPP 2.x TransactionEvents folded into one piece of evidence, so that order and repetition do not matter. */
import type { StoredRecord } from '../ocpp/record.js';
import type { CorrectedTime } from './clock.js';
import type { ChargingEvent } from './events.js';
import type { EventsEvidence } from './state.js';

/** Folds an event in so that order and repetition do not matter; true when more than its seqNo was new. */
export function foldEvent(
  events: EventsEvidence,
  event: Extract<ChargingEvent, { kind: 'transaction' }>,
  record: StoredRecord,
  { at, suspect }: CorrectedTime,
  lastSampleAt: number | null,
): boolean {
  const before = JSON.stringify({ ...events, seqNos: undefined, chargingState: undefined });
  const { seqNo } = event;
  addToRanges(events.seqNos, seqNo);
  events.firstAt = Math.min(events.firstAt, at);
  const earlier = (known: { seqNo: number } | undefined) => known === undefined || seqNo < known.seqNo;
  if (event.eventType === 'Started' && earlier(events.started)) events.started = { seqNo, at, suspect };
  if (event.eventType === 'Ended')
    addEnded(events, { seqNo, at, suspect, reason: event.stoppedReason ?? '', lastSampleAt });
  const { outlet } = event;
  if (outlet !== undefined && earlier(events.evse)) events.evse = { seqNo, evseId: outlet.evseId ?? null };
  if (outlet?.connectorId !== undefined && earlier(events.connector))
    events.connector = { seqNo, connectorId: outlet.connectorId };
  if (event.idToken !== undefined && earlier(events.idToken))
    events.idToken = { seqNo, token: event.idToken.token };
  if (event.authStatus !== undefined && earlier(events.authStatus)) {
    events.authStatus = { seqNo, status: event.authStatus };
  }
  if (event.remoteStartId !== undefined) events.remoteStartId ??= event.remoteStartId;
  const { chargingState } = event;
  if (
    chargingState !== undefined &&
    (events.chargingState === undefined || seqNo > events.chargingState.seqNo)
  ) {
    events.chargingState = { seqNo, state: chargingState, at };
  }
  if (chargingState === 'Charging') events.chargedAt = Math.min(events.chargedAt ?? at, at);
  events.protocol ??= record.protocol;
  events.station ??= record.station;
  events.account ??= record.account;
  events.tariff ??= record.tariff;
  return before !== JSON.stringify({ ...events, seqNos: undefined, chargingState: undefined });
}

function addEnded(events: EventsEvidence, ended: EventsEvidence['ended'][number]): void {
  const same = events.ended.findIndex((known) => known.seqNo === ended.seqNo);
  const known = events.ended[same];
  if (known === undefined) events.ended.push(ended);
  else if (JSON.stringify(ended) < JSON.stringify(known)) events.ended[same] = ended;
  events.ended.sort((a, b) => a.seqNo - b.seqNo || a.at - b.at);
}

/** Adds a number to sorted, disjoint, inclusive ranges. */
export function addToRanges(ranges: number[], value: number): void {
  if (!Number.isInteger(value)) return;
  let index = ranges.length;
  while (index > 0 && (ranges[index - 2] as number) > value) index -= 2;
  if (index > 0 && value <= (ranges[index - 1] as number)) return;
  const joinsBefore = index > 0 && ranges[index - 1] === value - 1;
  const joinsAfter = index < ranges.length && ranges[index] === value + 1;
  if (joinsBefore && joinsAfter) ranges.splice(index - 1, 2);
  else if (joinsBefore) ranges[index - 1] = value;
  else if (joinsAfter) ranges[index] = value;
  else ranges.splice(index, 0, value, value);
}
