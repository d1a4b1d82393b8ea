import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeStamp } from './build.mjs';

/**
 * The last step of `npm run build`: copies what is no TypeScript (SQL, web files) from src to the same place in
 * dist, and stamps dist with what it was built from.
 * @param {string} folder the checkout
 */
export function copyAssets(folder) {
  const [from, to] = [join(folder, 'src'), join(folder, 'dist')];
  const assets = readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(ts|md)$/.test(entry.name))
    .map((entry) => relative(from, join(entry.parentPath, entry.name)));
  for (const asset of assets) {
    mkdirSync(dirname(join(to, asset)), { recursive: true });
    copyFileSync(join(from, asset), join(to, asset));
  }
  return assets;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const folder = resolve(dirname(fileURLToPath(import.meta.url)), '..');
  if (existsSync(join(folder, 'dist'))) {
    copyAssets(folder);
    writeStamp(folder);
  }
}
