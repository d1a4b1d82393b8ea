/** Webhooks: who outside is told what. For admins: a subscription sends out what anybody may see. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isLive, type Live, mapOf } from '../../domain/registry/state.js';
import { webhook as kept } from '../../domain/registry/webhook.js';
import { WattstreamError } from '../../platform/errors.js';
import type { RegistryStore } from '../../registry/store.js';
import { ADMINS } from '../auth/access.js';
import { NOTIFICATION } from '../events/examples.js';
import { delivery } from '../webhooks/deliveries.js';
import { checkUrl, type Posted } from '../webhooks/post.js';
import { newSecret, rotated, type SecretKeeper, type Secrets } from '../webhooks/secret.js';

export interface WebhookRoutesOptions {
  readonly store: RegistryStore;
  readonly keeper: SecretKeeper;
  readonly allowHttp: boolean;
  /** Subscriptions at most. */
  readonly max: number;
  /** How long a former secret signs beside the new one. */
  readonly rotationMs: number;
  readonly now: () => number;
  recent(id: string): z.infer<typeof delivery>[];
  /** One attempt, now, past all queues. */
  tryOut(id: string, notification: typeof NOTIFICATION): Promise<Posted>;
  /** Its queue with everything that waits. */
  removed(id: string): Promise<void>;
}

const shape = kept.omit({ id: true, secret: true });
const shown = shape.extend({ id: z.string(), version: z.int() }).meta({ id: 'WebhookShown' });
const withSecret = shown
  .extend({ secret: z.string().describe('Shown this once: what deliveries are signed with') })
  .meta({ id: 'WebhookWithSecret' });
const params = z.object({ id: z.string().min(1).max(64) });
const tags = ['webhooks'];
const config = { access: ADMINS };

export function webhookRoutes(plain: FastifyInstance, options: WebhookRoutesOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, keeper, now } = options;
  const { replica } = store;

  const present = ({ state: { secret: _, ...state }, version }: Live<'webhook'>) => ({ ...state, version });
  const find = (id: string): Live<'webhook'> => {
    ready();
    const found = replica.get('webhook', id);
    if (found === undefined) throw new WattstreamError('WEBHOOK_UNKNOWN', `There is no webhook '${id}'.`);
    return found;
  };
  const ready = (): void => {
    const trouble = replica.ready();
    if (trouble !== undefined)
      throw new WattstreamError('REGISTRY_NOT_READY', `Not known yet: ${trouble}`, { canRetry: true });
  };
  const all = (): Live<'webhook'>[] =>
    [...mapOf(replica.state, 'webhook').values()].filter((entity) => isLive(entity)) as Live<'webhook'>[];
  const change = async (
    found: Live<'webhook'>,
    state: Partial<Live<'webhook'>['state']>,
    actor: string,
  ): Promise<Live<'webhook'>> =>
    (await store.propose({
      kind: 'webhook',
      id: found.state.id,
      change: 'updated',
      state: { ...found.state, ...state },
      version: found.version,
      actor,
    })) as Live<'webhook'>;

  app.get(
    '/api/webhooks',
    {
      config,
      schema: { tags, summary: 'All of them', response: { 200: z.object({ webhooks: z.array(shown) }) } },
    },
    () => {
      ready();
      return { webhooks: all().map(present) };
    },
  );

  app.post(
    '/api/webhooks',
    {
      config,
      schema: {
        tags,
        summary: 'A new one; the answer has its secret, once',
        body: shape,
        response: { 201: withSecret },
      },
    },
    async ({ body, principal }, reply) => {
      ready();
      checkUrl(body.url, options);
      if (all().length >= options.max)
        throw new WattstreamError(
          'WEBHOOKS_TOO_MANY',
          `There are ${options.max} webhooks, and no more can be.`,
          {
            remedy: 'Delete one, or raise WATTSTREAM_WEBHOOKS_MAX.',
          },
        );
      const id = randomUUID();
      const secret = newSecret();
      const created = (await store.propose({
        kind: 'webhook',
        id,
        change: 'created',
        state: { ...body, id, secret: keeper.seal(id, { current: secret }) },
        actor: principal.id,
      })) as Live<'webhook'>;
      return reply
        .code(201)
        .header('location', `/api/webhooks/${id}`)
        .send({ ...present(created), secret });
    },
  );

  app.get(
    '/api/webhooks/:id',
    { config, schema: { tags, summary: 'One of them', params, response: { 200: shown } } },
    ({ params: { id } }) => present(find(id)),
  );

  app.put(
    '/api/webhooks/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Changes it; the secret stays',
        params,
        body: shape,
        response: { 200: shown },
      },
    },
    async ({ params: { id }, body, principal }) => {
      const found = find(id);
      checkUrl(body.url, options);
      const { description: _, station: __, ...rest } = found.state;
      return present(await change({ ...found, state: rest }, body, principal.id));
    },
  );

  app.delete(
    '/api/webhooks/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Deletes it, with what it was still to be told',
        params,
        response: { 204: z.null() },
      },
    },
    async ({ params: { id }, principal }, reply) => {
      const { version } = find(id);
      await store.propose({
        kind: 'webhook',
        id,
        change: 'deleted',
        state: null,
        version,
        actor: principal.id,
      });
      await options.removed(id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/api/webhooks/:id/rotate-secret',
    {
      config,
      schema: {
        tags,
        summary: 'A new secret, shown once; the former one signs beside it for a while',
        params,
        response: { 200: withSecret },
      },
    },
    async ({ params: { id }, principal }) => {
      const found = find(id);
      const secrets = rotated(currentOf(id, found), now() + options.rotationMs);
      const changed = await change(found, { secret: keeper.seal(id, secrets) }, principal.id);
      return { ...present(changed), secret: secrets.current };
    },
  );
  /** One that cannot be read any more is replaced: rotating is how that is mended. */
  const currentOf = (id: string, { state }: Live<'webhook'>): Secrets => {
    try {
      return keeper.open(id, state.secret);
    } catch {
      return { current: newSecret() };
    }
  };

  app.post(
    '/api/webhooks/:id/test',
    {
      config,
      schema: {
        tags,
        summary: 'Delivers an example now, once, and says what came of it',
        params,
        response: {
          200: z.object({
            outcome: z.enum(['delivered', 'failed', 'gone']),
            status: z.int().nullable(),
            detail: z.string(),
            elapsedMs: z.number(),
          }),
        },
      },
    },
    async ({ params: { id } }) => {
      find(id);
      const { outcome, status, detail, elapsedMs } = await options.tryOut(id, {
        ...NOTIFICATION,
        id: `test:${randomUUID()}`,
        at: new Date(now()).toISOString(),
      });
      return { outcome, status, detail, elapsedMs };
    },
  );

  app.get(
    '/api/webhooks/:id/deliveries',
    {
      config,
      schema: {
        tags,
        summary: 'The newest attempts and what came of them; dead letters are under /api/ops/dead-letters',
        params,
        response: { 200: z.object({ deliveries: z.array(delivery) }) },
      },
    },
    ({ params: { id } }) => {
      find(id);
      return { deliveries: options.recent(id) };
    },
  );
}
