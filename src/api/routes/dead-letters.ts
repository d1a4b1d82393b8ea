/** Messages that could not be worked on: what they are, and what becomes of them. Each decision is on record. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { DeadLetters } from '../../queues/ports.js';
import { OPERATORS } from '../auth/access.js';

const letter = z.object({
  id: z.string(),
  type: z.string().describe('Of the message: session.stopped, kept ...'),
  reason: z.string(),
  attempts: z.int(),
  queue: z.string().describe('Where it could not be worked on, and where a redrive puts it'),
  exchange: z.string().describe('It was first published to this'),
  routingKey: z.string(),
  deadAt: z.string().describe("'' for what somebody else put there"),
});
const whole = letter.extend({ body: z.unknown().describe('Secrets redacted') });

const choice = z
  .strictObject({
    ids: z.array(z.string().min(1)).min(1).max(1_000).optional(),
    all: z.literal(true).optional(),
  })
  .refine(({ ids, all }) => (ids === undefined) !== (all === undefined), {
    message: 'either `ids` or `all: true`',
  })
  .meta({ examples: [{ ids: ['0f8a7a0e-3f3c-5a37-9d84-55ad9f5b1a10'] }, { all: true }] });

export function deadLetterRoutes(plain: FastifyInstance, letters: DeadLetters): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const config = { access: OPERATORS };

  app.get(
    '/api/ops/dead-letters',
    {
      config,
      schema: {
        tags: ['ops'],
        summary: 'Messages that could not be worked on, oldest first',
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(100) }),
        response: { 200: z.object({ letters: z.array(letter), total: z.int() }) },
      },
    },
    ({ query }) => letters.list(query),
  );

  app.get(
    '/api/ops/dead-letters/:id',
    {
      config,
      schema: {
        tags: ['ops'],
        summary: 'One of them, with its body',
        params: z.object({ id: z.string() }),
        response: { 200: whole },
      },
    },
    ({ params }) => letters.show(params.id),
  );

  app.post(
    '/api/ops/dead-letters/redrive',
    {
      config,
      schema: {
        tags: ['ops'],
        summary: 'Puts some, or all, back to the queue they came from, their attempts forgotten',
        description: 'Each is on record as `ops.dead-letter.redriven` before it is done.',
        body: choice,
        response: {
          200: z.object({
            redriven: z
              .array(z.string())
              .describe('One whose queue is gone, or that is not there any more, is not among them'),
          }),
        },
      },
    },
    async ({ body, principal }) => ({
      redriven: await letters.redrive(body.ids ?? 'all', principal.id),
    }),
  );

  app.post(
    '/api/ops/dead-letters/drop',
    {
      config,
      schema: {
        tags: ['ops'],
        summary: 'Throws some, or all, away for good',
        description: 'Each is on record as `ops.dead-letter.dropped` before it is done.',
        body: choice,
        response: { 200: z.object({ dropped: z.array(z.string()) }) },
      },
    },
    async ({ body, principal }) => ({ dropped: await letters.drop(body.ids ?? 'all', principal.id) }),
  );
}
