/** The README says what can be typed and opened; both must be there. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { documentedCommands } from './support/readme.js';

const readme = readFileSync('README.md', 'utf8');
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

test.each(documentedCommands(readme).filter((command) => command.startsWith('npm')))(
  '%s is a script',
  (command) => {
    const words = command.split(' ').filter((word) => !word.startsWith('-'));
    const script = words[1] === 'run' ? words[2] : words[1];
    expect(scripts).toHaveProperty([script as string]);
  },
);

const linked = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] as string);
const named = [...readme.matchAll(/`(src\/[\w/.-]+\.ts)`/g)].map((match) => match[1] as string);

test.each([...new Set([...linked, ...named])])('%s exists', (path) => {
  expect(existsSync(path)).toBe(true);
});

test('every dependency has its reason', () => {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const missing = Object.keys({ ...dependencies, ...optionalDependencies }).filter(
    (name) => !readme.includes(`\`${name}\``),
  );
  expect(missing).toEqual([]);
});
