/**
 * The RPC frames of OCPP-J: `[2, id, action, payload]`, `[3, id, payload]`, `[4, id, code, description,
 * details]`, and of 2.1 `[5, ...]` and `[6, id, action, payload]`. Sources: OCPP-J 1.6 section 4; OCPP 2.x
 * Part 4, section 4.
 */
import { type ErrorCode, spelled } from './errors.js';
import { isObject, NOTHING, type Payload } from './payload.js';
import type { Protocol } from './record.js';

export interface Call {
  readonly type: 'Call';
  readonly messageId: string;
  readonly action: string;
  readonly payload: Payload;
}
export interface CallResult {
  readonly type: 'CallResult';
  readonly messageId: string;
  readonly payload: Payload;
}
export interface CallError {
  readonly type: 'CallError';
  readonly messageId: string;
  /** As the peer spelled it. */
  readonly errorCode: string;
  readonly description: string;
  readonly details: unknown;
}
/** 2.1: the peer could not use our CALLRESULT. */
export interface CallResultError extends Omit<CallError, 'type'> {
  readonly type: 'CallResultError';
}
/** 2.1: a message that is not answered. */
export interface Send extends Omit<Call, 'type'> {
  readonly type: 'Send';
}
export type Frame = Call | CallResult | CallError | CallResultError | Send;

export const FAULT_REASONS = [
  'malformed_json',
  'not_a_frame',
  'unknown_message_type',
  'message_id_invalid',
  'message_id_too_long',
  'wrong_arity',
  'action_invalid',
  'payload_invalid',
] as const;
export type FaultReason = (typeof FAULT_REASONS)[number];

export interface Fault {
  readonly reason: FaultReason;
  /** What an answer must carry: the id as sent, or '-1' (2.x) when it could not be read. */
  readonly messageId?: string;
  /** Present when the fault must be answered with a CALLERROR. Answers themselves are never answered. */
  readonly errorCode?: ErrorCode;
  readonly description: string;
  /** The CALL, when nothing but the length of its id is wrong. */
  readonly call?: Call;
}

export type Parsed =
  | { readonly ok: true; readonly frame: Frame }
  | { readonly ok: false; readonly fault: Fault };

/** OCPP-J 1.6 section 4.1.4; 2.x Part 4, section 4.1. */
export const MAX_MESSAGE_ID = 36;
/**
 * Levels of lists and objects in a payload. The deepest message of OCPP has 12; whoever walks a value, be it a
 * validator or JSON.stringify, runs out of stack at some thousands.
 */
const MAX_LEVELS = 64;
/** An id longer than this is not sent back. */
const MAX_ECHOED_ID = 255;
/** 2.x Part 4, section 4.2.3: the id of a CALLERROR to a message whose id could not be read. */
export const UNREADABLE_ID = '-1';

const NAMES = new Map<unknown, Frame['type']>([
  [2, 'Call'],
  [3, 'CallResult'],
  [4, 'CallError'],
  [5, 'CallResultError'],
  [6, 'Send'],
]);

/** Reads one text. Never throws. */
export function parseFrame(text: string, protocol: Protocol): Parsed {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    return unreadable(protocol, 'malformed_json', 'The text is not JSON');
  }
  if (!Array.isArray(parts) || typeof parts[0] !== 'number')
    return unreadable(protocol, 'not_a_frame', 'A frame is a JSON array that begins with a message type');
  const type = typeOf(parts[0], protocol);
  switch (type) {
    case 'Call':
    case 'Send':
      return parseCall(type, parts, protocol);
    case 'CallResult':
      return parseResult(parts);
    case 'CallError':
    case 'CallResultError':
      return parseError(type, parts);
    default:
      return unknownType(parts, protocol);
  }
}

function typeOf(number: number, protocol: Protocol): Frame['type'] | undefined {
  const name = NAMES.get(number);
  const isNew = name === 'CallResultError' || name === 'Send';
  return isNew && protocol !== 'ocpp2.1' ? undefined : name;
}

