/**
 * A token that begins a transaction: ConcurrentTx is said here and nowhere else.
 *
 * OCPP 1.6 section 7.2 (AuthorizationStatus): "only relevant for a StartTransaction.req"; 2.0.1 Part 2
 * (AuthorizationStatusEnumType): only for the response to a TransactionEvent that starts. Authorize stays Accepted for
 * someone who is charging: by it he stops.
 */
import type { TransactionNote, TransactionStart } from '../charging/active-transactions.js';
import { tokenHash } from '../charging/token-hash.js';
import type { AnswerContext } from './action.js';
import type { Judgement } from './judgement.js';

/** What is known of the start but for the token. `sessionId` is asked for only where it is needed. */
export type Begins = Pick<TransactionStart, 'transactionId' | 'evseId' | 'at' | 'asking'> & {
  sessionId(): string;
};

/** `judged`: what the registry says of the token at the time of the start. */
export function judgeStart(
  judged: Judgement,
  token: string,
  begins: Begins,
  { chargePointId, receivedAt, isElsewhere }: AnswerContext,
): { readonly judgement: Judgement; readonly note?: TransactionNote } {
  if (judged.status !== 'Accepted' || judged.single !== true) return { judgement: judged };
  const { transactionId, evseId, at, asking } = begins;
  const start: TransactionStart = {
    sessionId: begins.sessionId(),
    chargePointId,
    transactionId,
    evseId,
    tokenHash: tokenHash(token),
    at,
    receivedAt,
    asking,
  };
  const isRefused = isElsewhere?.(start) ?? false;
  return {
    judgement: isRefused ? { ...judged, status: 'ConcurrentTx' } : judged,
    note: { is: 'begun', start, accepted: !isRefused },
  };
}
