/** docs/failure.md says what tests bear out: those it names are there, and so are the settings, metrics and codes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { settings } from '../src/platform/config.js';

const page = readFileSync('docs/failure.md', 'utf8');
const named = (pattern: RegExp): string[] => [...new Set([...page.matchAll(pattern)].map(([text]) => text))];
const sources = (): string => {
  const files = execFileSync('find', ['src', '-name', '*.ts', '-not', '-name', '*.test.ts'], {
    encoding: 'utf8',
  });
  return files
    .trim()
    .split('\n')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
};

test('every test that it names is there', () => {
  const tests = named(/(src|test|setup)\/[\w/.-]+\.(int\.test|test|contract)\.ts/g);
  expect(tests.length).toBeGreaterThan(15);
  expect(tests.filter((file) => !existsSync(file))).toEqual([]);
});

test('every setting, metric and code that it names is one', () => {
  const code = sources();
  for (const setting of named(/WATTSTREAM_[A-Z_]+/g)) expect(settings.shape).toHaveProperty(setting);
  for (const metric of named(/wattstream_[a-z_]+/g)) expect(code).toContain(`'${metric}'`);
  for (const text of named(/`[A-Z]+(_[A-Z]+)+`/g).map((text) => text.slice(1, -1)))
    expect({ text, known: text in settings.shape || code.includes(text) }).toEqual({ text, known: true });
  for (const fault of named(/(?<=faults? `)[a-z-]+|(?<=and `)halt-analytics/g))
    expect(code).toContain(`'${fault}'`);
});
