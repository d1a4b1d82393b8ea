import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const FOLDER = resolve(fileURLToPath(new URL('..', import.meta.url)));

/** Everything the program keeps, unless WATTSTREAM_DATA says otherwise. */
export const DATA = resolve(FOLDER, process.env.WATTSTREAM_DATA || '.wattstream');

/** Held by a running `npm start`. */
export const START_LOCK = join(DATA, 'start.lock');
/** Held by a running supervisor (`wattstream up`). */
export const UP_LOCK = join(DATA, 'up.lock');
/** A folder per run of tests or benchmarks, named `<purpose>-<pid>`. */
export const RUNS = join(DATA, 'runs');
