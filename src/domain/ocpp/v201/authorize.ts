import type { IdToken } from '../../charging/events.js';
import type { Action } from '../action.js';
import { idTokenInfoOf } from '../judgement.js';
import type { Payload } from '../payload.js';
import { Reading } from '../reading.js';
import { idTokenOf, judge } from './id-token.js';

/**
 * OCPP 2.0.1 use cases C01 to C07. Contract certificates are not verified: without `certificateStatus` in the
 * answer the station knows that only the token was judged.
 */
export const authorize: Action = {
  name: 'Authorize',
  answer(payload, context) {
    const idToken = shownToken(payload);
    if (idToken === undefined) return undefined;
    const judgement = judge(idToken, context, context.receivedAt);
    return { result: { idTokenInfo: idTokenInfoOf(judgement, context.protocol) }, decision: true };
  },
  lookup: (payload, receivedAt) => ({ idToken: shownToken(payload), at: receivedAt }),
};

function shownToken(payload: Payload): IdToken | undefined {
  const reading = new Reading();
  const isText = reading.has(reading.object(payload, 'idToken'), 'string', 'idToken');
  return isText ? idTokenOf(payload, reading) : undefined;
}
