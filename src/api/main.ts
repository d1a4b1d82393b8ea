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
import { createRabbitEventLog } from '../streams/rabbitmq/event-log.js';
import { createRabbitInspector } from '../streams/rabbitmq/inspector.js';
import { buildApp } from './app.js';
import { coalesced } from './coalesce.js';
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
const { chargingEvents } = messageNames('').streams;
const eventStreams = [chargingEvents].map((stream) => ({
  stream,
  log: lifecycle.hold(
    stream,
    createRabbitEventLog({
      address: streamAddress(settings),
      stream: `${settings.WATTSTREAM_PREFIX}${stream}`,
      timeoutMs: 5_000,
    }),
  ),
}));
const readiness = lifecycle.hold(
  'readiness',
  watchReadiness({ ask: () => queries.ping(), everyMs: 1_000, log }),
);

const app = await buildApp({ queries, inspector, eventStreams, health: readiness, metrics, log });
await app.listen({ host: settings.WATTSTREAM_API_HOST, port: settings.WATTSTREAM_API_PORT });
lifecycle.hold('requests', app);
log.info({ addresses: app.addresses() }, 'listening');
