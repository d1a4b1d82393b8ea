/** The CMS: the same routes for every kind, made of the table `RESOURCES`. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { z } from 'zod';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import type { Role } from '../../domain/registry/account.js';
import { KINDS } from '../../domain/registry/kinds.js';
import { plainShapeOf } from '../../domain/registry/personal.js';
import { type Entity, isLive, type Live, lookUp, mapOf } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import { versionsSeen } from '../../registry/keys/versions.js';
import type { RegistryStore } from '../../registry/store.js';
import { checkIfMatch, etagOf, matches } from '../cms/conditions.js';
import { shown, shownVersion, stateFrom } from '../cms/entity-body.js';
import { importAll } from '../cms/import.js';
import { pageOf } from '../cms/page.js';
import { RESOURCES, type Resource } from '../cms/resources.js';
import { validatorCompiler } from '../openapi.js';

const IMPORT_BYTES = 32 * 1024 * 1024;
const IMPORT_ITEMS = 10_000;

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
const importResult = z.object({
  index: z.int(),
  id: z.string().nullable(),
  outcome: z.enum(['created', 'updated', 'unchanged', 'failed']),
  version: z.int().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});

export function cmsRoutes(app: FastifyInstance, store: RegistryStore): void {
  for (const resource of RESOURCES) resourceRoutes(app, store, resource as never);
}

function resourceRoutes<K extends EntityKind>(
  app: FastifyInstance,
  store: RegistryStore,
  resource: Resource<K>,
): void {
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
    roles: readonly Role[],
    schema: Record<string, unknown>,
    more: RouteShorthandOptions = {},
  ): RouteShorthandOptions => ({
    ...more,
    config: { access: { roles } },
    schema: { tags: ['cms'], ...schema },
    validatorCompiler: (route) =>
      route.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(route as never),
    serializerCompiler: () => JSON.stringify,
  });
  const known = (request: FastifyRequest): Live<K> => {
    ready(store);
    const id = idOf(request);
    const found = replica.get(kind, id);
    if (found === undefined) throw unknown(`There is no ${name} '${id}'.`);
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
    options(resource.readers, {
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
      const admits = ({ state }: Live<K>) => tests.every((test) => test(state));
      const page = pageOf(replica.state, kind, { after, limit, admits });
      if (page === undefined)
        throw new WattstreamError('REQUEST_INVALID', '`after` is not the `next` of any page.');
      const seen = await store.seen(page.entities);
      return { [path]: seen.map((each) => shown(each)), next: page.next };
    },
  );

  app.post(
    base,
    options(resource.writers, {
      summary: `Creates a ${name}`,
      body,
      response: { 201: entity },
    }),
    async (request, reply) => {
      const made = resource.makesId && !hasId(request.body) ? randomUUID() : undefined;
      const state = await stateFrom(resource, request.body, made === undefined ? {} : { id: made });
      const id = KINDS[kind].idOf(state as never);
      if (replica.get(kind, id) !== undefined)
        throw new WattstreamError('CONFLICT', `There is a ${name} '${id}' already.`, {
          remedy: `To change it: PUT ${base}/${encodeURIComponent(id)}.`,
        });
      const created = await store.propose({ kind, id, change: 'created', state, actor: actorOf(request) });
      reply.code(201).header('location', `${base}/${encodeURIComponent(id)}`);
      return send(reply, created as Live<K>);
    },
  );

  app.get(
    one,
    options(resource.readers, { summary: `One ${name}`, params, response: { 200: entity } }),
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
    options(resource.writers, {
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
      const changed = await store.propose({
        kind,
        id: found.id,
        change: 'updated',
        state,
        version: found.version,
        actor: actorOf(request),
      });
      return send(reply, changed as Live<K>);
    },
  );

  app.delete(
    one,
    options(resource.writers, {
      summary: `Deletes a ${name} that nothing refers to`,
      params,
      headers: ifMatch,
      response: { 204: z.null().describe('It is gone; its versions stay readable') },
    }),
    async (request, reply) => {
      const found = known(request);
      checkIfMatch(request.headers['if-match'], found);
      const { id, version: of } = found;
      await store.propose({ kind, id, change: 'deleted', state: null, version: of, actor: actorOf(request) });
      return reply.code(204).send();
    },
  );

  const everKnown = (request: FastifyRequest): Entity<K> => {
    ready(store);
    const found = lookUp(replica.state, kind, idOf(request));
    if (found === undefined) throw unknown(`There has never been a ${name} '${idOf(request)}'.`);
    return found;
  };

  app.get(
    `${one}/history`,
    options(resource.readers, {
      summary: `Who changed a ${name}, when, and what; newest first, also of a deleted one`,
      params,
      response: { 200: z.object({ versions: z.array(version) }) },
    }),
    async (request) => {
      const found = everKnown(request) as unknown as Entity;
      const versions = await versionsSeen(store.people, found);
      return { versions: versions.reverse().map((past) => shownVersion(found, past)) };
    },
  );

  app.get(
    `${one}/versions/:version`,
    options(resource.readers, {
      summary: `A ${name} as it was in one of its versions`,
      params: params.extend({ version: z.coerce.number().int().positive() }),
      response: { 200: version },
    }),
    async (request) => {
      const found = everKnown(request) as unknown as Entity;
      const wanted = Number((request.params as { version: unknown }).version);
      const past = (await versionsSeen(store.people, found)).find((each) => each.version === wanted);
      if (!past?.state) throw unknown(`Of ${name} '${found.id}' version ${wanted} there is nothing to show.`);
      return shownVersion(found, past);
    },
  );

  app.post(
    `/api/cms/import/${path}`,
    options(
      resource.writers,
      {
        summary: `Creates or changes many ${path}; says of each what became of it`,
        body: z.array(body).max(IMPORT_ITEMS),
        response: { 200: z.object({ results: z.array(importResult) }) },
      },
      { bodyLimit: IMPORT_BYTES },
    ),
    async (request) => {
      ready(store);
      const items = request.body;
      if (!Array.isArray(items) || items.length > IMPORT_ITEMS)
        throw new WattstreamError(
          'REQUEST_INVALID',
          `An array of at most ${IMPORT_ITEMS} ${path} is imported.`,
        );
      return { results: await importAll(store, resource, items, actorOf(request)) };
    },
  );

  app.get(
    `/api/cms/export/${path}`,
    options(resource.readers, {
      summary: `All ${path}, without secrets, as an array that can be imported`,
      response: { 200: z.array(entity) },
    }),
    async (_request, reply) => {
      ready(store);
      // Entities are replaced, never changed: the list holds this moment however long it takes to send.
      const all = [...mapOf(replica.state, kind).values()].filter((each): each is Live<K> => isLive(each));
      return reply
        .type('application/json; charset=utf-8')
        .header('content-disposition', `attachment; filename="${path}.json"`)
        .send(Readable.from(asArray(all, store)));
    },
  );
}

async function* asArray(entities: readonly Live[], store: RegistryStore): AsyncGenerator<string> {
  yield '[';
  for (let at = 0; at < entities.length; at += 500) {
    const seen = await store.seen(entities.slice(at, at + 500));
    const texts = seen.map((entity) => JSON.stringify(shown(entity)));
    yield `${at === 0 ? '\n' : ',\n'}${texts.join(',\n')}`;
  }
  yield '\n]\n';
}

function ready(store: RegistryStore): void {
  const reason = store.replica.ready();
  if (reason !== undefined)
    throw new WattstreamError('REGISTRY_NOT_READY', `Nothing can be said yet: ${reason}`, { canRetry: true });
}

const hasId = (body: unknown): boolean => (body as { id?: unknown } | null)?.id !== undefined;
const actorOf = (request: FastifyRequest): string => request.principal.id;
const unknown = (message: string): WattstreamError => new WattstreamError('ENTITY_UNKNOWN', message);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
