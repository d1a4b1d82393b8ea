/** The numbered migrations beside this file; the build copies them beside the compiled one. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { WattstreamError } from '../../platform/errors.js';

export interface Migration {
  /** File name: `NNNN-what-it-does.sql`. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text with `\n` line ends, hexadecimal. */
  readonly checksum: string;
}

export const MIGRATIONS_FOLDER = fileURLToPath(new URL('.', import.meta.url));

export const checksumOf = (text: string): string =>
  createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');

/** In the order of their numbers. Throws MIGRATIONS_MISSING when the folder holds none (an unfinished build). */
export async function readMigrations(folder: string = MIGRATIONS_FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-.+\.sql$/.test(name)).sort();
  if (names.length === 0)
    throw new WattstreamError('MIGRATIONS_MISSING', `No migrations in ${folder}`, {
      remedy: 'Run `npm run build`: it copies the .sql files beside the compiled code.',
    });
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(`${folder}/${name}`, 'utf8');
      return { name, text, checksum: checksumOf(text) };
    }),
  );
}
