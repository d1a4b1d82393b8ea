/**
 * Changes of the registry: exchange `cms.events`, routing key = `type`, kept for ever in the stream `cms.events.log`,
 * which is the registry's truth. Each holds the entity's whole new state. It is a proposal: it applies when its
 * version is the current one + 1 and the registry's rules hold at its place in the log; else it is void.
 */
import { z } from 'zod';
import { messageHead } from './message.js';

export const ENTITY_KINDS = [
  'station',
  'point',
  'tariff',
  'token',
  'account',
  'outage',
  'webhook',
  'api-key',
] as const;
export type EntityKind = (typeof ENTITY_KINDS)[number];

/**
 * Kinds of former versions, which lie in the log for ever. Nothing refers to them, so passing them over changes no judgement.
 * `logins` have a log of their own since (`login-events.ts`).
 */
const RETIRED = /^cms\.logins\.(created|updated|deleted)$/;
export const isRetired = (type: unknown): boolean => typeof type === 'string' && RETIRED.test(type);

export const cmsEvent = z.object({
  ...messageHead,
  type: z
    .string()
    .regex(/^cms\.[a-z-]+\.(created|updated|deleted)$/)
    .describe('cms.<kind>.created | updated | deleted'),
  kind: z.enum(ENTITY_KINDS),
  entityId: z.string().min(1).max(255),
  version: z.int().positive().describe('1, 2, 3 ...; a deletion has one too'),
  actor: z.string(),
  rules: z
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Rules that its writer knew, by which alone it is judged. Absent: those before they were numbered',
    ),
  state: z.record(z.string(), z.unknown()).nullable().describe('The whole entity; null when it is deleted'),
});
export type CmsEvent = z.infer<typeof cmsEvent>;
