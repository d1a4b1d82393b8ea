import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type IngestParts, type IngestSettings, startIngest } from '../../src/ingest/ingest.js';
import { settings as schema } from '../../src/platform/config.js';
import { silentLogger } from '../../src/platform/logger.js';
import { Registry } from '../../src/platform/metrics.js';
import { type StaticRegistry, staticDirectory } from '../../src/registry/static.js';
import type { FramePublisher } from '../../src/streams/ports.js';
import { GatedPublisher } from './gated-publisher.js';

const defaults: IngestSettings = {
  ...schema.parse({}),
  WATTSTREAM_INGEST_HOST: '127.0.0.1',
  WATTSTREAM_INGEST_PORT: 0,
  WATTSTREAM_ACCEPT_UNKNOWN: true,
  WATTSTREAM_DRAIN_MS: 1_000,
};

export interface TestOptions extends Partial<Omit<IngestParts, 'settings' | 'publisher'>> {
  settings?: Partial<IngestSettings>;
  registry?: StaticRegistry;
}

/** A gateway on a free port, and chargers that speak raw texts. `close()` lets go of all of them. */
export async function testIngest<P extends FramePublisher = GatedPublisher>(
  options: TestOptions & { publisher?: P } = {},
) {
  const publisher = (options.publisher ?? new GatedPublisher()) as P;
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
  const chargers: TestCharger[] = [];
  const url = `ws://127.0.0.1:${ingest.port}/ocpp`;
  return {
    ...ingest,
    publisher,
    url,
    async charger(id: string, protocols: string[] = ['ocpp1.6'], headers: Record<string, string> = {}) {
      const charger = new TestCharger(`${url}/${encodeURIComponent(id)}`, protocols, headers);
      chargers.push(charger);
      await once(charger.socket, 'open');
      return charger;
    },
    async metric(line: string): Promise<number> {
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
  readonly socket: WebSocket;
  readonly inbox: string[] = [];
  /** Close code and reason, once the gateway has closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
  private next = 0;

  constructor(url: string, protocols: string[], headers: Record<string, string>) {
    this.socket = new WebSocket(url, protocols, { headers, autoPong: true });
    this.socket.on('message', (data) => this.inbox.push(String(data)));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      this.socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    );
  }

  send(text: string): void {
    this.socket.send(text);
  }

  /** Sends a CALL; returns its message id. */
  call(action: string, payload: object = {}): string {
    const id = `m${++this.next}`;
    this.send(JSON.stringify([2, id, action, payload]));
    return id;
  }

  /** Resolves with the answer to `id`. */
  async answer(id: string): Promise<unknown[]> {
    let found: unknown[] | undefined;
    await until(() => {
      found = this.inbox.map((text) => JSON.parse(text) as unknown[]).find((frame) => frame[1] === id);
      return found !== undefined;
    });
    return found as unknown[];
  }
}

/** Waits for a condition; fails with what was waited for. */
export async function until(condition: () => boolean, what = String(condition)): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** For asserting that something does not happen. */
export const aWhile = (milliseconds = 60): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
