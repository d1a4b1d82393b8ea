import type { Action } from '../action.js';
import { decoded, meaningless } from '../decoded.js';
import { Reading } from '../reading.js';
import { samples2 } from '../samples.js';
import { outletOf } from './outlet.js';

/**
 * OCPP 2.0.1 use case J01. Meant for times without a transaction, but some stations send them during one;
 * they carry no transaction id, so that EVSE and time decide. EVSE 0 is the main meter.
 */
export const meterValues: Action = {
  name: 'MeterValues',
  decode(payload) {
    const reading = new Reading();
    const outlet = outletOf(payload, 'evseId', reading);
    const samples = samples2(payload, 'meterValue', reading);
    if (outlet === undefined) return meaningless('MeterValues', 'evseId', reading);
    if (!samples.some((sample) => !Number.isNaN(sample.at)))
      return { event: { kind: 'other', action: 'MeterValues' }, oddities: reading.oddities };
    return decoded({ kind: 'meter-values', outlet, samples }, reading);
  },
  answer: () => ({ result: {} }),
  lookup: (payload, receivedAt) => ({ outlet: outletOf(payload, 'evseId', new Reading()), at: receivedAt }),
};
