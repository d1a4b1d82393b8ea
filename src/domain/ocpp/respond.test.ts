import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { payloadsOf } from '../../fuzz/payloads.js';
import type { RespondContext } from './action.js';
import type { AuthStatus } from './auth-status.js';
import { decode } from './decode.js';
import { PROTOCOLS, type Protocol } from './record.js';
import { OUTCOMES, type Response, respond } from './respond.js';
import { chargerActions, officialSchema, validateCall } from './schemas.js';

const receivedAt = Date.UTC(2026, 10, 23, 18, 34, 47);
const timestamp = '2026-11-23T18:34:46Z';
const context = (
  authorize: (token: string, at: number) => AuthStatus = () => 'Accepted',
): RespondContext => ({
  chargePointId: 'CP1',
  receivedAt,
  heartbeatSeconds: 300,
  connectedAt: 0,
  authorize: (token, at) => ({ status: authorize(token, at) }),
});
const call = (action: string, payload: unknown, id = 'id'): string =>
  JSON.stringify([2, id, action, payload]);
const ask16 = (action: string, payload: unknown): Response =>
  respond(call(action, payload), 'ocpp1.6', context());
const ask2 = (action: string, payload: unknown): Response =>
  respond(call(action, payload), 'ocpp2.0.1', context());
const replyOf = (response: Response): unknown[] => JSON.parse(response.reply as string) as unknown[];
const payloadOf = (response: Response) => replyOf(response)[2] as Record<string, unknown>;

const start = { connectorId: 1, idTag: 'TAG', meterStart: 2500, timestamp };
const stop = { transactionId: 77, meterStop: 5000, timestamp };
const values = { connectorId: 1, meterValue: [{ timestamp, sampledValue: [{ value: '5' }] }] };
const event = {
  eventType: 'Started',
  timestamp,
  triggerReason: 'Authorized',
  seqNo: 0,
  transactionInfo: { transactionId: 't1' },
  idToken: { idToken: 'TAG', type: 'ISO14443' },
};

describe('what is recorded', () => {
  test('a valid CALL: byte for byte, under its action and id', () => {
    const text = '[2, "id" ,"Heartbeat",\t{}]';
    expect(respond(text, 'ocpp1.6', context())).toMatchObject({
      outcome: 'answered',
      record: { body: text, subject: 'Heartbeat', messageId: 'id' },
      enrich: false,
    });
  });

  test('answers that decide something, as they were given', () => {
    for (const response of [
      ask16('StartTransaction', start),
      ask16('Authorize', { idTag: 'TAG' }),
      ask16('BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' }),
      ask2('TransactionEvent', event),
    ])
      expect(JSON.parse(response.record?.answer as string)).toEqual(payloadOf(response));
    for (const response of [
      ask16('Heartbeat', {}),
      ask16('MeterValues', values),
      ask16('StopTransaction', stop),
    ])
      expect(response.record?.answer).toBeUndefined();
  });

  test('refused CALLs too, with code and description as we gave them', () => {
    const response = ask16('StatusNotification', { connectorId: 1, errorCode: 'NoError' });
    const [type, id, code, description, details] = replyOf(response);
    expect([type, id, code, details]).toEqual([4, 'id', 'OccurenceConstraintViolation', {}]);
    expect(response.outcome).toBe('schema_violation');
    expect(JSON.parse(response.record?.answer as string)).toEqual([code, description]);
  });

  test('text that is no frame is answered where the version allows it, and not recorded', () => {
    expect(respond('garbage', 'ocpp1.6', context())).toEqual({ outcome: 'malformed_json', enrich: false });
    const answered = respond('garbage', 'ocpp2.1', context());
    expect(answered.record).toBeUndefined();
    expect(replyOf(answered).slice(0, 3)).toEqual([4, '-1', 'RpcFrameworkError']);
  });

  test('a JSON array that is no valid frame is kept under a name of its own', () => {
    expect(respond('[2,9,"Heartbeat",{}]', 'ocpp1.6', context())).toMatchObject({
      outcome: 'message_id_invalid',
      record: { subject: 'Unknown', body: '[2,9,"Heartbeat",{}]' },
    });
    expect(respond('[7,"x"]', 'ocpp2.1', context())).toMatchObject({
      outcome: 'unknown_message_type',
      record: { subject: 'Unknown', messageId: 'x' },
    });
  });

  test('names from outside never become subjects, and odd ids never become properties', () => {
    const named = ask16('constructor', {});
    expect(named).toMatchObject({ outcome: 'not_implemented', record: { subject: 'Unknown' } });
    expect(respond(call('Heartbeat', {}, 'käse'), 'ocpp1.6', context()).record).not.toHaveProperty(
      'messageId',
    );
    expect(replyOf(respond(call('Heartbeat', {}, 'käse'), 'ocpp1.6', context()))[1]).toBe('käse');
    expect(respond('[2,9,"Heartbeat",{}]', 'ocpp2.1', context()).record).not.toHaveProperty('messageId');
  });

  test('secrets never', () => {
    const report = '[2,"id","DataTransfer",{"vendorId":"V","data":"{\\"password\\":\\"hunter2\\"}"}]';
    expect(respond(report, 'ocpp1.6', context()).record?.body).not.toContain('hunter2');
  });
});

