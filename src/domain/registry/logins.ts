/**
 * The logins of one account that still hold: one entity per account, so that who logs in every day leaves no more in
 * memory than who does once. A login is a family of refresh tokens, of which the newest alone is good: `turn` counts
 * them, and the registry's versions decide who of two that come with the same one was first. No secret is in it:
 * the tokens are signed, and name login and turn.
 */
import { z } from 'zod';
import { id, instant } from './shape.js';

export const LOGINS_KEPT = 20;

const login = z.object({
  id: z.string().min(1).max(64),
  turn: z.int().positive().describe('Of the newest refresh token'),
  since: instant,
  endsAt: instant.describe('However often it was refreshed'),
  credential: z
    .string()
    .max(64)
    .describe('Fingerprint of the password hash it began with: it holds only while the account has that one'),
});
export type Login = z.infer<typeof login>;

export const logins = z
  .object({ id: id.describe('Of the account'), families: z.array(login).max(100) })
  .meta({ id: 'Logins' });
export type Logins = z.infer<typeof logins>;
