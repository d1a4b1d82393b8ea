/**
 * The HTTP API, built but not listening, so that tests run it in process. It knows ports only: questions for
 * the tables, bounds of the log.
 */
import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify';
import type { Queries } from '../analytics/ports.js';
import type { Health } from '../platform/lifecycle.js';
import type { Logger } from '../platform/logger.js';
import { Histogram, type Registry } from '../platform/metrics.js';
import type { DeadLetters } from '../queues/ports.js';
import type { RegistryStore } from '../registry/store.js';
import type { LogInspector } from '../streams/ports.js';
import { type GuardOptions, guard, PUBLIC } from './auth/access.js';
import { createRates, type Rates } from './auth/rates.js';
import type { ImportLimits } from './cms/import-source.js';
import { collectMethods } from './methods.js';
import { createJsonSchemaTransforms, serializerCompiler, validatorCompiler } from './openapi.js';
import { errorHandler, sendProblem } from './problem.js';
import { analyticsRoutes } from './routes/analytics.js';
import { type AuthRouteOptions, authRoutes } from './routes/auth.js';
import { chargerRoutes } from './routes/charger.js';
import { chargerRecordRoutes } from './routes/charger-record.js';
import { cmsRoutes } from './routes/cms.js';
import { type CommandRouteOptions, commandRoutes } from './routes/commands.js';
import { deadLetterRoutes } from './routes/dead-letters.js';
import { type ErasureRouteOptions, erasureRoutes } from './routes/erasure.js';
import { eventsRoutes } from './routes/events.js';
import { type EventStream, opsRoutes } from './routes/ops.js';
import { type PointRouteOptions, pointRoutes } from './routes/points.js';
import { processRoutes } from './routes/process.js';
import { type UserRouteOptions, userRoutes } from './routes/user.js';
import { type WebhookRoutesOptions, webhookRoutes } from './routes/webhooks.js';
import { webRoutes } from './web.js';

export interface AppOptions {
  readonly queries: Queries;
  readonly inspector: Pick<LogInspector, 'bounds'>;
  /** Without it there is no CMS here. */
  readonly registry?: RegistryStore;
  /** Default: as the settings have it. */
  readonly imports?: ImportLimits;
  /** Streams of events that analytics stores. Default: none. */
  readonly eventStreams?: readonly EventStream[];
  /** Without it there are no webhooks here. */
  readonly webhooks?: WebhookRoutesOptions;
  /** Without it there are no routes to them. */
  readonly deadLetters?: DeadLetters;
  readonly health: Health;
  readonly access: GuardOptions;
  /** Without it nobody logs in here, and no keys are made. */
  readonly accounts?: AuthRouteOptions;
  /** Default: nobody is counted. */
  readonly rates?: Rates;
  /** Whose X-Forwarded-For is believed. Default: nobody's. */
  readonly trustedProxies?: readonly string[];
  readonly metrics: Registry;
  readonly log: Logger;
  /** Without it there are no routes for commands. */
  readonly commands?: CommandRouteOptions;
  /** What is done about charging points over OCPP. Without it there are no routes for that. */
  readonly points?: PointRouteOptions;
  /** Without it there are no routes for customers. */
  readonly charging?: UserRouteOptions;
  /** Without it nobody is erased here. */
  readonly erasure?: ErasureRouteOptions;
  /**
   * Default true. Its plugin requires an ES module in the CommonJS way, which Node can and jest cannot: tests in
   * process leave the page away and look at the document itself.
   */
  readonly docsPage?: boolean;
  /** Hears of every route as it is registered. */
  readonly onRoute?: (route: RouteOptions) => void;
}

/** A request id of the caller is kept when it is fit for a log line. */
const REQUEST_ID = /^[\w.:-]{1,64}$/;

