import type { Action } from '../action.js';
import { decoded, meaningless } from '../decoded.js';
import { Reading } from '../reading.js';
import { samples16 } from '../samples.js';

/** OCPP 1.6 section 4.7. Without a transaction id they are clock-aligned; connector 0 is the main meter. */
export const meterValues: Action = {
  name: 'MeterValues',
  decode(payload) {
    const reading = new Reading();
    const connectorId = reading.integer(payload, 'connectorId');
    const transactionId = reading.integer(payload, 'transactionId');
    const samples = samples16(payload, 'meterValue', reading);
    if (!(connectorId >= 0)) return meaningless('MeterValues', 'connectorId', reading);
    if (!samples.some((sample) => !Number.isNaN(sample.at)))
      return { event: { kind: 'other', action: 'MeterValues' }, oddities: reading.oddities };
    return decoded(
      {
        kind: 'meter-values',
        outlet: { connectorId },
        ...(Number.isNaN(transactionId) ? {} : { transactionId: String(transactionId) }),
        samples,
      },
      reading,
    );
  },
  answer: () => ({ result: {} }),
  lookup(payload, receivedAt) {
    const connectorId = new Reading().integer(payload, 'connectorId');
    return { outlet: Number.isNaN(connectorId) ? undefined : { connectorId }, at: receivedAt };
  },
};
