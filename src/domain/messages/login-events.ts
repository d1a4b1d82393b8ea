/**
 * Lives of logins: exchange `cms.logins`, routing key = `type`, kept in the stream `cms.logins.log` for a little longer than
 * the longest life of a login. As in the registry each is a proposal, judged at its place in the log
 * (`domain/logins/evolve.ts`). No secret is in it: tokens are signed, and name login and turn.
 */
import { z } from 'zod';
import { instant, messageHead } from './message.js';

const head = {
  ...messageHead,
  loginId: z.string().min(1).max(64).describe('Random, so that no two begin with the same'),
  accountId: z.string().min(1).max(64),
};

const begun = z.object({
  ...head,
  type: z.literal('login.begun'),
  endsAt: instant.describe('However often it is refreshed'),
  credential: z
    .string()
    .max(64)
    .describe('Fingerprint of the password hash it began with: it holds only while the account has that one'),
});
const turned = z.object({
  ...head,
  type: z.literal('login.turned'),
  version: z
    .int()
    .min(2)
    .describe('Of the newest refresh token; it applies when this is the current one + 1'),
  presented: z
    .int()
    .min(1)
    .optional()
    .describe('Turn of the refresh token that somebody came with; absent: the one before this'),
});
const ended = z.object({ ...head, type: z.literal('login.ended') });

export const loginEvent = z.discriminatedUnion('type', [begun, turned, ended]);
export type LoginEvent = z.infer<typeof loginEvent>;
export const LOGIN_EVENT_TYPES = ['login.begun', 'login.turned', 'login.ended'] as const;
