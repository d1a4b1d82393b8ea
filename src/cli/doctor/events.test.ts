/** What the doctor says of the streams of events: what a restart of analytics would, and whether anybody reads them. */
import { expect, test } from '@jest/globals';
import { eventHash } from '../../analytics/events/start.js';
import { FakeEventLog } from '../../analytics/events/testing/event-log.js';
import { checkEvents, judgeEvents } from './events.js';

const STREAM = 'charging.events.log';
const settings = { WATTSTREAM_CHECKPOINT_MS: 15_000, WATTSTREAM_ACCEPT_GAP: '' };
const event = (n: number) => ({ id: `e${n}`, type: 'charger.online', chargePointId: 'CP-1' });
const recordOf = (offset: number, n = offset) => ({
  offset,
  routingKey: 'charger.online',
  id: `e${n}`,
  app: 'test',
  publishedAt: 0,
  body: JSON.stringify(event(n)),
});
const at = (offset: number, n = offset) => ({ offset, hash: eventHash(recordOf(offset, n)) });

const found = async (
  log: FakeEventLog,
  stored: { offset: number; hash: string } | undefined,
  { now = 0, gap = '' } = {},
) =>
  (
    await checkEvents(
      { ...settings, WATTSTREAM_ACCEPT_GAP: gap },
      { load: async () => stored },
      () => log,
      () => now,
    )
  ).find(({ check }) => check === STREAM);

function filled(): FakeEventLog {
  const log = new FakeEventLog();
  log.append(...Array.from({ length: 10 }, (_, n) => event(n)));
  return log;
}

test('level, empty, unread', async () => {
  expect(await found(filled(), at(9))).toMatchObject({
    verdict: 'ok',
    found: expect.stringContaining('offset 9'),
  });
  expect(await found(new FakeEventLog(), undefined)).toMatchObject({ verdict: 'ok', found: 'empty' });
  expect(await found(filled(), undefined, { now: 600_000 })).toMatchObject({
    verdict: 'wrong',
    found: '10 offsets behind, the oldest of 600 s ago',
  });
});

test('a little behind is how it works; for long, nobody reads', async () => {
  expect(await found(filled(), at(5), { now: 60_000 })).toMatchObject({ verdict: 'ok' });
  expect(await found(filled(), at(5), { now: 600_000 })).toMatchObject({ verdict: 'wrong' });
});

test('what analytics would refuse, in the same words', async () => {
  expect(await found(filled(), at(9, 77))).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining('LOG_DIFFERS_FROM_CHECKPOINT'),
    remedy: expect.stringContaining('WATTSTREAM_EVENTS_EPOCH'),
  });
  expect(await found(filled(), at(12))).toMatchObject({ verdict: 'wrong' });
  const expired = filled();
  expired.expire(5);
  expect(await found(expired, at(2))).toMatchObject({
    verdict: 'wrong',
    remedy: expect.stringContaining(`WATTSTREAM_ACCEPT_GAP=${STREAM}:2`),
  });
  expect(await found(expired, at(2), { gap: `${STREAM}:2` })).toMatchObject({ verdict: 'ok' });
});

test('a broker that does not answer is not held against the stream', async () => {
  const log = filled();
  log.away = true;
  expect(await found(log, at(9))).toMatchObject({ verdict: 'unknown' });
});

test('the clock of whoever published may be ahead', () => {
  const oldest = { ...recordOf(1), publishedAt: 5_000 };
  expect(judgeEvents('x', { last: 2, behind: 2, oldest }, settings, 0).verdict).toBe('ok');
});