function parseCall(type: 'Call' | 'Send', parts: unknown[], protocol: Protocol): Parsed {
  const [, messageId, action, sent] = parts;
  if (typeof messageId !== 'string' || messageId === '') {
    const description = 'The message id is not a string with content';
    return type === 'Send'
      ? unanswerable('message_id_invalid', description)
      : unreadable(protocol, 'message_id_invalid', description);
  }
  const broken = (reason: FaultReason, code: ErrorCode, description: string, call?: Call): Parsed => {
    if (type === 'Send') return unanswerable(reason, description, messageId);
    const echoed = messageId.length <= MAX_ECHOED_ID ? messageId : UNREADABLE_ID;
    return { ok: false, fault: { reason, messageId: echoed, errorCode: code, description, call } };
  };
  if (parts.length !== 4)
    return broken('wrong_arity', 'RpcFrameworkError', `A ${type} has 4 elements, not ${parts.length}`);
  if (typeof action !== 'string' || action === '')
    return broken('action_invalid', 'RpcFrameworkError', 'The action is not a string with content');
  // "null and an empty object" both mean that there is no payload (OCPP-J 1.6 section 4.2.1).
  const payload = sent === null ? NOTHING : sent;
  if (!isObject(payload))
    return broken('payload_invalid', 'FormatViolation', 'The payload is not a JSON object');
  if (isTooDeep(payload)) return broken('payload_invalid', 'FormatViolation', TOO_DEEP);
  if (messageId.length > MAX_MESSAGE_ID) {
    const call: Call | undefined = type === 'Call' ? { type, messageId, action, payload } : undefined;
    const description = `The message id is longer than ${MAX_MESSAGE_ID} characters`;
    return broken('message_id_too_long', 'RpcFrameworkError', description, call);
  }
  return { ok: true, frame: { type, messageId, action, payload } };
}

function parseResult(parts: unknown[]): Parsed {
  const [, messageId, sent] = parts;
  if (typeof messageId !== 'string')
    return unanswerable('message_id_invalid', 'A CallResult without a message id');
  if (parts.length !== 3)
    return unanswerable('wrong_arity', `A CallResult has 3 elements, not ${parts.length}`, messageId);
  const payload = sent === null ? NOTHING : sent;
  if (!isObject(payload))
    return unanswerable('payload_invalid', 'The payload is not a JSON object', messageId);
  if (isTooDeep(payload)) return unanswerable('payload_invalid', TOO_DEEP, messageId);
  return { ok: true, frame: { type: 'CallResult', messageId, payload } };
}

const TOO_DEEP = `The payload has more than ${MAX_LEVELS} levels`;

/** Looks no deeper than it may. */
export function isTooDeep(value: unknown, levels: number = MAX_LEVELS): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const inner of Array.isArray(value) ? value : Object.values(value))
    if (typeof inner === 'object' && isTooDeep(inner, levels - 1)) return true;
  return false;
}

/** Description and details are often left out in the field; the id and the code are what matters. */
function parseError(type: 'CallError' | 'CallResultError', parts: unknown[]): Parsed {
  const [, messageId, errorCode, description, details] = parts;
  if (isTooDeep(details)) return unanswerable('payload_invalid', TOO_DEEP);
  if (typeof messageId !== 'string')
    return unanswerable('message_id_invalid', `A ${type} without a message id`);
  if (typeof errorCode !== 'string')
    return unanswerable('wrong_arity', `A ${type} without an error code`, messageId);
  return {
    ok: true,
    frame: {
      type,
      messageId,
      errorCode,
      description: typeof description === 'string' ? description : '',
      details: details ?? NOTHING,
    },
  };
}

/**
 * 1.6 (section 4.1.3) and 2.1 (errata of Part 4) ignore such messages; 2.0.1 answers them with
 * MessageTypeNotSupported, under their id when there is one.
 */
function unknownType([type, id]: unknown[], protocol: Protocol): Parsed {
  const description = `Message type ${type} is not known in ${protocol}`;
  const messageId = typeof id === 'string' && id !== '' && id.length <= MAX_ECHOED_ID ? id : undefined;
  if (protocol !== 'ocpp2.0.1') return unanswerable('unknown_message_type', description, messageId);
  return {
    ok: false,
    fault: {
      reason: 'unknown_message_type',
      messageId: messageId ?? UNREADABLE_ID,
      errorCode: 'MessageTypeNotSupported',
      description,
    },
  };
}

/** 2.x answers under '-1'; 1.6 knows no answer without an id, so the charger runs into its timeout. */
function unreadable(protocol: Protocol, reason: FaultReason, description: string): Parsed {
  if (protocol === 'ocpp1.6') return unanswerable(reason, description);
  return {
    ok: false,
    fault: { reason, messageId: UNREADABLE_ID, errorCode: 'RpcFrameworkError', description },
  };
}

const unanswerable = (reason: FaultReason, description: string, messageId?: string): Parsed => ({
  ok: false,
  fault: messageId === undefined ? { reason, description } : { reason, messageId, description },
});

export const callResultText = (messageId: string, payload: object): string =>
  resultText(messageId, JSON.stringify(payload));

/** `payloadText` is the JSON text of an object. */
export const resultText = (messageId: string, payloadText: string): string =>
  `[3,${JSON.stringify(messageId)},${payloadText}]`;

/** What a description of an error may have (2.x Part 4, section 4.2.3). */
export const MAX_DESCRIPTION = 255;

/** Details are `{}`, as they must be when there is nothing to say; longer descriptions are cut. */
export const callErrorText = (
  messageId: string,
  protocol: Protocol,
  code: ErrorCode,
  description: string,
): string =>
  JSON.stringify([4, messageId, spelled(code, protocol), description.slice(0, MAX_DESCRIPTION), {}]);
