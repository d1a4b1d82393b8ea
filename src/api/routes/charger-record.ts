/** What was asked of one charger, what came of it, and what it left there. Read from the tables; nothing here asks it. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Queries } from '../../analytics/ports.js';
import { atChargePoint, OPERATORS } from '../auth/access.js';
import { camelCased } from '../camel-case.js';

const instant = z.string().nullable();

const command = z
  .object({
    commandId: z.string(),
    chargePointId: z.string(),
    action: z.string(),
    operation: z.string().describe("Friendly route it came by; '' for none"),
    actor: z.string(),
    protocol: z.string(),
    status: z
      .string()
      .describe('requested, kept, released, sent, accepted, rejected, failed, timed-out, offline'),
    requestedAt: z.string(),
    keptAt: instant,
    releasedAt: instant,
    sentAt: instant,
    endedAt: instant,
    durationMs: z.number().nullable(),
    deadline: instant,
    queueUntil: instant,
    chargerStatus: z.string().describe("The charger's own word"),
    errorCode: z.string(),
    error: z.string(),
    delivery: z.string().describe('Of timed-out ones: not-delivered, delivery-unknown'),
    gateway: z.string(),
  })
  .meta({ id: 'RecordedCommand' });

const reservation = z.object({
  reservationId: z.int(),
  connectorId: z.int().nullable(),
  evseId: z.int().nullable(),
  connectorType: z.string(),
  idTokenHash: z.string(),
  reservedAt: z.string(),
  expiresAt: instant,
  state: z.string().describe('active, used, cancelled, replaced, removed, expired'),
  endedAt: instant,
  transactionId: z.string(),
  sessionId: z.string().nullable(),
  commandId: z.string(),
  actor: z.string(),
});

const chargingProfile = z.object({
  connectorId: z.int().nullable().describe('OCPP 1.6; 0 is the charge point as a whole'),
  evseId: z.int().nullable().describe('OCPP 2.x; 0 is the charge point as a whole'),
  profileId: z.int(),
  stackLevel: z.int(),
  purpose: z.string(),
  kind: z.string(),
  recurrency: z.string(),
  validFrom: instant,
  validTo: instant,
  transactionId: z.string(),
  schedule: z.unknown().describe('chargingSchedule as it was sent'),
  setAt: z.string(),
  state: z.string().describe('active, cleared, replaced, transaction-ended, expired'),
  endedAt: instant,
  commandId: z.string(),
  actor: z.string(),
});

const localList = z.object({
  chargePointId: z.string(),
  version: z.int().nullable().describe('Of the list it accepted last; null when we have sent it none'),
  updateType: z.string(),
  entries: z.int().nullable(),
  updatedAt: instant,
  commandId: z.string().nullable(),
  actor: z.string(),
  reportedVersion: z.int().nullable().describe('That it named last (GetLocalListVersion)'),
  reportedAt: instant,
});

const job = z.object({
  commandId: z.string(),
  kind: z.string().describe('firmware, publish-firmware, diagnostics, log'),
  action: z.string(),
  requestId: z.int().nullable(),
  actor: z.string(),
  requestedAt: z.string(),
  commandStatus: z.string(),
  chargerStatus: z.string(),
  state: z.string().describe('requested, running, done, failed, cancelled, unknown, not-begun'),
  status: z.string().describe('What the charger told last'),
  statusAt: instant,
  reports: z.array(z.object({ at: z.string(), status: z.string() })),
  file: z.string(),
});

const id = z.object({ id: z.string().min(1).max(255) });
const limit = z.coerce.number().int().min(1).max(999).default(100);
const next = z.string().nullable().describe('For the next page; null on the last one');
const tags = ['charger'];

/** JSON of ours as the object that it is; text that is none stays text. */
const parsed = (text: unknown): unknown => {
  try {
    return JSON.parse(String(text));
  } catch {
    return text;
  }
};

