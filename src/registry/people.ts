/** People's passwords: what they cost to try, how they are checked, and how one is made up. */
import { randomInt } from 'node:crypto';
import { hashPassword, PasswordChecker } from './passwords.js';

/** 2^15 is 8 times as dear to try as a machine's key: dictionaries hold what people choose. */
const LOG2_N = 15;

export const hashPersonsPassword = (password: string): Promise<string> => hashPassword(password, LOG2_N);

export class PersonsPasswords {
  private readonly checker = new PasswordChecker();
  /** Of a password that nobody has: whoever has no account is made to wait as long as those who have. */
  private readonly nobodys = hashPersonsPassword(madeUpPassword());

  /** False without a hash, after the time that a wrong password takes. */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    const right = await this.checker.matches(Buffer.from(password), hash ?? (await this.nobodys));
    return right && hash !== undefined;
  }
}

/** Without letters and digits that are taken for each other. */
const SIGNS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** 4 groups of 5, 100 bits: nobody's dictionary, and can be typed. */
export function madeUpPassword(): string {
  const group = () => Array.from({ length: 5 }, () => SIGNS[randomInt(SIGNS.length)]).join('');
  return Array.from({ length: 4 }, group).join('-');
}
