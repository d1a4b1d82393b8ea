/** A folder on a small file system of its own, so that "no space left on device" can be had and taken away again. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Takes memory only for what is in it. */
const SIZE = '512m';

export interface LimitedFolder {
  readonly path: string;
  /** False where nothing can be mounted (no root, or a container without the right to): then it is as large as its disk. */
  readonly limited: boolean;
  remove(): Promise<void>;
}

export async function limitedFolder(path: string): Promise<LimitedFolder> {
  mkdirSync(path, { recursive: true });
  const mounted =
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'wattstream-chaos', path], {
      stdio: 'ignore',
    }).status === 0;
  return {
    path,
    limited: mounted,
    async remove() {
      // Lazily: a process that has just been killed may still hold a file.
      if (mounted) spawnSync('umount', ['-l', path], { stdio: 'ignore' });
    },
  };
}
