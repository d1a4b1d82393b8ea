/**
 * What ingest does with one text from a charger, as a pure function: what to record, and what to answer once
 * the record is confirmed. The steps, each of which may be the last one:
 *
 *     parse -> (answers of the charger: record) -> known action? -> valid, or usable? -> answer
 *
 * A frame that hurts the schema is answered with a CALLRESULT all the same when `decode` can make sense of it:
 * a CALLERROR would not repair it, only make the charger repeat it and then throw it away (OCPP 1.6 section
 * 3.7.1). Everything that is a frame is recorded, what was refused included.
 */
import type { TransactionNote } from '../charging/active-transactions.js';
import type { Action, AnswerContext, Lookup, RespondContext } from './action.js';
import { statusOf } from './answers.js';
import { type ErrorCode, spelled } from './errors.js';
import {
  type Call,
  type CallError,
  type CallResult,
  callErrorText,
  FAULT_REASONS,
  type Fault,
  type Frame,
  MAX_DESCRIPTION,
  parseFrame,
  resultText,
  UNREADABLE_ID,
} from './frames.js';
import type { Protocol } from './record.js';
import { PROTOCOLS } from './record.js';
import { redact } from './redact.js';
import { knownActions, validateCall } from './schemas.js';
import { versions } from './versions.js';

