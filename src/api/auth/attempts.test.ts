import { expect, test } from '@jest/globals';
import { Attempts } from './attempts.js';

function tries() {
  const clock = { now: 1_000_000 };
  const attempts = new Attempts({ free: 3, longestMs: 8_000, now: () => clock.now });
  return { clock, attempts, wait: (who: string, address: string) => attempts.begin(who, address).waitMs };
}

test('each further failure waits twice as long, up to the longest', () => {
  const { clock, wait } = tries();
  wait('eve', 'here');
  wait('eve', 'here');
  const waited = [];
  for (let failure = 3; failure <= 8; failure++) {
    expect(wait('eve', 'here')).toBe(0);
    const ms = wait('eve', 'here');
    waited.push(ms);
    clock.now += ms;
  }
  expect(waited).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
});

test('who is locked out at one address is not at another, until there were too many of those too', () => {
  const { wait } = tries();
  for (let failure = 1; failure <= 3; failure++) wait('eve', 'here');
  expect(wait('eve', 'here')).toBe(1_000);
  expect(wait('eve', 'there')).toBe(0);
  for (let address = 1; address <= 26; address++) wait('eve', `address ${address}`);
  expect(wait('eve', 'yet another')).toBeGreaterThan(0);
});

test('an address that tries many accounts waits, and an own account is no way around it', () => {
  const { wait, attempts } = tries();
  for (let account = 1; account <= 29; account++) {
    const own = attempts.begin('own', 'here');
    if ('succeeded' in own) own.succeeded();
    expect(wait(`account ${account}`, 'here')).toBe(0);
  }
  wait('account 30', 'here');
  expect(attempts.begin('own', 'here').waitMs).toBeGreaterThan(0);
});

test('a right password forgets the failures of its account at this address', () => {
  const { attempts, wait } = tries();
  wait('eve', 'here');
  wait('eve', 'here');
  const right = attempts.begin('eve', 'here');
  if ('succeeded' in right) right.succeeded();
  expect([wait('eve', 'here'), wait('eve', 'here'), wait('eve', 'here')]).toEqual([0, 0, 0]);
});
