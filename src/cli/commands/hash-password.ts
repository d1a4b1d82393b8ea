import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { WattstreamError } from '../../platform/errors.js';
import { hashPassword } from '../../registry/passwords.js';
import type { Context } from '../context.js';

/** Never an argument: those stand in the shell's history and in the list of processes. */
export const hashPasswordCommand = (
  context: Context,
  input: Readable & { isTTY?: boolean } = process.stdin,
): Command =>
  new Command('hash-password')
    .description("The hash of a charger's password, read from standard input, for WATTSTREAM_CHARGE_POINTS.")
    .action(async () => {
      if (input.isTTY) process.stderr.write('Password, then Enter and Ctrl-D: ');
      // Bytes, not text: a 1.6 key may be no UTF-8 (one that ends in a line break is written as 40 hex digits).
      const typed = (await buffer(input)).toString('latin1').replace(/\r?\n$/, '');
      const password = Buffer.from(typed, 'latin1');
      if (password.length === 0)
        throw new WattstreamError('PASSWORD_MISSING', 'There is no password on standard input.', {
          remedy: "printf %s 'the password' | wattstream hash-password",
        });
      context.out(`${await hashPassword(password)}\n`);
    });
