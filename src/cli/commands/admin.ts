import { Command } from 'commander';
import { makeFirstAdmin, resetPassword } from '../../registry/first-admin.js';
import type { Context } from '../context.js';
import { whoAmI, withRegistry } from '../registry.js';

/** For who may speak to the broker: that is more than any account may. */
export function adminCommand(context: Context): Command {
  const group = new Command('admin').description('Accounts, from the machine itself.');
  group.addCommand(
    new Command('reset-password')
      .description(
        'Another password for an account, shown once; its logins end, and it is open again if it was disabled. Where there has never been an account, the first admin is made.',
      )
      .argument('[account]', 'e-mail address or id', 'admin')
      .option('--actor <name>', 'who did it, for the record (default: cli:<user>@<host>)')
      .option('--json', 'as JSON')
      .action((account: string, { actor, json }: { actor?: string; json?: boolean }) =>
        withRegistry(context.env, async (store, settings) => {
          const made =
            (await makeFirstAdmin(store, settings.WATTSTREAM_ADMIN_EMAIL)) ??
            (await resetPassword(store, account, actor ?? whoAmI()));
          if (json) context.out(`${JSON.stringify(made, null, 2)}\n`);
          else context.out(`E-mail    ${made.email}\nPassword  ${made.password}\n`);
        }),
      ),
  );
  return group;
}
