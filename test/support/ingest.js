import { once } from 'node:events';
import { WebSocket } from 'ws';
import { startIngest } from '../../src/ingest/ingest.js';
import { settings as schema } from '../../src/platform/config.js';
import { silentLogger } from '../../src/platform/logger.js';
import { Registry } from '../../src/platform/metrics.js';
import { staticDirectory } from '../../src/registry/static.js';
import { GatedPublisher } from './gated-publisher.js';

const defaults = {
  ...schema.parse({}),
  WATTSTREAM_INGEST_HOST: '127.0.0.1',
  WATTSTREAM_INGEST_PORT: 0,
  WATTSTREAM_ACCEPT_UNKNOWN: true,
  WATTSTREAM_DRAIN_MS: 1_000,
};
/** A gateway on a free port, and chargers that speak raw texts. `close()` lets go of all of them. */
export async function testIngest(options = {}) {
  const publisher = options.publisher ?? new GatedPublisher();
  const settings = { ...defaults, ...options.settings };
  const metrics = new Registry();
  const ingest = await startIngest({
    gatewayId: 'gw-test',
    metrics,
    log: silentLogger,
    ...options,
    settings,
    publisher,
    directory:
      options.directory ??
      staticDirectory(options.registry ?? {}, { acceptUnknown: settings.WATTSTREAM_ACCEPT_UNKNOWN }),
  });
  const chargers = [];
  const url = `ws://127.0.0.1:${ingest.port}/ocpp`;
  return {
    ...ingest,
    publisher,
    url,
    async charger(id, protocols = ['ocpp1.6'], headers = {}) {
      const charger = new TestCharger(`${url}/${encodeURIComponent(id)}`, protocols, headers);
      chargers.push(charger);
      await once(charger.socket, 'open');
      return charger;
    },
    async metric(line) {
      const found = (await metrics.metrics()).split('\n').find((text) => text.startsWith(`${line} `));
      return found === undefined ? 0 : Number(found.slice(line.length + 1));
    },
    /** What SIGTERM does. */
    stop: ingest.close,
    async close() {
      for (const charger of chargers) charger.socket.terminate();
      await ingest.close();
    },
  };
}
/** A charger without manners or intelligence: sends texts, keeps what it gets. */
export class TestCharger {
  socket;
  inbox = [];
  /** Close code and reason, once the gateway has closed. */
  closed;
  next = 0;
  constructor(url, protocols, headers) {
    this.socket = new WebSocket(url, protocols, { headers, autoPong: true });
    this.socket.on('message', (data) => this.inbox.push(String(data)));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      this.socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    );
  }
  send(text) {
    this.socket.send(text);
  }
  /** Sends a CALL; returns its message id. */
  call(action, payload = {}) {
    const id = `m${++this.next}`;
    this.send(JSON.stringify([2, id, action, payload]));
    return id;
  }
  /** Resolves with the answer to `id`. */
  async answer(id) {
    let found;
    await until(() => {
      found = this.inbox.map((text) => JSON.parse(text)).find((frame) => frame[1] === id);
      return found !== undefined;
    });
    return found;
  }
}
/** Waits for a condition; fails after 5 s with what was waited for. */
export async function until(condition, what = String(condition)) {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
/** For asserting that something does not happen. */
export const aWhile = (milliseconds = 60) => new Promise((resolve) => setTimeout(resolve, milliseconds));
//# sourceMappingURL=ingest.js.map
