/** What each message of the queue `local-lists` asks for: the events themselves, and what an api puts there. */
import { z } from 'zod';
import { isOneTime, type Token } from '../domain/registry/token.js';
import type { ListWake } from './ports.js';

const online = z
  .object({ type: z.literal('charger.online'), chargePointId: z.string() })
  .transform(({ chargePointId }): ListWake => ({ kind: 'online', chargePointId }));
const changed = z
  .object({
    type: z.string().startsWith('cms.'),
    kind: z.enum(['token', 'account', 'point']),
    entityId: z.string(),
    state: z.record(z.string(), z.unknown()).nullish(),
  })
  .transform(({ type, kind, entityId, state }): ListWake | undefined =>
    type === 'cms.token.created' && state && isOneTime(state as Token)
      ? undefined
      : { kind: 'changed', entity: kind, id: entityId },
  );
const push = z
  .object({ type: z.literal('local-list.push'), chargePointId: z.string(), full: z.boolean() })
  .transform(({ chargePointId, full }): ListWake => ({ kind: 'push', chargePointId, full }));
const listWake = z.union([online, changed, push]);

/** undefined: nothing (a one-time token was made, which is on no list), or nothing that is understood. */
export const listWakeOf = (body: unknown): ListWake | undefined => listWake.safeParse(body).data;
