/**
 * A customer's request to begin or end charging, as `charging.events.log` tells it. Pure, and the same for whoever folds
 * the same log; its id is also that of the command it sends.
 *
 *     requested ──> accepted ──> started | stopped        (the session itself is the evidence)
 *         └────────────┴──────> failed: the charger is away, refused, or nobody plugged in (the session went on) in time
 *
 * What comes first in the log is what came of it: the session, the command's end, or an api's word that the time is up.
 * The api's `charging.started`, `.stopped`, `.failed` tell the world of it (`isTold`); they decide only where nothing
 * before them did.
 *
 * How a session is known to be the one that was asked for: 2.x by the remoteStartId of the request (2.0.1 Part 2, F01,
 * F02), 1.6 by a token that was made for this request alone. Either at the very charge point.
 */
import type {
  ChargingEventMessage,
  ChargingFailed,
  ChargingRequested,
  CommandStep,
  CustomerEvent,
  RequestFailure,
  SessionView,
} from '../messages/charging-events.js';

export const REQUEST_STATES = ['requested', 'accepted', 'started', 'stopped', 'failed'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

export interface ChargingRequest {
  readonly requested: ChargingRequested;
  readonly state: RequestState;
  /** The charger has it, or may have it. */
  readonly wasSent: boolean;
  readonly sessionId: string | null;
  readonly transactionId: string | null;
  readonly failure: { readonly code: RequestFailure; readonly detail: string } | null;
  readonly endedAt: string | null;
  /** How it ended stands in the log as an event of its own. */
  readonly isTold: boolean;
}

export const isOver = ({ state }: ChargingRequest): boolean =>
  state === 'started' || state === 'stopped' || state === 'failed';

/** undefined: nothing is known of a request whose `charging.requested` is not among what was read. */
export function evolveRequest(
  request: ChargingRequest | undefined,
  event: ChargingEventMessage,
): ChargingRequest | undefined {
  if (event.type === 'charging.requested') return request ?? begun(event);
  if (request === undefined) return undefined;
  const { requestId } = request.requested;
  if ('requestId' in event) return event.requestId === requestId ? told(request, event) : request;
  if (isOver(request)) return request;
  if ('commandId' in event) return event.commandId === requestId ? commanded(request, event) : request;
  if ('session' in event && isEvidence(request.requested, event.session))
    return {
      ...request,
      state: request.requested.kind === 'start' ? 'started' : 'stopped',
      sessionId: event.session.sessionId,
      transactionId: event.session.transactionId,
      endedAt: event.at,
    };
  return request;
}

const begun = (requested: ChargingRequested): ChargingRequest => ({
  requested,
  state: 'requested',
  wasSent: false,
  sessionId: requested.sessionId,
  transactionId: null,
  failure: null,
  endedAt: null,
  isTold: false,
});

function told(
  request: ChargingRequest,
  event: CustomerEvent | ChargingFailed | ChargingRequested,
): ChargingRequest {
  if (event.type === 'charging.requested') return request;
  if (event.type === 'charging.failed') {
    if (isOver(request)) return request.state === 'failed' ? { ...request, isTold: true } : request;
    return { ...failed(request, event.code, event.detail, event.at), isTold: true };
  }
  if (request.state === 'failed') return request;
  return {
    ...request,
    state: event.type === 'charging.started' ? 'started' : 'stopped',
    sessionId: event.sessionId,
    transactionId: event.transactionId,
    endedAt: request.endedAt ?? event.at,
    isTold: true,
  };
}

function commanded(request: ChargingRequest, step: CommandStep): ChargingRequest {
  switch (step.type) {
    case 'command.sent':
      return { ...request, wasSent: true };
    case 'command.accepted':
      return { ...request, state: 'accepted', wasSent: true };
    case 'command.rejected':
      return failed(request, 'REJECTED_BY_CHARGER', `The charger answered ${step.status || 'no'}.`, step.at);
    case 'command.failed':
      return failed(
        request,
        'REJECTED_BY_CHARGER',
        `The charger could not do it: ${step.code} ${step.description}`.trimEnd(),
        step.at,
      );
    case 'command.offline':
      return failed(request, 'CHARGER_OFFLINE', 'The charger is not connected; nothing was sent.', step.at);
    case 'command.timed-out':
      // It may have got it all the same: then the session will show, or the time will be up.
      return step.delivery === 'delivery-unknown' || request.wasSent
        ? { ...request, wasSent: true }
        : failed(request, 'NOT_SENT', 'It did not reach the charger in time; nothing was sent.', step.at);
    default:
      return request;
  }
}

const failed = (
  request: ChargingRequest,
  code: RequestFailure,
  detail: string,
  at: string,
): ChargingRequest => ({ ...request, state: 'failed', failure: { code, detail }, endedAt: at });

/** A start that the charger reports and that was refused (rules, "Sessions") is a session, but nobody's charging. */
const isAdmitted = ({ authStatus }: SessionView): boolean => authStatus === '' || authStatus === 'Accepted';

export function isEvidence(requested: ChargingRequested, session: SessionView): boolean {
  if (session.chargePointId !== requested.chargePointId) return false;
  if (requested.kind === 'stop')
    return session.sessionId === requested.sessionId && session.status !== 'active';
  const byNumber = requested.remoteStartId !== null && session.remoteStartId === requested.remoteStartId;
  const byToken = requested.idTokenHash !== '' && session.idTokenHash === requested.idTokenHash;
  return (byNumber || byToken) && isAdmitted(session);
}

/** What an api says of a request that nothing has become of by its deadline. @param at epoch milliseconds */
export function overdue(request: ChargingRequest, at: number): ChargingFailed {
  const { kind, deadline } = request.requested;
  if (!request.wasSent)
    return failureOf(request, 'NOT_SENT', 'Whoever was to send it did not come to it; nothing was sent.', at);
  return kind === 'start'
    ? failureOf(
        request,
        'CONNECTION_TIMEOUT',
        `Charging did not begin by ${deadline}: nobody plugged in.`,
        at,
      )
    : failureOf(request, 'STOP_TIMEOUT', `The session was still going on at ${deadline}.`, at);
}

/** The event that tells how a request ended; undefined: it has not. Its id is the same whoever publishes it. */
export function tidingsOf(request: ChargingRequest, at: number): CustomerEvent | ChargingFailed | undefined {
  const { state, failure, requested, sessionId, transactionId } = request;
  if (state === 'failed' && failure !== null) return failureOf(request, failure.code, failure.detail, at);
  if (state !== 'started' && state !== 'stopped') return undefined;
  const { chargePointId, accountId, stationId, requestId } = requested;
  return {
    id: `${requestId}:${state}`,
    schema: 1,
    at: request.endedAt ?? new Date(at).toISOString(),
    type: `charging.${state}`,
    chargePointId,
    accountId,
    stationId,
    requestId,
    sessionId,
    transactionId,
  };
}

function failureOf(
  { requested }: ChargingRequest,
  code: RequestFailure,
  detail: string,
  at: number,
): ChargingFailed {
  const { chargePointId, accountId, stationId, requestId, kind } = requested;
  return {
    id: `${requestId}:failed`,
    schema: 1,
    at: new Date(at).toISOString(),
    type: 'charging.failed',
    chargePointId,
    accountId,
    stationId,
    requestId,
    kind,
    code,
    detail,
  };
}