describe('actions we do not take', () => {
  test('unknown ones are NotImplemented, ours are NotSupported', () => {
    expect(replyOf(ask16('MakeCoffee', {}))[2]).toBe('NotImplemented');
    expect(replyOf(ask16('TransactionEvent', event))[2]).toBe('NotImplemented');
    const ours = ask16('RemoteStartTransaction', { idTag: 'TAG' });
    expect(replyOf(ours)[2]).toBe('NotSupported');
    expect(ours).toMatchObject({ outcome: 'not_supported', record: { subject: 'RemoteStartTransaction' } });
  });
});

describe('answers of the charger', () => {
  test('to our commands are handed over, and not answered', () => {
    const result = respond('[3,"id",{"status":"Accepted"}]', 'ocpp1.6', context());
    expect(result).toEqual({
      outcome: 'call_result',
      record: { body: '[3,"id",{"status":"Accepted"}]', subject: 'CallResult', messageId: 'id' },
      enrich: false,
      frame: { type: 'CallResult', messageId: 'id', payload: { status: 'Accepted' } },
    });
    const error = respond('[4,"id","NotSupported","",{}]', 'ocpp1.6', context());
    expect(error).toMatchObject({ outcome: 'call_error', frame: { errorCode: 'NotSupported' } });
    expect(error.reply).toBeUndefined();
  });

  test('2.1: a SEND has no answer, and neither has a CALLRESULTERROR', () => {
    const send = respond('[6,"id","NotifyPeriodicEventStream",{"id":1}]', 'ocpp2.1', context());
    expect(send).toMatchObject({ outcome: 'send', record: { subject: 'NotifyPeriodicEventStream' } });
    expect(send.reply).toBeUndefined();
    const error = respond('[5,"id","FormatViolation","bad",{}]', 'ocpp2.1', context());
    expect(error).toMatchObject({ outcome: 'call_result_error', record: { subject: 'CallResultError' } });
    expect(error.reply).toBeUndefined();
  });
});

