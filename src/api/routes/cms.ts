/** The CMS: the same routes for every kind, made of the table `RESOURCES`. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { z } from 'zod';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { KINDS } from '../../domain/registry/kinds.js';
import { plainShapeOf } from '../../domain/registry/personal.js';
import { type Change, type Entity, type Live, lookUp } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import { versionsSeen } from '../../registry/keys/versions.js';
import type { RegistryStore } from '../../registry/store.js';
import type { Access } from '../auth/access.js';
import { checkIfMatch, etagOf, matches } from '../cms/conditions.js';
import { shown, shownVersion, stateFrom } from '../cms/entity-body.js';
import { IMPORT_LIMITS, type ImportLimits } from '../cms/import-source.js';
import { pageOf } from '../cms/page.js';
import { actorOf, ready } from '../cms/request.js';
import { RESOURCES, type Resource } from '../cms/resources.js';
import { accessTo, Scope } from '../cms/scope.js';
import { validatorCompiler } from '../openapi.js';
import { bulkRoutes, takeFiles } from './cms-bulk.js';

const shownOnly = {
  version: z.int().describe('Also the ETag'),
  createdAt: z.string(),
  updatedAt: z.string(),
  updatedBy: z.string(),
};
const next = z.string().nullable().describe('For the next page; null on the last one');
const version = z.object({
  version: z.int(),
  change: z.enum(['created', 'updated', 'deleted']),
  at: z.string(),
  by: z.string(),
  changed: z.array(z.string()).describe('Fields that differ from the version before'),
  state: z.record(z.string(), z.unknown()).optional().describe('Where it is still kept'),
});
export function cmsRoutes(
  app: FastifyInstance,
  store: RegistryStore,
  limits: ImportLimits = IMPORT_LIMITS,
): void {
  // Files are taken where they are imported, and nowhere else.
  void app.register(async (bulk) => {
    takeFiles(bulk, limits);
    for (const resource of RESOURCES)
      resourceRoutes({ app, bulk, store, limits, resource: resource as never });
  });
}

function resourceRoutes<K extends EntityKind>({
  app,
  bulk,
  store,
  limits,
  resource,
}: {
  readonly app: FastifyInstance;
  readonly bulk: FastifyInstance;
  readonly store: RegistryStore;
  readonly limits: ImportLimits;
  readonly resource: Resource<K>;
}): void {
  const { kind, path, param, name, filters } = resource;
  const { replica } = store;
  const base = `/api/cms/${path}`;
  const one = `${base}/:${param}`;
  const shape = plainShapeOf(kind) as unknown as z.ZodType;
  const { password: _, ...shownExample } = resource.example;
  const hasPassword = KINDS[kind].secrets.includes('passwordHash') ? { hasPassword: z.boolean() } : {};
  const erased =
    kind === 'account'
      ? { erased: z.string().optional().describe('When it was erased: it has no name any more') }
      : {};
  const entity = z
    .intersection(shape, z.object({ ...shownOnly, ...hasPassword, ...erased }))
    .meta({ examples: [shownExample] });
  const writeOnly = Object.entries(resource.writeOnly).map(([field, { input }]) => [
    field,
    input
      .nullish()
      .meta({ description: `${input.description ?? ''} Kept when left out.`.trim(), writeOnly: true }),
  ]);
  const body = z
    .intersection(shape, z.object(Object.fromEntries(writeOnly)))
    .meta({ examples: [resource.example] });
  const params = z.object({ [param]: z.string().min(1).max(255) });
  const ifMatch = z.looseObject({
    'if-match': z.string().optional().describe('ETag of the version that is changed; "*": whatever is there'),
  });

  /** Bodies are judged by `stateFrom`, and answers are made here: the schemas describe both. */
  const options = (
    access: Access,
    schema: Record<string, unknown>,
    more: RouteShorthandOptions = {},
  ): RouteShorthandOptions => ({
    ...more,
    config: { access },
    schema: { tags: ['cms'], ...schema },
    validatorCompiler: (route) =>
      route.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(route as never),
    serializerCompiler: () => JSON.stringify,
  });
  const reading = accessTo(kind, resource.readers);
  const writing = (change: Change): Access => accessTo(kind, resource.writers, change);
  const scopeOf = (request: FastifyRequest): Scope<K> => new Scope(kind, request.principal, replica.state);
  const known = (request: FastifyRequest): Live<K> => {
    ready(store);
    const id = idOf(request);
    const found = replica.get(kind, id);
    if (found === undefined || !scopeOf(request).sees(found)) throw unknown(`There is no ${name} '${id}'.`);
    return found;
  };
  const idOf = (request: FastifyRequest): string =>
    resource.idOf((request.params as Record<string, string>)[param] ?? '');
  const send = async (reply: FastifyReply, found: Live<K>): Promise<FastifyReply> => {
    const [seen = found] = await store.seen([found]);
    return reply.header('etag', etagOf(found)).send(shown(seen));
  };

  app.get(
    base,
    options(reading, {
      summary: `${capital(path)}, in the order in which they were created`,
      querystring: z.strictObject({
        ...Object.fromEntries(Object.entries(filters).map(([key, { query }]) => [key, query.optional()])),
        after: z.string().max(400).optional().describe('`next` of the page before'),
        limit: z.coerce.number().int().min(1).max(1_000).default(100),
      }),
      response: { 200: z.object({ [path]: z.array(entity), next }) },
    }),
    async (request) => {
      ready(store);
      const { after, limit, ...wanted } = request.query as { after?: string; limit: number };
      await Promise.all(Object.keys(wanted).map((key) => filters[key]?.prepare?.(store.people)));
      const tests = Object.entries(wanted as Record<string, string>).map(
        ([key, value]) =>
          (state: Live<K>['state']) =>
            filters[key]?.admits(state, value, store.people) ?? true,
      );
      const scope = scopeOf(request);
      const page = pageOf(replica.state, kind, {
        after,
        limit,
        admits: (each) => scope.sees(each) && tests.every((test) => test(each.state)),
        mayBegin: (each) => scope.hasSeen(each),
      });
      if (page === undefined)
        throw new WattstreamError('REQUEST_INVALID', '`after` is not the `next` of any page.');
      const seen = await store.seen(page.entities);
      return { [path]: seen.map((each) => shown(each)), next: page.next };
    },
  );

  app.post(
    base,
    options(writing('created'), {
      summary: `Creates a ${name}`,
      body,
      response: { 201: entity },
    }),
    async (request, reply) => {
      const made = resource.makesId && !hasId(request.body) ? randomUUID() : undefined;
      const state = await stateFrom(resource, request.body, made === undefined ? {} : { id: made });
      const id = KINDS[kind].idOf(state as never);
      const scope = scopeOf(request);
      scope.admit('created', state, undefined);
      if (replica.get(kind, id) !== undefined)
        throw new WattstreamError('CONFLICT', `There is a ${name} '${id}' already.`, {
          remedy: `To change it: PUT ${base}/${encodeURIComponent(id)}.`,
        });
      const created = await scope.quietly(() =>
        store.propose({ kind, id, change: 'created', state, actor: actorOf(request) }),
      );
      reply.code(201).header('location', `${base}/${encodeURIComponent(id)}`);
      return send(reply, created as Live<K>);
    },
  );

  app.get(
    one,
    options(reading, { summary: `One ${name}`, params, response: { 200: entity } }),
    async (request, reply) => {
      const found = known(request);
      const seen = request.headers['if-none-match'];
      if (seen !== undefined && matches(seen.replaceAll('W/', ''), etagOf(found)))
        return reply.code(304).header('etag', etagOf(found)).send();
      return send(reply, found);
    },
  );

  app.put(
    one,
    options(writing('updated'), {
      summary: `Changes a ${name}: all of it`,
      params,
      headers: ifMatch,
      body,
      response: { 200: entity },
    }),
    async (request, reply) => {
      const found = known(request);
      checkIfMatch(request.headers['if-match'], found);
      const state = await stateFrom(resource, request.body, { id: found.id, current: found.state });
      const scope = scopeOf(request);
      scope.admit('updated', state, found);
      const changed = await scope.quietly(() =>
        store.propose({
          kind,
          id: found.id,
          change: 'updated',
          state,
          version: found.version,
          actor: actorOf(request),
        }),
      );
      return send(reply, changed as Live<K>);
    },
  );

  app.delete(
    one,
    options(writing('deleted'), {
      summary: `Deletes a ${name} that nothing refers to`,
      params,
      headers: ifMatch,
      response: { 204: z.null().describe('It is gone; its versions stay readable') },
    }),
    async (request, reply) => {
      const found = known(request);
      checkIfMatch(request.headers['if-match'], found);
      scopeOf(request).admit('deleted', null, found);
      const { id, version: of } = found;
      await store.propose({ kind, id, change: 'deleted', state: null, version: of, actor: actorOf(request) });
      return reply.code(204).send();
    },
  );

  const everKnown = (request: FastifyRequest): Entity<K> => {
    ready(store);
    const found = lookUp(replica.state, kind, idOf(request));
    if (found === undefined || !scopeOf(request).sees(found))
      throw unknown(`There has never been a ${name} '${idOf(request)}'.`);
    return found;
  };

  app.get(
    `${one}/history`,
    options(reading, {
      summary: `Who changed a ${name}, when, and what; newest first, also of a deleted one`,
      params,
      response: { 200: z.object({ versions: z.array(version) }) },
    }),
    async (request) => {
      const found = everKnown(request);
      const versions = await versionsSeen(store.people, kind, scopeOf(request).versions(found));
      return { versions: versions.reverse().map((past) => shownVersion(kind, past)) };
    },
  );

  app.get(
    `${one}/versions/:version`,
    options(reading, {
      summary: `A ${name} as it was in one of its versions`,
      params: params.extend({ version: z.coerce.number().int().positive() }),
      response: { 200: version },
    }),
    async (request) => {
      const found = everKnown(request);
      const wanted = Number((request.params as { version: unknown }).version);
      const versions = await versionsSeen(store.people, kind, scopeOf(request).versions(found));
      const past = versions.find((each) => each.version === wanted);
      if (!past?.state) throw unknown(`Of ${name} '${found.id}' version ${wanted} there is nothing to show.`);
      return shownVersion(kind, past);
    },
  );

  bulkRoutes(bulk, { store, resource, shapes: { entity, body }, limits, options, scopeOf });
}

const hasId = (body: unknown): boolean => (body as { id?: unknown } | null)?.id !== undefined;
const unknown = (message: string): WattstreamError => new WattstreamError('ENTITY_UNKNOWN', message);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
