/** What customers do: find a charger, start, watch, stop, get a receipt. Everything goes by the account of who asks. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isOver } from '../../domain/customers/request.js';
import { WattstreamError } from '../../platform/errors.js';
import { CUSTOMERS } from '../auth/access.js';
import { receiptPdf } from '../charging/receipt-pdf.js';
import { receiptOut } from '../charging/receipt-shape.js';
import type { ReceiptDesk } from '../charging/receipts.js';
import type { ChargingService, Placed, Who } from '../charging/service.js';
import type { SessionDesk } from '../charging/sessions.js';
import { stationOut } from '../charging/station-shape.js';
import type { StationDesk } from '../charging/stations.js';
import { requestOut, sessionOut, viewOfRequest } from '../charging/view.js';
import { sendProblem } from '../problem.js';

export interface UserRouteOptions {
  readonly service: Pick<ChargingService, 'start' | 'stop' | 'find'>;
  readonly sessions: Pick<SessionDesk, 'list' | 'one'>;
  readonly receipts: Pick<ReceiptDesk, 'receipt'>;
  readonly stations: Pick<StationDesk, 'find'>;
}

const tags = ['customer'];
const config = { access: CUSTOMERS };
const headers = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .optional()
    .describe('The same key means the same request: repeat it as often as you like'),
  prefer: z
    .string()
    .max(255)
    .optional()
    .describe('respond-async: 202 at once, instead of waiting for the charger'),
});
const ANSWERS =
  '202: under way; `Location` is where to look, and `charging.started`, `charging.stopped` or `charging.failed` comes to the room of the account. 200: done already. 409: it came to nothing, `code` says why';

const startBody = z
  .strictObject({
    chargePointId: z.string().min(1).max(48).optional(),
    stationId: z.string().min(1).max(64).optional(),
    evseId: z.int().positive().optional().describe('As the charger numbers it'),
    connectorId: z.int().positive().optional(),
    printedId: z
      .string()
      .min(1)
      .max(48)
      .optional()
      .describe('The EVSE id that is printed on it: NL*WAT*E0001*1'),
    token: z.string().min(1).max(255).optional().describe('One of your own: its price counts'),
  })
  .refine(({ chargePointId, stationId }) => chargePointId !== undefined || stationId !== undefined, {
    path: ['chargePointId'],
    message: 'name the charger, or the station and the outlet',
  })
  .meta({
    examples: [
      { chargePointId: 'CP-1', connectorId: 1 },
      { stationId: 'st-1', printedId: 'NL*WAT*E0001*1', token: '04A2B3C4' },
    ],
  });

export function userRoutes(
  plain: FastifyInstance,
  { service, sessions, receipts, stations }: UserRouteOptions,
): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/user/stations',
    {
      config,
      schema: {
        tags,
        summary: 'Stations near a place, what is free there, how strong it is and what it costs now',
        querystring: z
          .strictObject({
            lat: z.coerce.number().min(-90).max(90).optional(),
            lon: z.coerce.number().min(-180).max(180).optional(),
            radius: z.coerce.number().positive().max(500_000).default(10_000).describe('Metres'),
            free: z.stringbool().default(false).describe('Only where an outlet is free now'),
            minPowerW: z.coerce.number().min(0).default(0).describe('Only outlets as strong as this'),
            limit: z.coerce.number().int().min(1).max(100).default(20),
            cursor: z
              .string()
              .regex(/^\d{1,9}_.{1,64}$/, 'is no cursor of an earlier answer')
              .optional(),
          })
          .refine(({ lat, lon }) => (lat === undefined) === (lon === undefined), {
            path: ['lon'],
            message: 'lat and lon belong together',
          }),
        response: { 200: z.object({ stations: z.array(stationOut), nextCursor: z.string().nullable() }) },
      },
    },
    async (request) => {
      const { lat, lon, radius, free, minPowerW, limit, cursor } = request.query;
      const near = lat === undefined || lon === undefined ? undefined : { latitude: lat, longitude: lon };
      return stations.find(accountOf(request), { near, radiusM: radius, free, minPowerW, limit, cursor });
    },
  );

  app.post(
    '/api/user/charging/start',
    {
      config,
      schema: {
        tags,
        summary: 'Start charging',
        description: `${ANSWERS}: CHARGER_OFFLINE, OUTLET_OCCUPIED, OUTLET_UNAVAILABLE, TOKEN_BLOCKED, REJECTED_BY_CHARGER; and later, in the request itself, CONNECTION_TIMEOUT when nobody plugs in.`,
        headers,
        body: startBody,
        response: { 200: requestOut, 202: requestOut },
      },
    },
    async (request, reply) => answer(request, reply, await service.start(whoOf(request), request.body)),
  );

  app.post(
    '/api/user/charging/stop',
    {
      config,
      schema: {
        tags,
        summary: 'Stop one of your sessions',
        description: `${ANSWERS}: CHARGER_OFFLINE, SESSION_ENDED, REJECTED_BY_CHARGER; and later, in the request itself, STOP_TIMEOUT when the session goes on.`,
        headers,
        body: z
          .strictObject({ sessionId: z.uuid() })
          .meta({ examples: [{ sessionId: '5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f' }] }),
        response: { 200: requestOut, 202: requestOut },
      },
    },
    async (request, reply) =>
      answer(request, reply, await service.stop(whoOf(request), request.body.sessionId)),
  );

  app.get(
    '/api/user/charging/requests/:id',
    {
      config,
      schema: {
        tags,
        summary: 'What became of a start or stop',
        params: z.object({ id: z.uuid() }),
        response: { 200: requestOut },
      },
    },
    async (request) => viewOfRequest(await service.find(accountOf(request), request.params.id)),
  );

  app.get(
    '/api/user/charging/sessions',
    {
      config,
      schema: {
        tags,
        summary: 'Your sessions, newest first, with what they cost (so far)',
        querystring: z.strictObject({
          status: z.enum(['active', 'completed', 'abandoned', 'orphan']).optional(),
          limit: z.coerce.number().int().min(1).max(100).default(20),
          cursor: z
            .string()
            .regex(/^-?\d{1,15}_[0-9a-f-]{36}$/, 'is no cursor of an earlier answer')
            .optional(),
        }),
        response: { 200: z.object({ sessions: z.array(sessionOut), nextCursor: z.string().nullable() }) },
      },
    },
    async (request) => {
      const { status = '', limit, cursor = '' } = request.query;
      return sessions.list(accountOf(request), { status, limit, cursor });
    },
  );

  const params = z.object({ id: z.uuid() });
  app.get(
    '/api/user/charging/sessions/:id',
    {
      config,
      schema: { tags, summary: 'One of your sessions', params, response: { 200: sessionOut } },
    },
    async (request) => sessions.one(accountOf(request), request.params.id),
  );

  app.get(
    '/api/user/charging/sessions/:id/receipt',
    {
      config,
      schema: {
        tags,
        summary: 'Its receipt, as JSON or (Accept: application/pdf) as PDF',
        description:
          'Of sessions that have ended. 409 says why there is none: SESSION_GOES_ON, SESSION_HELD, SESSION_ORPHAN, COST_UNKNOWN, SUPPLIER_UNKNOWN.',
        params,
        response: { 200: receiptOut },
      },
    },
    async (request, reply) => {
      const receipt = await receipts.receipt(accountOf(request), request.params.id);
      reply.header('vary', 'accept');
      if (!prefersPdf(request.headers.accept)) return receipt;
      return sendPdf(reply, receipt.number, await receiptPdf(receipt));
    },
  );

  app.get(
    '/api/user/charging/sessions/:id/receipt.pdf',
    { config, schema: { tags, summary: 'Its receipt as PDF', params } },
    async (request, reply) => {
      const receipt = await receipts.receipt(accountOf(request), request.params.id);
      return sendPdf(reply, receipt.number, await receiptPdf(receipt));
    },
  );
}

const sendPdf = (reply: FastifyReply, number: string, pdf: Buffer): FastifyReply =>
  reply
    .code(200)
    .type('application/pdf')
    .header('content-disposition', `inline; filename="${number}.pdf"`)
    .serializer((body: unknown) => body as string)
    .send(pdf);

/** Whichever is named first; JSON for those who do not care. */
function prefersPdf(accept = ''): boolean {
  const named = accept.split(',').map((one) => one.split(';', 1)[0]?.trim().toLowerCase());
  const pdf = named.indexOf('application/pdf');
  const json = named.indexOf('application/json');
  return pdf !== -1 && (json === -1 || pdf < json);
}

