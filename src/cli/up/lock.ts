import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { WattstreamError } from '../../platform/errors.js';

/** Pid and start time: pids come round again (at once, in a container), the pair does not. */
interface Owner {
  readonly pid: number;
  readonly born: string;
}

/** Start time in clock ticks since boot (proc(5), stat field 22), '' without /proc; undefined = not alive. */
function bornOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    if (process.platform === 'linux') return undefined;
  }
  try {
    process.kill(pid, 0);
    return '';
  } catch {
    return undefined;
  }
}

function livingOwner(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner;
    return bornOf(owner.pid) === owner.born ? owner : undefined;
  } catch {
    return undefined;
  }
}

/**
 * One supervisor per data folder. A killed owner leaves no lock: the file names it, and a lock whose owner is
 * gone is taken over. (setup/lock.mjs is the same for scripts that run before anything is built.)
 * Throws code ALREADY_RUNNING.
 */
export function takeLock(path: string): { release(): void } {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, born: bornOf(process.pid) ?? '' }));
  try {
    for (;;) {
      try {
        linkSync(own, path); // atomic: fails if the name exists, and never shows half a file
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = livingOwner(path);
      if (owner !== undefined) {
        throw new WattstreamError(
          'ALREADY_RUNNING',
          `Process ${owner.pid} already runs with ${dirname(path)}.`,
          {
            remedy: 'Stop it (Ctrl-C there), or choose another folder with WATTSTREAM_DATA.',
          },
        );
      }
      const aside = `${own}.stale`;
      try {
        renameSync(path, aside);
        // Two may judge the same lock stale; the one whose rename moved a living lock puts it back.
        if (livingOwner(aside) !== undefined) linkSync(aside, path);
      } catch {
        // Somebody was faster; look again.
      }
      rmSync(aside, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}
