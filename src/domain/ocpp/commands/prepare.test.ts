import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { payloadsOf } from '../../../fuzz/payloads.js';
import { PROTOCOLS, type Protocol } from '../record.js';
import { complaintsAboutCall, officialSchema } from '../schemas.js';
import { commandActions } from './actions.js';
import { numberOf, ownNumbers, withOwnNumbers } from './numbers.js';
import { OPERATIONS, operationOf } from './operations.js';
import { type Asked, prepareCall } from './prepare.js';

const COMMAND = '7f3e1a52-1111-5111-8111-111111111111';
const context = (protocol: Protocol, lastListVersion?: number) => ({
  protocol,
  commandId: COMMAND,
  now: '2026-11-25T12:00:00.000Z',
  lastListVersion,
});
const V16 = context('ocpp1.6');
const V201 = context('ocpp2.0.1');

/** What the route does before: the body as its schema has it, defaults filled in. */
const ask = (operation: string, body: object): Asked => ({
  operation,
  body: z.strictObject(operationOf(operation)!.shape).parse(body) as Record<string, unknown>,
});
const called = (operation: string, body: object, where = V16) => {
  const prepared = prepareCall(ask(operation, body), where);
  if ('impossible' in prepared) throw new Error(JSON.stringify(prepared.impossible));
  return prepared.call;
};

describe('every operation', () => {
  test.each(
    OPERATIONS.flatMap((operation) => PROTOCOLS.map((protocol) => [operation.name, protocol] as const)),
  )(
    '%s in %s: its example is valid by the official schema, or it says what to use instead',
    (name, protocol) => {
      const operation = operationOf(name)!;
      const prepared = prepareCall(ask(name, operation.example), context(protocol));
      if ('call' in prepared) {
        expect(complaintsAboutCall(protocol, prepared.call.action, prepared.call.payload)).toEqual([]);
        return;
      }
      const { code, remedy = '', fields } = prepared.impossible;
      if (code === 'NOT_IN_THIS_VERSION') expect(remedy).toMatch(/use [a-z]+-[a-z-]+/);
      // An example may be meant for one version alone; then the field is named.
      else expect(fields).toHaveLength(1);
    },
  );

  test('each has at least one version that takes its example', () => {
    for (const { name, example } of OPERATIONS)
      expect({
        name,
        taken: PROTOCOLS.some((protocol) => 'call' in prepareCall(ask(name, example), context(protocol))),
      }).toEqual({ name, taken: true });
  });

  test('what is named as the thing to use instead exists', () => {
    for (const { name, example } of OPERATIONS)
      for (const protocol of PROTOCOLS) {
        const prepared = prepareCall(ask(name, example), context(protocol));
        const named =
          'impossible' in prepared ? /use ([a-z-]+)/.exec(prepared.impossible.remedy ?? '')?.[1] : undefined;
        if (named !== undefined) expect(operationOf(named)?.name).toBe(named);
      }
  });
});

describe('one question, two languages', () => {
  const number = numberOf(COMMAND);
  test('remote-start', () => {
    const body = { idTag: 'CAFE', connectorId: 2 };
    expect(called('remote-start', body)).toEqual({
      action: 'RemoteStartTransaction',
      payload: { connectorId: 2, idTag: 'CAFE' },
    });
    expect(called('remote-start', body, V201)).toEqual({
      action: 'RequestStartTransaction',
      payload: { evseId: 2, remoteStartId: number, idToken: { idToken: 'CAFE', type: 'Central' } },
    });
  });

  test('remote-stop: 1.6 has numbers, 2.x has texts', () => {
    expect(called('remote-stop', { transactionId: '17' }).payload).toEqual({ transactionId: 17 });
    expect(called('remote-stop', { transactionId: 17 }, V201)).toEqual({
      action: 'RequestStopTransaction',
      payload: { transactionId: '17' },
    });
    expect(prepareCall(ask('remote-stop', { transactionId: 'a-b' }), V16)).toMatchObject({
      impossible: { code: 'PAYLOAD_INVALID', fields: [{ field: 'transactionId' }] },
    });
  });

  test.each([
    ['Soft', 'Soft', 'OnIdle'],
    ['Hard', 'Hard', 'Immediate'],
    ['OnIdle', 'Soft', 'OnIdle'],
    ['Immediate', 'Hard', 'Immediate'],
  ])('reset %s is %s in 1.6 and %s in 2.x', (type, in16, in2x) => {
    expect(called('reset', { type }).payload).toEqual({ type: in16 });
    expect(called('reset', { type }, V201).payload).toEqual({ type: in2x });
  });

  test('change-configuration: a key of 1.6, a variable of 2.x, or both by one name', () => {
    const secret = { key: 'AuthorizationKey', value: 'opensesame-opensesame' };
    expect(called('change-configuration', secret)).toEqual({
      action: 'ChangeConfiguration',
      payload: secret,
    });
    expect(called('change-configuration', secret, V201)).toEqual({
      action: 'SetVariables',
      payload: {
        setVariableData: [
          {
            attributeValue: secret.value,
            component: { name: 'SecurityCtrlr' },
            variable: { name: 'BasicAuthPassword' },
          },
        ],
      },
    });
    const instance = { key: 'OCPPCommCtrlr.MessageAttempts[TransactionEvent]', value: '5' };
    expect(called('change-configuration', instance, V201).payload).toMatchObject({
      setVariableData: [{ variable: { name: 'MessageAttempts', instance: 'TransactionEvent' } }],
    });
    expect(prepareCall(ask('change-configuration', { key: 'VendorKey', value: '1' }), V201)).toMatchObject({
      impossible: { code: 'PAYLOAD_INVALID', fields: [{ field: 'key' }] },
    });
  });

  test('connector and EVSE', () => {
    expect(called('unlock-connector', { evseId: 2, connectorId: 1 }).payload).toEqual({ connectorId: 2 });
    expect(called('unlock-connector', { connectorId: 2 }, V201).payload).toEqual({
      evseId: 2,
      connectorId: 1,
    });
    expect(called('change-availability', { type: 'Operative' }).payload).toEqual({
      connectorId: 0,
      type: 'Operative',
    });
    expect(called('change-availability', { type: 'Operative' }, V201).payload).toEqual({
      operationalStatus: 'Operative',
    });
  });

  test('trigger-message finds the message that 1.6 has in its extension', () => {
    expect(called('trigger-message', { message: 'Heartbeat' }).action).toBe('TriggerMessage');
    expect(called('trigger-message', { message: 'LogStatusNotification' }).action).toBe(
      'ExtendedTriggerMessage',
    );
  });

  test('update-firmware is the signed kind with a signature', () => {
    const location = 'https://f/1';
    expect(called('update-firmware', { location })).toEqual({
      action: 'UpdateFirmware',
      payload: { location, retrieveDate: V16.now },
    });
    expect(
      called('update-firmware', { location, signature: 'c2ln', signingCertificate: 'PEM' }),
    ).toMatchObject({
      action: 'SignedUpdateFirmware',
      payload: { requestId: number },
    });
  });
});

