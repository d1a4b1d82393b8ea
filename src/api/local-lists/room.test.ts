/** How much a charger is given: too much is refused, and leaves it without any card offline. */
import { describe, expect, test } from '@jest/globals';
import type { Command } from '../../domain/commands/command.js';
import { fewerThan, foundRoom, roomOf } from './room.js';

const REAL = 217_684_801;
const nobody = { said: undefined, registered: undefined, found: undefined, usual: 1_000 };

describe('how many entries it is given', () => {
  test.each([
    ['nobody says', {}, 1_000],
    ['the charger says', { said: { entries: 5_000 } }, 5_000],
    ['the registry says, more than is usual', { registered: 5_000 }, 5_000],
    ['the registry says less than the charger', { said: { entries: 5_000 }, registered: 50 }, 50],
    ['the charger says less than the registry', { said: { entries: 50 }, registered: 5_000 }, 50],
    ['it was found to take fewer', { registered: 500, found: 250 }, 250],
  ])('%s', (_, room, entries) => {
    expect(roomOf({ ...nobody, ...room })).toBe(entries);
  });

  test('after a refusal: what it took before it refused, else half; one entry or none is not made fewer', () => {
    expect([fewerThan(300, 0), fewerThan(300, 200), fewerThan(1, 0), fewerThan(0, 0)]).toEqual([
      150,
      200,
      undefined,
      undefined,
    ]);
  });
});

describe('what it was found to take, out of its commands', () => {
  const send = (updateType: string, versionNumber: number, entries: number, status: string): Command =>
    ({
      requested: {
        action: 'SendLocalList',
        payload: {
          updateType,
          versionNumber,
          localAuthorizationList: Array.from({ length: entries }, () => ({})),
        },
      },
      outcome: { type: status === 'Accepted' ? 'command.accepted' : 'command.rejected', status },
    }) as unknown as Command;
  const found = (...sends: Command[]) => foundRoom(sends.reverse());

  test('the list it took after longer ones were refused', () => {
    expect(
      found(
        send('Full', REAL, 40, 'Failed'),
        send('Full', REAL, 20, 'Failed'),
        send('Full', REAL + 1, 10, 'Accepted'),
        send('Differential', REAL + 2, 1, 'Accepted'),
      ),
    ).toBe(10);
  });

  test('in parts: those that it took before it refused the next one', () => {
    expect(
      found(
        send('Full', 1, 50, 'Accepted'),
        send('Differential', 2, 50, 'Accepted'),
        send('Differential', 3, 50, 'Failed'),
        send('Full', 1, 50, 'Accepted'),
        send('Differential', REAL, 50, 'Accepted'),
      ),
    ).toBe(100);
  });

  test('nothing is found when an update was refused, when all of it went the next time, or when a later one was taken', () => {
    expect(
      found(send('Differential', REAL, 1, 'Failed'), send('Full', REAL, 10, 'Accepted')),
    ).toBeUndefined();
    expect(found(send('Full', REAL, 10, 'Failed'), send('Full', REAL, 10, 'Accepted'))).toBeUndefined();
    expect(
      found(
        send('Full', REAL, 10, 'Failed'),
        send('Full', REAL, 5, 'Accepted'),
        send('Full', REAL, 10, 'Accepted'),
      ),
    ).toBeUndefined();
  });
});
