import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from './processes.mjs';
import { Problem } from './say.mjs';

/** What dist depends on, relative to the checkout. */
const SOURCES = [
  'src',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'package-lock.json',
  'setup/assets.mjs',
];
const NOT_BUILT = /\.(test\.ts|contract\.ts|md)$/;

/**
 * Hash over the names and contents of everything that is built. Contents, because `git checkout` sets any
 * time it likes; hashing a thousand small files takes some 50 ms.
 * @param {string} folder
 */
export function sourceStamp(folder) {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0] ?? '');
  for (const source of SOURCES) {
    for (const file of filesUnder(folder, source)) {
      hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
    }
  }
  return hash.digest('hex');
}

/**
 * @param {string} folder
 * @param {string} path a file or a folder in it
 * @returns {string[]} relative to `folder`, sorted
 */
function filesUnder(folder, path) {
  const full = join(folder, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !NOT_BUILT.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** @param {string} folder */
const stampFile = (folder) => join(folder, 'dist', '.stamp');

/** @param {string} folder */
export const writeStamp = (folder) => writeFileSync(stampFile(folder), sourceStamp(folder));

/** @param {string} folder */
export function isBuilt(folder) {
  return existsSync(stampFile(folder)) && readFileSync(stampFile(folder), 'utf8') === sourceStamp(folder);
}

/**
 * `npm run build` where dist is missing or older than its sources.
 * @param {{ folder: string, say: import('./say.mjs').Say }} options
 */
export async function ensureBuilt({ folder, say }) {
  if (isBuilt(folder)) return;
  await say.step('build', async () => {
    const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
    const done = await run([...npm, 'run', '--silent', 'build'], { cwd: folder });
    if (done.code !== 0) {
      throw new Problem(
        `The build failed:\n${(done.stdout + done.stderr).trim().split('\n').slice(0, 30).join('\n')}`,
      );
    }
  });
}