describe('what is ours', () => {
  test('numbers are made of the command id, positive int32, and never 0', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        const number = numberOf(id);
        return Number.isInteger(number) && number > 0 && number <= 0x7fffffff && number === numberOf(id);
      }),
    );
    expect(numberOf('80000000-0000-4000-8000-000000000000')).toBe(1);
  });

  test('a reservation without an id gets one; what was given stands', () => {
    const body = { idTag: 'CAFE', expiresAt: '2026-11-25T18:00:00Z' };
    expect(called('reserve-now', body).payload.reservationId).toBe(numberOf(COMMAND));
    expect(called('reserve-now', { ...body, reservationId: 7 }).payload.reservationId).toBe(7);
    expect(called('reserve-now', body, V201).payload.id).toBe(numberOf(COMMAND));
    expect(ownNumbers('ocpp1.6', 'ReserveNow', called('reserve-now', body).payload)).toEqual([
      { what: 'reservation', number: numberOf(COMMAND) },
    ]);
  });

  test('the next version of a local list is the last accepted + 1', () => {
    expect(called('send-local-list', {}).payload.listVersion).toBe(1);
    expect(called('send-local-list', {}, context('ocpp1.6', 41)).payload.listVersion).toBe(42);
    expect(called('send-local-list', { version: 9 }, context('ocpp1.6', 41)).payload.listVersion).toBe(9);
    expect(called('send-local-list', {}, context('ocpp2.0.1', 41)).payload.versionNumber).toBe(42);
  });

  test('a number inside of an object is filled in only where the object is', () => {
    expect(
      withOwnNumbers('ocpp1.6', 'RemoteStartTransaction', { idTag: 'A' }, { commandId: COMMAND }),
    ).toEqual({
      idTag: 'A',
    });
    expect(
      withOwnNumbers('ocpp1.6', 'RemoteStartTransaction', { chargingProfile: {} }, { commandId: COMMAND }),
    ).toEqual({ chargingProfile: { chargingProfileId: numberOf(COMMAND) } });
  });
});

describe("the protocol's own words", () => {
  const raw = (action: string, payload: object, where = V16) =>
    prepareCall({ operation: null, action, payload: payload as Record<string, unknown> }, where);

  test('fields are named, all of them', () => {
    expect(
      raw('ReserveNow', { connectorId: 'one', expiryDate: '2026-11-25T18:00:00', colour: 'red' }),
    ).toMatchObject({
      impossible: {
        code: 'PAYLOAD_INVALID',
        fields: expect.arrayContaining([
          { field: 'connectorId', message: 'connectorId must be of type number' },
          { field: 'idTag', message: 'idTag is required' },
          { field: 'expiryDate', message: 'expiryDate must be a time (RFC 3339)' },
          { field: '', message: 'payload has no property colour' },
        ]),
      },
    });
  });

  test('an action of another version says so; one that chargers send, or nobody, is unknown', () => {
    expect(raw('SetVariables', {})).toMatchObject({
      impossible: { code: 'NOT_IN_THIS_VERSION', remedy: expect.stringContaining('ocpp2.0.1') },
    });
    expect(raw('BootNotification', {})).toMatchObject({ impossible: { code: 'ACTION_UNKNOWN' } });
    expect(raw('toString', {})).toMatchObject({ impossible: { code: 'ACTION_UNKNOWN' } });
  });

  test('a limit with one decimal is valid, as binary fractions would not be', () => {
    const profile = (limit: number) => ({
      connectorId: 1,
      csChargingProfiles: {
        stackLevel: 0,
        chargingProfilePurpose: 'TxDefaultProfile',
        chargingProfileKind: 'Relative',
        chargingSchedule: { chargingRateUnit: 'A', chargingSchedulePeriod: [{ startPeriod: 0, limit }] },
      },
    });
    expect(raw('SetChargingProfile', profile(22.2))).toHaveProperty('call');
    expect(raw('SetChargingProfile', profile(22.25))).toHaveProperty('impossible');
  });

  const actions = PROTOCOLS.flatMap((protocol) =>
    [...commandActions(protocol).keys()].map((action) => [protocol, action] as const),
  );
  test.each(actions)('%s %s: random valid payloads are taken as they are', (protocol, action) => {
    fc.assert(
      fc.property(payloadsOf(officialSchema(protocol, action, 'Request')!), (payload) => {
        expect(complaintsAboutCall(protocol, action, payload)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});
