/**
 * What a full disk leaves behind: ClickHouse (26.7) does not always notice that the last, small files of a merged
 * part could not be written. The part is taken for good, reading it fails with CORRUPTED_DATA, and the parts it
 * was made of are deleted eight minutes later (`old_parts_lifetime`). A start looks at every part, puts the broken
 * ones aside and takes what they were made of instead. So after a full disk this role starts anew: as soon as there
 * is room again, and in any case before those parts are deleted.
 */
import { statfsSync } from 'node:fs';

/** Less than the least that ClickHouse reserves for an insert. */
const FULL_BYTES = 1024 ** 2;
/** So much room, for so long: whatever filled the disk has gone, and a start will succeed. */
const ROOM_BYTES = 16 * 1024 ** 2;
const SETTLED_MS = 500;
/** Half of what ClickHouse gives to parts that were merged. */
const LONGEST_MS = 240_000;
const LOOK_MS = 100;

/** Told the free bytes now and then; says when it is time to start anew. */
export class FullDisk {
  private fullSince: number | undefined;
  private roomSince: number | undefined;

  /** @param now monotonic milliseconds */
  look(free: number, now: number): boolean {
    if (free < FULL_BYTES) {
      this.fullSince ??= now;
      this.roomSince = undefined;
    }
    if (this.fullSince === undefined) return false;
    if (free < ROOM_BYTES) this.roomSince = undefined;
    else this.roomSince ??= now;
    const settled = this.roomSince !== undefined && now - this.roomSince >= SETTLED_MS;
    return settled || now - this.fullSince >= LONGEST_MS;
  }
}

/** Calls `startAnew` once, when the disk of the folder was full and it is time. */
export function watchDisk(folder: string, startAnew: () => void): { close(): void } {
  const disk = new FullDisk();
  const timer = setInterval(() => {
    const { bavail, bsize } = statfsSync(folder);
    if (!disk.look(bavail * bsize, performance.now())) return;
    clearInterval(timer);
    startAnew();
  }, LOOK_MS).unref();
  return { close: () => clearInterval(timer) };
}
