#!/usr/bin/env node
/** The composition root of the command line: the only file here that touches the process itself. */
import { WattstreamError } from '../platform/errors.js';
import { withLocalInstallation } from './installation.js';
import { createProgram } from './program.js';

// `up` is given the environment as it is: see its file.
const env = process.argv[2] === 'up' ? process.env : withLocalInstallation(process.env);

// `wattstream sessions | head` closes our output early; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await createProgram({
    env,
    out: (text) => void process.stdout.write(text),
    width: process.stdout.columns,
    exit: (code) => {
      process.exitCode = code;
    },
  }).parseAsync();
} catch (error) {
  if (!(error instanceof WattstreamError)) throw error;
  process.stderr.write(`✖ ${error.message} (${error.code})\n`);
  if (error.remedy !== undefined) process.stderr.write(`  ${error.remedy}\n`);
  process.exitCode = 1;
}
