/**
 * The role `analytics`, put together out of settings and concrete clients.
 *
 * Order of start: health first (not ready), then the tables, the log and the queues. All are tried until they answer,
 * so that the order in which the parts of an installation come up does not matter. Order of stop: nobody waits
 * for ClickHouse any more, the reader (no more records; what was read is written with a checkpoint), the
 * processor, the publisher of what it announced, the clients.
 */
import { type Settings, streamAddress } from '../platform/config.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import { Lifecycle, serveOps } from '../platform/lifecycle.js';
import { createLogger } from '../platform/logger.js';
import { collectDefaultMetrics, Registry } from '../platform/metrics.js';
import { untilSuccess } from '../platform/retry.js';
import type { EventPublisher } from '../queues/ports.js';
import type { QueueConnection, QueueConnectionOptions } from '../queues/rabbitmq/connection.js';
import type { EventPublisherOptions } from '../queues/rabbitmq/publisher.js';
import type { QueueTopologyOptions } from '../queues/rabbitmq/topology.js';
import type { LogReader } from '../streams/ports.js';
import type { RabbitReaderOptions } from '../streams/rabbitmq/reader.js';
import type { TopologyOptions } from '../streams/rabbitmq/topology.js';
import { acceptedGaps } from '../streams/start.js';
import { type ClickHouseClient, createClickHouse } from './clickhouse.js';
import { watchActiveGeneration } from './pipeline/active-generation.js';
import { Announcer } from './pipeline/announcer.js';
import { createCheckpoints } from './pipeline/checkpoints.js';
import { createProcessorMetrics } from './pipeline/metrics.js';
import type { RowWriter } from './pipeline/ports.js';
import { Processor } from './pipeline/processor.js';
import { migrate } from './schema/migrate.js';

/** What reaches the log and the tables. */
export interface AnalyticsWiring {
  ensureTopology(options: TopologyOptions): Promise<void>;
  createReader(options: RabbitReaderOptions): LogReader;
  createRowWriter(client: ClickHouseClient): RowWriter;
  ensureQueueTopology(options: QueueTopologyOptions): Promise<void>;
  connectQueues(options: QueueConnectionOptions): QueueConnection;
  createEventPublisher(options: EventPublisherOptions): EventPublisher;
}

/** Resolves when it reads (or was stopped while it started); it ends by a signal. */
export async function runAnalytics(settings: Settings, wiring: AnalyticsWiring): Promise<void> {
  const log = createLogger('analytics', settings.WATTSTREAM_LOG_LEVEL);
  const lifecycle = new Lifecycle(log, settings.WATTSTREAM_DRAIN_MS);
  lifecycle.listen();
  const stopped = new AbortController();

  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  let readiness = (): string | undefined => 'starting';
  const ops = lifecycle.hold(
    'ops',
    await serveOps({
      host: settings.WATTSTREAM_API_HOST,
      port: settings.WATTSTREAM_OPS_PORT,
      health: { ready: () => readiness() },
      metrics,
    }),
  );

  const clickhouse = lifecycle.hold('clickhouse', createClickHouse(settings, { requestTimeoutMs: 120_000 }));
  const beforeDatabase = lifecycle.hold('clickhouse', createClickHouse(settings, { database: false }));
  const run = { generation: settings.WATTSTREAM_GENERATION, epoch: settings.WATTSTREAM_EPOCH };
  const address = streamAddress(settings);
  const { WATTSTREAM_PREFIX: prefix, WATTSTREAM_PARTITIONS: partitions } = settings;
  const queueTopology = {
    amqpUrl: settings.RABBITMQ_URL,
    prefix,
    eventsRetentionDays: settings.WATTSTREAM_EVENTS_RETENTION_DAYS,
    replicas: settings.WATTSTREAM_REPLICAS,
    log,
  };
  const active = lifecycle.hold('active generation', watchActiveGeneration(clickhouse, run.generation, log));
  const connection = lifecycle.hold(
    'queues',
    wiring.connectQueues({
      amqpUrl: settings.RABBITMQ_URL,
      name: 'wattstream analytics',
      log,
      repair: () => wiring.ensureQueueTopology(queueTopology),
    }),
  );
  const publisher = lifecycle.hold(
    'events',
    wiring.createEventPublisher({
      connection,
      prefix,
      maxUnconfirmed: settings.WATTSTREAM_EVENTS_UNCONFIRMED_MAX,
    }),
  );
  const processorMetrics = createProcessorMetrics(metrics);
  const announcer = new Announcer(
    { publisher, isActive: () => active.isActive, log, metrics: processorMetrics },
    {
      unconfirmedMax: settings.WATTSTREAM_ANNOUNCE_UNCONFIRMED,
      maxAgeMs: settings.WATTSTREAM_ANNOUNCE_HOURS * 3_600_000,
      stalledMs: settings.WATTSTREAM_STALL_MS,
    },
  );
  const processor = lifecycle.hold(
    'processor',
    new Processor(
      {
        rows: wiring.createRowWriter(clickhouse),
        checkpoints: createCheckpoints(clickhouse, run, log),
        announcer,
        log,
        metrics: processorMetrics,
        refuse: (refusal) => void reader.refuse(refusal),
      },
      {
        ...run,
        flushMs: settings.WATTSTREAM_FLUSH_MS,
        flushRecords: settings.WATTSTREAM_FLUSH_RECORDS,
        checkpointMs: settings.WATTSTREAM_CHECKPOINT_MS,
        checkpointRecords: settings.WATTSTREAM_CHECKPOINT_RECORDS,
        sessionDays: settings.WATTSTREAM_SESSION_DAYS,
        undecodableRatio: settings.WATTSTREAM_UNDECODABLE_RATIO,
      },
    ),
  );
  const reader = lifecycle.hold(
    'reader',
    wiring.createReader({
      address,
      prefix,
      partitions,
      group: `analytics.${run.generation}`,
      acceptedGaps: acceptedGaps(settings.WATTSTREAM_ACCEPT_GAP),
      log,
    }),
  );
  lifecycle.hold('start', {
    close() {
      stopped.abort();
      processor.leave();
    },
  });

  try {
    await untilItAnswers('the tables', () =>
      migrate(beforeDatabase, {
        database: settings.CLICKHOUSE_DATABASE,
        cluster: settings.WATTSTREAM_CLICKHOUSE_CLUSTER,
      }),
    );
    await untilItAnswers('the log', () =>
      wiring.ensureTopology({
        amqpUrl: settings.RABBITMQ_URL,
        address,
        prefix,
        partitions,
        retentionDays: settings.WATTSTREAM_RETENTION_DAYS,
        replicas: settings.WATTSTREAM_REPLICAS,
        log,
      }),
    );
    await untilItAnswers('the queues', () => wiring.ensureQueueTopology(queueTopology));
    await untilItAnswers('the active generation', () => active.start());
    await reader.start(processor);
    readiness = () => processor.trouble();
    log.info({ ops: ops.port, ...run, partitions }, 'reading the log into the tables');
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
  }

  /** Faults that waiting can mend are waited for; the others (an edited migration, say) end the process. */
  async function untilItAnswers<T>(what: string, ask: () => Promise<T>): Promise<T> {
    return untilSuccess(ask, {
      backoff: { firstMs: 250, maxMs: 5_000 },
      signal: stopped.signal,
      onFailure: (error) => {
        if (error instanceof WattstreamError && !error.canRetry && error.code !== 'TIMEOUT') throw error;
        readiness = () => `${what}: ${messageOf(error)}`;
        log.warn({ code: 'NOT_YET', what, error: messageOf(error) }, 'does not answer yet; trying again');
      },
    });
  }
}
