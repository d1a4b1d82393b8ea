/** What is told in rooms: notifications, and what this process itself adds to them. */
import { z } from 'zod';
import { chargePointId, instant, messageHead, wattHours } from '../../domain/messages/message.js';
import { notification } from '../../domain/messages/notifications.js';

export const costSoFar = z
  .object({
    currency: z.string(),
    exclVat: z.string(),
    inclVat: z.string().nullable().describe('null: the tariff does not say how much VAT there is'),
    final: z.boolean().describe('false: so far, or before somebody has looked at it'),
  })
  .describe('Decimals as text');

export const sessionCost = z
  .object({
    ...messageHead,
    type: z.literal('session.cost'),
    chargePointId,
    stationId: z.string(),
    accountId: z.string(),
    version: z.number().describe('Of what is known of the session that was priced: epoch * 2^48 + offset'),
    sessionId: z.uuid(),
    energyWh: wattHours.nullable().describe('What was priced'),
    lastSeenAt: instant.describe('Up to when it was priced'),
    cost: costSoFar.nullable(),
    costUnknown: z.string().nullable().describe('Why there is none'),
  })
  .meta({ id: 'SessionCost' });
export type SessionCost = z.infer<typeof sessionCost>;

export const news = notification
  .extend({ event: z.union([...notification.shape.event.options, sessionCost]) })
  .meta({ id: 'News' });
export type News = z.infer<typeof news>;
