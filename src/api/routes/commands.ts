/** Commands to chargers: a route for each friendly operation, one for everything the protocol has, and their records. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { OPERATIONS } from '../../domain/ocpp/commands/operations.js';
import type { Asked } from '../../domain/ocpp/commands/prepare.js';
import { WattstreamError } from '../../platform/errors.js';
import { type Access, admit, OPERATORS, type StationOf } from '../auth/access.js';
import type { CommandRequest, CommandService, Started } from '../commands/service.js';
import { type CommandView, commandView, viewOf } from '../commands/view.js';
import { type Facts, sendProblem } from '../problem.js';

const tags = ['commands'];

/** What every command has. */
const common = {
  chargePointId: z.string().min(1).max(48),
  timeoutSeconds: z.coerce
    .number()
    .positive()
    .optional()
    .describe('For the charger to answer, waiting its turn included. Default: WATTSTREAM_COMMAND_SECONDS'),
  queueUntil: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Keep it until then, should the charger be away; the time it has counts from its return'),
};

const headers = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .optional()
    .describe('The same key means the same command: repeat a request with it as often as you like'),
  prefer: z
    .string()
    .max(255)
    .optional()
    .describe('respond-async: 202 at once, instead of waiting for the charger'),
});

const pending = commandView.describe(
  'It is on its way, or kept for a charger that is away. `Location` is where it can be followed',
);
const response = {
  200: commandView.describe('The charger has spoken: `state` is accepted, rejected or failed'),
  202: pending,
};

const DESCRIPTION = [
  'Waits for the charger. 200: it has answered (`state` accepted, rejected or failed). 409 CHARGER_OFFLINE: no gateway',
  'holds it. 504 COMMAND_TIMED_OUT: no answer; `command.delivery` says whether it may have got it. 202: with',
  '`Prefer: respond-async`, or kept by `queueUntil`.',
].join(' ');

export interface CommandRouteOptions {
  readonly commands: CommandService;
  readonly stationOf: StationOf;
  /** Who asks, for the record. Default: the principal's id. */
  actorOf?(request: FastifyRequest): string;
}

/** The charge point stands in the body, or in the command: the handlers look whether it is at a station of theirs. */
const ACCESS: Access = { ...OPERATORS, restricted: 'admitted' };
const config = { access: ACCESS };
const AT_CHARGE_POINT: Access = { ...OPERATORS, restricted: { chargePoint: '' } };

