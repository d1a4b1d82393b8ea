import { connect, createServer } from 'node:net';

/**
 * @param {number} port 0 = any
 * @param {string} [host]
 * @returns {Promise<number | undefined>} the port that could be bound, or undefined if it is taken
 */
export function bindable(port, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

/**
 * Below what systems hand out to outgoing connections (Linux from 32768, others from 49152). A port from there
 * could be some client's while the server that it belongs to is down, and the server could not start again.
 */
export const SERVER_PORTS = { from: 20_000, to: 32_000 };

/**
 * As many different free loopback ports as there are `wanted` ones: each the wanted one where it is free
 * (so that addresses stay the same from start to start), else any.
 * @param {readonly (number | undefined)[]} wanted
 * @param {{ from: number, to: number }} [range] of those that are not wanted ones; else the system chooses
 * @returns {Promise<number[]>}
 */
export async function freePorts(wanted, range) {
  const any = () => (range ? range.from + Math.floor(Math.random() * (range.to - range.from)) : 0);
  /** @type {number[]} */
  const chosen = [];
  for (const wish of wanted) {
    let port = wish !== undefined && !chosen.includes(wish) ? await bindable(wish) : undefined;
    while (port === undefined || chosen.includes(port)) port = await bindable(any());
    chosen.push(port);
  }
  return chosen;
}

/**
 * Whether something accepts connections there within `ms`.
 * @param {string} host
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function accepts(host, port, ms = 1_000) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    /** @param {boolean} outcome */
    const end = (outcome) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(ms, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