export const OUTCOMES = [
  ...FAULT_REASONS,
  /** A valid CALL. */
  'answered',
  /** A CALL that hurts its schema, and could be used. */
  'answered_hurt',
  'schema_violation',
  'not_implemented',
  'not_supported',
  /** The charger's answers to our CALLs. */
  'call_result',
  'call_error',
  'call_result_error',
  /** 2.1: a message without an answer. */
  'send',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface ResponseRecord {
  /** The text, secrets redacted. */
  readonly body: string;
  readonly subject: string;
  /** Absent when the frame has none that could be kept. */
  readonly messageId?: string;
  readonly answer?: string;
}

export interface Response {
  readonly outcome: Outcome;
  /** Absent for texts that are no frames at all. */
  readonly record?: ResponseRecord;
  /** To be sent once the record is confirmed. */
  readonly reply?: string;
  /** The frame carries a token or an EVSE: the record is to be enriched by `lookup`. */
  readonly enrich: boolean;
  readonly lookup?: Lookup;
  /** The charger's answer to a CALL of ours. */
  readonly frame?: CallResult | CallError;
  /** To be kept before the next frame is judged: what was just said of a transaction. */
  readonly note?: TransactionNote;
}

/** Subject of frames whose action is missing or not one of OCPP's. A closed set of names keeps tables small. */
export const UNKNOWN_SUBJECT = 'Unknown';

const SUBJECTS: ReadonlySet<string> = new Set(PROTOCOLS.flatMap((protocol) => [...knownActions(protocol)]));

const subjectOf = (action: unknown): string =>
  typeof action === 'string' && SUBJECTS.has(action) ? action : UNKNOWN_SUBJECT;

/** Judges one text. Never throws, keeps nothing, and has no clock but `context.receivedAt`. */
export function respond(text: string, protocol: Protocol, context: RespondContext): Response {
  const parsed = parseFrame(text, protocol);
  return parsed.ok
    ? respondToFrame(text, protocol, context, parsed.frame)
    : respondToFault(text, protocol, context, parsed.fault);
}

function respondToFrame(text: string, protocol: Protocol, context: RespondContext, frame: Frame): Response {
  switch (frame.type) {
    case 'Call':
      return respondToCall(text, protocol, context, frame, false);
    case 'Send':
      return {
        outcome: 'send',
        record: recordOf(text, subjectOf(frame.action), frame.messageId),
        enrich: false,
      };
    case 'CallResult':
    case 'CallError': {
      const outcome = frame.type === 'CallResult' ? 'call_result' : 'call_error';
      return { outcome, record: recordOf(text, frame.type, frame.messageId), enrich: false, frame };
    }
    case 'CallResultError':
      return {
        outcome: 'call_result_error',
        record: recordOf(text, frame.type, frame.messageId),
        enrich: false,
      };
  }
}

function respondToFault(text: string, protocol: Protocol, context: RespondContext, fault: Fault): Response {
  if (fault.call !== undefined && isUsable(protocol, context, fault.call))
    return respondToCall(text, protocol, context, fault.call, true);
  const { reason, messageId, errorCode, description } = fault;
  const noFrame = reason === 'malformed_json' || reason === 'not_a_frame';
  const reply =
    messageId === undefined || errorCode === undefined
      ? undefined
      : callErrorText(messageId, protocol, errorCode, description);
  if (noFrame) return { outcome: reason, reply, enrich: false };
  const answer = errorCode === undefined ? undefined : refusalText(protocol, errorCode, description);
  const subject = fault.call === undefined ? UNKNOWN_SUBJECT : subjectOf(fault.call.action);
  return { outcome: reason, record: recordOf(text, subject, messageId, answer), reply, enrich: false };
}

function respondToCall(
  text: string,
  protocol: Protocol,
  context: RespondContext,
  call: Call,
  hurtAlready: boolean,
): Response {
  const action = versions[protocol].get(call.action);
  if (action === undefined) return refuseAction(text, protocol, call);
  const complaint = validateCall(protocol, call.action, call.payload);
  if (complaint !== undefined && !isUsable(protocol, context, call))
    return refused(text, protocol, call, 'schema_violation', complaint.errorCode, complaint.description);
  const answer = action.answer(call.payload, answerContext(context, protocol, call.messageId));
  if (answer === undefined) {
    const description = `${call.action} holds a value that cannot be used`;
    return refused(text, protocol, call, 'schema_violation', 'PropertyConstraintViolation', description);
  }
  const result = JSON.stringify(answer.result);
  return {
    outcome: complaint === undefined && !hurtAlready ? 'answered' : 'answered_hurt',
    record: recordOf(text, call.action, call.messageId, answer.decision === true ? result : undefined),
    reply: resultText(call.messageId, result),
    enrich: action.lookup !== undefined,
    lookup: action.lookup && lookupOf(action.lookup(call.payload, context.receivedAt), answer.result),
    ...(answer.note === undefined ? {} : { note: answer.note }),
  };
}

/** Whose token was refused does not pay for the session (rules: "the account is that of the first accepted token"). */
function lookupOf({ idToken, ...lookup }: Lookup, result: object): Lookup {
  const { idTagInfo, idTokenInfo } = result as { idTagInfo?: unknown; idTokenInfo?: unknown };
  const status = statusOf(idTagInfo ?? idTokenInfo) ?? 'Accepted';
  return idToken === undefined || status !== 'Accepted' ? lookup : { ...lookup, idToken };
}

/** OCPP-J 1.6 section 4.2.3: NotImplemented = "not known", NotSupported = "recognized but not supported". */
function refuseAction(text: string, protocol: Protocol, call: Call): Response {
  return knownActions(protocol).has(call.action)
    ? refused(
        text,
        protocol,
        call,
        'not_supported',
        'NotSupported',
        `${call.action} is sent by us, not to us`,
      )
    : refused(text, protocol, call, 'not_implemented', 'NotImplemented', `${protocol} has no such action`);
}

function refused(
  text: string,
  protocol: Protocol,
  call: Call,
  outcome: Outcome,
  code: ErrorCode,
  description: string,
): Response {
  return {
    outcome,
    record: recordOf(text, subjectOf(call.action), call.messageId, refusalText(protocol, code, description)),
    reply: callErrorText(call.messageId, protocol, code, description),
    enrich: false,
  };
}

/** The same reading decides here and at decode, so that what is answered is what is counted. */
function isUsable(protocol: Protocol, context: RespondContext, call: Call): boolean {
  const action = versions[protocol].get(call.action);
  if (action === undefined) return false;
  if (action.decode === undefined) return action.lookup !== undefined && hasToken(action, context, call);
  const record = answerContext(context, protocol, call.messageId);
  return action.decode(call.payload, record).event?.kind !== 'other';
}

/** Authorize means nothing for charging, but can be answered whenever there is a token to judge. */
const hasToken = (action: Action, context: RespondContext, call: Call): boolean =>
  (action.lookup?.(call.payload, context.receivedAt).idToken?.token ?? '') !== '';

const answerContext = (context: RespondContext, protocol: Protocol, messageId: string): AnswerContext => ({
  chargePointId: context.chargePointId,
  receivedAt: context.receivedAt,
  connectedAt: context.connectedAt,
  heartbeatSeconds: context.heartbeatSeconds,
  authorize: (token, at) => context.authorize(token, at),
  isElsewhere: (start) => context.isElsewhere?.(start) ?? false,
  messageId,
  protocol,
});

const refusalText = (protocol: Protocol, code: ErrorCode, description: string): string =>
  JSON.stringify([spelled(code, protocol), description.slice(0, MAX_DESCRIPTION)]);

/** Message ids go into properties of AMQP, which are kept short and in ASCII; the body has them in full. */
const KEPT_ID = /^[\x21-\x7e][\x20-\x7e]{0,254}$/;

const recordOf = (text: string, subject: string, messageId?: string, answer?: string): ResponseRecord => ({
  body: redact(text),
  subject,
  ...(messageId !== undefined && messageId !== UNREADABLE_ID && KEPT_ID.test(messageId) ? { messageId } : {}),
  ...(answer === undefined ? {} : { answer }),
});
