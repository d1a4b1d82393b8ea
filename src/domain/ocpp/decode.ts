/**
 * What a record of the log means: the hot path of every replay. `respond` has refused what cannot be used (and
 * the record says so); everything else is read defensively, and what is wrong with it becomes an oddity.
 * Frames without a meaning for charging are not even parsed.
 */
import type { ChargingEvent, Decoded, Oddity } from '../charging/events.js';
import type { Action } from './action.js';
import type { AnomalyKind } from './anomaly-kinds.js';
import { wasRefused } from './answers.js';
import { isTooDeep, MAX_MESSAGE_ID, parseFrame } from './frames.js';
import { isObject, NOTHING, type Payload } from './payload.js';
import type { FrameRecord } from './record.js';
import { UNKNOWN_SUBJECT } from './respond.js';
import { validateCall } from './schemas.js';
import { versions } from './versions.js';

const NONE: readonly Oddity[] = Object.freeze([]);
const ALIVE: Decoded = Object.freeze({ event: { kind: 'gateway-alive' } as const, oddities: NONE });
const STARTED: Decoded = Object.freeze({ event: { kind: 'gateway-started' } as const, oddities: NONE });

/** Never throws, whatever the record holds. */
export function decode(record: FrameRecord): Decoded {
  switch (record.subject) {
    case 'Connected':
      return fact(record, connected);
    case 'Disconnected':
      return fact(record, disconnected);
    case 'GatewayAlive':
      return ALIVE;
    case 'GatewayStarted':
      return STARTED;
    default:
      return record.direction === 'out' ? other(record) : fromCharger(record);
  }
}

function fromCharger(record: FrameRecord): Decoded {
  // Every ingest names it; what somebody else put into the log cannot be read as anything.
  if (record.protocol === undefined)
    return undecodable('the record names no OCPP version: no ingest wrote it');
  if (wasRefused(record.answer)) return other(record, 'call_refused', refusal(record.answer as string));
  if (record.subject === UNKNOWN_SUBJECT) return other(record, 'invalid_frame', faultOf(record));
  if (record.subject === 'CallResultError') return other(record, 'answer_refused', record.body);
  const action = versions[record.protocol].get(record.subject);
  return action?.decode === undefined ? other(record) : frame(record, action.decode);
}

function frame(record: FrameRecord, decoder: NonNullable<Action['decode']>): Decoded {
  const payload = payloadOf(record.body);
  if (payload === undefined) return undecodable('the body is no CALL with a payload');
  const decoded = decoder(payload, record);
  // Readers see what they read. The validator, an eighth of the cost of parsing, sees the rest: who has sent
  // an invalid frame that we have used must be findable (rules, "Sessions").
  const violation = isNoted(decoded) ? undefined : violationOf(record, payload);
  if (violation === undefined) return decoded;
  const oddity = { kind: 'schema_violation' satisfies AnomalyKind, detail: violation };
  return { event: decoded.event, oddities: [...decoded.oddities, oddity] };
}

const isNoted = ({ oddities }: Decoded): boolean =>
  oddities.length > 0 && oddities.some(({ kind }) => kind === 'schema_violation');

function violationOf({ protocol, subject, messageId }: FrameRecord, payload: Payload): string | undefined {
  if (messageId !== undefined && messageId.length > MAX_MESSAGE_ID)
    return `The message id is longer than ${MAX_MESSAGE_ID} characters`;
  const complaint = protocol === undefined ? undefined : validateCall(protocol, subject, payload);
  return complaint === undefined ? undefined : `${complaint.errorCode}: ${complaint.description}`;
}

function payloadOf(body: string): Payload | undefined {
  const parts = parsed(body);
  if (!Array.isArray(parts) || parts.length < 4) return undefined;
  const payload: unknown = parts[3] ?? NOTHING;
  // Whatever came into the log: what is too deep would end in the validator's recursion.
  return isObject(payload) && !isTooDeep(payload) ? payload : undefined;
}

function fact(record: FrameRecord, read: (body: Payload) => ChargingEvent): Decoded {
  const body = parsed(record.body);
  if (!isObject(body)) return undecodable(`the body of ${record.subject} is no JSON object`);
  return { event: read(body), oddities: NONE };
}

const connected = ({ address, securityProfile }: Payload): ChargingEvent => ({
  kind: 'connected',
  address: typeof address === 'string' ? address : '',
  securityProfile: typeof securityProfile === 'number' ? securityProfile : 0,
});

/** 1006: RFC 6455 section 7.1.5, no close frame was seen. */
const disconnected = ({ code, reason }: Payload): ChargingEvent => ({
  kind: 'disconnected',
  code: typeof code === 'number' ? code : 1006,
  reason: typeof reason === 'string' ? reason : '',
});

const other = (record: FrameRecord, kind?: AnomalyKind, detail = ''): Decoded => ({
  event: { kind: 'other', action: record.subject },
  oddities: kind === undefined ? NONE : [{ kind, detail: detail.slice(0, 300) }],
});

const undecodable = (detail: string): Decoded => ({
  event: undefined,
  oddities: [{ kind: 'undecodable' satisfies AnomalyKind, detail }],
});

function refusal(answer: string): string {
  const pair = parsed(answer);
  return Array.isArray(pair) ? pair.filter((part) => typeof part === 'string').join(': ') : answer;
}

function faultOf(record: FrameRecord): string {
  const result = parseFrame(record.body, record.protocol ?? 'ocpp1.6');
  return result.ok
    ? `${result.frame.type} with an action that is not one of OCPP's`
    : result.fault.description;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
