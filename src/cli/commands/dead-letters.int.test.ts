import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { makeDeadLetters } from '../../../test/dead-letters.js';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import type { DeadLetter } from '../../queues/ports.js';
import { createProgram } from '../program.js';

jest.setTimeout(60_000);

let broker: TestQueues;
let code = 0;
beforeEach(async () => {
  code = 0;
  broker = await createTestQueues();
});
afterEach(() => broker.close());

async function wattstream(...words: string[]): Promise<string> {
  let out = '';
  await createProgram({
    env: { ...process.env, WATTSTREAM_PREFIX: broker.prefix },
    out: (text) => {
      out += text;
    },
    exit: (given) => {
      code = given;
    },
  }).parseAsync(['dead-letters', ...words], { from: 'user' });
  return out;
}

test('from the first look to the last decision', async () => {
  expect(await wattstream('list')).toBe('There are none.\n');
  await makeDeadLetters(broker, ['n1', 'n2', 'n3']);

  const table = await wattstream('list', '--limit', '2');
  expect(table).toMatch(/^Dead since \(UTC\) +Id +Type +Queue +Attempts +Reason\n/);
  expect(table).toContain('because n1');
  expect(table).toContain('2 of 3; --limit shows more.');
  const { letters, total } = JSON.parse(await wattstream('list', '--json')) as {
    letters: DeadLetter[];
    total: number;
  };
  expect(total).toBe(3);
  expect(letters.map(({ reason }) => reason).sort()).toEqual(['because n1', 'because n2', 'because n3']);
  const id = (n: number) => letters.find(({ reason }) => reason === `because n${n}`)!.id;
  expect(JSON.parse(await wattstream('show', id(2)))).toMatchObject({ id: id(2), body: { id: 'n2' } });

  expect(await wattstream('redrive', id(2))).toBe('1 redriven.\n');
  expect((await broker.drain(broker.names.queues.notifications)).map((body) => JSON.parse(body).id)).toEqual([
    'n2',
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(await wattstream('drop', id(1), 'no-such', '--json', '--actor', 'alice'))).toEqual({
    dropped: [id(1)],
    left: ['no-such'],
  });
  expect(code).toBe(1);
  expect(await wattstream('drop', '--all')).toBe('1 dropped.\n');
  expect(await broker.count(broker.names.queues.deadLetters)).toBe(0);
});

test('nothing is decided about letters that nobody named', async () => {
  await makeDeadLetters(broker, ['n1']);
  await expect(wattstream('drop')).rejects.toMatchObject({ code: 'CHOICE_MISSING' });
  await expect(wattstream('show', 'x')).rejects.toMatchObject({ code: 'DEAD_LETTER_UNKNOWN' });
  expect(await broker.count(broker.names.queues.deadLetters)).toBe(1);
});
