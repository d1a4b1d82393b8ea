import { Command, InvalidArgumentError } from 'commander';
import type { Context } from '../context.js';
import { withLocalBroker } from '../installation.js';
import { up } from '../up.js';

const chargersOf = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError('A whole number, 0 or more.');
  return value;
};

const speedOf = (text: string): number | 'max' => {
  if (text === 'max') return text;
  const value = Number(text);
  if (text.trim() === '' || !(value > 0)) throw new InvalidArgumentError('A number above 0, or max.');
  return value;
};

export const upCommand = (context: Context): Command =>
  new Command('up')
    .description('Run an installation: ingest, analytics, api, an embedded ClickHouse, simulated chargers.')
    .option('--chargers <n>', 'simulated chargers; 0 = none', chargersOf, 20)
    .option('--speed <x>', 'how much faster than life they charge, or max', speedOf)
    // Only the broker is looked up: a ClickHouse address would mean that none is to be started here.
    .action((flags: { chargers: number; speed?: number | 'max' }) =>
      up({ ...flags, env: withLocalBroker(context.env) }),
    );
