/** The IdTokenType of 2.x, read, and judged. */
import type { IdToken } from '../../charging/events.js';
import type { AnswerContext } from '../action.js';
import type { Judgement } from '../judgement.js';
import type { Payload } from '../payload.js';
import type { Reading } from '../reading.js';

/** undefined when there is none. The token of type NoAuthorization is empty. */
export function idTokenOf(payload: Payload, reading: Reading): IdToken | undefined {
  if (payload.idToken === undefined) return undefined;
  const idToken = reading.object(payload, 'idToken');
  const type = reading.text(idToken, 'type');
  if (idToken.idToken === undefined && type !== 'NoAuthorization') {
    reading.missing('idToken.idToken');
    return undefined;
  }
  const token = reading.text(idToken, 'idToken');
  return type === '' ? { token } : { token, type };
}

/**
 * NoAuthorization (a start button, 2.0.1 use case C02) shows no token: there is nothing to refuse, and who
 * runs such a station has decided that everybody may charge.
 */
export const judge = (idToken: IdToken, context: AnswerContext, at: number): Judgement =>
  idToken.type === 'NoAuthorization' ? NOBODY : context.authorize(idToken.token, at);

const NOBODY: Judgement = Object.freeze({ status: 'Accepted' });
