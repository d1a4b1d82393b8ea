import type { ChargingEvent } from '../../charging/events.js';
import { sessionId2 } from '../../charging/session-id.js';
import type { Action } from '../action.js';
import { answered, statusOf } from '../answers.js';
import { decoded, meaningless } from '../decoded.js';
import { idTokenInfoOf } from '../judgement.js';
import type { Payload } from '../payload.js';
import { Reading } from '../reading.js';
import { samples2 } from '../samples.js';
import { type Begins, judgeStart } from '../start-judgement.js';
import { plausible } from '../time.js';
import { idTokenOf, judge } from './id-token.js';
import { outletOf } from './outlet.js';

type TransactionEvent = Extract<ChargingEvent, { kind: 'transaction' }>;
const EVENT_TYPES = new Set<unknown>(['Started', 'Updated', 'Ended']);
const isEventType = (value: unknown): value is TransactionEvent['eventType'] => EVENT_TYPES.has(value);

/**
 * OCPP 2.0.1 use cases E01 to E15. Only eventType, timestamp, seqNo and the transaction's id are indispensable;
 * EVSE and token come once, and possibly late.
 */
export const transactionEvent: Action = {
  name: 'TransactionEvent',
  decode(payload, record) {
    const reading = new Reading();
    const { eventType } = payload;
    const info = reading.object(payload, 'transactionInfo');
    const transactionId = reading.text(info, 'transactionId');
    const seqNo = reading.integer(payload, 'seqNo');
    const at = reading.time(payload, 'timestamp');
    if (!isEventType(eventType) || transactionId === '' || !(seqNo >= 0) || Number.isNaN(at))
      return meaningless('TransactionEvent', 'eventType, transactionId, seqNo or timestamp', reading);
    const remoteStartId = reading.integer(info, 'remoteStartId');
    const chargingState = reading.text(info, 'chargingState');
    const stoppedReason = reading.text(info, 'stoppedReason');
    const outlet =
      payload.evse === undefined ? undefined : outletOf(reading.object(payload, 'evse'), 'id', reading);
    const idToken = idTokenOf(payload, reading);
    const authStatus = statusOf(answered(record.answer).idTokenInfo);
    const event: TransactionEvent = {
      kind: 'transaction',
      eventType,
      transactionId,
      seqNo,
      at,
      trigger: reading.text(payload, 'triggerReason'),
      ...(chargingState === '' ? {} : { chargingState }),
      ...(stoppedReason === '' ? {} : { stoppedReason }),
      ...(outlet === undefined ? {} : { outlet }),
      ...(idToken === undefined ? {} : { idToken }),
      ...(authStatus === undefined ? {} : { authStatus }),
      offline: payload.offline === true,
      ...(Number.isNaN(remoteStartId) ? {} : { remoteStartId }),
      samples: samples2(payload, 'meterValue', reading),
    };
    return decoded(event, reading);
  },
  /**
   * `idTokenInfo` whenever a token was shown; judged as a start unless it is shown to end (E07) or with the end: then as of
   * now, however late it comes, for the station's cache. Never `totalCost`: the price is settled later, and 0.00 would
   * tell the driver that the session is free.
   */
  answer(payload, context) {
    const reading = new Reading();
    const { chargePointId, receivedAt, protocol } = context;
    const at = shownAt(payload.timestamp, receivedAt);
    const transactionId = reading.text(reading.object(payload, 'transactionInfo'), 'transactionId');
    const ends = payload.eventType === 'Ended';
    const end = ends
      ? { note: { is: 'ended', chargePointId, transactionId, at, receivedAt } as const }
      : undefined;
    const idToken = idTokenOf(payload, reading);
    if (idToken === undefined) return { result: {}, ...end };
    const judged = (asOf: number) => judge(idToken, context, asOf);
    if (ends || transactionId === '' || TO_END.has(payload.triggerReason)) {
      const idTokenInfo = idTokenInfoOf(judged(receivedAt), protocol);
      return { result: { idTokenInfo }, decision: true, ...end };
    }
    const begins = beginsOf(payload, reading, chargePointId, transactionId);
    const { judgement, note } = judgeStart(judged, idToken.token, begins, context);
    return {
      result: { idTokenInfo: idTokenInfoOf(judgement, protocol) },
      decision: true,
      ...(note === undefined ? {} : { note }),
    };
  },
  lookup(payload, receivedAt) {
    const reading = new Reading();
    return {
      outlet:
        payload.evse === undefined ? undefined : outletOf(reading.object(payload, 'evse'), 'id', reading),
      idToken: idTokenOf(payload, reading),
      at: shownAt(payload.timestamp, receivedAt),
    };
  },
};

/** Reasons for which a token is shown that ends something. */
const TO_END = new Set<unknown>(['StopAuthorized', 'Deauthorized', 'RemoteStop']);

function beginsOf(payload: Payload, reading: Reading, chargePointId: string, transactionId: string): Begins {
  const outlet =
    payload.evse === undefined ? undefined : outletOf(reading.object(payload, 'evse'), 'id', reading);
  return {
    transactionId,
    evseId: outlet?.evseId,
    sentAt: reading.time(payload, 'timestamp'),
    offline: payload.offline === true,
    asking: payload.eventType === 'Started' ? 0 : reading.integer(payload, 'seqNo'),
    sessionId: () => sessionId2(chargePointId, transactionId),
  };
}

function shownAt(timestamp: unknown, receivedAt: number): number {
  const at = new Reading().time({ timestamp }, 'timestamp');
  return plausible(at, receivedAt) ? at : receivedAt;
}
