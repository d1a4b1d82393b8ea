import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { copyAssets } from './assets.mjs';
import { isBuilt, sourceStamp, writeStamp } from './build.mjs';

let folder: string;
const write = (path: string, content: string) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wattstream-build-'));
  write('src/a/one.ts', 'export const one = 1;');
  write('src/a/schema.sql', 'SELECT 1');
  write('dist/a/one.js', 'export const one = 1;');
  writeStamp(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what is built stays built: a changed time or a changed test builds nothing', () => {
  expect(isBuilt(folder)).toBe(true);
  utimesSync(join(folder, 'src/a/one.ts'), 1, 1);
  write('src/a/one.test.ts', 'a new test');
  write('src/a/README.md', 'a new word');
  expect(isBuilt(folder)).toBe(true);
});

test.each([
  ['changed source', () => write('src/a/one.ts', 'export const one = 2;')],
  ['changed SQL', () => write('src/a/schema.sql', 'SELECT 2')],
  ['new file', () => write('src/b/two.ts', '')],
  ['other dependencies', () => write('package-lock.json', '{}')],
  ['removed dist', () => rmSync(join(folder, 'dist'), { recursive: true })],
])('%s: built again', (_what, change) => {
  change();
  expect(isBuilt(folder)).toBe(false);
});

test('a line moved from one file to another is a change', () => {
  const before = sourceStamp(folder);
  write('src/a/one.ts', '');
  write('src/a/zwei.ts', 'export const one = 1;');
  expect(sourceStamp(folder)).not.toBe(before);
});

test('SQL is found beside the built module that reads it; sources and readmes are not copied', () => {
  write('src/a/README.md', '');
  expect(copyAssets(folder)).toEqual([join('a', 'schema.sql')]);
  expect(readFileSync(join(folder, 'dist/a/schema.sql'), 'utf8')).toBe('SELECT 1');
});
