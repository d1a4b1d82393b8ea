import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type StartIdentity, transactionId16 } from './transaction-id.js';

const startAt = Date.UTC(2026, 10, 23, 18, 34, 46);
const start: StartIdentity = {
  chargePointId: 'CP1',
  connectorId: 1,
  idTag: 'TAG001',
  startAt,
  meterStart: 2500,
  messageId: 'a',
  receivedAt: startAt + 300,
};

test('a resent start gets the same id from any gateway, whatever its message id and whenever it comes', () => {
  const id = transactionId16(start);
  expect(transactionId16({ ...start, messageId: 'b', receivedAt: startAt + 7_200_000 })).toBe(id);
  expect(transactionId16({ ...start, idTag: 'tag001' })).toBe(id);
  // Fixed for ever: sessions in the log are known by it.
  expect(id).toBe(2043748073);
});

test('another connector, token, time, meter or charger is another transaction', () => {
  const others: Partial<StartIdentity>[] = [
    { chargePointId: 'CP2' },
    { connectorId: 2 },
    { idTag: 'TAG002' },
    { startAt: startAt + 1 },
    { meterStart: 2501 },
  ];
  const ids = new Set([start, ...others.map((other) => ({ ...start, ...other }))].map(transactionId16));
  expect(ids.size).toBe(others.length + 1);
});

test('a charger without a clock: the message id tells its starts apart', () => {
  const clockless = { ...start, startAt: 7_000 };
  expect(transactionId16(clockless)).not.toBe(transactionId16({ ...clockless, messageId: 'b' }));
  expect(transactionId16(clockless)).toBe(transactionId16({ ...clockless, receivedAt: startAt + 9_000_000 }));
});

test('always a positive 31-bit integer, never 0', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      fc.integer(),
      fc.string(),
      (chargePointId, idTag, meterStart, messageId) => {
        const id = transactionId16({ ...start, chargePointId, idTag, meterStart, messageId });
        expect(Number.isInteger(id) && id >= 1 && id <= 0x7fffffff).toBe(true);
      },
    ),
  );
});
