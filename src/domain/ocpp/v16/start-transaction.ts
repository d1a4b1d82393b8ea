import { sessionId16 } from '../../charging/session-id.js';
import type { Action, DecodeRecord } from '../action.js';
import { answered, statusOf } from '../answers.js';
import { decoded, meaningless } from '../decoded.js';
import { idTagInfoOf } from '../judgement.js';
import type { Payload } from '../payload.js';
import { Reading } from '../reading.js';
import { judgeStart } from '../start-judgement.js';
import { plausible } from '../time.js';
import { transactionId16 } from '../transaction-id.js';

interface Start {
  readonly connectorId: number;
  readonly idTag: string;
  readonly meterStartMilli: number;
  readonly at: number;
}

/** Everything that a start is known by must be readable; the rest of the schema may be hurt. */
function readStart(payload: Payload, reading: Reading): Start | undefined {
  const start = {
    connectorId: reading.integer(payload, 'connectorId'),
    idTag: reading.text(payload, 'idTag'),
    meterStartMilli: reading.milli(payload, 'meterStart'),
    at: reading.time(payload, 'timestamp'),
  };
  const usable =
    start.connectorId >= 0 &&
    (typeof payload.idTag === 'string' || start.idTag !== '') &&
    !Number.isNaN(start.meterStartMilli) &&
    !Number.isNaN(start.at);
  if (start.idTag.length > 20) reading.note('schema_violation', 'idTag is longer than 20 characters');
  return usable ? start : undefined;
}

const idOf = (start: Start, { chargePointId, messageId, receivedAt }: DecodeRecord): number =>
  transactionId16({
    chargePointId,
    connectorId: start.connectorId,
    idTag: start.idTag,
    startAt: start.at,
    meterStart: start.meterStartMilli / 1000,
    messageId: messageId ?? '',
    receivedAt,
  });

/**
 * OCPP 1.6 section 4.8. Always answered with an id, also when the token is refused: the transaction has begun,
 * and a charger without an id for it would not report its stop in a way that we could use.
 */
export const startTransaction: Action = {
  name: 'StartTransaction',
  decode(payload, record) {
    const reading = new Reading();
    const start = readStart(payload, reading);
    if (start === undefined)
      return meaningless('StartTransaction', 'connectorId, idTag, meterStart or timestamp', reading);
    const { transactionId, idTagInfo } = answered(record.answer);
    return decoded(
      {
        kind: 'start',
        outlet: { connectorId: start.connectorId },
        idToken: { token: start.idTag },
        meterStartMilli: start.meterStartMilli,
        at: start.at,
        // A log that was recorded elsewhere may lack the answer: the id is what we would have answered.
        transactionId: String(Number.isSafeInteger(transactionId) ? transactionId : idOf(start, record)),
        authStatus: statusOf(idTagInfo) ?? '',
        messageId: record.messageId ?? '',
      },
      reading,
    );
  },
  answer(payload, context) {
    const start = readStart(payload, new Reading());
    if (start === undefined) return undefined;
    const transactionId = idOf(start, context);
    const name = String(transactionId);
    const { judgement, note } = judgeStart(
      (at) => context.authorize(start.idTag, at),
      start.idTag,
      {
        transactionId: name,
        evseId: start.connectorId,
        sentAt: start.at,
        asking: 0,
        sessionId: () => sessionId16(context.chargePointId, name, start.connectorId, start.at),
      },
      context,
    );
    return {
      result: { transactionId, idTagInfo: idTagInfoOf(judgement) },
      decision: true,
      ...(note === undefined ? {} : { note }),
    };
  },
  lookup(payload, receivedAt) {
    const start = readStart(payload, new Reading());
    if (start === undefined) return { at: receivedAt };
    return {
      outlet: { connectorId: start.connectorId },
      idToken: { token: start.idTag },
      at: plausible(start.at, receivedAt) ? start.at : receivedAt,
    };
  },
};
