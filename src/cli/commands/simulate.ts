import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { Context } from '../context.js';

/** The simulator is a program of its own (it judges us from outside), so it runs as one. */
const PROGRAM = fileURLToPath(new URL('../../simulator/main.js', import.meta.url));

export const simulateCommand = (context: Context): Command =>
  new Command('simulate')
    .description('Simulated chargers; what follows goes to the simulator (see: wattstream simulate --help).')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[arguments...]')
    .passThroughOptions()
    .action(async (args: string[]) => {
      const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM, ...args], {
        stdio: 'inherit',
        env: context.env,
      });
      // The terminal sends Ctrl-C to both; a SIGTERM reaches only us. We end when the simulator has.
      const passOn = (signal: NodeJS.Signals) => child.kill(signal);
      const stay = () => {};
      process.on('SIGTERM', passOn);
      process.on('SIGINT', stay);
      try {
        const code = await new Promise<number>((resolve, reject) => {
          child.once('error', reject);
          child.once('close', (exit, signal) => resolve(exit ?? (signal === 'SIGINT' ? 130 : 143)));
        });
        context.exit(code);
      } finally {
        process.off('SIGTERM', passOn);
        process.off('SIGINT', stay);
      }
    });
