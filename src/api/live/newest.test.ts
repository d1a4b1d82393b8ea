import { describe, expect, test } from '@jest/globals';
import { Newest } from './newest.js';
import { Room } from './room.js';
import { anomalyNews, connectorNews, sessionNews } from './testing/messages.js';

describe('what is news', () => {
  const start = () => {
    let now = 0;
    const newest = new Newest({ memoryMs: 60_000, capacity: 100, now: () => now });
    return {
      newest,
      at: (ms: number) => {
        now = ms;
      },
      subjects: () => [...newest.recent()].map(({ id }) => id),
    };
  };

  test('the same id twice is shown once: at least once from the broker is once for people', () => {
    const { newest } = start();
    const anomaly = anomalyNews();
    expect([newest.take(anomaly), newest.take(anomaly)]).toEqual(['news', 'repeated']);
  });

  test('an older one about the same thing is none, also when the newer has long been forgotten', () => {
    const { newest, at, subjects } = start();
    const take = (version: number) => newest.take(sessionNews('session.updated', { version }));
    expect([take(5), take(4), take(5), take(6)]).toEqual(['news', 'older', 'older', 'news']);
    at(120_000);
    expect(subjects()).toEqual([]);
    expect(take(5)).toBe('older');
  });

  test('of each thing the newest is kept, for a minute after it came', () => {
    const { newest, at, subjects } = start();
    newest.take(sessionNews('session.started', { id: 'a', version: 1 }));
    newest.take(connectorNews('Charging', { id: 'b', version: 1 }));
    at(50_000);
    newest.take(sessionNews('session.updated', { id: 'c', version: 2 }));
    expect(subjects()).toEqual(['b', 'c']);
    at(61_000);
    expect(subjects()).toEqual(['c']);
  });

  test('one that follows on one that never came tells of the gap', () => {
    const { newest } = start();
    newest.take(sessionNews('session.started', { version: 1 }));
    expect(newest.take(sessionNews('session.updated', { version: 3, previous: 2 }))).toBe('gap');
    expect(newest.take(sessionNews('session.updated', { version: 4, previous: 3 }))).toBe('news');
  });

  test('memory is bounded', () => {
    const { newest } = start();
    for (let n = 0; n < 1_000; n++)
      newest.take(connectorNews('Charging', { chargePointId: `CP-${n}`, version: 1 }));
    expect([...newest.recent()]).toHaveLength(100);
  });
});

describe('a room', () => {
  const news = () => anomalyNews();

  test('numbers its changes without gaps, and gives those after a number', () => {
    const room = new Room('operator', 3);
    const { epoch } = room;
    for (let n = 0; n < 5; n++) room.append(news());
    expect(room.seq).toBe(5);
    expect(room.since(epoch, 2)?.map(({ seq }) => seq)).toEqual([3, 4, 5]);
    expect(room.since(epoch, 5)).toEqual([]);
  });

  test('does not guess about what it no longer has, never had, or had in another epoch', () => {
    const room = new Room('operator', 3);
    const { epoch } = room;
    for (let n = 0; n < 5; n++) room.append(news());
    expect(room.since(epoch, 1)).toBeUndefined();
    expect(room.since(epoch, 6)).toBeUndefined();
    expect(room.since('another', 5)).toBeUndefined();
    room.restart();
    expect(room.epoch).not.toBe(epoch);
    expect(room.since(epoch, 5)).toBeUndefined();
    expect(room.since(room.epoch, 0)).toEqual([]);
  });
});
