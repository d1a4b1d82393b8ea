import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, WattstreamError } from './errors.js';
import type { Logger } from './logger.js';
import type { Registry } from './metrics.js';

/** A part of the process that must be let go of, in the reverse of the order in which it was taken. */
export interface Held {
  readonly name: string;
  close(): Promise<void> | void;
}

/**
 * Runs a role: SIGTERM and SIGINT close what it holds, last first, each within the drain time; an error
 * nobody caught ends the process with code 1 after it was logged, and the supervisor starts a new one.
 */
export class Lifecycle {
  private readonly held: Held[] = [];
  private stopping: Promise<void> | undefined;
  constructor(
    private readonly log: Logger,
    private readonly drainMs: number,
  ) {}

  hold<T extends { close(): Promise<void> | void }>(name: string, part: T): T {
    this.held.push({ name, close: () => part.close() });
    return part;
  }

  listen(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        this.log.info({ signal }, 'stopping');
        void this.stop().then(() => process.exit(0));
      });
    }
    for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(fault, (error: unknown) => {
        if (error instanceof WattstreamError)
          this.log.error(
            { code: error.code, error: error.message, remedy: error.remedy },
            'cannot go on; the process ends',
          );
        else
          this.log.error(
            {
              code: 'UNCAUGHT',
              error: messageOf(error),
              stack: error instanceof Error ? error.stack : undefined,
            },
            'a defect; the process ends and is started again',
          );
        process.exit(1);
      });
    }
  }

  stop(): Promise<void> {
    this.stopping ??= (async () => {
      for (const part of this.held.reverse()) {
        const late = new Promise<'late'>((resolve) =>
          setTimeout(() => resolve('late'), this.drainMs).unref(),
        );
        try {
          const outcome = await Promise.race([Promise.resolve(part.close()), late]);
          if (outcome === 'late') this.log.warn({ part: part.name }, 'did not close in time');
        } catch (error) {
          this.log.warn({ part: part.name, error: messageOf(error) }, 'did not close cleanly');
        }
      }
    })();
    return this.stopping;
  }
}

export interface Health {
  /** undefined = ready; else why not. */
  ready(): string | undefined;
}

/** `/health/live`, `/health/ready`, `/metrics` for roles without an HTTP server of their own. */
export async function serveOps(options: {
  host: string;
  port: number;
  health: Health;
  metrics: Registry;
}): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const { status, type, body } = await answerOps(request.url ?? '/', options.health, options.metrics);
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The three process routes, for servers that already exist. `undefined` status never happens: unknown is 404. */
export async function answerOps(
  path: string,
  health: Health,
  metrics: Registry,
): Promise<{ status: number; type: string; body: string }> {
  switch (path.split('?')[0]) {
    case '/health/live':
      return { status: 200, type: 'application/json', body: '{"status":"live"}' };
    case '/health/ready': {
      const reason = health.ready();
      return reason === undefined
        ? { status: 200, type: 'application/json', body: '{"status":"ready"}' }
        : { status: 503, type: 'application/json', body: JSON.stringify({ status: 'not-ready', reason }) };
    }
    case '/metrics':
      return { status: 200, type: metrics.contentType, body: await metrics.metrics() };
    default:
      return { status: 404, type: 'application/json', body: '{"status":"unknown path"}' };
  }
}
