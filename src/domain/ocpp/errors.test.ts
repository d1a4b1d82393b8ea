import { expect, test } from '@jest/globals';
import { canonicalErrorCode, ERROR_CODES, spelled } from './errors.js';

test('1.6 is answered in its own spelling, typing errors included, and only in codes it has', () => {
  const codes16 = [
    'NotImplemented',
    'NotSupported',
    'InternalError',
    'ProtocolError',
    'SecurityError',
    'FormationViolation',
    'PropertyConstraintViolation',
    'OccurenceConstraintViolation',
    'TypeConstraintViolation',
    'GenericError',
  ];
  expect(new Set(ERROR_CODES.map((code) => spelled(code, 'ocpp1.6')))).toEqual(new Set(codes16));
  expect(spelled('FormatViolation', 'ocpp1.6')).toBe('FormationViolation');
  expect(spelled('OccurrenceConstraintViolation', 'ocpp1.6')).toBe('OccurenceConstraintViolation');
  expect(spelled('OccurrenceConstraintViolation', 'ocpp2.0.1')).toBe('OccurrenceConstraintViolation');
});

test('a peer may spell as it likes', () => {
  expect(canonicalErrorCode('FormationViolation')).toBe('FormatViolation');
  expect(canonicalErrorCode('OccurenceConstraintViolation')).toBe('OccurrenceConstraintViolation');
  expect(canonicalErrorCode('notimplemented')).toBe('NotImplemented');
  expect(canonicalErrorCode('VendorSpecific')).toBe('GenericError');
});
