/**
 * The role `ingest`, put together out of settings and concrete clients.
 *
 * Order of start: the port opens first and says 503, so that a charger is told something while the broker is
 * away; then the topology, then the publisher (both tried until they succeed); then the registry is read; then
 * GatewayStarted; then chargers. Order of stop: chargers, the last steps of their commands, publisher, registry,
 * ops port. Commands and announcements of sessions connect by themselves, whenever the broker is there; no charger
 * waits for them.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { ActiveTransactions } from '../domain/charging/active-transactions.js';
import { PROTOCOLS } from '../domain/ocpp/record.js';
import { warmUp } from '../domain/ocpp/schemas.js';
import { type Settings, streamAddress } from '../platform/config.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import { Lifecycle, serveOps } from '../platform/lifecycle.js';
import { createLogger, type Logger } from '../platform/logger.js';
import { collectDefaultMetrics, Registry } from '../platform/metrics.js';
import { untilSuccess } from '../platform/retry.js';
import type { EventPublisher } from '../queues/ports.js';
import { telling } from '../queues/telling.js';
import { directoryOf } from '../registry/directory.js';
import { observeReplica } from '../registry/metrics.js';
import type { OpenReplica } from '../registry/rabbitmq/open.js';
import { registrySource } from '../registry/source.js';
import { readStaticSource } from '../registry/static.js';
import type { EventLog, FramePublisher } from '../streams/ports.js';
import type { RabbitPublisherOptions } from '../streams/rabbitmq/publisher.js';
import type { TopologyOptions } from '../streams/rabbitmq/topology.js';
import type { CommandParts } from './commands.js';
import { activeOptions, DRAIN_SHARE, startIngest } from './ingest.js';
import { LatePublisher } from './late-publisher.js';
import { sayAlive } from './liveness.js';
import { hearSessions } from './sessions-heard.js';

/** What reaches the log. */
export interface IngestWiring {
  ensureTopology(options: TopologyOptions): Promise<void>;
  createPublisher(options: RabbitPublisherOptions): FramePublisher;
  openReplica(settings: Settings, log: Logger): OpenReplica;
  /** What is announced on `charging.events`. Without it a gateway knows of no transactions but its own. */
  openEvents?(settings: Settings, log: Logger): Pick<EventLog, 'follow' | 'close'>;
  /** Returns at once, also while the broker is away. Without it chargers cannot be reached by commands. */
  openCommands?(options: CommandWiringOptions): CommandParts & {
    readonly events: Pick<EventPublisher, 'publishChargingEvent' | 'publishNotification'>;
    close(drainMs: number): Promise<void>;
  };
}

export interface CommandWiringOptions {
  readonly settings: Settings;
  readonly gatewayId: string;
  readonly log: Logger;
}

