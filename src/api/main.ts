/**
 * The role `api`: composition root, the only file here that names concrete clients and the environment.
 *
 * It listens at once and says 503 where something it needs is away, so that a page can say what is missing.
 * Order of stop: no new requests and those under way finished, then the clients.
 */
import { createClickHouse } from '../analytics/clickhouse.js';
import { createQueries } from '../analytics/queries/ask.js';
import { messageNames } from '../domain/messages/names.js';
import { readSettings, streamAddress } from '../platform/config.js';
import { Lifecycle } from '../platform/lifecycle.js';
import { createLogger } from '../platform/logger.js';
import { collectDefaultMetrics, Registry } from '../platform/metrics.js';
import { createCommandSender } from '../queues/rabbitmq/command-sender.js';
import { QueueConnection } from '../queues/rabbitmq/connection.js';
import { createKeptCommands } from '../queues/rabbitmq/kept-commands.js';
import { createEventPublisher } from '../queues/rabbitmq/publisher.js';
import { ensureQueueTopology } from '../queues/rabbitmq/topology.js';
import { createRabbitEventLog } from '../streams/rabbitmq/event-log.js';
import { createRabbitInspector } from '../streams/rabbitmq/inspector.js';
import { buildApp } from './app.js';
import { coalesced } from './coalesce.js';
import { historyFrom } from './commands/history.js';
import { openCommands } from './commands/open.js';
import { watchReadiness } from './readiness.js';

const settings = readSettings();
const log = createLogger('api', settings.WATTSTREAM_LOG_LEVEL);
const lifecycle = new Lifecycle(log, settings.WATTSTREAM_DRAIN_MS);
lifecycle.listen();

const metrics = new Registry();
collectDefaultMetrics({ register: metrics });
const clickhouse = lifecycle.hold('database', createClickHouse(settings, { application: 'wattstream-api' }));
const queries = coalesced(createQueries({ client: clickhouse }));
const inspector = lifecycle.hold(
  'log',
  createRabbitInspector({
    address: streamAddress(settings),
    prefix: settings.WATTSTREAM_PREFIX,
    partitions: settings.WATTSTREAM_PARTITIONS,
    timeoutMs: 5_000,
  }),
);
const readiness = lifecycle.hold(
  'readiness',
  watchReadiness({ ask: () => queries.ping(), everyMs: 1_000, log }),
);

const { RABBITMQ_URL: amqpUrl, WATTSTREAM_PREFIX: prefix } = settings;
const connection = lifecycle.hold(
  'queues',
  new QueueConnection({
    amqpUrl,
    name: 'wattstream api',
    log,
    repair: () =>
      ensureQueueTopology({
        amqpUrl,
        prefix,
        eventsRetentionDays: settings.WATTSTREAM_EVENTS_RETENTION_DAYS,
        replicas: settings.WATTSTREAM_REPLICAS,
        log,
      }),
  }),
);
const events = lifecycle.hold(
  'events',
  createEventPublisher({
    connection,
    prefix,
    maxUnconfirmed: settings.WATTSTREAM_EVENTS_UNCONFIRMED_MAX,
  }),
);
const eventLog = lifecycle.hold(
  'events of the log',
  createRabbitEventLog({
    address: streamAddress(settings),
    stream: messageNames(prefix).streams.chargingEvents,
    log,
  }),
);
const cmsLog = lifecycle.hold(
  'changes of the registry',
  createRabbitEventLog({
    address: streamAddress(settings),
    stream: messageNames(prefix).streams.cmsEvents,
    log,
  }),
);
const commands = lifecycle.hold(
  'commands',
  openCommands({
    settings,
    sender: createCommandSender({ connection, prefix, locateMs: settings.WATTSTREAM_LOCATE_MS }),
    events,
    kept: createKeptCommands({ connection, prefix }),
    log: eventLog,
    history: historyFrom(queries),
    logger: log,
  }),
);

const app = await buildApp({
  queries,
  inspector,
  eventStreams: [
    { stream: messageNames('').streams.chargingEvents, log: eventLog },
    { stream: messageNames('').streams.cmsEvents, log: cmsLog },
  ],
  health: readiness,
  metrics,
  log,
  commands: { commands: commands.service },
});
await app.listen({ host: settings.WATTSTREAM_API_HOST, port: settings.WATTSTREAM_API_PORT });
lifecycle.hold('requests', app);
log.info({ addresses: app.addresses() }, 'listening');
