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
import { messageOf } from '../platform/errors.js';
import { Lifecycle } from '../platform/lifecycle.js';
import { createLogger } from '../platform/logger.js';
import { collectDefaultMetrics, Registry } from '../platform/metrics.js';
import { createCommandSender } from '../queues/rabbitmq/command-sender.js';
import { createDeadLetters } from '../queues/rabbitmq/dead-letters.js';
import { createKeptCommands } from '../queues/rabbitmq/kept-commands.js';
import { createListWakes } from '../queues/rabbitmq/list-wakes.js';
import { createNotificationFeed } from '../queues/rabbitmq/notification-feed.js';
import { openQueues } from '../queues/rabbitmq/open.js';
import { createWebhookQueues } from '../queues/rabbitmq/webhook-queues.js';
import { telling } from '../queues/telling.js';
import { firstAdminText, LOST_FIRST_PASSWORD, makeFirstAdminAtLast } from '../registry/first-admin.js';
import { observeLogins, observeReplica } from '../registry/metrics.js';
import { openRegistry } from '../registry/rabbitmq/open.js';
import { openLogins } from '../registry/rabbitmq/open-logins.js';
import { createRabbitEventLog } from '../streams/rabbitmq/event-log.js';
import { createRabbitInspector } from '../streams/rabbitmq/inspector.js';
import { buildApp } from './app.js';
import { createAccounts } from './auth/accounts.js';
import { authenticationFrom } from './auth/from-settings.js';
import { livePrices } from './charging/live-prices.js';
import { openCharging } from './charging/open.js';
import { SessionPricer } from './charging/pricer.js';
import { coalesced } from './coalesce.js';
import { historyFrom } from './commands/history.js';
import { openCommands } from './commands/open.js';
import { ErasureDesk } from './erasure/desk.js';
import { createLiveView } from './live/index.js';
import { openLocalLists } from './local-lists/open.js';
import { watchReadiness } from './readiness.js';
import { RotationDesk } from './rotation/desk.js';
import { createWebhooks } from './webhooks/index.js';

const settings = readSettings();
const log = createLogger('api', settings.WATTSTREAM_LOG_LEVEL);
const lifecycle = new Lifecycle(log, settings.WATTSTREAM_DRAIN_MS);
lifecycle.listen();

// Before anything is opened: a secret that is missing or weak ends the process with its reason.
const { mode } = authenticationFrom(settings);
if (mode === 'off')
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

const queues = lifecycle.hold(
  'queues',
  openQueues(settings, 'wattstream api', log, { loginDays: settings.WATTSTREAM_LOGIN_DAYS }),
);
const { connection, prefix, topology } = queues;
const { store: registry } = lifecycle.hold(
  'registry',
  openRegistry({
    address: streamAddress(settings),
    topology,
    connection,
    publisher: queues.events,
    writeMs: settings.WATTSTREAM_REGISTRY_WRITE_MS,
    snapshotEvents: settings.WATTSTREAM_REGISTRY_SNAPSHOT_EVENTS,
    tendsKeys: true,
    log,
  }),
);
observeReplica(registry.replica, metrics);
// Without a secret nobody logs in here.
const loginStore =
  settings.WATTSTREAM_JWT_SECRET === undefined
    ? undefined
    : lifecycle.hold(
        'logins',
        openLogins({
          address: streamAddress(settings),
          topology,
          publisher: queues.events,
          writeMs: settings.WATTSTREAM_REGISTRY_WRITE_MS,
          log,
        }),
      ).store;
if (loginStore !== undefined) observeLogins(loginStore.replica, metrics);
const accounts = createAccounts({
  settings,
  store: registry,
  ...(loginStore === undefined ? {} : { loginStore }),
  publisher: queues.events,
  now: Date.now,
  log,
});
const authentication = accounts.confirm(authenticationFrom(settings, accounts.authenticators));
if (mode === 'required' && accounts.routes !== undefined && settings.WATTSTREAM_FIRST_ADMIN) {
  const stopping = new AbortController();
  lifecycle.hold('first admin', { close: () => stopping.abort() });
  void registry.replica.level
    .then(() =>
      makeFirstAdminAtLast(registry, settings.WATTSTREAM_ADMIN_EMAIL, {
        signal: stopping.signal,
        onFailure: ({ code, message, remedy }, maybeMade) =>
          log.warn(
            { code, error: message, remedy: maybeMade ? LOST_FIRST_PASSWORD : remedy },
            'the first admin could not be made; trying again',
          ),
      }),
    )
    // To the terminal alone: a log is kept, and read by others.
    .then((made) => made && process.stderr.write(firstAdminText(made)))
    .catch((error: unknown) => {
      if (stopping.signal.aborted) return;
      log.warn({ error: messageOf(error), remedy: LOST_FIRST_PASSWORD }, 'the first admin could not be made');
    });
}
const health = {
  ready: () => registry.replica.ready() ?? loginStore?.replica.ready() ?? readiness.ready(),
};

