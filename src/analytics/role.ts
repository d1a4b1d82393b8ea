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
import { createLogger, type Logger } from '../platform/logger.js';
import { collectDefaultMetrics, Registry } from '../platform/metrics.js';
import { untilSuccess } from '../platform/retry.js';
import type { OpenQueues } from '../queues/rabbitmq/open.js';
import type { EventLog, LogReader } from '../streams/ports.js';
import type { RabbitEventLogOptions } from '../streams/rabbitmq/event-log.js';
import type { RabbitReaderOptions } from '../streams/rabbitmq/reader.js';
import type { TopologyOptions } from '../streams/rabbitmq/topology.js';
import { acceptedGaps } from '../streams/start.js';
import { type ClickHouseClient, createClickHouse } from './clickhouse.js';
import { withFirstPartition } from './events/alongside.js';
import { eventReaders } from './events/readers.js';
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
  openQueues(settings: Settings, name: string, log: Logger): OpenQueues;
  createEventLog(options: RabbitEventLogOptions): EventLog;
  createRowWriter(client: ClickHouseClient): RowWriter;
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
  const rows = wiring.createRowWriter(clickhouse);
  const address = streamAddress(settings);
  const { WATTSTREAM_PREFIX: prefix, WATTSTREAM_PARTITIONS: partitions } = settings;
  const active = lifecycle.hold('active generation', watchActiveGeneration(clickhouse, run.generation, log));
  const queues = lifecycle.hold('queues', wiring.openQueues(settings, 'wattstream analytics', log));
  const processorMetrics = createProcessorMetrics(metrics);
  const announcer = new Announcer(
    { publisher: queues.events, isActive: () => active.isActive, log, metrics: processorMetrics },
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
        rows,
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
  const events = eventReaders({ settings, clickhouse, rows, log, metrics, open: wiring.createEventLog });
  for (const { name, log: stream, reader } of events) {
    lifecycle.hold(name, stream);
    lifecycle.hold(name, reader);
  }
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
    await untilItAnswers('the queues', () => queues.declare());
    await untilItAnswers('the active generation', () => active.start());
    const readers = events.map((one) => one.reader);
    await reader.start(withFirstPartition(processor, readers));
    readiness = () =>
      processor.trouble() ?? readers.map((one) => one.trouble()).find((why) => why !== undefined);
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
