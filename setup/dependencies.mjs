import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.mjs';
import { Problem } from './say.mjs';

/**
 * @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} Lockfile
 */

/**
 * Whether what npm installed is what the lockfile asks for: npm keeps its own account of node_modules in
 * `node_modules/.package-lock.json`, written last, so a broken-off installation has none. Optional packages may be
 * missing (other platforms), but not be of another version; more than asked for does not hurt.
 * @param {Lockfile} wanted
 * @param {Lockfile | undefined} installed
 */
export function isInstalled(wanted, installed) {
  return Object.entries(wanted.packages ?? {}).every(([path, entry]) => {
    if (path === '' || entry.link) return true;
    const version = installed?.packages?.[path]?.version;
    if (version === undefined)
      return installed !== undefined && (entry.optional ?? entry.devOptional ?? false);
    return version === entry.version;
  });
}

/**
 * `npm ci` where node_modules is missing or not what package-lock.json asks for.
 * @param {{ folder: string, say: import('./say.mjs').Say }} options
 */
export async function ensureDependencies({ folder, say }) {
  const wanted = readJson(join(folder, 'package-lock.json'));
  if (wanted === undefined) throw new Problem(`There is no package-lock.json in ${folder}.`);
  if (isInstalled(wanted, readJson(join(folder, 'node_modules', '.package-lock.json')))) return;
  await say.step(
    'dependencies',
    async () => {
      let done = await npm(folder, ['ci']);
      // A registry that mirrors only some platforms makes lockfiles without the others' optional packages,
      // and `npm ci` refuses those (npm/cli#4828). `npm install` takes what the lockfile does say by version
      // and checksum.
      if (done.code !== 0 && /EUSAGE/.test(done.stderr)) done = await npm(folder, ['install', '--no-save']);
      if (done.code !== 0) {
        const errors = done.stderr.split('\n').filter((line) => /^npm (error|ERR)/.test(line));
        throw new Problem(
          `npm could not install the dependencies:\n  ${errors.slice(0, 8).join('\n  ')}`,
          'Is the npm registry reachable?',
        );
      }
    },
    'about half a minute the first time',
  );
}

/**
 * Building needs the development dependencies, whatever NODE_ENV says.
 * @param {string} folder
 * @param {readonly string[]} how
 */
function npm(folder, how) {
  const program = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  return run([...program, ...how, '--include=dev', '--include=optional', '--no-audit', '--no-fund'], {
    cwd: folder,
  });
}

/**
 * @param {string} path
 * @returns {Lockfile | undefined}
 */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
