import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseTime, plausible, readTime, TIME_PATTERN, timeText } from './time.js';

test.each([
  ['2026-11-23T18:34:46.733Z', '2026-11-23T18:34:46.733Z'],
  ['2026-11-23T18:34:46Z', '2026-11-23T18:34:46.000Z'],
  ['2026-11-23t18:34:46z', '2026-11-23T18:34:46.000Z'],
  ['2026-11-23 18:34:46Z', '2026-11-23T18:34:46.000Z'],
  ['2026-11-23T18:34:46+02:00', '2026-11-23T16:34:46.000Z'],
  ['2026-11-23T18:34:46+0200', '2026-11-23T16:34:46.000Z'],
  ['2026-11-23T18:34:46-05', '2026-11-23T23:34:46.000Z'],
  ['2026-11-23T18:34:46.1234567Z', '2026-11-23T18:34:46.123Z'],
  ['2026-11-23T18:34:46,5Z', '2026-11-23T18:34:46.500Z'],
  ['2026-11-23T18:34:60Z', '2026-11-23T18:35:00.000Z'],
  ['2026-11-23T24:00:00Z', '2026-11-24T00:00:00.000Z'],
  ['2026-11-23T18:34Z', '2026-11-23T18:34:00.000Z'],
  [' 2026-11-23T18:34:46Z ', '2026-11-23T18:34:46.000Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ['1970-01-01T00:00:07Z', '1970-01-01T00:00:07.000Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
])('%s is %s', (text, utc) => {
  expect(parseTime(text)).toBe(new Date(utc).getTime());
  expect(readTime(text).zoneless).toBe(false);
});

test('without a zone it is UTC, and flagged', () => {
  expect(readTime('2026-11-23T18:34:46.5')).toEqual({
    at: Date.UTC(2026, 10, 23, 18, 34, 46, 500),
    zoneless: true,
  });
  expect(readTime('2026-11-23 18:34:46').zoneless).toBe(true);
});

test.each([
  '',
  'now',
  '2026-11-23',
  '2026-02-30T00:00:00Z',
  '2023-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-11-23T25:00:00Z',
  '2026-11-23T24:00:01Z',
  '2026-11-23T18:60:00Z',
  '2026-11-23T18:34:61Z',
  '2026-11-23T18:34:46+19:00',
  '2026-11-23T18:34:46+02:60',
  '1732386886',
  '23/11/2026 18:34:46',
])('%p is no time', (text) => {
  expect(parseTime(text)).toBeNaN();
});

test('every time we write is read back, whatever the offset it is written with', () => {
  const span = { min: Date.UTC(1900, 0, 1), max: Date.UTC(9999, 0, 1) };
  fc.assert(
    fc.property(fc.integer(span), fc.integer({ min: -17 * 60, max: 17 * 60 }), (at, offset) => {
      expect(parseTime(timeText(at))).toBe(at);
      const sign = offset < 0 ? '-' : '+';
      const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60];
      const zone = `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
      expect(parseTime(timeText(at + offset * 60_000).replace('Z', zone))).toBe(at);
    }),
  );
});

test('the pattern of our validation and the reader agree on every date', () => {
  const pattern = new RegExp(TIME_PATTERN);
  fc.assert(
    fc.property(
      fc.integer({ min: 1890, max: 2110 }),
      fc.integer({ min: 0, max: 13 }),
      fc.integer({ min: 0, max: 32 }),
      (year, month, day) => {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}T12:00:00Z`;
        const date = new Date(Date.UTC(year, month - 1, day, 12));
        const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
        expect(pattern.test(text)).toBe(real);
        expect(parseTime(text)).toBe(real ? date.getTime() : Number.NaN);
      },
    ),
    { numRuns: 2000 },
  );
});

test('plausible: not 1970, not before OCPP 1.6 firmware, not years after receipt', () => {
  const receivedAt = Date.UTC(2026, 10, 23);
  expect(plausible(receivedAt - 1000, receivedAt)).toBe(true);
  expect(plausible(Date.UTC(2016, 0, 1), receivedAt)).toBe(true);
  expect(plausible(receivedAt + 3_600_000, receivedAt)).toBe(true);
  expect(plausible(7_000, receivedAt)).toBe(false);
  expect(plausible(Date.UTC(2010, 0, 1), receivedAt)).toBe(false);
  expect(plausible(Date.UTC(2038, 0, 19), receivedAt)).toBe(false);
  expect(plausible(Number.NaN, receivedAt)).toBe(false);
});
