/** No space left on device, for ClickHouse. */
import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Fault, seconds } from './fault.js';

const PIECE = Buffer.alloc(1 << 20);

export const fullDisk: Fault = {
  name: 'full-disk',
  about: 'the disk of ClickHouse is full for some seconds: inserts, merges and checkpoints fail',
  share: 2,
  impossible: ({ fillable }) =>
    fillable === undefined ? 'only root can mount a small file system for ClickHouse' : undefined,
  plan(random, system) {
    const ms = random.whole(1_000, 8_000);
    const spare = random.whole(0, 64) * 1_024;
    return {
      on: 'disk',
      what: `the disk of ClickHouse is full (${spare / 1_024} KiB left) for ${seconds(ms)}`,
      async run({ wait, note }) {
        const folder = system.fillable as string;
        const file = join(folder, 'ballast');
        try {
          note(`${fill(file, spare)} MiB of ballast`);
          await wait(ms);
        } finally {
          rmSync(file, { force: true });
        }
      },
    };
  },
};

/** Writes until nothing goes in any more, then gives `spare` bytes back. Returns MiB written. */
function fill(path: string, spare: number): number {
  const file = openSync(path, 'w');
  let written = 0;
  try {
    for (;;) written += writeSync(file, PIECE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    ftruncateSync(file, Math.max(0, written - spare));
  } finally {
    closeSync(file);
  }
  return Math.round(written / PIECE.length);
}

/** Bytes that are left for ClickHouse. */
export const spaceLeft = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};
