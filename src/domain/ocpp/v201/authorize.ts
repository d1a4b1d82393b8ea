import type { Action } from '../action.js';
import { Reading } from '../reading.js';
import { idTokenOf, judge } from './id-token.js';

/**
 * OCPP 2.0.1 use cases C01 to C07. Contract certificates are not verified: without `certificateStatus` in the
 * answer the station knows that only the token was judged.
 */
export const authorize: Action = {
  name: 'Authorize',
  answer(payload, context) {
    const idToken = idTokenOf(payload, new Reading());
    if (idToken === undefined) return undefined;
    const status = judge(idToken, context, context.receivedAt);
    return { result: { idTokenInfo: { status } }, decision: true };
  },
  lookup: (payload, receivedAt) => ({ idToken: idTokenOf(payload, new Reading()), at: receivedAt }),
};
