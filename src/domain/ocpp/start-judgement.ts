/**
 * A token that begins a transaction: as of when it is judged, and ConcurrentTx, which is said here and nowhere else.
 *
 * A charger's clock is believed only about a start that it kept while it was offline: then the token is judged as of the
 * start, by the registry and for ConcurrentTx alike. Whoever begins now is judged as of now, however wrong that clock is.
 *
 * OCPP 1.6 section 7.2 (AuthorizationStatus): "only relevant for a StartTransaction.req"; 2.0.1 Part 2
 * (AuthorizationStatusEnumType): only for the response to a TransactionEvent that starts. Authorize stays Accepted for
 * someone who is charging: by it he stops.
 */
import type { TransactionNote, TransactionStart } from '../charging/active-transactions.js';
import { isWholeHoursOff } from '../charging/clock.js';
import { tokenHash } from '../charging/token-hash.js';
import type { AnswerContext } from './action.js';
import type { Judgement } from './judgement.js';
import { plausible } from './time.js';

/** What is known of the start but for the token. `sessionId` is asked for only where it is needed. */
export type Begins = Pick<TransactionStart, 'transactionId' | 'evseId' | 'asking'> & {
  /** As sent: epoch milliseconds, whatever that is worth. */
  readonly sentAt: number;
  /** As 2.x says it; 1.6 says nothing. */
  readonly offline?: boolean;
  sessionId(): string;
};

/** 'unclear': it was kept offline, or the clock has another time zone. Then whoever would be welcome by one is. */
export type Lateness = 'prompt' | 'kept offline' | 'unclear';

export function latenessOf(
  { sentAt, offline }: Pick<Begins, 'sentAt' | 'offline'>,
  { protocol, connectedAt, receivedAt }: Pick<AnswerContext, 'protocol' | 'connectedAt' | 'receivedAt'>,
): Lateness {
  if (!plausible(sentAt, receivedAt) || sentAt >= receivedAt) return 'prompt';
  if (protocol !== 'ocpp1.6') return offline === true ? 'kept offline' : 'prompt';
  if (sentAt >= connectedAt) return 'prompt';
  return isWholeHoursOff(sentAt, receivedAt) ? 'unclear' : 'kept offline';
}

/** `judge`: what the registry says of the token as of a time. */
export function judgeStart(
  judge: (at: number) => Judgement,
  token: string,
  begins: Begins,
  context: AnswerContext,
): { readonly judgement: Judgement; readonly note?: TransactionNote } {
  const { chargePointId, receivedAt, isElsewhere } = context;
  const lateness = latenessOf(begins, context);
  const judged = judgedAsOf(lateness, judge, begins.sentAt, receivedAt);
  if (judged.status !== 'Accepted' || judged.single !== true) return { judgement: judged };
  const { transactionId, evseId, asking } = begins;
  const start: TransactionStart = {
    sessionId: begins.sessionId(),
    chargePointId,
    transactionId,
    evseId,
    tokenHash: tokenHash(token),
    at: lateness === 'prompt' ? receivedAt : begins.sentAt,
    receivedAt,
    keptOffline: lateness === 'kept offline',
    asking,
  };
  const isRefused = isElsewhere?.(start) ?? false;
  return {
    judgement: isRefused ? { ...judged, status: 'ConcurrentTx' } : judged,
    note: { is: 'begun', start, accepted: !isRefused },
  };
}

/**
 * The charger keeps the answer in its Authorization Cache (1.6 sections 4.8 and 4.10; 2.0.1 use case C10), so of an old
 * start it is told when to forget it: as the token stands now, and at once where it stands otherwise than it did.
 */
function judgedAsOf(
  lateness: Lateness,
  judge: (at: number) => Judgement,
  sentAt: number,
  receivedAt: number,
): Judgement {
  const now = judge(receivedAt);
  if (lateness === 'prompt') return now;
  const then = judge(sentAt);
  if (then.status === now.status) return { ...then, expiresAt: now.expiresAt };
  if (lateness === 'unclear' && now.status === 'Accepted') return now;
  return { ...then, expiresAt: Math.min(now.expiresAt ?? receivedAt, receivedAt) };
}
