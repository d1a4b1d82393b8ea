import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ANOMALY_KINDS } from './anomaly-kinds.js';
import { decode } from './decode.js';
import { CONNECTION_SUBJECTS, type FrameRecord, PROTOCOLS, type Protocol } from './record.js';
import { knownActions } from './schemas.js';

const receivedAt = Date.UTC(2026, 10, 23, 18, 34, 47);
const timestamp = '2026-11-23T18:34:46Z';
const at = Date.parse(timestamp);
const record = (over: Partial<FrameRecord>): FrameRecord => ({
  body: '{}',
  subject: 'Heartbeat',
  chargePointId: 'CP1',
  receivedAt,
  protocol: 'ocpp1.6',
  direction: 'in',
  gateway: 'g1',
  ...over,
});
const frame = (protocol: Protocol, subject: string, payload: unknown, answer?: object): FrameRecord =>
  record({
    protocol,
    subject,
    body: JSON.stringify([2, 'id', subject, payload]),
    messageId: 'id',
    answer: answer === undefined ? undefined : JSON.stringify(answer),
  });
const kinds = (of: FrameRecord): string[] => decode(of).oddities.map(({ kind }) => kind);

describe('records that are no frames', () => {
  test('the connection', () => {
    const body = JSON.stringify({ address: '10.0.0.1', protocol: 'ocpp1.6', securityProfile: 2 });
    expect(decode(record({ subject: 'Connected', body })).event).toEqual({
      kind: 'connected',
      address: '10.0.0.1',
      securityProfile: 2,
    });
    expect(decode(record({ subject: 'Disconnected', body: '{"code":1001,"reason":"bye"}' })).event).toEqual({
      kind: 'disconnected',
      code: 1001,
      reason: 'bye',
    });
    expect(decode(record({ subject: 'GatewayAlive' })).event).toEqual({ kind: 'gateway-alive' });
    expect(decode(record({ subject: 'GatewayStarted' })).event).toEqual({ kind: 'gateway-started' });
  });

  test('our own CALLs and the answers to them mean nothing here', () => {
    expect(decode(record({ direction: 'out', subject: 'RemoteStartTransaction', body: '' }))).toEqual({
      event: { kind: 'other', action: 'RemoteStartTransaction' },
      oddities: [],
    });
    expect(decode(record({ subject: 'CallResult', body: '[3,"id",{}]' })).event?.kind).toBe('other');
  });

  test('an answer of ours that the charger could not use is shown', () => {
    expect(
      kinds(record({ subject: 'CallResultError', protocol: 'ocpp2.1', body: '[5,"id","FormatViolation"]' })),
    ).toEqual(['answer_refused']);
  });
});

describe('OCPP 1.6', () => {
  test('StartTransaction with what we answered', () => {
    const payload = { connectorId: 2, idTag: 'Tag', meterStart: 2500, timestamp };
    expect(
      decode(
        frame('ocpp1.6', 'StartTransaction', payload, { transactionId: 9, idTagInfo: { status: 'Blocked' } }),
      ),
    ).toEqual({
      event: {
        kind: 'start',
        outlet: { connectorId: 2 },
        idToken: { token: 'Tag' },
        meterStartMilli: 2_500_000,
        at,
        transactionId: '9',
        authStatus: 'Blocked',
        messageId: 'id',
      },
      oddities: [],
    });
  });

  test('StopTransaction: negative ids and meters as sent; a missing meter is NaN and noted', () => {
    expect(
      decode(
        frame('ocpp1.6', 'StopTransaction', { transactionId: -1, meterStop: -5, timestamp, idTag: 'T' }),
      ),
    ).toEqual({
      event: {
        kind: 'stop',
        transactionId: '-1',
        idToken: { token: 'T' },
        meterStopMilli: -5000,
        at,
        reason: '',
        samples: [],
      },
      oddities: [],
    });
    const missing = frame('ocpp1.6', 'StopTransaction', { transactionId: 5, timestamp });
    expect(decode(missing).event).toMatchObject({ kind: 'stop', meterStopMilli: Number.NaN });
    expect(kinds(missing)).toEqual(['schema_violation']);
  });

  test('a stop is not lost to an id beyond 2^53 (an unsigned -1)', () => {
    const stop = frame('ocpp1.6', 'StopTransaction', { transactionId: 2 ** 64, meterStop: 5, timestamp });
    expect(decode(stop).event).toMatchObject({ kind: 'stop', transactionId: '18446744073709551616' });
    expect(kinds(stop)).toEqual(['schema_violation']);
  });

  test('a meter with a fraction is read as it is', () => {
    const start = frame('ocpp1.6', 'StartTransaction', {
      connectorId: 1,
      idTag: 'T',
      meterStart: 2500.75,
      timestamp,
    });
    expect(decode(start).event).toMatchObject({ kind: 'start', meterStartMilli: 2_500_750 });
    expect(kinds(start)).toEqual(['schema_violation']);
  });

  test('a stop brings its samples', () => {
    const transactionData = [{ timestamp, sampledValue: [{ value: '7', context: 'Transaction.End' }] }];
    expect(
      decode(
        frame('ocpp1.6', 'StopTransaction', { transactionId: 5, meterStop: 7, timestamp, transactionData }),
      ).event,
    ).toMatchObject({
      samples: [{ at, milli: 7000, context: 'Transaction.End' }],
    });
  });

  test('a status without a time has none, and none is invented', () => {
    const payload = {
      connectorId: 0,
      errorCode: 'NoError',
      status: 'Available',
      vendorErrorCode: 'E7',
      info: 'i',
    };
    expect(decode(frame('ocpp1.6', 'StatusNotification', payload))).toEqual({
      event: {
        kind: 'status',
        outlet: { connectorId: 0 },
        status: 'Available',
        errorCode: 'NoError',
        vendorCode: 'E7',
        info: 'i',
        at: Number.NaN,
      },
      oddities: [],
    });
  });

  test('a boot, with the serial number of whichever field has it', () => {
    const payload = {
      chargePointVendor: 'V',
      chargePointModel: 'M',
      chargeBoxSerialNumber: 'S',
      firmwareVersion: '',
    };
    expect(decode(frame('ocpp1.6', 'BootNotification', payload, { status: 'Accepted' })).event).toEqual({
      kind: 'boot',
      vendor: 'V',
      model: 'M',
      serial: 'S',
      firmware: '',
      reason: '',
      answered: 'Accepted',
    });
  });

  test('meter values without a transaction have none', () => {
    const payload = { connectorId: 0, meterValue: [{ timestamp, sampledValue: [{ value: '1' }] }] };
    const { event } = decode(frame('ocpp1.6', 'MeterValues', payload));
    expect(event).toMatchObject({ kind: 'meter-values', outlet: { connectorId: 0 } });
    expect(event).not.toHaveProperty('transactionId');
  });

  test('a time without a zone is read as UTC, and noted once for the frame', () => {
    const meterValue = [1, 2].map(() => ({
      timestamp: '2026-11-23T18:34:46',
      sampledValue: [{ value: '1' }],
    }));
    const decoded = decode(frame('ocpp1.6', 'MeterValues', { connectorId: 1, meterValue }));
    expect(decoded.event).toMatchObject({ samples: [{ at }, { at }] });
    expect(decoded.oddities).toEqual([
      { kind: 'zoneless_time', detail: expect.stringContaining('and 1 more') },
    ]);
  });
});