export async function buildApp({
  queries,
  inspector,
  registry,
  imports,
  eventStreams = [],
  webhooks,
  deadLetters,
  health,
  access,
  accounts,
  rates,
  trustedProxies = [],
  metrics,
  log,
  commands,
  points,
  charging,
  erasure,
  docsPage = true,
  onRoute,
}: AppOptions): Promise<FastifyInstance> {
  const onError = errorHandler(log);
  const app = Fastify({
    logger: false,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: 256 * 1024,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 72_000,
    // Idle connections are closed at once when the process stops; answers under way are finished.
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 1_000, ignoreTrailingSlash: true },
    requestIdHeader: false,
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    frameworkErrors: (error, request, reply) => {
      onError(error, request, reply);
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  const methodsOf = collectMethods(app);
  if (onRoute !== undefined) app.addHook('onRoute', onRoute);

  const seconds = new Histogram({
    name: 'wattstream_api_request_seconds',
    help: 'Time to answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [metrics],
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });
  const limits = rates === undefined ? undefined : await createRates(app, rates);
  if (limits !== undefined) app.addHook('onRequest', limits.before);
  guard(app, access);
  if (limits !== undefined) app.addHook('onRequest', limits.after);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const status = reply.statusCode;
    seconds.observe({ method: request.method, route, status }, reply.elapsedTime / 1_000);
    log.debug({ request: request.id, method: request.method, url: request.url, status }, 'answered');
  });

  app.setErrorHandler(onError);
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const allowed = methodsOf(path);
    if (allowed.length > 0 && !allowed.includes(request.method)) {
      reply.header('allow', allowed.join(', '));
      const detail = `${request.method} is not possible here; ${allowed.join(', ')} is.`;
      return sendProblem(request, reply, { status: 405, code: 'METHOD_NOT_ALLOWED', detail });
    }
    return sendProblem(request, reply, {
      status: 404,
      code: 'NOT_FOUND',
      detail: `There is nothing at ${path}.`,
      remedy: '/docs lists what there is.',
    });
  });

  await app.register(swagger, {
    openapi: {
      info: {
        title: 'wattstream',
        description:
          'OCPP frames of EV chargers as sessions, energy and live views. Times are UTC (ISO 8601), energy is in Wh, power in W. Errors are problem details (RFC 9457) with a `code`.',
        version: '1',
      },
      tags: [
        { name: 'charger', description: 'Chargers as operators see them' },
        {
          name: 'customer',
          description: 'Find a charger, start, watch, stop, get a receipt: the own account',
        },
        { name: 'commands', description: 'What chargers are asked to do, and what came of it' },
        {
          name: 'analytics',
          description: 'Named questions to the tables, as JSON or CSV (Accept: text/csv)',
        },
        { name: 'cms', description: 'Stations, charging points, tariffs, tokens, accounts, outages' },
        { name: 'auth', description: 'Logins, and keys of programs' },
        { name: 'webhooks', description: 'Outside programs that are told what happens (/docs/events)' },
        { name: 'ops', description: 'How the system itself is doing' },
      ],
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
      security: [{ bearer: [] }],
    },
    ...createJsonSchemaTransforms(),
  });
  if (docsPage)
    await app.register(async (pages) => {
      pages.addHook('onRoute', (route) => {
        route.config = { ...route.config, access: PUBLIC };
      });
      await pages.register(import('@fastify/swagger-ui'), {
        routePrefix: '/docs',
        staticCSP: true,
        // We speak plain HTTP behind whatever speaks TLS: asked to upgrade, a browser would find no scripts here.
        transformStaticCSP: (policy) => policy.replace(/\s*upgrade-insecure-requests;?/, ''),
      });
    });

  if (accounts !== undefined) authRoutes(app, accounts);
  processRoutes(app, health, metrics);
  webRoutes(app);
  eventsRoutes(app);
  analyticsRoutes(app, queries);
  chargerRoutes(app, queries);
  chargerRecordRoutes(app, queries);
  if (registry !== undefined) cmsRoutes(app, registry, imports);
  if (points !== undefined) pointRoutes(app, points);
  if (erasure !== undefined) erasureRoutes(app, erasure);
  if (webhooks !== undefined) webhookRoutes(app, webhooks);
  if (commands !== undefined) commandRoutes(app, commands);
  if (charging !== undefined) userRoutes(app, charging);
  opsRoutes(app, queries, inspector, eventStreams);
  if (deadLetters !== undefined) deadLetterRoutes(app, deadLetters);
  await app.ready();
  return app;
}
