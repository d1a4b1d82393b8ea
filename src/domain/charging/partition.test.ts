/** What a partition remembers besides its charge points, through a checkpoint. */
import { describe, expect, test } from '@jest/globals';
import { decode } from '../ocpp/decode.js';
import type { StoredRecord } from '../ocpp/record.js';
import { PartitionFold, type StateText } from './partition.js';

const settings = { sessionDays: 3 };
const record = (offset: number, more: Partial<StoredRecord>): StoredRecord => ({
  body: '{}',
  subject: 'GatewayAlive',
  chargePointId: 'gw-1',
  receivedAt: 1_000 * offset,
  direction: 'in',
  gateway: 'gw-1',
  partition: 0,
  offset,
  ...more,
});
const fold = (into: PartitionFold, ...records: StoredRecord[]) => {
  for (const one of records) into.apply(one, decode(one));
  into.takeRows();
  return into.takeStates();
};

test('records of strangers, which name no charge point, do not take the place of the gateways', () => {
  const states = fold(
    new PartitionFold(settings),
    record(0, {}),
    record(1, { chargePointId: '', subject: '', gateway: '', body: 'somebody else' }),
  );
  expect(states.filter(({ chargePointId }) => chargePointId === '').map(({ part }) => part)).toEqual([
    'core',
    'gateways',
  ]);
  // Whatever the order in which a table gives them back.
  for (const order of [states, [...states].reverse()]) {
    const again = fold(new PartitionFold(settings, order), record(600, {}));
    const gateways = JSON.parse(again.find(({ part }) => part === 'gateways')?.text ?? '') as object;
    expect(gateways).toEqual({ '': { lastAt: 1_000, gone: true }, 'gw-1': { lastAt: 600_000, gone: false } });
  }
});

describe('samples of a long session', () => {
  const hour = 3_600_000;
  const begun = Date.UTC(2026, 10, 23, 8);
  const call = (offset: number, at: number, action: string, payload: object, answer?: object): StoredRecord =>
    record(offset, {
      subject: action,
      chargePointId: 'CP-1',
      receivedAt: at,
      protocol: 'ocpp1.6',
      connection: 'c1',
      body: JSON.stringify([2, `m${offset}`, action, payload]),
      ...(answer === undefined ? {} : { answer: JSON.stringify(answer) }),
    });
  const iso = (at: number) => new Date(at).toISOString();
  const start = call(
    1,
    begun,
    'StartTransaction',
    { connectorId: 1, idTag: 'T', meterStart: 0, timestamp: iso(begun) },
    { transactionId: 7, idTagInfo: { status: 'Accepted' } },
  );
  const reading = (offset: number, at: number): StoredRecord =>
    call(offset, at, 'MeterValues', {
      connectorId: 1,
      transactionId: 7,
      meterValue: [{ timestamp: iso(at), sampledValue: [{ value: String(offset) }] }],
    });
  /** Every half minute for eight hours. */
  const readings = Array.from({ length: 960 }, (_, n) => reading(n + 2, begun + (n + 1) * 30_000));
  const names = (states: { part: string }[]) =>
    states.map(({ part }) => part).filter((part) => part !== 'gateways');

  test('are written an hour at a time: a checkpoint has those that changed, and not all of them again', () => {
    const into = new PartitionFold(settings);
    expect(names(fold(into, start, ...readings))).toHaveLength(2 + 9);
    const states = fold(into, reading(1_000, begun + 8 * hour + 30_000));
    expect(names(states)).toEqual(['core', '1:7', `samples ${(begun + 8 * hour) / hour} 1:7`]);
    expect(Math.max(...states.map(({ text }) => text.length))).toBeLessThan(2_000);
    // A late one changes the hour that it belongs to.
    const late = fold(into, reading(1_001, begun + 45_000));
    expect(names(late)).toContain(`samples ${begun / hour} 1:7`);
  });

  test('come back whole, whatever the order, and are gone from checkpoints with their session', () => {
    const kept = new Map<string, StateText>();
    const keep = (states: StateText[]) => {
      for (const state of states) kept.set(state.part, state);
    };
    const undisturbed = new PartitionFold(settings);
    keep(fold(undisturbed, start, ...readings.slice(0, 500)));
    keep(fold(undisturbed, ...readings.slice(500)));
    const again = new PartitionFold(settings, [...kept.values()].reverse());
    const stop = call(2_000, begun + 8 * hour, 'StopTransaction', {
      transactionId: 7,
      meterStop: 990,
      timestamp: iso(begun + 8 * hour),
    });
    const ended = [undisturbed, again].map((one) => {
      one.apply(stop, decode(stop));
      return one.takeRows();
    });
    const quarters = ended[1]!.flatMap((rows) => rows.quarters);
    expect(quarters.filter(({ deleted }) => !deleted)).toHaveLength(32);
    expect(ended[1]).toEqual(ended[0]);

    keep(again.takeStates());
    // By the log's clock the session is forgotten; nothing of it stays.
    keep(fold(again, call(3_000, begun + 200 * hour, 'Heartbeat', {})));
    expect(
      [...kept.values()]
        .filter(({ text }) => text !== '')
        .map(({ part }) => part)
        .sort(),
    ).toEqual(['core', 'gateways']);
  });
});
