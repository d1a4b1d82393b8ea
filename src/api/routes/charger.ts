/** Chargers as operators see them. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Queries } from '../../analytics/ports.js';
import { WattstreamError } from '../../platform/errors.js';
import { atChargePoint, OPERATORS, READERS } from '../auth/access.js';
import { camelCased } from '../camel-case.js';

const connector = z.object({
  evseId: z.int().describe('0 in OCPP 1.6'),
  connectorId: z.int(),
  status: z.string(),
  errorCode: z.string(),
  vendorCode: z.string(),
  since: z.string(),
});

const activeSession = z.object({
  sessionId: z.string(),
  evseId: z.int().nullable(),
  connectorId: z.int().nullable(),
  transactionId: z.string(),
  startedAt: z.string(),
  energyWh: z.number().nullable(),
});

const charger = z
  .object({
    chargePointId: z.string(),
    connected: z.boolean(),
    protocol: z.string(),
    gateway: z.string().describe('Ingest process of its newest connection'),
    address: z.string(),
    lastSeenAt: z.string(),
    connectors: z.array(connector).describe('Connector 0 of EVSE 0 is the charge point as a whole'),
    activeSessions: z.array(activeSession),
  })
  .meta({ id: 'Charger' });

const frame = z.object({
  epoch: z.int(),
  partition: z.int(),
  offset: z.int(),
  receivedAt: z.string(),
  direction: z.string(),
  protocol: z.string(),
  action: z.string(),
  messageId: z.string(),
  frame: z.string().describe('Byte for byte, secrets redacted'),
  answer: z.string(),
  properties: z.record(z.string(), z.string()),
});

const next = z.string().nullable().describe('For the next page; null on the last one');
const id = z.object({ id: z.string().min(1).max(255) });
const tags = ['charger'];

export function chargerRoutes(plain: FastifyInstance, queries: Queries): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/charger',
    {
      config: { access: READERS },
      schema: {
        tags,
        summary: 'Chargers by name',
        querystring: z.strictObject({
          connected: z.enum(['true', 'false']).optional(),
          after: z.string().max(255).optional().describe('`next` of the page before'),
          limit: z.coerce.number().int().min(1).max(1_000).default(200),
        }),
        response: { 200: z.object({ chargers: z.array(charger), next }) },
      },
    },
    async ({ query: { connected, after, limit } }) => {
      // One more than asked for tells whether there is a next page.
      const { rows } = await queries.ask('chargers', { connected, after, limit: limit + 1 });
      const page = rows.slice(0, limit);
      return {
        chargers: page.map((row) => camelCased<z.infer<typeof charger>>(row)),
        next: rows.length > limit ? String(page.at(-1)?.charge_point_id) : null,
      };
    },
  );

  app.get(
    '/api/charger/:id',
    {
      config: { access: atChargePoint(READERS) },
      schema: { tags, summary: 'One charger', params: id, response: { 200: charger } },
    },
    async ({ params }) => {
      const { rows } = await queries.ask('chargers', { charge_point_id: params.id });
      if (rows[0] === undefined)
        throw new WattstreamError('CHARGER_UNKNOWN', `No charger '${params.id}' has ever connected.`);
      return camelCased<z.infer<typeof charger>>(rows[0]);
    },
  );

  app.get(
    '/api/charger/:id/frames',
    {
      // Frames hold tokens, of which analysts see hashes.
      config: { access: atChargePoint(OPERATORS) },
      schema: {
        tags,
        summary: 'What crossed its socket, newest first',
        params: id,
        querystring: z.strictObject({
          action: z.string().max(64).optional(),
          from: z.string().max(40).optional().describe('ISO 8601, or a distance such as -24h (the default)'),
          to: z.string().max(40).optional(),
          limit: z.coerce.number().int().min(1).max(499).default(100),
          cursor: z.string().max(60).optional().describe('`next` of the page before'),
        }),
        response: { 200: z.object({ frames: z.array(frame), next }) },
      },
    },
    async ({ params, query: { limit, ...filters } }) => {
      const asked = { ...filters, charge_point_id: params.id, limit: limit + 1 };
      const { rows } = await queries.ask('frames-of-charge-point', asked);
      const page = rows.slice(0, limit);
      return {
        frames: page.map((row) => camelCased<z.infer<typeof frame>>(row, ['properties'])),
        next: rows.length > limit ? String(page.at(-1)?.cursor) : null,
      };
    },
  );
}
