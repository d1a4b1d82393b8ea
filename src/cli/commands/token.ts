import { Command, InvalidArgumentError, Option } from 'commander';
import { signToken } from '../../api/auth/jwt.js';
import { ROLES, type Role } from '../../api/auth/principal.js';
import { readSettings } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Context } from '../context.js';

interface Flags {
  role: Role;
  subject: string;
  minutes: number;
  account?: string;
  station?: string[];
}

/** For operators' first steps and for programs in trials; people get theirs from an issuer. */
export const tokenCommand = (context: Context): Command =>
  new Command('token')
    .description('A token for the API, signed with WATTSTREAM_JWT_SECRET: Authorization: Bearer <token>.')
    .addOption(new Option('--role <role>', 'what it may do').choices([...ROLES]).makeOptionMandatory())
    .requiredOption('--subject <name>', 'whose it is; stands as actor in what is done with it')
    .option('--minutes <n>', 'how long it holds', minutes, 60)
    .option('--account <id>', "a customer's account")
    .option('--station <id...>', 'restricted to these stations')
    .action(async ({ role, subject, minutes, account, station }: Flags) => {
      const { WATTSTREAM_JWT_SECRET: secret } = readSettings(context.env);
      if (secret === undefined)
        throw new WattstreamError('JWT_SECRET_MISSING', 'There is no WATTSTREAM_JWT_SECRET to sign with.', {
          remedy: 'Give it the one that the api role has; a new one: openssl rand -base64 48',
        });
      if (role === 'customer' && account === undefined)
        throw new WattstreamError('ACCOUNT_MISSING', "A customer's token names an account.", {
          remedy: 'Add --account <id>.',
        });
      const token = await signToken(
        secret,
        {
          role,
          subject,
          minutes,
          ...(account === undefined ? {} : { account }),
          ...(station === undefined ? {} : { stations: station }),
        },
        Date.now(),
      );
      context.out(`${token}\n`);
    });

function minutes(text: string): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 1 && value <= 365 * 24 * 60))
    throw new InvalidArgumentError('Whole minutes, from 1 to those of a year.');
  return value;
}
