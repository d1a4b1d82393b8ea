/** The `wattstream` command: one file per subcommand, nothing here but their list. */
import { Command } from 'commander';
import { adminCommand } from './commands/admin.js';
import { askCommand } from './commands/ask.js';
import { cmsCommand } from './commands/cms.js';
import { commandsCommand } from './commands/commands.js';
import { configCommand } from './commands/config.js';
import { deadLettersCommand } from './commands/dead-letters.js';
import { doctorCommand } from './commands/doctor.js';
import { energyCommand } from './commands/energy.js';
import { hashPasswordCommand } from './commands/hash-password.js';
import { sessionsCommand } from './commands/sessions.js';
import { simulateCommand } from './commands/simulate.js';
import { tokenCommand } from './commands/token.js';
import { upCommand } from './commands/up.js';
import type { Context } from './context.js';

export const createProgram = (context: Context): Command =>
  [
    sessionsCommand,
    commandsCommand,
    energyCommand,
    askCommand,
    doctorCommand,
    deadLettersCommand,
    cmsCommand,
    configCommand,
    upCommand,
    simulateCommand,
    hashPasswordCommand,
    tokenCommand,
    adminCommand,
  ].reduce(
    (program, create) => program.addCommand(create(context)),
    new Command('wattstream')
      .description('OCPP frames of EV chargers into sessions, energy and live views.')
      .enablePositionalOptions()
      .addHelpText(
        'after',
        '\nSettings are environment variables (wattstream config lists them). Beside a running `npm start` none is needed.',
      ),
  );
