import type { TransactionNote } from '../../charging/active-transactions.js';
import type { Action } from '../action.js';
import { decoded, meaningless } from '../decoded.js';
import { idTagInfoOf } from '../judgement.js';
import { Reading } from '../reading.js';
import { samples16 } from '../samples.js';
import { plausible } from '../time.js';

/**
 * OCPP 1.6 section 4.10. Known transaction or not, it is answered with a CALLRESULT: a CALLERROR would make the
 * charger repeat the stop a few times and then throw it away (section 3.7.1). A stop without a readable
 * meterStop is still a stop; the samples have its energy. A token is judged as of now, however late the stop comes: nothing
 * hangs on this answer but the charger's Authorization Cache.
 */
export const stopTransaction: Action = {
  name: 'StopTransaction',
  decode(payload) {
    const reading = new Reading();
    const transactionId = reading.numericName(payload, 'transactionId');
    const meterStopMilli = reading.milli(payload, 'meterStop');
    const at = reading.time(payload, 'timestamp');
    if (transactionId === undefined || Number.isNaN(at))
      return meaningless('StopTransaction', 'transactionId or timestamp', reading);
    if (payload.meterStop === undefined) reading.missing('meterStop');
    const token = reading.text(payload, 'idTag');
    return decoded(
      {
        kind: 'stop',
        transactionId,
        ...(token === '' ? {} : { idToken: { token } }),
        meterStopMilli,
        at,
        reason: reading.text(payload, 'reason'),
        samples: samples16(payload, 'transactionData', reading),
      },
      reading,
    );
  },
  answer(payload, { chargePointId, authorize, receivedAt }) {
    const reading = new Reading();
    const at = shownAt(payload.timestamp, receivedAt);
    const transactionId = reading.numericName(payload, 'transactionId') ?? '';
    const note: TransactionNote = { is: 'ended', chargePointId, transactionId, at, receivedAt };
    const token = reading.text(payload, 'idTag');
    return token === ''
      ? { result: {}, note }
      : { result: { idTagInfo: idTagInfoOf(authorize(token, receivedAt)) }, note };
  },
  lookup(payload, receivedAt) {
    const token = new Reading().text(payload, 'idTag');
    const at = shownAt(payload.timestamp, receivedAt);
    return token === '' ? { at } : { idToken: { token }, at };
  },
};

function shownAt(timestamp: unknown, receivedAt: number): number {
  const at = new Reading().time({ timestamp }, 'timestamp');
  return plausible(at, receivedAt) ? at : receivedAt;
}
