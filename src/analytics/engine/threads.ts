import { spawn } from 'node:child_process';

/**
 * Every query holds a thread of libuv's pool while it runs, and the pool's size is fixed before the first line
 * of a module runs. So a process with too few threads starts itself once more with enough: in place where Node
 * can (execve, Node >= 22.15), else as a child that ends with it. The supervisor sets UV_THREADPOOL_SIZE, and
 * then this does nothing.
 */
export function ensureThreads(needed: number): 'enough' | 'handed-over' {
  if (Number(process.env.UV_THREADPOOL_SIZE ?? 4) >= needed) return 'enough';
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(needed) };
  const args = [...process.execArgv, ...process.argv.slice(1)];
  const inPlace = (process as { execve?: (file: string, args: string[], env: NodeJS.ProcessEnv) => never })
    .execve;
  if (inPlace !== undefined) inPlace(process.execPath, [process.execPath, ...args], env);
  const child = spawn(process.execPath, args, { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGKILL' ? 137 : 1)));
  return 'handed-over';
}

/** In the child: the starter is gone (kill -9 too), so nobody would stop this process. */
export function endWithStarter(stop: () => void): void {
  if (process.channel === undefined || process.channel === null) return;
  process.on('disconnect', stop);
  process.channel.unref();
}
