/**
 * What people and outside programs are told at once: exchange `notifications`. One message goes to everybody who may
 * see it: its routing keys (one of its own, the others as `CC`) are `operator.<what>`, `station.<id>.<what>` and
 * `user.<id>.<what>`, so a queue bound to several of them still gets it once.
 */
import { z } from 'zod';
import { chargingEvent } from './charging-events.js';
import { cmsEvent } from './cms-events.js';
import { messageHead } from './message.js';

export const notification = z.object({
  ...messageHead,
  type: z.string().describe('That of the event: session.updated, charger.offline, cms.tariff.updated ...'),
  audience: z.object({
    stationId: z.string().nullable(),
    accountId: z.string().nullable().describe('The customer it concerns'),
  }),
  event: z.union([chargingEvent, cmsEvent]),
});
export type Notification = z.infer<typeof notification>;

/** One word of a routing key: topic exchanges take `.`, `*` and `#` for their own. */
export const keyWord = (id: string): string =>
  encodeURIComponent(id).replaceAll('.', '%2E').replaceAll('*', '%2A');

/** Routing keys of a notification, the operators' first. */
export function routingKeys({ type, audience }: Pick<Notification, 'type' | 'audience'>): string[] {
  const keys = [`operator.${type}`];
  if (audience.stationId) keys.push(`station.${keyWord(audience.stationId)}.${type}`);
  if (audience.accountId) keys.push(`user.${keyWord(audience.accountId)}.${type}`);
  return keys;
}
