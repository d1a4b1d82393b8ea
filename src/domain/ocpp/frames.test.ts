import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { callErrorText, callResultText, type Fault, parseFrame } from './frames.js';
import { PROTOCOLS, type Protocol } from './record.js';

const faultOf = (text: string, protocol: Protocol): Fault => {
  const parsed = parseFrame(text, protocol);
  if (parsed.ok) throw new Error(`${text} was taken for a ${parsed.frame.type}`);
  return parsed.fault;
};

test('the five frames', () => {
  const read = (text: string) => parseFrame(text, 'ocpp2.1');
  expect(read('[2,"a","Heartbeat",{}]')).toEqual({
    ok: true,
    frame: { type: 'Call', messageId: 'a', action: 'Heartbeat', payload: {} },
  });
  expect(read('[3,"a",{"status":"Accepted"}]')).toEqual({
    ok: true,
    frame: { type: 'CallResult', messageId: 'a', payload: { status: 'Accepted' } },
  });
  expect(read('[4,"a","NotSupported","no",{"x":1}]')).toEqual({
    ok: true,
    frame: {
      type: 'CallError',
      messageId: 'a',
      errorCode: 'NotSupported',
      description: 'no',
      details: { x: 1 },
    },
  });
  expect(read('[5,"a","FormatViolation","",{}]')).toMatchObject({ frame: { type: 'CallResultError' } });
  expect(read('[6,"a","NotifyPeriodicEventStream",{}]')).toMatchObject({ frame: { type: 'Send' } });
});

test('null is an empty payload, in CALL and CALLRESULT', () => {
  for (const protocol of PROTOCOLS) {
    expect(parseFrame('[2,"a","Heartbeat",null]', protocol)).toMatchObject({ frame: { payload: {} } });
    expect(parseFrame('[3,"a",null]', protocol)).toMatchObject({ frame: { payload: {} } });
  }
});

test('a CALLERROR without description and details is still one', () => {
  expect(parseFrame('[4,"a","GenericError"]', 'ocpp1.6')).toMatchObject({
    frame: { type: 'CallError', errorCode: 'GenericError', description: '', details: {} },
  });
});

describe('what cannot be read', () => {
  test.each([
    ['malformed_json', '[2,"a","Heartbeat",{}'],
    ['malformed_json', ''],
    ['not_a_frame', '{}'],
    ['not_a_frame', '[]'],
    ['not_a_frame', '["2","a","Heartbeat",{}]'],
    ['message_id_invalid', '[2,17,"Heartbeat",{}]'],
    ['message_id_invalid', '[2,"","Heartbeat",{}]'],
  ] as const)('%s: %s: no answer in 1.6, under "-1" in 2.x', (reason, text) => {
    expect(faultOf(text, 'ocpp1.6')).toMatchObject({ reason });
    expect(faultOf(text, 'ocpp1.6').errorCode).toBeUndefined();
    for (const protocol of ['ocpp2.0.1', 'ocpp2.1'] as const)
      expect(faultOf(text, protocol)).toMatchObject({
        reason,
        messageId: '-1',
        errorCode: 'RpcFrameworkError',
      });
  });

  test.each([
    ['wrong_arity', '[2,"a","Heartbeat"]', 'RpcFrameworkError'],
    ['wrong_arity', '[2,"a","Heartbeat",{},1]', 'RpcFrameworkError'],
    ['action_invalid', '[2,"a",5,{}]', 'RpcFrameworkError'],
    ['payload_invalid', '[2,"a","Heartbeat","x"]', 'FormatViolation'],
    ['payload_invalid', '[2,"a","Heartbeat",[]]', 'FormatViolation'],
    [
      'payload_invalid',
      `[2,"a","Heartbeat",{"x":${'['.repeat(60_000)}${']'.repeat(60_000)}}]`,
      'FormatViolation',
    ],
  ] as const)('%s: %s: answered under its id', (reason, text, errorCode) => {
    for (const protocol of PROTOCOLS)
      expect(faultOf(text, protocol)).toMatchObject({ reason, messageId: 'a', errorCode });
  });

  test('a message id of 36 characters is the longest; a longer one is answered, and its CALL handed over', () => {
    const id = 'x'.repeat(36);
    expect(parseFrame(`[2,"${id}","Heartbeat",{}]`, 'ocpp1.6').ok).toBe(true);
    const fault = faultOf(`[2,"${id}y","Heartbeat",{}]`, 'ocpp1.6');
    expect(fault).toMatchObject({ reason: 'message_id_too_long', messageId: `${id}y` });
    expect(fault.call).toMatchObject({ action: 'Heartbeat', payload: {} });
    expect(faultOf(`[2,"${'x'.repeat(300)}","Heartbeat",{}]`, 'ocpp2.0.1').messageId).toBe('-1');
  });

  test('answers and SENDs are never answered', () => {
    for (const text of [
      '[3,1,{}]',
      '[3,"a"]',
      '[3,"a",[]]',
      '[4,"a"]',
      '[5,7,"x"]',
      '[6,"a","X"]',
      '[6,1,"X",{}]',
    ])
      expect(faultOf(text, 'ocpp2.1').errorCode).toBeUndefined();
  });

  test('an unknown message type: ignored by 1.6 and 2.1, MessageTypeNotSupported in 2.0.1', () => {
    for (const text of ['[7,"a","X",{}]', '[6,"a","X",{}]', '[5,"a","X","",{}]', '[-1]']) {
      expect(faultOf(text, 'ocpp1.6')).toMatchObject({ reason: 'unknown_message_type' });
      expect(faultOf(text, 'ocpp1.6').errorCode).toBeUndefined();
    }
    expect(faultOf('[7,"a","X",{}]', 'ocpp2.1').errorCode).toBeUndefined();
    expect(faultOf('[7,"a","X",{}]', 'ocpp2.0.1')).toMatchObject({
      messageId: 'a',
      errorCode: 'MessageTypeNotSupported',
    });
    expect(faultOf('[7,9,"X",{}]', 'ocpp2.0.1').messageId).toBe('-1');
  });
});

test('what we write, we can read; details are an empty object', () => {
  expect(callResultText('a"b', { x: 1 })).toBe('[3,"a\\"b",{"x":1}]');
  const text = callErrorText('a', 'ocpp1.6', 'OccurrenceConstraintViolation', 'd'.repeat(300));
  expect(JSON.parse(text)).toEqual([4, 'a', 'OccurenceConstraintViolation', 'd'.repeat(255), {}]);
});

test('nothing a charger can send makes it throw', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(faultOf(deep, 'ocpp1.6').reason).toBe('not_a_frame');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), fc.constantFrom(...PROTOCOLS), (text, protocol) => {
      const parsed = parseFrame(text, protocol);
      if (!parsed.ok && parsed.fault.errorCode !== undefined) expect(parsed.fault.messageId).toBeDefined();
    }),
  );
});
