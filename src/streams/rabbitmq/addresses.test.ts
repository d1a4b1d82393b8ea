import { expect, test } from '@jest/globals';
import type { BrokerAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import { firstToAnswer } from '../../platform/first-to-answer.js';
import { addressesOf } from './addresses.js';

const at = (host: string): BrokerAddress => ({
  host,
  port: 1,
  username: 'u',
  password: 'p',
  vhost: '/',
  tls: false,
});
const away = new WattstreamError('STREAM_CONNECT_FAILED', 'nothing listens');
const wrongPassword = new WattstreamError('STREAM_AUTH_FAILED', 'wrong password');
const never = () => new Promise<string>(() => {});

/** `what` says for each host what becomes of an attempt; gives the hosts in the order in which they were tried. */
function race(what: Record<string, () => Promise<string>>, headStartMs = 60_000) {
  const tried: string[] = [];
  const dropped: string[] = [];
  const outcome = firstToAnswer(
    Object.keys(what).map(at),
    ({ host }) => {
      tried.push(host);
      return what[host]!();
    },
    (late) => dropped.push(late),
    headStartMs,
  );
  return { outcome, tried, dropped };
}

test('the first node that answers is taken, and nobody else is asked', async () => {
  const { outcome, tried } = race({ a: async () => 'a', b: async () => 'b' });
  expect(await outcome).toBe('a');
  expect(tried).toEqual(['a']);
});

test('a dead node: the next one at once', async () => {
  const dead = () => Promise.reject(away);
  const { outcome, tried } = race({ a: dead, b: dead, c: async () => 'c' });
  expect(await outcome).toBe('c');
  expect(tried).toEqual(['a', 'b', 'c']);
});

test('a node that hangs gets company; should it still answer, its connection is dropped', async () => {
  let wake = (_: string): void => {};
  const slow = new Promise<string>((resolve) => {
    wake = resolve;
  });
  const { outcome, dropped } = race({ a: () => slow, b: async () => 'b' }, 5);
  expect(await outcome).toBe('b');
  wake('a');
  await slow;
  await Promise.resolve();
  expect(dropped).toEqual(['a']);
});

test('none: a refusal says more than silence', async () => {
  const { outcome } = race({ a: () => Promise.reject(away), b: () => Promise.reject(wrongPassword) });
  await expect(outcome).rejects.toBe(wrongPassword);
  const { outcome: silent } = race({ a: () => Promise.reject(away), b: () => Promise.reject(away) });
  await expect(silent).rejects.toBe(away);
});

test('a failure while another attempt is under way does not end the race', async () => {
  const { outcome, tried } = race({ a: never, b: () => Promise.reject(away), c: async () => 'c' }, 5);
  expect(await outcome).toBe('c');
  expect(tried).toEqual(['a', 'b', 'c']);
});

test('the others of an address are addresses in their own right', () => {
  expect(addressesOf({ ...at('a'), others: [at('b')] })).toEqual([at('a'), at('b')]);
});
