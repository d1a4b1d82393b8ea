import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { WattstreamError } from '../../platform/errors.js';

/** Whether the port could be listened on now. `port` 0: any. Resolves to the port, or undefined if taken. */
export function bindable(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

export interface PortWish {
  /** The setting's name, for messages. */
  readonly variable: string;
  readonly host: string;
  readonly standard: number;
  /** What the user set; then it is that port or an error. */
  readonly explicit?: string;
}

/**
 * The explicit port, or the standard one, or the next free one after it. `taken` ports are passed over and the
 * chosen one is added to them. Throws PORT_TAKEN (naming the process that holds it, where it can be found),
 * PORT_REFUSED (no right to listen there) or CONFIG_INVALID.
 */
export async function choosePort(wish: PortWish, taken: Set<number>): Promise<number> {
  const explicit = wish.explicit === undefined || wish.explicit === '' ? undefined : Number(wish.explicit);
  if (explicit !== undefined && !(Number.isInteger(explicit) && explicit >= 0 && explicit <= 65_535)) {
    throw new WattstreamError('CONFIG_INVALID', `${wish.variable}=${wish.explicit} is no port.`);
  }
  const candidates = explicit === undefined ? followers(wish.standard) : [explicit];
  for (const candidate of candidates) {
    if (candidate !== 0 && taken.has(candidate)) continue;
    const port = await bindable(candidate, wish.host).catch((error: unknown) => {
      throw new WattstreamError('PORT_REFUSED', `Cannot listen on ${wish.host}:${candidate}.`, {
        cause: error,
        remedy: `Choose another port or address (${wish.variable}); ports below 1024 need privileges.`,
      });
    });
    if (port === undefined) continue;
    taken.add(port);
    return port;
  }
  const port = explicit ?? wish.standard;
  throw new WattstreamError('PORT_TAKEN', `Port ${port} (${wish.variable}) is taken${holderOf(port)}.`, {
    remedy: `Stop that process, or set ${wish.variable} to another port.`,
  });
}

const followers = (port: number): number[] => Array.from({ length: 100 }, (_, index) => port + index);

/** ` by process 12 (node server.js)`, or '' where /proc does not tell. */
export function holderOf(port: number): string {
  try {
    const inodes = new Set(
      ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
        listeningInodes(readFileSync(table, 'utf8'), port),
      ),
    );
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (!holdsSocket(pid, inodes)) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
      return ` by process ${pid} (${command.slice(0, 80)})`;
    }
  } catch {
    // Not Linux, or not allowed to look: the message does without.
  }
  return '';
}

/** Inodes of listening sockets (state 0A) on a port, out of /proc/net/tcp (proc(5)). */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((field) => field[3] === '0A' && field[1]?.endsWith(`:${wanted}`))
    .map((field) => field[9] ?? '');
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return inodes.has(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? 'none');
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

/** Whether something accepts TCP connections there within `ms`. */
export function accepts(host: string, port: number, ms = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (outcome: boolean) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(ms, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
