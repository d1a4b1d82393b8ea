import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { messageOf, WattstreamError } from '../../../platform/errors.js';
import type { Answer, Connection, Engine } from '../ports.js';

/**
 * The three calls of chdb's addon that this front lives on. The package's own Session is passed by because
 * (chdb 3.4.0) its close() waits for every query of the process that was running at that moment: behind one
 * long query each finished request would leave a connection of 100 KB open. And its bound parameters go
 * through one chain for the whole process, so that a long parametrised query holds up all others; SET param_x
 * on a connection of one's own does the same without.
 */
interface Addon {
  CreateConnection(path: string): unknown;
  CloseConnection(connection: unknown): void;
  QueryAsyncConnection(
    connection: unknown,
    sql: string,
    format: string,
  ): Promise<{ bytes: Uint8Array; elapsed: number; rowsRead: number; bytesRead: number }>;
}

const CALLS = ['CreateConnection', 'CloseConnection', 'QueryAsyncConnection'] as const;

function loadAddon(): Addon {
  const require = createRequire(import.meta.url);
  try {
    const loader = join(dirname(require.resolve('chdb')), 'dist', 'loader.js');
    const addon = (require(loader) as { loadNative(): Addon }).loadNative();
    const missing = CALLS.filter((call) => typeof addon[call] !== 'function');
    if (missing.length > 0) throw new Error(`the addon has no ${missing.join(', ')}`);
    return addon;
  } catch (error) {
    throw new WattstreamError('ENGINE_UNAVAILABLE', `chdb could not be loaded: ${messageOf(error)}`, {
      remedy:
        'Install with optional dependencies (npm ci) on Linux glibc or macOS, or set CLICKHOUSE_URL to a server.',
      cause: error,
    });
  }
}

class ChdbConnection implements Connection {
  private running = 0;
  private closing = false;
  constructor(
    private readonly addon: Addon,
    private readonly handle: unknown,
  ) {}

  async query(sql: string, format: string): Promise<Answer> {
    this.running++;
    try {
      const { bytes, elapsed, rowsRead, bytesRead } = await this.addon.QueryAsyncConnection(
        this.handle,
        sql,
        format,
      );
      return { bytes, elapsedSeconds: elapsed, rowsRead, bytesRead };
    } finally {
      this.running--;
      if (this.closing && this.running === 0) this.addon.CloseConnection(this.handle);
    }
  }

  /** A connection closed under a running query takes the whole engine down, so that waits. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    if (this.running === 0) this.addon.CloseConnection(this.handle);
  }
}

/** Opens the data folder (created when absent). Throws ENGINE_UNAVAILABLE, DATA_LOCKED or DATA_UNREADABLE. */
export async function openEngine(folder: string): Promise<Engine> {
  const path = resolve(folder);
  const addon = loadAddon();
  mkdirSync(path, { recursive: true });
  const holder = statusFile(path);
  const connect = () => new ChdbConnection(addon, addon.CreateConnection(path));
  let kept: ChdbConnection;
  try {
    // The engine lives as long as a connection does: this one is held until the end.
    kept = connect();
  } catch (error) {
    throw refusal(path, holder, error);
  }
  const { bytes } = await kept.query('SELECT version(), timezone()', 'TabSeparated');
  const [version = '', timezone = 'UTC'] = Buffer.from(bytes).toString('utf8').trim().split('\t');
  return { version, timezone, open: connect, close: () => kept.close() };
}

/** The engine writes its process id into `status`; it tells the reason of a refusal only on standard error. */
const statusFile = (path: string): string | undefined => {
  try {
    return /PID:\s*(\d+)/.exec(readFileSync(join(path, 'status'), 'utf8'))?.[1];
  } catch {
    return undefined;
  }
};

function refusal(path: string, holder: string | undefined, cause: unknown): WattstreamError {
  if (holder !== undefined && isAlive(Number(holder)))
    return new WattstreamError('DATA_LOCKED', `${path} is held by another process (${holder})`, {
      canRetry: true,
      remedy: `Stop process ${holder}, or give this one a folder of its own (WATTSTREAM_DATA).`,
      cause,
    });
  return new WattstreamError('DATA_UNREADABLE', `${path} could not be opened: ${messageOf(cause)}`, {
    remedy:
      "The engine's own words stand on standard error; check the folder's owner, free space and version.",
    cause,
  });
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
