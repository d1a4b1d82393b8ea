/** The role `clickhouse` as a process of its own, on a free port, over a folder that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface EmbeddedClickHouse {
  readonly url: string;
  readonly pid: number;
  /** Resident memory in bytes. */
  rss(): number;
  /** Resolves with the exit code, or the signal's name. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

export const temporaryFolder = (): { path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'wattstream-engine-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

const MAIN = fileURLToPath(new URL('../dist/analytics/engine/main.js', import.meta.url));

/** Rejects with what the process wrote when it ends before it is ready. */
export async function startEmbeddedClickHouse(
  data: string,
  env: Record<string, string> = {},
): Promise<EmbeddedClickHouse> {
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      UV_THREADPOOL_SIZE: '64',
      WATTSTREAM_DATA: data,
      CLICKHOUSE_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => said.push(line));
  const ended = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  );
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      said.push(line);
      const entry = JSON.parse(line) as { msg: string; port: number };
      if (entry.msg === 'ready') resolve(entry.port);
    });
    void ended.then((outcome) => reject(new Error(`the role ended (${outcome}): ${said.join('\n')}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid!,
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return await ended;
    },
  };
}
