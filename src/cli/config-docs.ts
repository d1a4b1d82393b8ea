/** docs/configuration.md, from the settings themselves. `node dist/cli/config-docs.js` writes it anew. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { settings } from '../platform/config.js';

export interface Setting {
  readonly name: string;
  readonly description: string;
  /** As it would stand in the environment; '' = none. */
  readonly fallback: string;
  readonly form: string;
}

/** src/cli and dist/cli lie equally deep. */
export const DOCS_FILE = fileURLToPath(new URL('../../docs/configuration.md', import.meta.url));

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
}

function formOf({ type, enum: values, minimum, maximum }: JsonSchema): string {
  if (values?.includes('true')) return 'true or false';
  if (values) return values.join(', ');
  if (type !== 'integer' && type !== 'number') return 'text';
  const bounds = [
    minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `from ${minimum}` : '',
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `to ${maximum}` : '',
  ].filter(Boolean);
  return [type === 'integer' ? 'whole number' : 'number', ...bounds].join(' ');
}

/** In the order in which they are declared. */
export function settingsList(): Setting[] {
  const defaults = settings.parse({}) as Record<string, unknown>;
  const schema = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' });
  return Object.entries(settings.shape).map(([name, field]) => ({
    name,
    description: field.description ?? '',
    fallback: String(defaults[name] ?? ''),
    form: formOf((schema.properties?.[name] ?? {}) as JsonSchema),
  }));
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``);

export const configurationPage = (): string =>
  [
    '# Configuration',
    '',
    '<!-- Made from src/platform/config.ts by `npm run build && node dist/cli/config-docs.js`; a test compares. -->',
    '',
    'Every setting is an environment variable; an empty one counts as not set. A wrong one stops the process',
    'with `CONFIG_INVALID`, which names it. `wattstream config` shows what is in force.',
    '',
    '| setting | form | default | meaning |',
    '|---|---|---|---|',
    ...settingsList().map(
      ({ name, form, fallback, description }) =>
        `| \`${name}\` | ${form} | ${code(fallback)} | ${cell(description)} |`,
    ),
    '',
  ].join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(DOCS_FILE, configurationPage());