export function commandRoutes(
  plain: FastifyInstance,
  { commands, stationOf, actorOf }: CommandRouteOptions,
): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  /** Throws STATION_FORBIDDEN. */
  const admitTo = (request: FastifyRequest, chargePoint: string): void =>
    admit(request.principal, AT_CHARGE_POINT, { chargePoint, stationOf });

  async function run(
    request: FastifyRequest<{ Headers: z.infer<typeof headers> }>,
    reply: FastifyReply,
    given: Pick<CommandRequest, 'chargePointId' | 'timeoutSeconds' | 'queueUntil'>,
    asked: Asked,
  ): Promise<FastifyReply> {
    admitTo(request, given.chargePointId);
    const started = await commands.start({
      ...given,
      asked,
      actor: actorOf?.(request) ?? request.principal.id,
      idempotencyKey: request.headers['idempotency-key'],
    });
    reply.header('location', `/api/charger/commands/${started.commandId}`);
    const isAsync = /(^|[,;\s])respond-async($|[,;\s])/i.test(request.headers.prefer ?? '');
    if (isAsync) {
      reply.header('preference-applied', 'respond-async');
      return reply.code(202).send(await asItStands(started));
    }
    // A charger may have more time than an idle connection.
    request.raw.socket.setTimeout(0);
    const command = await started.outcome();
    if (command === undefined) return sendProblem(request, reply, PENDING);
    const view = viewOf(command);
    if (view.state === 'kept') return reply.code(202).send(view);
    const facts = problemOf(view);
    return facts === undefined ? reply.code(200).send(view) : sendProblem(request, reply, facts);
  }

  /** The log is read a moment after it was written. */
  async function asItStands({ commandId, recorded }: Started): Promise<CommandView> {
    const command = await recorded();
    if (command === undefined)
      throw new WattstreamError(
        'COMMAND_PENDING',
        `Command ${commandId} is recorded, and cannot be shown yet.`,
        {
          canRetry: true,
        },
      );
    return viewOf(command);
  }

  for (const operation of OPERATIONS) {
    const body = z
      .strictObject({ ...common, ...operation.shape })
      .meta({ examples: [{ chargePointId: 'CP-1', ...operation.example }] });
    app.post(
      `/api/charger/${operation.name}`,
      {
        config,
        schema: { tags, summary: operation.summary, description: DESCRIPTION, headers, body, response },
      },
      async (request, reply) => {
        const { chargePointId, timeoutSeconds, queueUntil, ...rest } = request.body as z.infer<
          z.ZodObject<typeof common>
        >;
        return run(
          request,
          reply,
          { chargePointId, timeoutSeconds, queueUntil },
          { operation: operation.name, body: rest },
        );
      },
    );
  }

  app.post(
    '/api/charger/commands',
    {
      config,
      schema: {
        tags,
        summary: "Any command of the charger's version, in the protocol's own words",
        description: `${DESCRIPTION} Validated by the official schema of the version that the charger speaks. Reservation ids, charging profile ids, request ids and versions of local lists are made where they are left out.`,
        headers,
        body: z
          .strictObject({
            ...common,
            action: z.string().min(1).max(50),
            payload: z.record(z.string(), z.unknown()).default({}),
          })
          .meta({
            examples: [
              { chargePointId: 'CP-1', action: 'TriggerMessage', payload: { requestedMessage: 'Heartbeat' } },
            ],
          }),
        response,
      },
    },
    async (request, reply) => {
      const { action, payload, ...given } = request.body;
      return run(request, reply, given, { operation: null, action, payload });
    },
  );

  app.get(
    '/api/charger/commands/:id',
    {
      config,
      schema: {
        tags,
        summary: 'What became of a command',
        params: z.object({ id: z.uuid() }),
        response: { 200: commandView },
      },
    },
    async (request) => {
      const { id } = request.params;
      const command = await commands.find(id);
      if (command === undefined)
        throw new WattstreamError('COMMAND_UNKNOWN', `There is no command ${id}.`, {
          remedy: 'One that was asked for a moment ago, by another process, may take a second to appear.',
        });
      admitTo(request, command.requested.chargePointId);
      return viewOf(command);
    },
  );

  app.get(
    '/api/charger/commands',
    {
      config,
      schema: {
        tags,
        summary: 'The commands of the last hour, newest first',
        querystring: z.strictObject({
          chargePointId: z.string().min(1).max(48).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(100),
        }),
        response: { 200: z.object({ commands: z.array(commandView) }) },
      },
    },
    async ({ principal: { stations }, query: { chargePointId, limit } }) => {
      const isShown = (id: string): boolean => stations === null || stations.includes(stationOf(id) ?? '');
      return { commands: commands.recent(chargePointId, limit, isShown).map(viewOf) };
    },
  );
}

const PENDING: Facts = {
  status: 503,
  code: 'COMMAND_PENDING',
  detail: 'The command is recorded; what came of it is not known yet.',
  remedy: 'Look under the address in the header Location. Repeat it only with the same Idempotency-Key.',
  retryAfterSeconds: 5,
};

/** undefined: the charger has spoken, and that is the answer. */
function problemOf(command: CommandView): Facts | undefined {
  const what = `${command.action} to ${command.chargePointId}`;
  switch (command.state) {
    case 'accepted':
    case 'rejected':
    case 'failed':
      return undefined;
    case 'offline':
      return {
        status: 409,
        code: 'CHARGER_OFFLINE',
        detail: `${what} was not sent: ${command.detail ?? 'the charger is not connected'}.`,
        remedy: 'Ask again when it is back, or let it be kept: queueUntil.',
        command,
      };
    case 'timed-out':
      return {
        status: 504,
        code: 'COMMAND_TIMED_OUT',
        detail: `${what}: ${command.detail ?? 'no answer in time'}.`,
        remedy:
          command.delivery === 'not-delivered'
            ? 'The charger has not got it: it can be sent again.'
            : 'Whether the charger carried it out is unknown: ask it for its state before repeating.',
        command,
      };
    default:
      return { ...PENDING, command };
  }
}
