import { Command } from 'commander';
import { WattstreamError } from '../../platform/errors.js';
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
      .option('--email <address>', 'for an account that has none, or whose address cannot be read any more')
      .option('--actor <name>', 'who did it, for the record (default: cli:<user>@<host>)')
      .option('--json', 'as JSON')
      .action((account: string, { actor, email, json }: { actor?: string; email?: string; json?: boolean }) =>
        withRegistry(context.env, async (store, settings) => {
          const made =
            (await makeFirstAdmin(store, settings.WATTSTREAM_ADMIN_EMAIL)) ??
            (await resetPassword(store, account, actor ?? whoAmI(), email));
          if (json) context.out(`${JSON.stringify(made, null, 2)}\n`);
          else context.out(`E-mail    ${made.email}\nPassword  ${made.password}\n`);
        }),
      ),
  );
  group.addCommand(
    new Command('new-keys')
      .description(
        'Begins an empty key book where the current one is lost and no backup of the broker has it: names and e-mail addresses that were sealed under it cannot be read any more, and are entered anew. Refused while the current one can be read.',
      )
      .option('--lost', 'yes: what was sealed is given up')
      .action(({ lost }: { lost?: boolean }) =>
        withRegistry(context.env, async ({ keys }) => {
          if (!lost)
            throw new WattstreamError('CONFIRMATION_NEEDED', 'This gives up what was sealed.', {
              remedy: 'Look for a backup of the stream cms.keys.<n> first (wattstream doctor); then: --lost.',
            });
          context.out(`Key book ${await keys?.beginAnew()} is the current one.\n`);
        }),
      ),
  );
  return group;
}
