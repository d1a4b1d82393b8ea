import { beforeEach, describe, expect, it } from '@jest/globals';
import { Ledger } from '../ledger.js';
import type { Call } from './call.js';
import { Outbox, type OutboxOptions, type Repetition } from './outbox.js';

let ledger: Ledger;
let wire: string[];
let later: { ms: number; run: () => void }[];
let ids: number;
const outbox = (more: Partial<OutboxOptions> = {}) =>
  new Outbox({
    chargePointId: 'CP-1',
    protocol: 'ocpp1.6',
    ledger,
    newId: () => `m${++ids}`,
    transmit: (text) => void wire.push(text),
    attempts: () => 3,
    retryMs: () => 60_000,
    later: (ms, run) => void later.push({ ms, run }),
    repetition: () => ({ times: 0, id: 'same' }),
    idle: () => {},
    timed: () => {},
    ...more,
  });
const call = (action: string, more: Partial<Call> = {}): Call => ({
  action,
  durable: true,
  payload: () => ({}),
  ...more,
});
const actions = () => wire.map((text) => (JSON.parse(text) as unknown[])[2]);

beforeEach(() => {
  ledger = new Ledger();
  wire = [];
  later = [];
  ids = 0;
});

describe('the outbox', () => {
  it('says one thing at a time, in order', () => {
    const box = outbox();
    box.opened([]);
    box.push(call('StartTransaction'));
    box.push(call('MeterValues'));
    expect(actions()).toEqual(['StartTransaction']);
    box.answered('m1', {}, '[3,"m1",{}]');
    expect(actions()).toEqual(['StartTransaction', 'MeterValues']);
  });

  it('keeps transaction frames while offline and forgets the rest: a status of hours ago would be a lie', () => {
    const box = outbox();
    box.push(call('StartTransaction'));
    box.push(call('StatusNotification', { durable: false }));
    box.push(call('StopTransaction'));
    expect(wire).toEqual([]);
    box.opened([]);
    box.answered('m1', {}, '');
    expect(actions()).toEqual(['StartTransaction', 'StopTransaction']);
  });

  it('sends what was on the wire when the line broke again, byte for byte, and first', () => {
    const box = outbox();
    box.opened([]);
    box.push(call('StartTransaction', { payload: () => ({ at: ids }) }));
    box.push(call('MeterValues'));
    box.closed();
    box.answered('m1', {}, 'too late');
    box.opened([]);
    expect(wire).toHaveLength(2);
    expect(wire[1]).toBe(wire[0]);
    expect(ledger.frames).toMatchObject([{ messageId: 'm1', transmissions: 2, answers: [] }]);
  });

  it('renders a frame only when it is sent: the transaction id in it came with the answer before', () => {
    const box = outbox();
    let transactionId = 0;
    box.opened([]);
    box.push(
      call('StartTransaction', {
        answered: (payload) => {
          transactionId = payload.transactionId as number;
        },
      }),
    );
    box.push(call('MeterValues', { payload: () => ({ transactionId }) }));
    box.answered('m1', { transactionId: 77 }, '');
    expect(JSON.parse(wire[1]!)).toEqual([2, 'm2', 'MeterValues', { transactionId: 77 }]);
  });

  it('takes a CALLERROR as a failed attempt, waits longer each time, at last discards, and lets the next one go', () => {
    const box = outbox();
    box.opened([]);
    box.push(call('StopTransaction'));
    box.push(call('StartTransaction'));
    for (const attempt of [1, 2]) {
      box.refused('m1', 'InternalError', '[4]');
      expect(later).toHaveLength(attempt);
      expect(later[attempt - 1]!.ms).toBe(60_000 * attempt);
      expect(wire).toHaveLength(attempt);
      expect(box.busy).toBe(false);
      later[attempt - 1]!.run();
      expect(wire).toHaveLength(attempt + 1);
    }
    box.refused('m1', 'InternalError', '[4]');
    expect(actions()).toEqual(['StopTransaction', 'StopTransaction', 'StopTransaction', 'StartTransaction']);
    expect(ledger.frames[0]).toMatchObject({
      transmissions: 3,
      discarded: true,
      errors: ['[4]', '[4]', '[4]'],
    });
    expect(ledger.counts.discarded).toBe(1);
  });

  it('does not count silence: however often the line breaks, nothing is discarded', () => {
    const box = outbox();
    box.push(call('StopTransaction'));
    for (let time = 0; time < 10; time++) {
      box.opened([]);
      box.closed();
    }
    box.opened([]);
    box.answered('m1', {}, '');
    expect(ledger.frames[0]).toMatchObject({ transmissions: 11, discarded: false, answers: [''] });
  });

  it('never tries again what is not durable', () => {
    const box = outbox();
    box.opened([]);
    let refusedWith = '';
    box.push(
      call('Authorize', {
        durable: false,
        refused: (code) => {
          refusedWith = code;
        },
      }),
    );
    box.refused('m1', 'InternalError', '');
    expect(refusedWith).toBe('InternalError');
    expect(later).toEqual([]);
    expect(box.empty).toBe(true);
  });

  it('lets only the urgent through while shut, and that before everything else', () => {
    const box = outbox();
    box.push(call('StopTransaction'));
    box.pushUrgent(call('BootNotification', { durable: false, answered: () => box.opened([]) }));
    expect(actions()).toEqual(['BootNotification']);
    box.answered('m1', {}, '');
    expect(actions()).toEqual(['BootNotification', 'StopTransaction']);
  });

  it.each<[Repetition, string[]]>([
    [{ times: 2, id: 'same' }, ['m1', 'm1', 'm1', 'm2']],
    [{ times: 2, id: 'fresh' }, ['m1', 'm2', 'm3', 'm4']],
  ])('repeats answered frames when told to: %p', (repetition, expected) => {
    let first = true;
    const box = outbox({
      repetition: () => {
        const now = first ? repetition : { times: 0, id: 'same' as const };
        first = false;
        return now;
      },
    });
    box.opened([]);
    box.push(call('StartTransaction', { payload: () => ({ meterStart: 5 }) }));
    box.push(call('StopTransaction'));
    for (let turn = 0; turn < 3; turn++) box.answered(idOf(wire.at(-1)!), {}, '');
    expect(wire.map(idOf)).toEqual(expected);
    expect(
      new Set(wire.slice(0, 3).map((text) => JSON.stringify((JSON.parse(text) as unknown[])[3]))).size,
    ).toBe(1);
  });

  it('ignores answers to what it did not ask', () => {
    const box = outbox();
    box.opened([]);
    box.push(call('StopTransaction'));
    box.answered('other', {}, '');
    box.refused('other', 'InternalError', '');
    expect(box.empty).toBe(false);
    expect(ledger.counts.answered).toBe(0);
  });
});

const idOf = (text: string): string => (JSON.parse(text) as [number, string])[1];