/** Whoever has no account has nothing here (an anonymous admin, while authentication is off). */
function accountOf({ principal }: FastifyRequest): string {
  if (principal.accountId !== undefined) return principal.accountId;
  throw new WattstreamError('ACCOUNT_MISSING', 'This is for customers: you have no account.', {
    remedy: 'Set WATTSTREAM_AUTH=required, and ask with the token of a customer.',
  });
}

const whoOf = (request: FastifyRequest<{ Headers: z.infer<typeof headers> }>): Who => ({
  accountId: accountOf(request),
  idempotencyKey: request.headers['idempotency-key'],
});

async function answer(
  request: FastifyRequest<{ Headers: z.infer<typeof headers> }>,
  reply: FastifyReply,
  placed: Placed,
): Promise<FastifyReply> {
  const location = `/api/user/charging/requests/${placed.requestId}`;
  reply.header('location', location);
  const isAsync = /(^|[,;\s])respond-async($|[,;\s])/i.test(request.headers.prefer ?? '');
  if (isAsync) reply.header('preference-applied', 'respond-async');
  // A charger may have more time than an idle connection.
  else request.raw.socket.setTimeout(0);
  const known = await (isAsync ? placed.recorded() : placed.outcome());
  if (known === undefined)
    return sendProblem(request, reply, {
      status: 503,
      code: 'REQUEST_PENDING',
      detail: 'The request is recorded; what came of it is not known yet.',
      remedy: 'Look under the address in the header Location. Repeat it only with the same Idempotency-Key.',
      retryAfterSeconds: 5,
    });
  const view = viewOfRequest(known);
  if (view.state === 'failed')
    return sendProblem(request, reply, {
      status: view.code === 'NOT_SENT' ? 503 : 409,
      code: view.code as string,
      detail: view.detail ?? 'It came to nothing.',
      request: view,
    });
  return reply.code(isOver(known) ? 200 : 202).send(view);
}
