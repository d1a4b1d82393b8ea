/** The right to erasure, for who is asked for it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { lookUp } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { RegistryStore } from '../../registry/store.js';
import { checkIfMatch } from '../cms/conditions.js';
import type { ErasureDesk } from '../erasure/desk.js';

export interface ErasureRouteOptions {
  readonly store: RegistryStore;
  readonly desk: Pick<ErasureDesk, 'erase'>;
}

const erasure = z.object({
  accountId: z.string(),
  version: z.int(),
  erasedAt: z.string(),
  erasedBy: z.string(),
  keysDestroyed: z
    .boolean()
    .describe('false: they are destroyed as soon as that is possible; ask again to see'),
  versionsInClear: z
    .array(z.int())
    .describe(
      'Versions of the account whose name, address or password hash was written in the clear, before data were sealed, or presumably was (what they said is not kept in memory any more): the stream cms.events.log keeps those as they are',
    ),
  tokensInClear: z
    .array(z.object({ uid: z.string(), versions: z.array(z.int()) }))
    .describe("The same of cards that are or were the account's: contract_id and visual_number"),
  points: z.array(z.string()).describe('Charging points of the account: see whether their names tell whose'),
});

export function erasureRoutes(app: FastifyInstance, { store, desk }: ErasureRouteOptions): void {
  app.post<{ Params: { accountId: string } }>(
    '/api/cms/accounts/:accountId/erase',
    {
      config: { access: { roles: ['admin'] } },
      schema: {
        tags: ['cms'],
        summary: 'Erases the person behind an account, for ever; its id stays for sessions and receipts',
        description:
          'Name, e-mail address and password go, and so does what its cards say of it; the keys that the log is sealed with are destroyed. Nothing works under the account any more. It cannot be undone. Asking again finishes what was interrupted. Also for an account that was deleted.',
        params: z.object({ accountId: z.string().min(1).max(255) }),
        headers: z.looseObject({
          'if-match': z
            .string()
            .optional()
            .describe('ETag of the version that is erased; "*": whatever it is'),
        }),
        response: { 200: erasure },
      },
    },
    async (request: FastifyRequest<{ Params: { accountId: string } }>) => {
      const { accountId } = request.params;
      const reason = store.replica.ready();
      if (reason !== undefined)
        throw new WattstreamError('REGISTRY_NOT_READY', `Nothing can be changed yet: ${reason}`, {
          canRetry: true,
        });
      const found = lookUp(store.replica.state, 'account', accountId);
      if (found === undefined)
        throw new WattstreamError('ENTITY_UNKNOWN', `There has never been an account '${accountId}'.`);
      checkIfMatch(request.headers['if-match'], found);
      const { principal } = request;
      return desk.erase(found, { actor: principal.id, accountId: principal.accountId });
    },
  );
}
