import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Locks that a killed owner cannot leave behind: the file names the owner by pid and start time, and a lock
 * whose owner is gone is taken over. Pids come round again (at once, in a container), start times do not.
 *
 * @typedef {{ pid: number, born: string }} Owner
 */

/**
 * When a process started, in clock ticks since boot (proc(5), stat field 22); undefined = no such process.
 * Where there is no /proc, '' for a living process.
 * @param {number} pid
 * @returns {string | undefined}
 */
export function born(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may hold spaces and brackets; what follows the last bracket may not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    if (process.platform === 'linux') return undefined;
  }
  try {
    process.kill(pid, 0);
    return '';
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM' ? '' : undefined;
  }
}

/** @param {Owner} owner */
export const isAlive = (owner) => born(owner.pid) === owner.born;

/**
 * @param {string} path
 * @returns {Owner | undefined} the living owner
 */
export function lockOwner(path) {
  const owner = readOwner(path);
  return owner && isAlive(owner) ? owner : undefined;
}

/**
 * @param {string} path
 * @returns {Owner | undefined}
 */
function readOwner(path) {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8'));
    return Number.isInteger(owner?.pid) && typeof owner?.born === 'string' ? owner : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes the lock or says who has it.
 * @param {string} path
 * @returns {{ release(): void } | { owner: Owner }}
 */
export function tryLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 10)}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, born: born(process.pid) ?? '' }));
  try {
    for (;;) {
      try {
        // link(2) is the only step that decides: it fails if the name exists, and the content is whole.
        linkSync(own, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
      const owner = lockOwner(path);
      if (owner) return { owner };
      // Stale. Two may judge so at once: the one whose rename moved a living lock puts it back.
      const aside = `${own}.stale`;
      try {
        renameSync(path, aside);
        if (lockOwner(aside)) linkSync(aside, path);
      } catch {
        // Somebody else moved it first; look again.
      }
      rmSync(aside, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Waits for its turn.
 * @param {string} path
 * @param {(owner: Owner) => void} onWait called once if there is a wait
 */
export async function waitForLock(path, onWait) {
  for (let waited = false; ; waited = true) {
    const taken = tryLock(path);
    if ('release' in taken) return taken;
    if (!waited) onWait(taken.owner);
    await sleep(250);
  }
}
