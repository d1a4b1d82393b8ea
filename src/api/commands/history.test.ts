/** A command that memory has forgotten must look as it did: an Idempotency-Key of last week must not send it again. */
import { expect, test } from '@jest/globals';
import { commandId, Script } from '../../analytics/events/testing/script.js';
import { historyFrom } from './history.js';

const historyOf = (answers: Record<string, Record<string, unknown>[]>) =>
  historyFrom({
    ask: async (name) => ({ columns: [], rows: answers[name] ?? [], elapsedMs: 0, rowsRead: 0 }),
  });

test('folded out of its events, as memory would', async () => {
  const { records } = new Script()
    .requested(1, 'Reset', '08:00', { type: 'Soft' })
    .step(1, 'sent', '08:00:01', { gateway: 'g1', connection: 'c1' })
    .step(1, 'timed-out', '08:01', { delivery: 'not-delivered', detail: 'swept' })
    .step(1, 'accepted', '08:02', { gateway: 'g1', connection: 'c1', status: 'Accepted', response: {} });
  const history = historyOf({ command: [{ events: records.map(({ body }) => body) }] });
  expect(await history.find(commandId(1))).toMatchObject({
    state: 'timed-out',
    requested: { action: 'Reset', digest: 'digest-1' },
    outcome: { delivery: 'delivery-unknown', detail: 'swept' },
  });
});

test('what is not known is undefined', async () => {
  const history = historyOf({});
  expect(await history.find(commandId(1))).toBeUndefined();
  expect(await history.listVersion('CP-1')).toBeUndefined();
});

test('the local list that was accepted last', async () => {
  expect(await historyOf({ 'local-lists': [{ version: 5 }] }).listVersion('CP-1')).toBe(5);
  expect(await historyOf({ 'local-lists': [{ version: null }] }).listVersion('CP-1')).toBeUndefined();
});
