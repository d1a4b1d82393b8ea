import { expect, test } from '@jest/globals';
import { hashComplaint, hashPassword, PasswordChecker } from './passwords.js';

test('an OCPP 1.6 key is the same password as 40 hex digits and as the 20 bytes they stand for', async () => {
  const digits = 'ff00aa55ff00aa55ff00aa55ff00aa55ff00aa55';
  const hash = await hashPassword(digits);
  const checker = new PasswordChecker();
  expect(await checker.matches(Buffer.from(digits, 'hex'), hash)).toBe(true);
  expect(await checker.matches(Buffer.from(digits.toUpperCase()), hash)).toBe(true);
  expect(await new PasswordChecker().matches(Buffer.from(digits), hash)).toBe(true);
  expect(await checker.matches(Buffer.from(`${digits}0`), hash)).toBe(false);
});

test('a remembered right password does not let a wrong one in, and each hash is its own', async () => {
  const [one, two] = [
    await hashPassword('correct horse battery'),
    await hashPassword('correct horse battery'),
  ];
  expect(one).not.toBe(two);
  const checker = new PasswordChecker();
  expect(await checker.matches(Buffer.from('correct horse battery'), one)).toBe(true);
  expect(await checker.matches(Buffer.from('correct horse batterz'), one)).toBe(false);
  expect(await checker.matches(Buffer.from('correct horse battery'), two)).toBe(true);
});

test('a hash that is none, or would take a minute to check, is refused', async () => {
  expect(hashComplaint(await hashPassword('x'))).toBeUndefined();
  expect(hashComplaint('secret')).toMatch(/is not scrypt/);
  expect(hashComplaint((await hashPassword('x')).replace('$12$', '$30$'))).toMatch(/2\^30/);
  await expect(new PasswordChecker().matches(Buffer.from('x'), 'secret')).rejects.toMatchObject({
    code: 'PASSWORD_HASH_INVALID',
  });
});
