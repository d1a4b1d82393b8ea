import { expect, test } from '@jest/globals';
import { inForce, newSecret, rotated, secretKeeper } from './secret.js';

const KEY = 'a passphrase of thirty-two bytes!';

test('a sealed secret is read by nobody without the key, nor as that of another subscription', () => {
  const keeper = secretKeeper(KEY);
  const secrets = { current: newSecret() };
  const sealed = keeper.seal('wh-1', secrets);
  expect(sealed).not.toContain(secrets.current);
  expect(keeper.open('wh-1', sealed)).toEqual(secrets);
  const unreadable = expect.objectContaining({ code: 'WEBHOOK_SECRET_UNREADABLE' });
  expect(() => keeper.open('wh-2', sealed)).toThrow(unreadable);
  expect(() => secretKeeper(`${KEY}!`).open('wh-1', sealed)).toThrow(unreadable);
  expect(() => secretKeeper(undefined).open('wh-1', sealed)).toThrow(unreadable);
});

test('without a key they stand as they are, and can be read when there is one', () => {
  const secrets = { current: newSecret() };
  const text = secretKeeper(undefined).seal('wh-1', secrets);
  expect(secretKeeper(KEY).open('wh-1', text)).toEqual(secrets);
});

test('after a rotation both sign, until the former has had its time', () => {
  const before = { current: newSecret() };
  const after = rotated(before, 1_000);
  expect(after.current).not.toBe(before.current);
  expect(inForce(after, 999)).toEqual([after.current, before.current]);
  expect(inForce(after, 1_000)).toEqual([after.current]);
  // Twice in a row: only the last one before.
  expect(inForce(rotated(after, 2_000), 0)).toHaveLength(2);
});