describe('transactions are never lost over a schema', () => {
  test.each([
    ['StartTransaction', { ...start, colour: 'red' }],
    ['StartTransaction', { ...start, idTag: 'a token of more than twenty characters' }],
    ['StartTransaction', { ...start, meterStart: '2500' }],
    ['StartTransaction', { ...start, meterStart: 2500.75 }],
    ['StartTransaction', { ...start, reservationId: null }],
    ['StopTransaction', { ...stop, reason: 'Because' }],
    ['StopTransaction', { ...stop, transactionId: '77' }],
    ['StopTransaction', { transactionId: 77, timestamp }],
    [
      'StopTransaction',
      { ...stop, transactionData: [{ timestamp, sampledValue: [{ value: '1', unit: 'furlong' }] }] },
    ],
    ['MeterValues', { ...values, meterValue: [{ timestamp, sampledValue: [{ value: 5 }] }] }],
    [
      'BootNotification',
      { chargePointVendor: 'V', chargePointModel: 'a model of more than twenty characters' },
    ],
    [
      'StatusNotification',
      { connectorId: 1, status: 'Charging', errorCode: 'NoError', info: 'x'.repeat(300) },
    ],
  ])('1.6 %s %j', (action, payload) => {
    expect(validateCall('ocpp1.6', action, payload)).toBeDefined();
    const response = ask16(action, payload);
    expect(replyOf(response)[0]).toBe(3);
    expect(response.outcome).toBe('answered_hurt');
  });

  test.each([
    ['StartTransaction', { ...start, timestamp: 'yesterday' }],
    ['StartTransaction', { connectorId: 1, idTag: 'TAG', timestamp }],
    ['StartTransaction', { ...start, connectorId: -1 }],
    ['StopTransaction', { meterStop: 5000, timestamp }],
    ['StopTransaction', { ...stop, timestamp: 17 }],
    ['MeterValues', { ...values, connectorId: undefined }],
    ['MeterValues', { connectorId: 1, meterValue: [{ timestamp: 'x', sampledValue: [{ value: '5' }] }] }],
  ])('but what cannot be used is refused: 1.6 %s %j', (action, payload) => {
    const response = ask16(action, payload);
    expect(replyOf(response)[0]).toBe(4);
    expect(response).toMatchObject({
      outcome: 'schema_violation',
      record: { subject: action },
      enrich: false,
    });
  });

  test.each([
    ['ocpp1.6', 'BootNotification', { chargePointVendor: 5, chargePointModel: 'M' }],
    ['ocpp1.6', 'BootNotification', { chargePointVendor: 'V', chargePointModel: {} }],
    ['ocpp1.6', 'StatusNotification', { connectorId: '1', status: 'Charging', errorCode: 'NoError' }],
    ['ocpp1.6', 'Authorize', { idTag: 5 }],
    ['ocpp2.0.1', 'BootNotification', { reason: 'PowerUp', chargingStation: { vendorName: 'V', model: 5 } }],
    [
      'ocpp2.0.1',
      'StatusNotification',
      { timestamp, evseId: '1', connectorId: 1, connectorStatus: 'Occupied' },
    ],
    ['ocpp2.0.1', 'Authorize', { idToken: { idToken: 5, type: 'ISO14443' } }],
  ] as const)(
    'nor is a wrong type guessed at where no transaction hangs on it: %s %s %j',
    (protocol, action, payload) => {
      const [type, , code] = replyOf(respond(call(action, payload), protocol, context()));
      expect([type, code]).toEqual([4, 'TypeConstraintViolation']);
    },
  );

  test('2.x: an event without what it is known by is refused, one with a strange trigger is not', () => {
    expect(replyOf(ask2('TransactionEvent', { ...event, triggerReason: 'Moonlight' }))[0]).toBe(3);
    expect(replyOf(ask2('TransactionEvent', { ...event, seqNo: undefined }))[0]).toBe(4);
    expect(replyOf(ask2('TransactionEvent', { ...event, transactionInfo: {} }))[0]).toBe(4);
  });

  test('a message id that is too long does not cost a transaction, and costs nothing else more than an answer', () => {
    const id = 'x'.repeat(40);
    const kept = respond(call('StartTransaction', start, id), 'ocpp1.6', context());
    expect(replyOf(kept).slice(0, 2)).toEqual([3, id]);
    expect(kept.outcome).toBe('answered_hurt');
    const refused = respond(call('DataTransfer', { vendorId: 'V' }, id), 'ocpp1.6', context());
    expect(replyOf(refused).slice(0, 3)).toEqual([4, id, 'FormationViolation']);
    expect(refused).toMatchObject({ outcome: 'message_id_too_long', record: { subject: 'DataTransfer' } });
  });

  test('unknown transactions in stops and meter values are answered like known ones', () => {
    for (const transactionId of [0, -1, 2_000_000_000, 2 ** 64]) {
      expect(payloadOf(ask16('StopTransaction', { ...stop, transactionId }))).toEqual({});
      expect(payloadOf(ask16('MeterValues', { ...values, transactionId }))).toEqual({});
    }
  });

  test('a stop with a token says what the token is worth', () => {
    expect(payloadOf(ask16('StopTransaction', { ...stop, idTag: 'TAG' }))).toEqual({
      idTagInfo: { status: 'Accepted' },
    });
  });
});

