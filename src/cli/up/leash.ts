import { spawnSync } from 'node:child_process';

/**
 * How a role dies with its supervisor, even one killed with -9.
 * - Linux: `setpriv --pdeathsig KILL` (util-linux) arms PR_SET_PDEATHSIG (prctl(2)) and becomes the role: the
 *   kernel kills it when we are gone, however busy it is.
 * - elsewhere: the role is started with an IPC channel and a preloaded line that ends it when the channel
 *   closes. That needs its event loop to turn.
 */
export interface Leash {
  /** Put before the program. */
  readonly prefix: readonly string[];
  /** Put before the script's name, for a program that is Node. */
  readonly nodeArguments: readonly string[];
  readonly ipc: boolean;
}

const DIE_ON_DISCONNECT =
  "data:text/javascript,process.on('disconnect',()=>process.exit(1));process.channel?.unref()";

let found: Leash | undefined;

export function findLeash(): Leash {
  if (found === undefined) {
    const armed = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
    found = armed
      ? { prefix: ['setpriv', '--pdeathsig', 'KILL'], nodeArguments: [], ipc: false }
      : { prefix: [], nodeArguments: ['--import', DIE_ON_DISCONNECT], ipc: true };
  }
  return found;
}