export function chargerRecordRoutes(plain: FastifyInstance, queries: Queries): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/charger/:id/commands',
    {
      config: { access: atChargePoint(OPERATORS) },
      schema: {
        tags,
        summary: 'Commands to it and what came of them, newest first',
        params: id,
        querystring: z.strictObject({
          action: z.string().max(64).optional(),
          status: z.string().max(20).optional(),
          from: z.string().max(40).optional().describe('ISO 8601, or a distance such as -24h'),
          to: z.string().max(40).optional(),
          limit,
          cursor: z.string().max(60).optional().describe('`next` of the page before'),
        }),
        response: { 200: z.object({ commands: z.array(command), next }) },
      },
    },
    async ({ params, query: { limit: asked, ...filters } }) => {
      // One more than asked for tells whether there is a next page.
      const { rows } = await queries.ask('commands', {
        ...filters,
        charge_point_id: params.id,
        limit: asked + 1,
      });
      const page = rows.slice(0, asked);
      return {
        commands: page.map((row) => camelCased<z.infer<typeof command>>(row)),
        next: rows.length > asked ? String(page.at(-1)?.cursor) : null,
      };
    },
  );

  app.get(
    '/api/charger/:id/reservations',
    {
      config: { access: atChargePoint(OPERATORS) },
      schema: {
        tags,
        summary: 'Reservations that it accepted, newest first',
        params: id,
        querystring: z.strictObject({ state: z.string().max(40).optional(), limit }),
        response: { 200: z.object({ reservations: z.array(reservation) }) },
      },
    },
    async ({ params, query }) => {
      const { rows } = await queries.ask('reservations', { ...query, charge_point_id: params.id });
      return { reservations: rows.map((row) => camelCased<z.infer<typeof reservation>>(row)) };
    },
  );

  app.get(
    '/api/charger/:id/charging-profiles',
    {
      config: { access: atChargePoint(OPERATORS) },
      schema: {
        tags,
        summary: 'Charging profiles that it accepted, newest first',
        params: id,
        querystring: z.strictObject({
          state: z.string().max(40).optional(),
          outlet: z
            .string()
            .max(10)
            .optional()
            .describe('Number of the connector (1.6) or EVSE (2.x); 0 is the charge point as a whole'),
          limit,
        }),
        response: { 200: z.object({ chargingProfiles: z.array(chargingProfile) }) },
      },
    },
    async ({ params, query }) => {
      const { rows } = await queries.ask('charging-profiles', { ...query, charge_point_id: params.id });
      const profiles = rows.map((row) => ({ ...row, schedule: parsed(row.schedule) }));
      return {
        chargingProfiles: profiles.map((row) =>
          camelCased<z.infer<typeof chargingProfile>>(row, ['schedule']),
        ),
      };
    },
  );

  app.get(
    '/api/charger/:id/local-list',
    {
      config: { access: atChargePoint(OPERATORS) },
      schema: {
        tags,
        summary: 'Its local authorization list: what it accepted last, and what it says it has',
        params: id,
        response: { 200: localList },
      },
    },
    async ({ params }) => {
      const { rows } = await queries.ask('local-lists', { charge_point_id: params.id });
      const none = {
        charge_point_id: params.id,
        version: null,
        update_type: '',
        entries: null,
        updated_at: null,
        command_id: null,
        actor: '',
        reported_version: null,
        reported_at: null,
      };
      return camelCased<z.infer<typeof localList>>(rows[0] ?? none);
    },
  );

  app.get(
    '/api/charger/:id/jobs',
    {
      config: { access: atChargePoint(OPERATORS) },
      schema: {
        tags,
        summary: 'Firmware updates and uploads of diagnostics and logs, newest first',
        params: id,
        querystring: z.strictObject({
          kind: z.enum(['firmware', 'publish-firmware', 'diagnostics', 'log']).optional(),
          state: z.string().max(20).optional(),
          limit,
        }),
        response: { 200: z.object({ jobs: z.array(job) }) },
      },
    },
    async ({ params, query }) => {
      const { rows } = await queries.ask('jobs', { ...query, charge_point_id: params.id });
      return { jobs: rows.map((row) => camelCased<z.infer<typeof job>>(row)) };
    },
  );
}