describe('StartTransaction', () => {
  test('always gets an id, refused token included, and the same one again', () => {
    const refused = respond(
      call('StartTransaction', start),
      'ocpp1.6',
      context(() => 'Blocked'),
    );
    const again = respond(call('StartTransaction', start, 'other'), 'ocpp1.6', context());
    expect(payloadOf(refused)).toMatchObject({ idTagInfo: { status: 'Blocked' } });
    expect(payloadOf(refused).transactionId).toBeGreaterThan(0);
    expect(payloadOf(again).transactionId).toBe(payloadOf(refused).transactionId);
  });

  test.each([
    ['Unknown', 'Invalid'],
    ['NoCredit', 'Blocked'],
    ['ConcurrentTx', 'ConcurrentTx'],
  ] as const)('a token that is %s is %s in 1.6', (status, status16) => {
    const response = respond(
      call('StartTransaction', start),
      'ocpp1.6',
      context(() => status),
    );
    expect(payloadOf(response)).toMatchObject({ idTagInfo: { status: status16 } });
  });

  test('the token is judged as of receipt, also when the charger has no clock', () => {
    const asked: number[] = [];
    const note = context((_token, at) => {
      asked.push(at);
      return 'Accepted';
    });
    respond(call('StartTransaction', start), 'ocpp1.6', note);
    respond(call('StartTransaction', { ...start, timestamp: '1970-01-01T00:00:07Z' }), 'ocpp1.6', note);
    expect(asked).toEqual([receivedAt, receivedAt]);
  });
});

describe('TransactionEvent', () => {
  test('a token is answered with its status, no token with nothing; never a cost', () => {
    expect(payloadOf(ask2('TransactionEvent', event))).toEqual({ idTokenInfo: { status: 'Accepted' } });
    const ended = ask2('TransactionEvent', { ...event, eventType: 'Ended', idToken: undefined });
    expect(payloadOf(ended)).toEqual({});
    expect(ended.record?.answer).toBeUndefined();
  });

  test('a start button shows no token, so there is none to refuse', () => {
    const button = { ...event, idToken: { idToken: '', type: 'NoAuthorization' } };
    const response = respond(
      call('TransactionEvent', button),
      'ocpp2.0.1',
      context(() => 'Unknown'),
    );
    expect(payloadOf(response)).toEqual({ idTokenInfo: { status: 'Accepted' } });
  });
});

