/** An api process of its own for commands, on queues in memory, asked over HTTP. */
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../src/api/app.js';
import { type Authentication, NO_AUTHENTICATION } from '../../src/api/auth/authenticator.js';
import { CommandBook } from '../../src/api/commands/book.js';
import { KeptDesk } from '../../src/api/commands/kept.js';
import type { CommandHistory } from '../../src/api/commands/ports.js';
import { type CommandLimits, CommandService } from '../../src/api/commands/service.js';
import { startSweep } from '../../src/api/commands/sweep.js';
import type { CommandView } from '../../src/api/commands/view.js';
import { silentLogger } from '../../src/platform/logger.js';
import { Registry } from '../../src/platform/metrics.js';
import { listening } from '../http.js';
import type { MemoryQueues } from './memory-queues.js';

export interface CommandAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever it expects
  readonly body: any;
}

export interface CommandApi {
  readonly app: FastifyInstance;
  readonly book: CommandBook;
  post(path: string, body: object, headers?: Record<string, string>): Promise<CommandAnswer>;
  get(path: string): Promise<CommandAnswer>;
  command(id: string): Promise<CommandView>;
  close(): Promise<void>;
}

export interface CommandApiOptions {
  readonly limits?: Partial<CommandLimits>;
  readonly history?: CommandHistory;
  readonly actor?: string;
  readonly authentication?: Authentication;
  /** Without its own care for overdue and kept commands. */
  readonly idle?: boolean;
}

const absent = {
  list: () => [],
  ask: async () => {
    throw new Error('no tables here');
  },
  ping: async () => {},
};

export async function commandApi(queues: MemoryQueues, options: CommandApiOptions = {}): Promise<CommandApi> {
  const clock = { now: () => Date.now() };
  const logger = silentLogger;
  const events = queues.eventPublisher();
  const sender = queues.sender();
  const kept = queues.keptCommands();
  const limits = { seconds: 10, maxSeconds: 60, graceSeconds: 0.2, keptHours: 24, ...options.limits };
  const book = new CommandBook({ log: queues.eventLog(), clock, rememberMs: 3_600_000, logger });
  const service = new CommandService({
    sender,
    events,
    kept,
    book,
    history: options.history,
    clock,
    limits,
    logger,
  });
  const sweep = options.idle
    ? undefined
    : startSweep({
        book,
        events,
        clock,
        graceMs: limits.graceSeconds * 1_000,
        spread: 0,
        logger,
        everyMs: 20,
      });
  const desk = options.idle
    ? undefined
    : new KeptDesk({ kept, sender, events, book, service, clock, logger, settleMs: 20, tickMs: 10 });
  const app = await buildApp({
    queries: absent,
    inspector: { bounds: async () => [] },
    health: { ready: () => undefined },
    metrics: new Registry(),
    log: logger,
    docsPage: false,
    access: {
      authentication: options.authentication ?? NO_AUTHENTICATION,
      stationOf: (id) => `station of ${id}`,
      hosts: [],
    },
    commands: {
      commands: service,
      stationOf: (id) => `station of ${id}`,
      ...(options.authentication === undefined ? { actorOf: () => options.actor ?? 'tester' } : {}),
    },
  });
  await listening(app);
  const { port } = app.server.address() as { port: number };
  const ask = async (path: string, init: RequestInit): Promise<CommandAnswer> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/charger/${path}`, init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    app,
    book,
    post: (path, body, headers = {}) =>
      ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close', ...headers },
        body: JSON.stringify(body),
      }),
    get: (path) => ask(path, { headers: { connection: 'close' } }),
    command: async (id) => (await ask(`commands/${id}`, { headers: { connection: 'close' } })).body,
    async close() {
      sweep?.close();
      await desk?.close();
      await app.close();
      await book.close();
    },
  };
}
