/** Keys that a charger may have: none of them is forgotten before it is known that it has not got it. */
import { describe, expect, test } from '@jest/globals';
import type { Point } from './point.js';
import {
  afterAnswer,
  afterConnection,
  CANDIDATES,
  hasRoom,
  isOpen,
  keptThroughChange,
  keysOf,
  withRotationBegun,
} from './rotating.js';
import { examples } from './testing/examples.js';

const AT = '2026-11-26T10:00:00.000Z';
const { certificateCommonName: _, ...example } = examples.point;
const point = { ...example, securityProfile: 1, passwordHash: 'K1' } as Point;

const begun = (one: Point, key: string): Point =>
  withRotationBegun(one, { nextPasswordHash: key, commandId: `of ${key}`, at: AT });
const answered = (one: Point, outcome: Parameters<typeof afterAnswer>[1]['outcome']): Point =>
  afterAnswer(one, { outcome, detail: 'so it was' }, AT) as Point;
const back = (one: Point, hash: string): Point | undefined =>
  afterConnection(one, { hash, isLater: true }, AT);
/** K2 was sent, its answer was lost, and the charger came back with K1. */
const unconfirmed = back(answered(begun(point, 'K2'), 'unknown'), 'K1') as Point;

describe('a second rotation while the key of the first is in doubt', () => {
  test('lets the charger in with all three while it goes on', () => {
    expect(keysOf(begun(unconfirmed, 'K3'))).toEqual(['K1', 'K2', 'K3']);
    expect(keysOf(answered(begun(unconfirmed, 'K3'), 'unknown'))).toEqual(['K1', 'K2', 'K3']);
  });

  test.each(['not-sent', 'refused'] as const)(
    '%s: the first is in doubt as before, so that a charger that takes it with its next boot gets in',
    (outcome) => {
      const after = answered(begun(unconfirmed, 'K3'), outcome);
      expect(keysOf(after)).toEqual(['K1', 'K2']);
      expect(after.rotation).toMatchObject({
        state: 'unconfirmed',
        detail: expect.stringContaining(`${outcome}, so it was`),
      });
      expect(back(after, 'K2')).toMatchObject({ passwordHash: 'K2', rotation: { state: 'accepted' } });
      expect(after).not.toHaveProperty('earlierNextPasswordHashes');
    },
  );

  test('accepted, or its key seen: that one alone (A01.FR.03)', () => {
    expect(keysOf(answered(begun(unconfirmed, 'K3'), 'accepted'))).toEqual(['K3']);
    expect(keysOf(back(answered(begun(unconfirmed, 'K3'), 'unknown'), 'K3') as Point)).toEqual(['K3']);
  });

  test('the charger shows the first one: what was before it is over, what was sent after it may still come', () => {
    const shown = back(answered(begun(unconfirmed, 'K3'), 'unknown'), 'K2') as Point;
    expect(keysOf(shown)).toEqual(['K2', 'K3']);
    expect(shown.rotation?.state).toBe('unconfirmed');
    // Also while the newest is under way: then it is not sent after all.
    const sent = afterConnection(begun(unconfirmed, 'K3'), { hash: 'K2', isLater: false }, AT) as Point;
    expect(sent.rotation?.state).toBe('sent');
    expect(answered(sent, 'not-sent')).toMatchObject({ passwordHash: 'K2', rotation: { state: 'not-sent' } });
    expect(keysOf(answered(sent, 'not-sent'))).toEqual(['K2']);
  });

  test('a change of something else keeps them all; a password that is given ends what is in doubt', () => {
    const open = begun(unconfirmed, 'K3');
    const kept = (givesPassword: boolean) => keptThroughChange(open, { securityProfile: 1, givesPassword });
    expect(keysOf({ ...kept(false) })).toEqual(['K2', 'K3']);
    expect(keysOf({ ...kept(true) })).toEqual(['K3']);
    expect(keptThroughChange(unconfirmed, { securityProfile: 1, givesPassword: true })).toEqual({});
  });

  test('there is room for some, and none is dropped for another', () => {
    let one: Point = point;
    for (let key = 1; key <= CANDIDATES; key++) {
      expect(hasRoom(one)).toBe(true);
      one = back(answered(begun(one, `N${key}`), 'unknown'), 'K1') as Point;
    }
    expect(keysOf(one)).toHaveLength(CANDIDATES + 1);
    expect(hasRoom(one)).toBe(false);
  });
});

describe('no rotation stays open for ever: nobody may know the old key', () => {
  const later = (ms: number) => ({ now: Date.parse(AT) + ms, againAfterMs: 60_000 });

  test.each(['unknown', 'reboot-required'] as const)(
    '%s, and the charger comes back with its old key: another one may begin, and both keys stay',
    (outcome) => {
      const waiting = answered(begun(point, 'K2'), outcome);
      expect(isOpen(waiting.rotation, later(1))).toBe(true);
      const after = back(waiting, 'K1') as Point;
      expect(after.rotation?.state).toBe('unconfirmed');
      expect(isOpen(after.rotation, later(1))).toBe(false);
      expect(keysOf(after)).toEqual(['K1', 'K2']);
    },
  );

  test.each(['unknown', 'reboot-required'] as const)(
    '%s, and it stays connected: some time later another one may begin, beside it',
    (outcome) => {
      const waiting = answered(begun(point, 'K2'), outcome);
      expect(afterConnection(waiting, { hash: 'K1', isLater: false }, AT)).toBeUndefined();
      expect(isOpen(waiting.rotation, later(59_999))).toBe(true);
      expect(isOpen(waiting.rotation, later(60_000))).toBe(false);
      expect(keysOf(begun(waiting, 'K3'))).toEqual(['K1', 'K2', 'K3']);
    },
  );

  test('a command that is under way is always waited for', () => {
    expect(isOpen(begun(point, 'K2').rotation, later(1e9))).toBe(true);
  });
});
