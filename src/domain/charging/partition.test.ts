/** What a partition remembers besides its charge points, through a checkpoint. */
import { expect, test } from '@jest/globals';
import { decode } from '../ocpp/decode.js';
import type { StoredRecord } from '../ocpp/record.js';
import { PartitionFold } from './partition.js';

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
