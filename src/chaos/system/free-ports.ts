import { createServer } from 'node:net';

/**
 * Ports that stay a role's own while it is down: below the range from which the kernel takes those of outgoing
 * connections (32768 and up on Linux), else one could be some client's when the role comes back.
 */
const FROM = 20_000;
const TO = 31_999;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** So many different free ports of loopback. */
export async function freePorts(count: number): Promise<number[]> {
  const chosen: number[] = [];
  while (chosen.length < count) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM + 1));
    if (!chosen.includes(port) && (await isFree(port))) chosen.push(port);
  }
  return chosen;
}
