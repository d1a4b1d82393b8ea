import { Command } from 'commander';
import { readSettings } from '../../platform/config.js';
import { settingsList } from '../config-docs.js';
import type { Context } from '../context.js';

const SECRET = /PASSWORD|SECRET|_KEY$/;

/** `amqp://user:***@host`: settings are printed where others look on. */
const masked = (name: string, value: string): string =>
  SECRET.test(name) && value !== '' ? '***' : value.replace(/(\/\/[^:/@]*:)[^@/]*@/g, '$1***@');

export const configCommand = (context: Context): Command =>
  new Command('config')
    .description('Every setting: what it means, its default, and what it is now.')
    .option('--json', 'as JSON')
    .action((flags: { json?: boolean }) => {
      const current = readSettings(context.env) as Record<string, unknown>;
      const rows = settingsList().map((setting) => ({
        ...setting,
        current: masked(setting.name, String(current[setting.name] ?? '')),
        set: Boolean(context.env[setting.name]),
      }));
      if (flags.json) {
        context.out(`${JSON.stringify(rows, null, 2)}\n`);
        return;
      }
      for (const { name, current: now, set, fallback, form, description } of rows) {
        const standard = masked(name, fallback);
        context.out(`${name}${now === '' ? ' is not set' : ` = ${now}`}${set ? '  (set)' : ''}\n`);
        context.out(`    ${description}\n    ${form}${standard === '' ? '' : `, default ${standard}`}\n`);
      }
      context.out('\n(set): by the environment, or found in the running installation\n');
    });
