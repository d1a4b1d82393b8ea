/** The way in, and the way back in, on a real broker. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createTestQueues, type TestQueues } from '../../../test/queues.js';
import type { MadePassword } from '../../registry/first-admin.js';
import { PersonsPasswords } from '../../registry/people.js';
import { createProgram } from '../program.js';
import { withRegistry } from '../registry.js';
import { firstAdmin } from '../up/first-admin.js';

jest.setTimeout(60_000);

let broker: TestQueues;
const env = () => ({ ...process.env, WATTSTREAM_PREFIX: broker.prefix });
beforeEach(async () => {
  broker = await createTestQueues();
});
afterEach(() => broker.close());

async function reset(...words: string[]): Promise<string> {
  let out = '';
  await createProgram({
    env: env(),
    out: (text) => {
      out += text;
    },
    exit: () => {},
  }).parseAsync(['admin', 'reset-password', ...words], { from: 'user' });
  return out;
}
const account = () =>
  withRegistry(env(), async (store) => {
    await store.replica.caughtUp();
    const found = await store.get('account', 'admin');
    return { ...found, passwordHash: await store.people.passwordHash(found) };
  });

test('two supervisors and a command at the first start make one admin between them, and each password told is right or was replaced', async () => {
  const lines: string[] = [];
  const terminal = {
    line: (text: string) => void lines.push(text),
    warn: (text: string) => void lines.push(text),
  };
  const signal = new AbortController().signal;
  await Promise.all([firstAdmin(env(), terminal, signal), firstAdmin(env(), terminal, signal)]);
  expect(lines).toHaveLength(1);
  const [, password = ''] = /password {2}(\S+)/.exec(lines[0] ?? '') ?? [];
  const passwords = new PersonsPasswords();
  const first = await account();
  expect(first).toMatchObject({ version: 1, actor: 'first start', state: { role: 'admin' } });
  expect(await passwords.matches(password, first.passwordHash)).toBe(true);
  // A second start tells nothing.
  await firstAdmin(env(), terminal, signal);
  expect(lines).toHaveLength(1);

  const made = JSON.parse(await reset('ADMIN@wattstream.local', '--json', '--actor', 'eve')) as MadePassword;
  const second = await account();
  expect(second).toMatchObject({ version: 2, actor: 'eve' });
  expect(await passwords.matches(password, second.passwordHash)).toBe(false);
  expect(await passwords.matches(made.password, second.passwordHash)).toBe(true);
  expect(await reset()).toMatch(/^E-mail {4}admin@wattstream\.local\nPassword {2}\S+\n$/);
  // An address can be given too: to who has none, or whose address cannot be read any more.
  expect(await reset('admin', '--email', 'root@example.com')).toContain('root@example.com');
  expect(await reset('root@example.com')).toContain('root@example.com');
  await expect(reset('nobody')).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' });
});
