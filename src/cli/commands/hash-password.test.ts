import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { PasswordChecker } from '../../registry/passwords.js';
import { hashPasswordCommand } from './hash-password.js';

async function hashOf(typed: Buffer): Promise<string> {
  let out = '';
  const context = { env: {}, out: (text: string) => (out += text), exit: () => {} };
  await hashPasswordCommand(context, Readable.from([typed])).parseAsync([], { from: 'user' });
  return out.trim();
}

test('a 1.6 key is bytes, not text: its hash is that of what the charger will present', async () => {
  const key = Buffer.from('00013afffe3a303132333435363738396162637d', 'hex');
  expect(await new PasswordChecker().matches(key, await hashOf(key))).toBe(true);
});

test('the line break of whoever typed it is no part of a password', async () => {
  const typed = Buffer.from('a-secret-of-16-chars\r\n');
  expect(await new PasswordChecker().matches(Buffer.from('a-secret-of-16-chars'), await hashOf(typed))).toBe(
    true,
  );
});

test('no password at all is said to be none', async () => {
  await expect(hashOf(Buffer.from('\n'))).rejects.toMatchObject({ code: 'PASSWORD_MISSING' });
});
