import { expect, test } from '@jest/globals';
import { PasswordChecker } from './passwords.js';
import { hashPersonsPassword, madeUpPassword, PersonsPasswords } from './people.js';

test('who has no account costs what who has one does: otherwise the time would tell who has', async () => {
  const asked: string[] = [];
  const checker = new PasswordChecker();
  const passwords = new PersonsPasswords({
    matches: (password, hash) => {
      asked.push(hash);
      return checker.matches(password, hash);
    },
  });
  const hash = await hashPersonsPassword('correct horse battery');
  expect(await passwords.matches('something else', hash)).toBe(false);
  expect(await passwords.matches('something else', undefined)).toBe(false);
  expect(await passwords.matches('correct horse battery', hash)).toBe(true);
  const [known, nobodys] = asked as [string, string];
  const costOf = (text: string) => text.split('$').slice(0, 2).join('$');
  expect(costOf(nobodys)).toBe(costOf(known));
  expect(nobodys).not.toBe(known);
});

test('made-up passwords have 100 bits and differ', () => {
  const made = new Set(Array.from({ length: 100 }, madeUpPassword));
  expect(made.size).toBe(100);
  for (const password of made) expect(password).toMatch(/^([a-km-np-z2-9]{5}-){3}[a-km-np-z2-9]{5}$/);
});
