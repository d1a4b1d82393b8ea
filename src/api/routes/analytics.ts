/** The named questions over HTTP: a list of them, and one route each, so that /docs shows their parameters. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { NamedQuery, Queries, QueryAnswer } from '../../analytics/ports.js';
import { preferred } from '../accept.js';
import { OPERATORS, READERS, SIGNED_IN } from '../auth/access.js';
import { toCsv } from '../csv.js';

const ROOT = '/api/analytics/queries';
/** What was said, as it was said: it holds tokens, of which analysts see hashes. */
const EVIDENCE: ReadonlySet<string> = new Set([
  'frames-of-charge-point',
  'command',
  'charging-events',
  'charging-request',
]);

const listing = z.object({
  queries: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      href: z.string(),
      parameters: z.unknown().describe('JSON Schema of the query string'),
      columns: z.record(z.string(), z.string()).describe('Column -> what it holds, in which unit'),
    }),
  ),
});

const answer = z.object({
  query: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), description: z.string() })),
  rows: z.array(z.record(z.string(), z.unknown())),
  elapsedMs: z.number(),
  rowsRead: z.number(),
});

export function analyticsRoutes(plain: FastifyInstance, queries: Queries): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const known = queries.list();
  const list = {
    queries: known.map(({ name, title, params, columns }) => ({
      name,
      title,
      href: `${ROOT}/${name}`,
      parameters: z.toJSONSchema(params, { io: 'input' }),
      columns,
    })),
  };
  app.get(
    ROOT,
    {
      config: { access: SIGNED_IN },
      schema: {
        tags: ['analytics'],
        summary: 'Every question that can be asked',
        response: { 200: listing },
      },
    },
    () => list,
  );

  for (const query of known) {
    const access = EVIDENCE.has(query.name) ? OPERATORS : READERS;
    app.get(
      `${ROOT}/${query.name}`,
      {
        config: { access },
        schema: {
          tags: ['analytics'],
          summary: query.title,
          description: describe(query),
          querystring: query.params as z.ZodObject,
          response: { 200: answer },
          produces: ['application/json', 'text/csv'],
        },
        // The port judges the parameters, so that the same words reach the API, the command line and tests.
        validatorCompiler: () => (value) => ({ value }),
      },
      async (request, reply) => {
        const form = preferred(request.headers.accept);
        const result = await queries.ask(query.name, request.query as Record<string, unknown>);
        reply.header('vary', 'accept');
        return form === 'csv' ? sendCsv(reply, query, result) : toAnswer(query, result);
      },
    );
    // A link in a page cannot choose an Accept header.
    app.get(
      `${ROOT}/${query.name}.csv`,
      { config: { access }, schema: { hide: true } },
      async (request, reply) =>
        sendCsv(reply, query, await queries.ask(query.name, request.query as Record<string, unknown>)),
    );
  }

  app.get(`${ROOT}/:name`, { config: { access: READERS }, schema: { hide: true } }, (request) =>
    queries.ask((request.params as { name: string }).name, {}),
  );
}

const toAnswer = (query: NamedQuery, { columns, rows, elapsedMs, rowsRead }: QueryAnswer) => ({
  query: query.name,
  columns: columns.map((column) => ({ ...column, description: query.columns[column.name] ?? '' })),
  rows: [...rows],
  elapsedMs: Math.round(elapsedMs * 10) / 10,
  rowsRead,
});

function sendCsv(reply: FastifyReply, query: NamedQuery, { columns, rows }: QueryAnswer): FastifyReply {
  const names = columns.map(({ name }) => name);
  return reply
    .type('text/csv; charset=utf-8; header=present')
    .header('content-disposition', `inline; filename="${query.name}.csv"`)
    .serializer((body: unknown) => body as string)
    .send(toCsv(names, rows));
}

const describe = ({ columns }: NamedQuery): string =>
  [
    '| column | holds |',
    '|---|---|',
    ...Object.entries(columns).map(([name, text]) => `| \`${name}\` | ${text} |`),
  ].join('\n');
