import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { payloadsOf } from '../../fuzz/payloads.js';
import { PROTOCOLS } from './record.js';
import {
  chargerActions,
  knownActions,
  officialSchema,
  validateCall,
  validateResult,
  warmUp,
} from './schemas.js';

warmUp(PROTOCOLS);
const start = { connectorId: 1, idTag: 'TAG', meterStart: 0, timestamp: '2026-11-23T18:34:46Z' };

describe('which code each version wants', () => {
  test.each([
    [
      'a missing property',
      { ...start, idTag: undefined },
      'OccurrenceConstraintViolation',
      'idTag is required',
    ],
    ['a wrong type', { ...start, meterStart: '0' }, 'TypeConstraintViolation', 'meterStart must be of type'],
    ['null', { ...start, idTag: null }, 'TypeConstraintViolation', 'idTag must be of type string'],
    [
      'too long',
      { ...start, idTag: 'x'.repeat(21) },
      'PropertyConstraintViolation',
      'idTag must have at most 20',
    ],
    ['no time', { ...start, timestamp: 'yesterday' }, 'TypeConstraintViolation', 'timestamp must be a time'],
    ['an unknown property', { ...start, colour: 'red' }, 'FormatViolation', 'payload has no property colour'],
  ])('%s', (_what, payload, errorCode, description) => {
    const complaint = validateCall('ocpp1.6', 'StartTransaction', JSON.parse(JSON.stringify(payload)));
    expect(complaint).toMatchObject({ errorCode, description: expect.stringContaining(description) });
  });

  test('2.x calls what does not conform to the PDU structure a ProtocolError', () => {
    expect(validateCall('ocpp2.0.1', 'Heartbeat', { colour: 'red' })).toMatchObject({
      errorCode: 'ProtocolError',
    });
    expect(validateCall('ocpp1.6', 'Heartbeat', { colour: 'red' })).toMatchObject({
      errorCode: 'FormatViolation',
    });
  });

  test('a missing or a wrong enumeration, deep inside', () => {
    const status = { connectorId: 1, errorCode: 'NoError' };
    expect(validateCall('ocpp1.6', 'StatusNotification', status)).toEqual({
      errorCode: 'OccurrenceConstraintViolation',
      description: 'status is required',
    });
    expect(validateCall('ocpp1.6', 'StatusNotification', { ...status, status: 'Sleeping' })).toMatchObject({
      errorCode: 'PropertyConstraintViolation',
      description: expect.stringContaining('status must be one of Available'),
    });
    const meterValue = [{ timestamp: start.timestamp, sampledValue: [{ value: '1' }, { value: 1 }] }];
    expect(validateCall('ocpp1.6', 'MeterValues', { connectorId: 1, meterValue })).toEqual({
      errorCode: 'TypeConstraintViolation',
      description: 'meterValue[0].sampledValue[1].value must be of type string',
    });
  });

  test('an empty list where 2.x wants at least one item', () => {
    const payload = { evseId: 1, meterValue: [] };
    expect(validateCall('ocpp2.0.1', 'MeterValues', payload)).toMatchObject({
      errorCode: 'OccurrenceConstraintViolation',
    });
  });
});

test('times as chargers write them are valid', () => {
  for (const timestamp of ['2026-11-23T18:34:46', '2026-11-23 18:34:46Z', '2026-11-23T18:34:46+0200'])
    expect(validateCall('ocpp1.6', 'StartTransaction', { ...start, timestamp })).toBeUndefined();
});

test('what is looked at is never changed, and no default is filled in', () => {
  const payload = Object.freeze({
    evseId: 1,
    meterValue: Object.freeze([
      Object.freeze({
        timestamp: start.timestamp,
        sampledValue: Object.freeze([Object.freeze({ value: 1 })]),
      }),
    ]),
  });
  const before = JSON.stringify(payload);
  expect(validateCall('ocpp2.0.1', 'MeterValues', payload)).toBeUndefined();
  expect(JSON.stringify(payload)).toBe(before);
});

test('every action a charger may send is known to its version, and has a request schema', () => {
  for (const protocol of PROTOCOLS) {
    for (const action of chargerActions(protocol)) {
      expect(knownActions(protocol)).toContain(action);
      expect(officialSchema(protocol, action, 'Request')).toBeDefined();
    }
  }
  expect(PROTOCOLS.map((protocol) => chargerActions(protocol).size)).toEqual([14, 25, 37]);
});

describe('random valid payloads are valid', () => {
  const actions = PROTOCOLS.flatMap((protocol) =>
    [...chargerActions(protocol)].map((action) => [protocol, action] as const),
  );
  test.each(actions)('%s %s', (protocol, action) => {
    fc.assert(
      fc.property(payloadsOf(officialSchema(protocol, action, 'Request')!), (payload) => {
        expect(validateCall(protocol, action, payload)).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});

test('answers of chargers to our commands are validated too', () => {
  expect(validateResult('ocpp1.6', 'RemoteStartTransaction', { status: 'Accepted' })).toBeUndefined();
  expect(validateResult('ocpp1.6', 'RemoteStartTransaction', {})).toMatchObject({
    errorCode: 'OccurrenceConstraintViolation',
  });
});