describe('OCPP 2.x', () => {
  const ended = {
    eventType: 'Ended',
    timestamp,
    triggerReason: 'StopAuthorized',
    seqNo: 7,
    offline: true,
    evse: { id: 1 },
    idToken: { idToken: 'T', type: 'Central' },
    transactionInfo: { transactionId: 't1', chargingState: 'Idle', stoppedReason: 'Local', remoteStartId: 3 },
    meterValue: [{ timestamp, sampledValue: [{ value: 1.5, unitOfMeasure: { unit: 'kWh' } }] }],
  };

  test('TransactionEvent, all of it; an absent connector stays absent', () => {
    const decoded = decode(
      frame('ocpp2.0.1', 'TransactionEvent', ended, { idTokenInfo: { status: 'Accepted' } }),
    );
    expect(decoded).toEqual({
      event: {
        kind: 'transaction',
        eventType: 'Ended',
        transactionId: 't1',
        seqNo: 7,
        at,
        trigger: 'StopAuthorized',
        chargingState: 'Idle',
        stoppedReason: 'Local',
        outlet: { evseId: 1 },
        idToken: { token: 'T', type: 'Central' },
        authStatus: 'Accepted',
        offline: true,
        remoteStartId: 3,
        samples: [expect.objectContaining({ milli: 1_500_000, unit: 'Wh' })],
      },
      oddities: [],
    });
  });

  test('with only what is required', () => {
    const payload = {
      eventType: 'Updated',
      timestamp,
      triggerReason: 'Trigger',
      seqNo: 1,
      transactionInfo: { transactionId: 't' },
    };
    expect(decode(frame('ocpp2.1', 'TransactionEvent', payload)).event).toEqual({
      kind: 'transaction',
      eventType: 'Updated',
      transactionId: 't',
      seqNo: 1,
      at,
      trigger: 'Trigger',
      offline: false,
      samples: [],
    });
  });

  test('status, boot and meter values', () => {
    const status = { evseId: 1, connectorId: 2, connectorStatus: 'Occupied', timestamp };
    expect(decode(frame('ocpp2.1', 'StatusNotification', status)).event).toMatchObject({
      kind: 'status',
      outlet: { evseId: 1, connectorId: 2 },
      status: 'Occupied',
      errorCode: '',
      at,
    });
    const boot = { reason: 'PowerUp', chargingStation: { vendorName: 'V', model: 'M', serialNumber: 'S' } };
    expect(decode(frame('ocpp2.0.1', 'BootNotification', boot, { status: 'Accepted' })).event).toMatchObject({
      kind: 'boot',
      vendor: 'V',
      serial: 'S',
      reason: 'PowerUp',
      answered: 'Accepted',
    });
    const values = { evseId: 0, meterValue: [{ timestamp, sampledValue: [{ value: 5 }] }] };
    expect(decode(frame('ocpp2.0.1', 'MeterValues', values)).event).toMatchObject({
      kind: 'meter-values',
      outlet: { evseId: 0 },
    });
  });
});

