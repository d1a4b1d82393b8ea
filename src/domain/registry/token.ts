/**
 * What is held before a reader (1.6 idTag, 2.x idToken): OCPI 2.2.1, 12.3.2 Token. Its `valid` is our `status` Accepted,
 * which says more.
 *
 * A uid is compared without regard to case (OCPP 1.6 section 4, 2.0.1 Part 2 C01; OCPI CiString): the entity's id is the
 * uid in upper case, so that there is no second one.
 */
import { z } from 'zod';
import type { AuthStatus } from '../ocpp/auth-status.js';
import { sealed } from './sealed.js';
import { id, instant, text } from './shape.js';

const uid = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'a uid has 1 to 255 printable ASCII characters')
  .describe('2.1 allows 255, 2.0.1 36, 1.6 20');

/** As callers give it and see it. */
export const plainToken = z
  .object({
    uid,
    type: z.enum(['AD_HOC_USER', 'APP_USER', 'OTHER', 'RFID']).default('RFID'),
    account: id.optional().describe('Whose sessions these are'),
    status: z.enum(['Accepted', 'Blocked', 'Expired', 'Invalid', 'NoCredit']).default('Accepted'),
    expiresAt: instant.optional().describe('From then on Expired'),
    group_id: uid
      .optional()
      .describe(
        'Parent group (1.6 parentIdTag, 2.x groupIdToken). Where a token has this uid, what is said of it is said of the group',
      ),
    concurrent: z
      .boolean()
      .optional()
      .describe('It may be in several transactions at once (a fleet, a family); else in one'),
    tariff: id.optional().describe("Overrides the outlet's (a fleet's own price)"),
    contract_id: text(36).optional(),
    visual_number: text(64).optional(),
    issuer: text(64).optional(),
    whitelist: z.enum(['ALWAYS', 'ALLOWED', 'ALLOWED_OFFLINE', 'NEVER']).default('ALLOWED'),
    language: z.string().length(2).optional(),
  })
  .meta({ id: 'Token' });
/** As it stands in the log. */
export const token = plainToken
  .extend({ sealed: sealed.optional().describe('contract_id and visual_number of a token with an account') })
  .meta({ id: 'KeptToken' });
export type Token = z.infer<typeof token>;

/** Who made the tokens of single starts (`src/api/charging/one-time-token.ts`). */
export const START_ISSUER = 'wattstream start';

/**
 * Made for one start and for nothing else: on no local list, and its id is random, so that it never comes back. What was
 * changed into anything else is none.
 */
export const isOneTime = ({ type, issuer, whitelist }: Token): boolean =>
  type === 'AD_HOC_USER' && issuer === START_ISSUER && whitelist === 'NEVER';

export const tokenIdOf = (anyCase: string): string => anyCase.toUpperCase();

/** What of other entities decides about a token. */
export interface Around {
  /** Its account is there no more, or disabled. */
  readonly isDisabled: boolean;
  /** The token that has its group's uid. */
  readonly group: Token | undefined;
}

/**
 * What is said of a token at a time (epoch milliseconds): its own word first, then its account's, then its group's. It
 * ends with its own expiry or its group's, whichever comes first.
 */
export function standingAt(
  token: Token,
  { isDisabled, group }: Around,
  at: number,
): { readonly status: AuthStatus; readonly expiresAt: number | undefined } {
  const ends = [token, group].flatMap((one) =>
    one?.expiresAt === undefined ? [] : Date.parse(one.expiresAt),
  );
  const own = ownStatusAt(token, at);
  const held = own === 'Accepted' && isDisabled ? 'Blocked' : own;
  return {
    status: held === 'Accepted' && group !== undefined ? ownStatusAt(group, at) : held,
    expiresAt: ends.length === 0 ? undefined : Math.min(...ends),
  };
}

const ownStatusAt = ({ status, expiresAt }: Token, at: number): AuthStatus =>
  status === 'Accepted' && expiresAt !== undefined && at >= Date.parse(expiresAt) ? 'Expired' : status;