const logOf = (stream: string) => createRabbitEventLog({ address: streamAddress(settings), stream, log });
const { streams } = messageNames(prefix);
const eventLog = lifecycle.hold('events of the log', logOf(streams.chargingEvents));
const cmsLog = lifecycle.hold('changes of the registry', logOf(streams.cmsEvents));
const pricer = new SessionPricer({ queries, replica: registry.replica });
const live = createLiveView({
  settings,
  queries,
  authentication,
  feed: createNotificationFeed({ connection, prefix }),
  events: eventLog,
  whereabouts: { stationOf: (id) => registry.replica.get('point', id)?.state.station },
  prices: livePrices(pricer),
  metrics,
  log,
});
const sender = createCommandSender({ connection, prefix, locateMs: settings.WATTSTREAM_LOCATE_MS });
const events = telling({ publisher: queues.events, stationOf: live.stationOf, log });
const { service: commands, book } = lifecycle.hold(
  'commands',
  openCommands({
    settings,
    sender,
    events,
    kept: createKeptCommands({ connection, prefix }),
    log: eventLog,
    history: historyFrom(queries),
    logger: log,
  }),
);
const rotations = lifecycle.hold(
  'changes of keys',
  new RotationDesk({
    store: registry,
    commands,
    book,
    sender,
    clock: { now: Date.now },
    seconds: settings.WATTSTREAM_COMMAND_SECONDS,
    rememberMs: settings.WATTSTREAM_COMMAND_MEMORY_MINUTES * 60_000,
    spread: Math.random(),
    logger: log,
  }),
);
const lists = lifecycle.hold(
  'local lists',
  openLocalLists({
    settings,
    replica: registry.replica,
    commands,
    book,
    sender,
    wakes: createListWakes({ connection, prefix }),
    queries,
    logger: log,
  }),
);
const charging = lifecycle.hold(
  'charging',
  openCharging({
    settings,
    store: registry,
    commands,
    sender,
    events,
    log: eventLog,
    queries,
    pricer,
    protocolOf: (id) => book.protocol(id),
    logger: log,
  }),
);
const access = {
  authentication,
  stationOf: live.stationOf,
  hosts: settings.WATTSTREAM_API_ALLOWED_HOSTS,
  onAdmitted: accounts.onAdmitted,
};
const webhooks = lifecycle.hold(
  'webhooks',
  createWebhooks({
    settings,
    store: registry,
    queues: createWebhookQueues({ connection, prefix, replicas: settings.WATTSTREAM_REPLICAS }),
    attempts: lifecycle.hold('attempts of webhooks', logOf(streams.webhookAttempts)),
    log,
  }),
);
const app = await buildApp({
  queries,
  inspector,
  eventStreams: [
    { stream: messageNames('').streams.chargingEvents, log: eventLog },
    { stream: messageNames('').streams.cmsEvents, log: cmsLog },
  ],
  registry,
  imports: { bytes: settings.WATTSTREAM_IMPORT_BYTES, items: settings.WATTSTREAM_IMPORT_ITEMS },
  commands: { commands, stationOf: live.stationOf },
  points: { rotations, lists: lists.shelf },
  charging,
  erasure: {
    store: registry,
    desk: new ErasureDesk({
      store: registry,
      isCharging: async (account) => {
        const { sessions } = await charging.sessions.list(account, {
          limit: 1,
          cursor: '',
          status: 'active',
        });
        return sessions.length > 0;
      },
      patienceMs: settings.WATTSTREAM_REGISTRY_WRITE_MS,
      now: Date.now,
      logger: log,
    }),
  },
  webhooks: webhooks.routes,
  deadLetters: createDeadLetters({ amqpUrl: settings.RABBITMQ_URL, prefix, events: queues.events }),
  health,
  access,
  ...(accounts.routes === undefined ? {} : { accounts: accounts.routes }),
  // Whoever needs no token is on this machine, and tries it out.
  ...(mode === 'off'
    ? {}
    : {
        rates: {
          perAddress: settings.WATTSTREAM_RATE_PER_ADDRESS,
          perPrincipal: settings.WATTSTREAM_RATE_PER_PRINCIPAL,
          perAddressForLogins: settings.WATTSTREAM_RATE_LOGIN,
        },
      }),
  trustedProxies: settings.WATTSTREAM_TRUSTED_PROXIES,
  metrics,
  log,
});
await app.listen({ host: settings.WATTSTREAM_API_HOST, port: settings.WATTSTREAM_API_PORT });
lifecycle.hold('requests', app);
live.attach(app.server);
lifecycle.hold('live', live);
log.info({ addresses: app.addresses() }, 'listening');
