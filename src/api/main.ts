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
import { QueueConnection } from '../queues/rabbitmq/connection.js';
import { createDeadLetters } from '../queues/rabbitmq/dead-letters.js';
import { createNotificationFeed } from '../queues/rabbitmq/notification-feed.js';
import { createEventPublisher } from '../queues/rabbitmq/publisher.js';
import { ensureQueueTopology } from '../queues/rabbitmq/topology.js';
import { openRegistry } from '../registry/rabbitmq/open.js';
import { createRabbitEventLog } from '../streams/rabbitmq/event-log.js';
import { createRabbitInspector } from '../streams/rabbitmq/inspector.js';
import { buildApp } from './app.js';
import { authenticationFrom } from './auth/from-settings.js';
import { coalesced } from './coalesce.js';
import { createLiveView } from './live/index.js';
import { watchReadiness } from './readiness.js';

const settings = readSettings();
const log = createLogger('api', settings.WATTSTREAM_LOG_LEVEL);
const lifecycle = new Lifecycle(log, settings.WATTSTREAM_DRAIN_MS);
lifecycle.listen();

const authentication = authenticationFrom(settings);
if (authentication.mode === 'off')
  log.warn(
    { host: settings.WATTSTREAM_API_HOST, remedy: 'Set WATTSTREAM_AUTH=required.' },
    'nobody is asked who they are: whoever reaches this API may do everything',
  );

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

const topology = {
  amqpUrl: settings.RABBITMQ_URL,
  prefix: settings.WATTSTREAM_PREFIX,
  eventsRetentionDays: settings.WATTSTREAM_EVENTS_RETENTION_DAYS,
  replicas: settings.WATTSTREAM_REPLICAS,
  log,
};
const queues = lifecycle.hold(
  'queues',
  new QueueConnection({
    amqpUrl: settings.RABBITMQ_URL,
    name: 'wattstream api',
    repair: () => ensureQueueTopology(topology),
    log,
  }),
);
const publisher = lifecycle.hold(
  'events',
  createEventPublisher({
    connection: queues,
    prefix: settings.WATTSTREAM_PREFIX,
    maxUnconfirmed: settings.WATTSTREAM_EVENTS_UNCONFIRMED_MAX,
  }),
);
const { store: registry } = lifecycle.hold(
  'registry',
  openRegistry({
    address: streamAddress(settings),
    topology,
    connection: queues,
    publisher,
    writeMs: settings.WATTSTREAM_REGISTRY_WRITE_MS,
    snapshotEvents: settings.WATTSTREAM_REGISTRY_SNAPSHOT_EVENTS,
    log,
  }),
);
const health = { ready: () => registry.replica.ready() ?? readiness.ready() };

const events = lifecycle.hold(
  'events log',
  createRabbitEventLog({
    address: streamAddress(settings),
    stream: messageNames(settings.WATTSTREAM_PREFIX).streams.chargingEvents,
    log,
  }),
);
const live = createLiveView({
  settings,
  queries,
  authentication,
  feed: createNotificationFeed({ connection: queues, prefix: settings.WATTSTREAM_PREFIX }),
  events,
  whereabouts: { stationOf: (id) => registry.replica.get('point', id)?.state.station },
  metrics,
  log,
});
const access = {
  authentication,
  stationOf: live.stationOf,
  hosts: settings.WATTSTREAM_API_ALLOWED_HOSTS,
};
const deadLetters = createDeadLetters({
  amqpUrl: settings.RABBITMQ_URL,
  prefix: settings.WATTSTREAM_PREFIX,
  events: publisher,
});
const app = await buildApp({ queries, inspector, registry, deadLetters, health, access, metrics, log });
await app.listen({ host: settings.WATTSTREAM_API_HOST, port: settings.WATTSTREAM_API_PORT });
lifecycle.hold('requests', app);
live.attach(app.server);
lifecycle.hold('live', live);
log.info({ addresses: app.addresses() }, 'listening');
