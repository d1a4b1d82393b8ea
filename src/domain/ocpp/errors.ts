/**
 * The error codes of OCPP-J, under one canonical name each (the spelling of 2.x), and how each version
 * spells them. Sources: OCPP-J 1.6 section 4.2.3; OCPP 2.0.1 and 2.1 Part 4, section 4.3.
 */
import type { Protocol } from './record.js';

export const ERROR_CODES = [
  /** The action is not known to us. */
  'NotImplemented',
  /** The action is known, and not one that we take from chargers. */
  'NotSupported',
  'InternalError',
  /** 1.6: the payload is incomplete. 2.x: the payload does not conform to the PDU structure. */
  'ProtocolError',
  'SecurityError',
  /** The payload is syntactically incorrect (1.6: or does not conform to the PDU structure). */
  'FormatViolation',
  /** A field holds a value that is not allowed. */
  'PropertyConstraintViolation',
  /** A field is missing, or a list is too short or too long. */
  'OccurrenceConstraintViolation',
  /** A field holds a value of the wrong data type. */
  'TypeConstraintViolation',
  'GenericError',
  /** 2.x only. */
  'MessageTypeNotSupported',
  /** 2.x only: not a valid RPC request, for example because its message id could not be read. */
  'RpcFrameworkError',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What OCPP-J 1.6 spells otherwise (with its own typing errors) or has no code for. */
const SPELLING_16: Partial<Record<ErrorCode, string>> = {
  FormatViolation: 'FormationViolation',
  OccurrenceConstraintViolation: 'OccurenceConstraintViolation',
  MessageTypeNotSupported: 'GenericError',
  RpcFrameworkError: 'FormationViolation',
};

export const spelled = (code: ErrorCode, protocol: Protocol): string =>
  protocol === 'ocpp1.6' ? (SPELLING_16[code] ?? code) : code;

/** Every code that a version may see, as it spells them. */
export const errorCodesOf = (protocol: Protocol): string[] =>
  ERROR_CODES.map((code) => spelled(code, protocol));

const canonical = new Map<string, ErrorCode>([
  ...ERROR_CODES.map((code) => [code.toLowerCase(), code] as const),
  ['formationviolation', 'FormatViolation'],
  ['occurenceconstraintviolation', 'OccurrenceConstraintViolation'],
]);

/** The canonical name of a peer's code, in whatever version's spelling; GenericError for codes of its own. */
export const canonicalErrorCode = (text: string): ErrorCode =>
  canonical.get(text.toLowerCase()) ?? 'GenericError';
