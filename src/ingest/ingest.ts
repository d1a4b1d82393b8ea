/** The gateway put together, from parts that are given: `main.ts` gives the real ones, tests their own. */
import type { TlsOptions } from 'node:tls';
import { type ActiveOptions, ActiveTransactions } from '../domain/charging/active-transactions.js';
import { redact } from '../domain/ocpp/redact.js';
import { respond } from '../domain/ocpp/respond.js';
import type { Settings } from '../platform/config.js';
import type { Logger } from '../platform/logger.js';
import type { Registry } from '../platform/metrics.js';
import type { ChargePointDirectory } from '../registry/ports.js';
import type { FramePublisher } from '../streams/ports.js';
import type { AdmissionLimits } from './admission.js';
import { CommandDesk, type CommandParts } from './commands.js';
import type { Clock } from './connection.js';
import { Gateway, type GatewayListener } from './gateway.js';
import { IngestMetrics } from './metrics.js';
import { listen } from './server.js';

export type IngestSettings = Pick<
  Settings,
  | 'WATTSTREAM_INGEST_HOST'
  | 'WATTSTREAM_INGEST_PORT'
  | 'WATTSTREAM_ACCEPT_UNKNOWN'
  | 'WATTSTREAM_ALLOW_PLAIN'
  | 'WATTSTREAM_MAX_FRAME_BYTES'
  | 'WATTSTREAM_HANDSHAKE_MS'
  | 'WATTSTREAM_MESSAGES_PER_SECOND'
  | 'WATTSTREAM_CONNECTIONS_PER_ADDRESS'
  | 'WATTSTREAM_PING_SECONDS'
  | 'WATTSTREAM_HEARTBEAT_SECONDS'
  | 'WATTSTREAM_DRAIN_MS'
  | 'WATTSTREAM_CONCURRENT_HOURS'
  | 'WATTSTREAM_CONCURRENT_MAX'
>;

export interface IngestParts {
  readonly settings: IngestSettings;
  /** Name of this gateway in the log. */
  readonly gatewayId: string;
  readonly publisher: FramePublisher;
  readonly directory: ChargePointDirectory;
  /** Who is in a transaction. Default: what this gateway itself has answered. */
  readonly transactions?: ActiveTransactions;
  readonly metrics: Registry;
  readonly log: Logger;
  readonly tls?: Pick<TlsOptions, 'cert' | 'key' | 'ca'>;
  /** Without them chargers cannot be reached by commands. */
  readonly commands?: CommandParts;
  readonly listener?: GatewayListener;
  readonly admission?: AdmissionLimits;
  readonly clock?: Clock;
}

export interface Ingest {
  readonly port: number;
  readonly gateway: Gateway;
  /** undefined = ready, else why not. */
  ready(): string | undefined;
  /** Lets the chargers go as WATTSTREAM_DRAIN_MS allows. The publisher stays open: close it afterwards. */
  close(): Promise<void>;
}

/** Of the drain time: for the chargers' last answers, then for the last confirms. */
export const DRAIN_SHARE = { chargers: 0.7, publisher: 0.3 };

const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

export async function startIngest(parts: IngestParts): Promise<Ingest> {
  const { settings, publisher, directory, log } = parts;
  const clock = parts.clock ?? systemClock;
  const metrics = new IngestMetrics(parts.metrics);
  const transactions = parts.transactions ?? new ActiveTransactions(activeOptions(settings));
  const desk =
    parts.commands === undefined
      ? undefined
      : new CommandDesk({
          ...parts.commands,
          gatewayId: parts.gatewayId,
          gateway: () => gateway,
          clock,
          metrics,
          log,
        });
  const gateway: Gateway = new Gateway(
    {
      publisher,
      respond,
      authorize: directory.authorize,
      transactions,
      enrich: (id, { outlet, idToken, at }, signed) => directory.enrich(id, outlet, idToken, at, signed),
      redact,
      metrics,
      log,
      clock,
      gateway: parts.gatewayId,
      messagesPerSecond: settings.WATTSTREAM_MESSAGES_PER_SECOND,
      pingMs: settings.WATTSTREAM_PING_SECONDS * 1_000,
      heartbeatSeconds: settings.WATTSTREAM_HEARTBEAT_SECONDS,
    },
    each(desk?.listener, parts.listener, {
      disconnected: ({ chargePointId }) => transactions.left(chargePointId, clock.now()),
    }),
  );
  metrics.observe({
    connections: () => gateway.size,
    bindings: () => desk?.bound ?? 0,
    unconfirmed: () => publisher.unconfirmed,
    publisherState: () => publisher.state,
    transactions: () => transactions.size,
    transactionsInformed: () => transactions.isInformed(clock.now()),
  });
  const server = await listen({
    host: settings.WATTSTREAM_INGEST_HOST,
    port: settings.WATTSTREAM_INGEST_PORT,
    ...(parts.tls === undefined ? {} : { tls: parts.tls }),
    rule: {
      acceptUnknown: settings.WATTSTREAM_ACCEPT_UNKNOWN,
      allowPlain: settings.WATTSTREAM_ALLOW_PLAIN,
    },
    maxFrameBytes: settings.WATTSTREAM_MAX_FRAME_BYTES,
    handshakeMs: settings.WATTSTREAM_HANDSHAKE_MS,
    connectionsPerAddress: settings.WATTSTREAM_CONNECTIONS_PER_ADDRESS,
    ...(parts.admission === undefined ? {} : { admission: parts.admission }),
    publisher,
    directory,
    gateway,
    metrics,
    log,
    clock,
  });
  let stopping = false;
  return {
    port: server.port,
    gateway,
    ready: () =>
      stopping ? 'stopping' : publisher.state === 'stalled' ? 'no confirms from RabbitMQ' : undefined,
    async close() {
      stopping = true;
      server.stopAdmitting();
      // First: a command that comes now would wait for an answer that nobody reads.
      await desk?.close();
      await gateway.drain(settings.WATTSTREAM_DRAIN_MS * DRAIN_SHARE.chargers);
      await server.close();
    },
  };
}

export const activeOptions = (
  settings: Pick<Settings, 'WATTSTREAM_CONCURRENT_HOURS' | 'WATTSTREAM_CONCURRENT_MAX'>,
): ActiveOptions => ({
  forgetMs: settings.WATTSTREAM_CONCURRENT_HOURS * 3_600_000,
  limit: settings.WATTSTREAM_CONCURRENT_MAX,
});

const each = (...listeners: readonly (GatewayListener | undefined)[]): GatewayListener => ({
  connected: (connection) => {
    for (const listener of listeners) listener?.connected?.(connection);
  },
  disconnected: (connection) => {
    for (const listener of listeners) listener?.disconnected?.(connection);
  },
});