/** Resolves when it runs (or was stopped while it started); it ends by a signal. */
export async function runIngest(settings: Settings, wiring: IngestWiring): Promise<void> {
  const log = createLogger('ingest', settings.WATTSTREAM_LOG_LEVEL);
  const lifecycle = new Lifecycle(log, settings.WATTSTREAM_DRAIN_MS);
  lifecycle.listen();

  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const file = readStaticSource(settings.WATTSTREAM_CHARGE_POINTS);
  // The first charger after a restart must not wait for schemas to be compiled; nor the thousand after it.
  warmUp(PROTOCOLS);
  const gatewayId = settings.WATTSTREAM_GATEWAY ?? `${hostname()}:${settings.WATTSTREAM_INGEST_PORT}`;
  const publisher = new LatePublisher(settings.WATTSTREAM_PARTITIONS);
  let readiness = (): string | undefined => 'starting';

  const ops = lifecycle.hold(
    'ops',
    await serveOps({
      // Not the chargers' network: metrics are for the people who run this.
      host: settings.WATTSTREAM_API_HOST,
      port: settings.WATTSTREAM_OPS_PORT,
      health: { ready: () => readiness() },
      metrics,
    }),
  );
  const { replica } = lifecycle.hold('registry', wiring.openReplica(settings, log));
  observeReplica(replica, metrics);
  // What the file of a small site says comes first; of what it does not know the registry is asked.
  const directory = directoryOf([file, registrySource(replica)], {
    acceptUnknown: settings.WATTSTREAM_ACCEPT_UNKNOWN,
    allowConcurrent: settings.WATTSTREAM_ALLOW_CONCURRENT,
  });
  const transactions = new ActiveTransactions(activeOptions(settings));
  lifecycle.hold('publisher', {
    close: () => publisher.close(settings.WATTSTREAM_DRAIN_MS * DRAIN_SHARE.publisher),
  });
  const commands = wiring.openCommands?.({ settings, gatewayId, log });
  if (commands !== undefined)
    lifecycle.hold('commands', {
      close: () => commands.close(settings.WATTSTREAM_DRAIN_MS * DRAIN_SHARE.publisher),
    });
  const ingest = lifecycle.hold(
    'chargers',
    await startIngest({
      settings,
      gatewayId,
      publisher,
      directory,
      transactions,
      metrics,
      log,
      ...(commands === undefined
        ? {}
        : {
            commands: {
              ...commands,
              events: telling({
                publisher: commands.events,
                stationOf: (id) => directory.find(id)?.station,
                log,
              }),
            },
          }),
      ...tlsOf(settings),
    }),
  );
  readiness = () => replica.ready() ?? ingest.ready();
  log.info({ port: ingest.port, ops: ops.port, gateway: gatewayId }, 'listening');

  if (!settings.WATTSTREAM_ALLOW_CONCURRENT && wiring.openEvents !== undefined) {
    const events = lifecycle.hold('events', wiring.openEvents(settings, log));
    const heard = hearSessions({
      log: events,
      transactions,
      lookBackMs: settings.WATTSTREAM_CONCURRENT_LOOKBACK_MINUTES * 60_000,
      now: Date.now,
      logger: log,
    });
    lifecycle.hold('sessions', heard);
  }
  const stopped = new AbortController();
  lifecycle.hold('start', { close: () => stopped.abort() });
  try {
    const arrived = await untilSuccess(connect, {
      backoff: { firstMs: 500, maxMs: 10_000 },
      signal: stopped.signal,
      onFailure: (error) => {
        // Waiting does not change the number of partitions: end, loudly.
        if (error instanceof WattstreamError && error.code === 'PARTITIONS_DIFFER') throw error;
        log.warn({ code: 'NOT_YET', error: messageOf(error) }, 'the broker cannot be used yet; trying again');
      },
    });
    // Half a registry would turn away chargers that are welcome, and price sessions wrongly.
    await untilAborted(replica.level, stopped.signal);
    // Ahead of every Connected of this process: chargers are let in by `arrive`.
    lifecycle.hold('liveness', sayAlive({ publisher: arrived, gateway: gatewayId, now: Date.now, log }));
    publisher.arrive(arrived);
    log.info({ partitions: settings.WATTSTREAM_PARTITIONS }, 'frames have a place to go');
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
  }

  async function connect(): Promise<FramePublisher> {
    const { WATTSTREAM_PREFIX: prefix, WATTSTREAM_PARTITIONS: partitions } = settings;
    const address = streamAddress(settings);
    await wiring.ensureTopology({
      amqpUrl: settings.RABBITMQ_URL,
      address,
      prefix,
      partitions,
      retentionDays: settings.WATTSTREAM_RETENTION_DAYS,
      replicas: settings.WATTSTREAM_REPLICAS,
      log,
    });
    return wiring.createPublisher({
      address,
      prefix,
      partitions,
      gateway: gatewayId,
      maxRecordBytes: settings.WATTSTREAM_MAX_FRAME_BYTES,
      maxUnconfirmed: settings.WATTSTREAM_UNCONFIRMED_MAX,
      stallMs: settings.WATTSTREAM_STALL_MS,
      log,
    });
  }
}

/** Rejects with the signal's reason when that comes first. */
const untilAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  Promise.race([
    promise,
    new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    ),
  ]);

function tlsOf(from: Settings): { tls?: { cert: Buffer; key: Buffer; ca?: Buffer } } {
  const { WATTSTREAM_INGEST_TLS_CERT: cert, WATTSTREAM_INGEST_TLS_KEY: key } = from;
  if ((cert === undefined) !== (key === undefined))
    // Half a setting must not silently mean plain text.
    throw new WattstreamError('CONFIG_INVALID', 'Of TLS certificate and key only one is set', {
      remedy: 'Set WATTSTREAM_INGEST_TLS_CERT and WATTSTREAM_INGEST_TLS_KEY, or neither.',
    });
  if (cert === undefined || key === undefined) return {};
  const ca = from.WATTSTREAM_INGEST_TLS_CLIENT_CA;
  return {
    tls: {
      cert: readFileSync(cert),
      key: readFileSync(key),
      ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    },
  };
}
