/** What is done about a charging point over OCPP, beside the commands that anybody may give it. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RotationAnswer } from '../../domain/registry/rotating.js';
import { type Rotation, rotation } from '../../domain/registry/rotation.js';
import { atChargePoint, OPERATORS, READERS } from '../auth/access.js';
import { commandView, viewOf } from '../commands/view.js';
import { type ListShelf, localListView } from '../local-lists/view.js';
import { type Facts, sendProblem } from '../problem.js';
import { answerOf } from '../rotation/answer.js';
import type { RotationDesk } from '../rotation/desk.js';

const tags = ['cms'];
const config = { access: atChargePoint(OPERATORS, 'chargingPointId') };
const params = z.object({ chargingPointId: z.string().min(1).max(48) });

const rotated = z.object({
  chargingPointId: z.string(),
  rotation: rotation.describe('As GET of the charging point shows it'),
  command: commandView.nullable().describe('null: it is on its way'),
});

export interface PointRouteOptions {
  readonly rotations: Pick<RotationDesk, 'begin'>;
  readonly lists: Pick<ListShelf, 'show' | 'push'>;
}

export function pointRoutes(plain: FastifyInstance, { rotations, lists }: PointRouteOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/cms/points/:chargingPointId/rotate-password',
    {
      config,
      schema: {
        tags,
        summary: 'Gives a charger a new key for Basic authentication, over OCPP',
        description: [
          'The new key is made here and shown to nobody, unless the request gives one; the charger is let in with old and new until it is known which one it has.',
          '200: the charger has spoken: `rotation.state` is accepted (the new key alone), reboot-required (both, until it',
          'comes back with the new one), refused (the old key alone) or unconfirmed (refused, and a key from before is still in',
          'doubt: let in as well). 504 COMMAND_TIMED_OUT: no answer; `rotation` of the',
          'charging point tells how it goes on. 409 CHARGER_OFFLINE, ROTATION_OPEN or CONFLICT: nothing was changed.',
          '422 ROTATION_IMPOSSIBLE: it has no key. 202: with `Prefer: respond-async`.',
        ].join(' '),
        params,
        headers: z.object({
          prefer: z.string().max(255).optional().describe('respond-async: 202 at once'),
        }),
        body: z
          .strictObject({
            password: z.string().min(16).max(40).optional().meta({
              description:
                'In place of one that is made here. OCPP 1.6: 40 hexadecimal digits; 2.x: 16 to 40 printable characters',
              writeOnly: true,
            }),
          })
          .nullish()
          .meta({ examples: [{}] }),
        response: { 200: rotated, 202: rotated },
      },
    },
    async (request, reply) => {
      const { chargingPointId } = request.params;
      const started = await rotations.begin({
        pointId: chargingPointId,
        actor: request.principal.id,
        password: request.body?.password,
      });
      reply.header('location', `/api/cms/points/${encodeURIComponent(chargingPointId)}`);
      if (/(^|[,;\s])respond-async($|[,;\s])/i.test(request.headers.prefer ?? '')) {
        reply.header('preference-applied', 'respond-async');
        return reply.code(202).send({ chargingPointId, rotation: started.rotation, command: null });
      }
      // A charger may have more time than an idle connection.
      request.raw.socket.setTimeout(0);
      const { rotation: now, command } = await started.outcome();
      const view = command === undefined ? null : viewOf(command);
      const facts = problemOf(chargingPointId, now, command && answerOf(command)?.outcome);
      if (facts !== undefined)
        return sendProblem(request, reply, view === null ? facts : { ...facts, command: view });
      return reply
        .code(now.state === 'sent' ? 202 : 200)
        .send({ chargingPointId, rotation: now, command: view });
    },
  );

  app.get(
    '/api/cms/points/:chargingPointId/local-list',
    {
      config: { access: atChargePoint(READERS, 'chargingPointId') },
      schema: {
        tags,
        summary: "How a charger's local authorization list stands",
        params,
        response: { 200: localListView },
      },
    },
    async (request) => lists.show(request.params.chargingPointId),
  );

  app.post(
    '/api/cms/points/:chargingPointId/local-list/push',
    {
      config,
      schema: {
        tags,
        summary: "Brings a charger's local authorization list up to date now",
        description:
          'It is, by itself, when tokens change and when the charger comes. 202: it is being looked at; GET .../local-list tells what came of it. 409 CHARGER_OFFLINE; 422 LOCAL_LIST_NONE.',
        params,
        body: z
          .strictObject({
            full: z.boolean().default(false).describe('The whole list, whatever the charger says it has'),
          })
          .nullish()
          .meta({ examples: [{ full: true }] }),
        response: { 202: localListView },
      },
    },
    async (request, reply) => {
      const { chargingPointId } = request.params;
      const view = await lists.push(chargingPointId, request.body?.full ?? false);
      return reply
        .code(202)
        .header('location', `/api/cms/points/${encodeURIComponent(chargingPointId)}/local-list`)
        .send(view);
    },
  );
}

/** undefined: the charger has spoken, or will. */
function problemOf(
  id: string,
  { state, detail }: Rotation,
  outcome: RotationAnswer['outcome'] | undefined,
): Facts | undefined {
  // Of a key from before it is still in doubt; what became of this one is another question.
  switch (state === 'unconfirmed' ? (outcome ?? state) : state) {
    case 'not-sent':
      return {
        status: 409,
        code: 'CHARGER_OFFLINE',
        detail: `The key of ${id} was not changed: ${detail ?? 'the command was not sent'}.`,
        remedy: 'Ask again when it is back. A key is never kept for later: it would lie about in a queue.',
      };
    case 'unknown':
    case 'unconfirmed':
      return {
        status: 504,
        code: 'COMMAND_TIMED_OUT',
        detail: `${id} has not answered: ${detail ?? 'no answer in time'}.`,
        remedy:
          'It is let in with its old key and with the new one. When it comes again it shows which one it has: look at `rotation` of the charging point.',
      };
    default:
      return undefined;
  }
}