describe('what the registry is asked', () => {
  test.each([
    [
      'ocpp1.6',
      'StartTransaction',
      start,
      { outlet: { connectorId: 1 }, idToken: { token: 'TAG' }, at: Date.parse(timestamp) },
    ],
    ['ocpp1.6', 'Authorize', { idTag: 'TAG' }, { idToken: { token: 'TAG' }, at: receivedAt }],
    [
      'ocpp1.6',
      'StopTransaction',
      { ...stop, idTag: 'TAG' },
      { idToken: { token: 'TAG' }, at: Date.parse(timestamp) },
    ],
    [
      'ocpp2.1',
      'TransactionEvent',
      { ...event, evse: { id: 2 } },
      { outlet: { evseId: 2 }, idToken: { token: 'TAG', type: 'ISO14443' }, at: Date.parse(timestamp) },
    ],
  ] as const)('%s %s', (protocol, action, payload, lookup) => {
    const response = respond(call(action, payload), protocol, context());
    expect(response).toMatchObject({ enrich: true, lookup });
    // Whose token was refused does not pay: only where it was is looked up then.
    const { lookup: without } = respond(
      call(action, payload),
      protocol,
      context(() => 'Blocked'),
    );
    const { idToken: _, ...where } = lookup;
    expect(without).toEqual(where);
  });
});

describe('whatever a charger sends', () => {
  const actions = PROTOCOLS.flatMap((protocol) =>
    [...chargerActions(protocol)].map((action) => [protocol, action] as const),
  );
  const mutated = (payload: unknown): fc.Arbitrary<unknown> =>
    fc.tuple(fc.nat(), fc.oneof(fc.constant(undefined), fc.jsonValue({ maxDepth: 2 }))).map(([at, value]) => {
      const copy = structuredClone(payload);
      const places: [Record<string, unknown>, string][] = [];
      const walk = (node: unknown): void => {
        if (typeof node !== 'object' || node === null) return;
        for (const key of Object.keys(node)) {
          places.push([node as Record<string, unknown>, key]);
          walk((node as Record<string, unknown>)[key]);
        }
      };
      walk(copy);
      const place = places[at % Math.max(places.length, 1)];
      if (place !== undefined) place[0][place[1]] = value;
      return copy;
    });

  test.each(actions)(
    '%s %s: one answer or none, a counted outcome, and a record that decodes',
    (protocol, action) => {
      const payloads = payloadsOf(officialSchema(protocol, action, 'Request')!).chain(mutated);
      fc.assert(
        fc.property(payloads, (payload) => {
          const response = respond(call(action, payload), protocol, context());
          expect(OUTCOMES).toContain(response.outcome);
          const reply = replyOf(response);
          expect([3, 4]).toContain(reply[0]);
          const complaint = validateCall(protocol, action, JSON.parse(JSON.stringify(payload ?? {})));
          if (reply[0] === 4) expect(JSON.parse(response.record?.answer as string)).toHaveLength(2);
          else if (complaint === undefined) expect(response.outcome).toBe('answered');
          const { event, oddities } = decode({
            ...response.record!,
            chargePointId: 'CP1',
            receivedAt,
            direction: 'in',
            gateway: 'g',
            protocol: protocol as Protocol,
          });
          expect(event).toBeDefined();
          // What we answered is what is counted: a start that got an id is a start with that id.
          if (action === 'StartTransaction' && reply[0] === 3) {
            const { transactionId } = reply[2] as { transactionId: number };
            expect(event).toMatchObject({ kind: 'start', transactionId: String(transactionId) });
          }
          if (reply[0] === 4) expect(event?.kind).toBe('other');
          if (response.outcome === 'answered_hurt' && action !== 'Authorize')
            expect(oddities.map(({ kind }) => kind)).toContain('schema_violation');
        }),
        { numRuns: 25 },
      );
    },
  );

  test('any text at all', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.array(fc.jsonValue()).map((parts) => JSON.stringify([2, ...parts])),
    );
    fc.assert(
      fc.property(texts, fc.constantFrom(...PROTOCOLS), (text, protocol) => {
        const { outcome, record, reply } = respond(text, protocol, context());
        expect(OUTCOMES).toContain(outcome);
        if (record !== undefined) expect(record.subject).not.toBe('');
        if (reply !== undefined) expect(JSON.parse(reply)).toHaveProperty('length');
      }),
    );
  });
});
