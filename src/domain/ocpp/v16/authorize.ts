import type { Action } from '../action.js';
import { idTagInfoOf } from '../judgement.js';
import { Reading } from '../reading.js';

/** OCPP 1.6 section 4.1. */
export const authorize: Action = {
  name: 'Authorize',
  answer({ idTag }, { authorize, receivedAt }) {
    return { result: { idTagInfo: idTagInfoOf(authorize(String(idTag), receivedAt)) }, decision: true };
  },
  lookup(payload, receivedAt) {
    const reading = new Reading();
    const token = reading.has(payload, 'string', 'idTag') ? reading.text(payload, 'idTag') : '';
    return { idToken: { token }, at: receivedAt };
  },
};
