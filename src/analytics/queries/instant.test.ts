import { expect, test } from '@jest/globals';
import { instantOf, toClickHouseTime } from './instant.js';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

test.each([
  ['2026-11-23', '2026-11-23 00:00:00.000'],
  ['2026-11-23T10:00', '2026-11-23 10:00:00.000'],
  ['2026-11-23 10:00:05', '2026-11-23 10:00:05.000'],
  ['2026-11-23t10:00:05.123z', '2026-11-23 10:00:05.123'],
  ['2026-11-23T10:00+02:00', '2026-11-23 08:00:00.000'],
  ['now', '2026-11-23 12:00:00.000'],
  ['-15m', '2026-11-23 11:45:00.000'],
  ['-24h', '2026-11-22 12:00:00.000'],
  ['-2w', '2026-11-09 12:00:00.000'],
  ['+1h', '2026-11-23 13:00:00.000'],
])('%s is %s UTC, whatever the zone of the machine', (text, expected) => {
  expect(toClickHouseTime(instantOf(text, NOW)!)).toBe(expected);
});

test.each(['', 'yesterday', '24h', '-5y', '2026-13-01', '2026-11-23T25:00', '1723', '+99999w', "'; DROP"])(
  '%p is no time',
  (text) => expect(instantOf(text, NOW)).toBeUndefined(),
);
