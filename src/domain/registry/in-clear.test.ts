/** An erasure's evidence names what is readable for ever, also where memory does not reach. */
import { expect, test } from '@jest/globals';
import type { CmsEvent } from '../messages/cms-events.js';
import { evolve } from './evolve.js';
import { accountInClear, tokensInClear } from './in-clear.js';
import { emptyState, lookUp, type RegistryState } from './state.js';

const BEFORE = '2026-11-01T10:00:00.000Z';
const SINCE = '2026-11-26T10:00:00.000Z';

function write(state: RegistryState, kind: CmsEvent['kind'], id: string, at: string, content: object): void {
  const version = (lookUp(state, kind, id)?.version ?? 0) + 1;
  const verdict = evolve(state, {
    id: `${kind}-${id}-${version}`,
    schema: 1,
    at,
    type: `cms.${kind}.${version === 1 ? 'created' : 'updated'}`,
    kind,
    entityId: id,
    version,
    actor: 'test',
    state: content as never,
  });
  expect(verdict).toMatchObject({ verdict: 'applied' });
}
const beginSealing = (state: RegistryState) =>
  write(state, 'key-book', 'keys', SINCE, { id: 'keys', book: 1, from: null, tagKey: 'tag' });
const clear = { id: 'ac-1', role: 'customer', disabled: false, name: 'Ada' };
const sealed = { id: 'ac-1', role: 'customer', disabled: false, sealed: { book: 1, key: 'k', data: 'd' } };
const card = { uid: '04A2', type: 'RFID', status: 'Accepted', whitelist: 'ALLOWED' };
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const account = (state: RegistryState) => lookUp(state, 'account', 'ac-1')!;

test.each([
  ['whose states are not kept', 60],
  ['that are not kept at all', 130],
])('versions %s, from before sealing began, are presumed to be in the clear', (_, changes) => {
  const state = emptyState();
  write(state, 'account', 'ac-1', BEFORE, clear);
  beginSealing(state);
  for (let change = 0; change < changes; change++)
    write(state, 'account', 'ac-1', SINCE, { ...sealed, language: change % 2 ? 'en' : 'nl' });
  expect(accountInClear(state, account(state))).toContain(1);
});

test('of one that was always sealed nothing is presumed, however long its history', () => {
  const state = emptyState();
  beginSealing(state);
  for (let change = 0; change < 130; change++)
    write(state, 'account', 'ac-1', SINCE, { ...sealed, language: change % 2 ? 'en' : 'nl' });
  expect(accountInClear(state, account(state))).toEqual([]);
});

test('where nothing was ever sealed all of it is in the clear', () => {
  const state = emptyState();
  for (let change = 0; change < 130; change++)
    write(state, 'account', 'ac-1', BEFORE, { ...clear, language: change % 2 ? 'en' : 'nl' });
  expect(accountInClear(state, account(state))).toEqual(numbers(130));
});

test('a hash of a password that is not sealed is in the clear, also where the name is sealed', () => {
  const state = emptyState();
  beginSealing(state);
  write(state, 'account', 'ac-1', SINCE, { ...sealed, passwordHash: 'scrypt$12$salt$hash' });
  write(state, 'account', 'ac-1', SINCE, { ...sealed, passwordHash: 'sealed$k$d' });
  expect(accountInClear(state, account(state))).toEqual([1]);
});

test('a card of another account is not theirs, before or afterwards', () => {
  const state = emptyState();
  write(state, 'account', 'ac-1', BEFORE, clear);
  write(state, 'account', 'ac-2', BEFORE, { ...clear, id: 'ac-2' });
  write(state, 'token', '04A2', BEFORE, { ...card, account: 'ac-2', visual_number: 'WS-1' });
  expect(tokensInClear(state, 'ac-1')).toEqual([]);
  write(state, 'token', '04A2', BEFORE, { ...card, account: 'ac-1', visual_number: 'WS-1' });
  write(state, 'token', '04A2', BEFORE, { ...card, account: 'ac-2', visual_number: 'WS-1' });
  expect(tokensInClear(state, 'ac-1')).toEqual([{ uid: '04A2', versions: [2] }]);
});
