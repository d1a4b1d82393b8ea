/** Many entities at once: import, export, and the file to begin with; as JSON for programs, as CSV for spreadsheets. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { z } from 'zod';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { Rehearsal } from '../../registry/rehearsal.js';
import type { RegistryStore } from '../../registry/store.js';
import { preferred } from '../accept.js';
import type { Access } from '../auth/access.js';
import { columnsOf, layoutOf } from '../cms/csv/columns.js';
import type { CsvFile } from '../cms/csv/file.js';
import { templateLines } from '../cms/csv/lines.js';
import { exportCsv, exportJson, liveOf } from '../cms/export.js';
import { importAll, importResult, SIDE_BY_SIDE } from '../cms/import.js';
import { asCsvReport, asJsonReport, importTotals } from '../cms/import-report.js';
import { type ImportLimits, itemsIn } from '../cms/import-source.js';
import { actorOf, ready } from '../cms/request.js';
import type { Resource } from '../cms/resources.js';
import { accessTo, type Scope } from '../cms/scope.js';
import { SEPARATORS } from '../csv.js';

const CSV_TYPE = 'text/csv; charset=utf-8; header=present';
const separator = z
  .enum(['comma', 'semicolon', 'tab'])
  .default('comma')
  .describe('CSV: what stands between cells. Excel in much of Europe opens files with semicolons');
const format = z.enum(['json', 'csv']).optional().describe('Outdoes the header Accept');

/** From here on `text/csv` is taken, as bytes that are looked at when the request is. */
export function takeFiles(app: FastifyInstance, { bytes }: ImportLimits): void {
  app.addContentTypeParser(
    'text/csv',
    async (request: FastifyRequest, payload: Readable): Promise<CsvFile> => {
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of payload as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > bytes)
          throw Object.assign(new Error(`A file of at most ${bytes} bytes is imported.`), {
            statusCode: 413,
          });
        chunks.push(chunk);
      }
      const charset = /;\s*charset="?([\w-]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
      return { chunks, charset };
    },
  );
}

export interface BulkOptions<K extends EntityKind> {
  readonly store: RegistryStore;
  readonly resource: Resource<K>;
  readonly shapes: { readonly entity: z.ZodType; readonly body: z.ZodType };
  readonly limits: ImportLimits;
  readonly options: (
    access: Access,
    schema: Record<string, unknown>,
    more?: RouteShorthandOptions,
  ) => RouteShorthandOptions;
  readonly scopeOf: (request: FastifyRequest) => Scope<K>;
}