describe('what is wrong', () => {
  test('what we refused did not happen, and is shown with our reason', () => {
    const payload = { connectorId: 1, idTag: 'T', meterStart: 1, timestamp: 'x' };
    const refused = {
      ...frame('ocpp1.6', 'StartTransaction', payload),
      answer: '["FormationViolation","no time"]',
    };
    expect(decode(refused)).toEqual({
      event: { kind: 'other', action: 'StartTransaction' },
      oddities: [{ kind: 'call_refused', detail: 'FormationViolation: no time' }],
    });
  });

  test('frames that could not be answered are shown with their fault', () => {
    expect(decode(record({ subject: 'Unknown', body: '[2,9,"Heartbeat",{}]' }))).toEqual({
      event: { kind: 'other', action: 'Unknown' },
      oddities: [{ kind: 'invalid_frame', detail: 'The message id is not a string with content' }],
    });
  });

  test('what no ingest has written is undecodable, whatever it says', () => {
    for (const subject of ['', 'StartTransaction', 'Unknown', 'CallResult'])
      expect(
        decode({ ...record({ subject, body: '[2,"id","Heartbeat",{}]' }), protocol: undefined }),
      ).toEqual({
        event: undefined,
        oddities: [{ kind: 'undecodable', detail: expect.stringContaining('no ingest wrote it') }],
      });
  });

  test('a payload that is nested without end is undecodable: it stops no reader', () => {
    const nested = `${'['.repeat(60_000)}${']'.repeat(60_000)}`;
    for (const [protocol, subject] of [
      ['ocpp1.6', 'StatusNotification'],
      ['ocpp2.1', 'MeterValues'],
    ] as const) {
      const body = `[2,"id","${subject}",{"evseId":1,"meterValue":[{"sampledValue":[{"value":1}],"x":${nested}}]}]`;
      expect(decode(record({ protocol, subject, body }))).toEqual({
        event: undefined,
        oddities: [expect.objectContaining({ kind: 'undecodable' })],
      });
    }
  });

  test('a body that is not what its record says is undecodable, and nothing else is', () => {
    for (const body of ['', 'x', '{}', '[2,"id","StopTransaction"]', '[2,"id","StopTransaction",7]'])
      expect(decode(record({ subject: 'StopTransaction', body }))).toMatchObject({
        event: undefined,
        oddities: [{ kind: 'undecodable' }],
      });
    expect(decode(record({ subject: 'Connected', body: '[]' })).event).toBeUndefined();
  });

  test('a recording without answers: the id is the one we would have answered', () => {
    const payload = { connectorId: 1, idTag: 'T', meterStart: 1, timestamp };
    const event = decode(frame('ocpp1.6', 'StartTransaction', payload)).event;
    expect(event).toMatchObject({
      kind: 'start',
      transactionId: expect.stringMatching(/^[1-9]\d*$/),
      authStatus: '',
    });
  });

  test('never throws, and only speaks of kinds there are', () => {
    const subjects = [
      ...CONNECTION_SUBJECTS,
      'CallResult',
      'CallError',
      'CallResultError',
      'Unknown',
      'toString',
    ];
    const all = [...subjects, ...PROTOCOLS.flatMap((protocol) => [...knownActions(protocol)])];
    const bodies = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((payload) => JSON.stringify([2, 'id', 'x', payload])),
      fc.object().map((payload) => JSON.stringify([2, 'id', 'x', payload])),
    );
    fc.assert(
      fc.property(
        bodies,
        fc.constantFrom(...all),
        fc.constantFrom(...PROTOCOLS, undefined),
        fc.option(fc.oneof(fc.string(), fc.json()), { nil: undefined }),
        (body, subject, protocol, answer) => {
          for (const { kind } of decode(record({ body, subject, protocol, answer })).oddities)
            expect(Object.keys(ANOMALY_KINDS)).toContain(kind);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a schema that was hurt is shown, once, and the frame is used', () => {
  const values = { connectorId: 1, meterValue: [{ timestamp, sampledValue: [{ value: '1' }] }] };
  test.each([
    ['what a reader meets', { ...values, meterValue: [{ timestamp, sampledValue: [{ value: 1 }] }] }],
    ['what no reader looks at', { ...values, colour: 'red' }],
  ])('%s', (_what, payload) => {
    const hurt = frame('ocpp1.6', 'MeterValues', payload);
    expect(decode(hurt).event).toMatchObject({ kind: 'meter-values', samples: [{ milli: 1000 }] });
    expect(kinds(hurt)).toEqual(['schema_violation']);
  });

  test('also when it is only the message id', () => {
    expect(kinds({ ...frame('ocpp1.6', 'MeterValues', values), messageId: 'x'.repeat(37) })).toEqual([
      'schema_violation',
    ]);
  });
});
