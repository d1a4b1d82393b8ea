import { expect, jest, test } from '@jest/globals';
import type { CallError, CallResult } from '../domain/ocpp/frames.js';
import { type CallLine, Calls } from './calls.js';

/** A line whose confirms are given by hand. */
function line() {
  const events: string[] = [];
  const confirms: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const lent: CallLine = {
    record: (_text, action) => {
      events.push(`recorded ${action}`);
      return new Promise<void>((resolve, reject) => confirms.push({ resolve, reject }));
    },
    write: (text) => events.push(`wrote ${JSON.parse(text)[2]}`),
  };
  const counted: string[] = [];
  return { events, confirms, counted, calls: new Calls(lent, (outcome) => counted.push(outcome)) };
}
const result = (messageId: string, payload: CallResult['payload']): CallResult => ({
  type: 'CallResult',
  messageId,
  payload,
});
const tick = () => new Promise((resolve) => setImmediate(resolve));

test('a CALL is in the log before it is on the socket; the next one waits for its answer', async () => {
  const { events, confirms, counted, calls } = line();
  const reset = calls.call('Reset', { type: 'Soft' }, { messageId: 'a' });
  const unlock = calls.call('UnlockConnector', { connectorId: 1 }, { messageId: 'b' });
  await tick();
  expect(events).toEqual(['recorded Reset']);
  confirms[0]!.resolve();
  await tick();
  expect(events).toEqual(['recorded Reset', 'wrote Reset']);
  expect(calls.settle(result('a', { status: 'Accepted' }))).toBe(true);
  expect(await reset).toEqual(result('a', { status: 'Accepted' }));
  confirms[1]!.resolve();
  await tick();
  const refusal: CallError = {
    type: 'CallError',
    messageId: 'b',
    errorCode: 'NotSupported',
    description: '',
    details: {},
  };
  calls.settle(refusal);
  expect(await unlock).toEqual(refusal);
  expect(counted).toEqual(['answered', 'refused']);
});

test('answers nobody waits for are counted: unknown ids, repeats, and those ahead of their question', async () => {
  const { confirms, counted, calls } = line();
  void calls.call('Reset', {}, { messageId: 'a' });
  expect(calls.settle(result('a', {}))).toBe(false);
  confirms[0]!.resolve();
  await tick();
  expect(calls.settle(result('z', {}))).toBe(false);
  expect(calls.settle(result('a', {}))).toBe(true);
  expect(calls.settle(result('a', {}))).toBe(false);
  expect(counted).toEqual(['unknown-answer', 'unknown-answer', 'answered', 'unknown-answer']);
});

test('time is up: written = unknown what happened, waiting = certainly not sent, and the next one goes on', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  try {
    const { events, confirms, calls } = line();
    const first = calls.call('Reset', {}, { timeoutMs: 1_000 }).catch((error: unknown) => error);
    const second = calls.call('ClearCache', {}, { timeoutMs: 500 }).catch((error: unknown) => error);
    const third = calls.call('GetLog', {}, { timeoutMs: 9_000, messageId: 'c' });
    confirms[0]!.resolve();
    await tick();
    jest.advanceTimersByTime(600);
    expect(await second).toMatchObject({ code: 'CALL_NOT_SENT', canRetry: true });
    jest.advanceTimersByTime(600);
    expect(await first).toMatchObject({ code: 'CALL_UNANSWERED', canRetry: false });
    confirms[1]!.resolve();
    await tick();
    expect(events).toEqual(['recorded Reset', 'wrote Reset', 'recorded GetLog', 'wrote GetLog']);
    calls.settle(result('c', {}));
    await third;
  } finally {
    jest.useRealTimers();
  }
});

test('a CALL whose time was up before its confirm is not written any more', async () => {
  const { events, confirms, calls } = line();
  const late = calls.call('Reset', {}, { timeoutMs: 5 });
  await expect(late).rejects.toMatchObject({ code: 'CALL_NOT_SENT' });
  confirms[0]!.resolve();
  await tick();
  expect(events).toEqual(['recorded Reset']);
});

test('the charger goes: each waiting CALL is told which it was; later ones are refused', async () => {
  const { confirms, counted, calls } = line();
  const written = calls.call('Reset', {});
  const queued = calls.call('ClearCache', {});
  confirms[0]!.resolve();
  await tick();
  calls.close();
  await expect(written).rejects.toMatchObject({ code: 'CALL_UNANSWERED' });
  await expect(queued).rejects.toMatchObject({ code: 'CALL_NOT_SENT' });
  await expect(calls.call('Reset', {})).rejects.toMatchObject({ code: 'CALL_NOT_SENT' });
  expect(counted).toEqual(['unanswered', 'not-sent', 'not-sent']);
});

test('a CALL that cannot be recorded is not sent, and does not hold up the next', async () => {
  const { events, confirms, calls } = line();
  const first = calls.call('Reset', {});
  const second = calls.call('ClearCache', {});
  confirms[0]!.reject(new Error('closed'));
  await expect(first).rejects.toMatchObject({ code: 'CALL_NOT_SENT' });
  await tick();
  expect(events).toEqual(['recorded Reset', 'recorded ClearCache']);
  calls.close();
  await expect(second).rejects.toMatchObject({ code: 'CALL_NOT_SENT' });
});
