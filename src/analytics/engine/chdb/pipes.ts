import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

/**
 * Results leave the engine through named pipes: `SELECT ... INTO OUTFILE '<pipe>'`. The engine then writes one
 * document in any format, byte for byte, and waits while nobody reads, so memory stays bounded. (chdb's own
 * streaming, tried: it analyses the query on the calling thread, 1.9 s of a stopped event loop for one scalar
 * subquery, and crashes in worker threads.)
 */
export interface OpenPipe {
  readonly path: string;
  readonly reader: Socket;
  /** The engine has finished: the reader comes to its end once it has read what is left. */
  finished(): void;
  /** Gives the pipe back. What was not read is gone. */
  release(): void;
}

export class Pipes {
  private readonly free: string[] = [];
  private made = 0;
  constructor(private readonly folder: string) {}

  open(): OpenPipe {
    const path = this.free.pop() ?? this.make();
    // Non-blocking, since nobody writes yet; and a writing end of our own, without which a pipe that the engine
    // has not opened yet reads as ended.
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const reader = new Socket({ fd: readEnd, readable: true, writable: false });
    reader.on('error', () => reader.destroy());
    let open = true;
    const finished = () => {
      if (open) closeSync(writeEnd);
      open = false;
    };
    let released = false;
    return {
      path,
      reader,
      finished,
      release: () => {
        if (released) return;
        released = true;
        finished();
        if (reader.closed) this.free.push(path);
        // Back only when both ends are closed: then the kernel has dropped what was left in it.
        else reader.once('close', () => this.free.push(path)).destroy();
      },
    };
  }

  /** Node has no mkfifo of its own. */
  private make(): string {
    const path = join(this.folder, `result-${process.pid}-${this.made++}`);
    execFileSync('mkfifo', ['-m', '600', path]);
    return path;
  }

  /** Makes pipes before they are needed: starting a process takes some milliseconds. */
  prepare(count: number): void {
    for (let made = this.free.length; made < count; made++) this.free.push(this.make());
  }

  close(): void {
    for (const path of this.free) rmSync(path, { force: true });
  }
}
