import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { waitForLock } from './lock.mjs';

/**
 * Dependencies, then dist, both only where needed. A second script waits for the first one's work.
 * @param {{ folder: string, dataDir: string, say: import('./say.mjs').Say }} options
 */
export async function prepare({ folder, dataDir, say }) {
  const lock = await waitForLock(join(dataDir, 'prepare.lock'), (owner) =>
    say.line(`… process ${owner.pid} is installing or building; waiting for it`),
  );
  try {
    await ensureDependencies({ folder, say });
    await ensureBuilt({ folder, say });
  } finally {
    lock.release();
  }
}