export function bulkRoutes<K extends EntityKind>(
  app: FastifyInstance,
  { store, resource, shapes, limits, options, scopeOf }: BulkOptions<K>,
): void {
  const { kind, path } = resource;
  const importing = accessTo(kind, resource.writers, 'created', 'updated');

  app.post(
    `/api/cms/import/${path}`,
    options(
      importing,
      {
        summary: `Creates or changes many ${path}; says of each what became of it`,
        description: describe(resource, limits),
        consumes: ['application/json', 'text/csv'],
        querystring: z.strictObject({
          dryRun: z
            .stringbool()
            .default(false)
            .describe('Says what would become of each, and changes nothing'),
          matchVersions: z
            .stringbool()
            .default(false)
            .describe('What says a `version` is changed only if it still has it, as with If-Match'),
          format,
          separator,
        }),
        body: z.array(shapes.body).max(limits.items),
        response: {
          200: {
            description: 'What became of each, in the order in which they came',
            content: {
              'application/json': {
                schema: z.object({
                  dryRun: z.boolean(),
                  results: z.array(importResult),
                  totals: importTotals,
                }),
              },
              'text/csv': { schema: z.string().describe('A line for each, or for each thing wrong with it') },
            },
          },
        },
      },
      { bodyLimit: limits.bytes },
    ),
    async (request, reply) => {
      ready(store);
      const { dryRun, matchVersions, ...wanted } = request.query as ImportQuery;
      const form = wanted.format ?? preferred(request.headers.accept);
      const items = await itemsIn(request.body, resource, limits);
      const results = importAll<K>(items, {
        resource,
        registry: dryRun
          ? new Rehearsal(store, Date.now)
          : { get: (of, id) => store.get(of, id), propose: (proposal) => store.propose(proposal) },
        scope: scopeOf(request),
        actor: actorOf(request),
        matchVersions,
        // One after the other is the order in which they would apply.
        sideBySide: dryRun ? 1 : SIDE_BY_SIDE,
      });
      return form === 'csv'
        ? asCsv(reply, `${path}-import.csv`, asCsvReport(results, SEPARATORS[wanted.separator]))
        : reply
            .type('application/json; charset=utf-8')
            .header('vary', 'accept')
            .send(Readable.from(asJsonReport(results, dryRun)));
    },
  );

  app.get(
    `/api/cms/import/${path}/template.csv`,
    options(importing, {
      summary: `A file to fill in with ${path}: every column there is, and an example`,
      querystring: z.strictObject({ separator }),
      response: { 200: { description: 'CSV', content: { 'text/csv': { schema: z.string() } } } },
    }),
    async (request, reply) => {
      const wanted = request.query as { separator: keyof typeof SEPARATORS };
      return asCsv(reply, `${path}.csv`, [templateLines(resource, SEPARATORS[wanted.separator])]);
    },
  );

  app.get(
    `/api/cms/export/${path}`,
    options(accessTo(kind, resource.readers), {
      summary: `All ${path}, without secrets, as they can be imported`,
      querystring: z.strictObject({ format, separator }),
      response: {
        200: {
          description: `All ${path}`,
          content: {
            'application/json': { schema: z.array(shapes.entity) },
            'text/csv': { schema: z.string() },
          },
        },
      },
    }),
    async (request, reply) => {
      ready(store);
      const wanted = request.query as Omit<ImportQuery, 'dryRun' | 'matchVersions'>;
      const form = wanted.format ?? preferred(request.headers.accept);
      const scope = scopeOf(request);
      const all = liveOf(store, kind, (each) => scope.sees(each));
      if (form === 'csv')
        return asCsv(reply, `${path}.csv`, exportCsv(store, resource, all, SEPARATORS[wanted.separator]));
      return reply
        .type('application/json; charset=utf-8')
        .header('content-disposition', `attachment; filename="${path}.json"`)
        .header('vary', 'accept')
        .send(Readable.from(exportJson(store, all)));
    },
  );
}

interface ImportQuery {
  readonly dryRun: boolean;
  readonly matchVersions: boolean;
  readonly format?: 'json' | 'csv';
  readonly separator: keyof typeof SEPARATORS;
}

const asCsv = (
  reply: FastifyReply,
  name: string,
  texts: AsyncIterable<string> | Iterable<string>,
): FastifyReply =>
  reply
    .type(CSV_TYPE)
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('vary', 'accept')
    .send(Readable.from(texts));

/** What `/docs` says of the file. */
function describe<K extends EntityKind>(resource: Resource<K>, { items }: ImportLimits): string {
  const { top, writeOnly, shownOnly } = layoutOf(resource);
  const rows = [...columnsOf(top), ...writeOnly].map(
    ({ name, type, about }) => `| \`${name}\` | ${type} | ${about.replaceAll('|', '\\|')} |`,
  );
  return [
    `At most ${items}. One that is wrong does not stop the others; importing the same again changes nothing more.`,
    'A JSON item is the whole entity. Of a file, a column that is left out stays as it is, and an empty cell takes the value away.',
    "A file is UTF-8 (or what `charset` says), with commas, semicolons or tabs; numbers have a decimal point; a cell that would be a formula begins with `'`. An unknown column, or what is no CSV, changes nothing at all.",
    ...(top.list === undefined
      ? []
      : ['One line for each connector; what is of the charging point and of the EVSE is repeated in each.']),
    '',
    '| column | holds | |',
    '|---|---|---|',
    ...rows,
    '',
    `Passed over: ${shownOnly.map((name) => `\`${name}\``).join(', ')}.`,
  ].join('\n');
}
