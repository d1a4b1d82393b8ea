/** Somebody who may log in, or pays: customers and staff. */
import { z } from 'zod';
import { sealed } from './sealed.js';
import { id, instant, text } from './shape.js';

export const ROLES = ['customer', 'operator', 'analyst', 'admin'] as const;
export type Role = (typeof ROLES)[number];

const name = text(255);
const email = z.email().max(254).describe('For logging in; one account each, whatever the case');

const common = {
  id,
  role: z.enum(ROLES),
  passwordHash: z.string().max(255).optional().describe('Kept, never shown'),
  disabled: z.boolean().default(false).describe('Nothing works under it any more'),
  stations: z
    .array(id)
    .max(1_000)
    .optional()
    .describe('Restricted to these stations (operators); without it: to none'),
  language: z.string().length(2).optional(),
};

/** Evidence of an erasure; far more than anybody has. */
const CLEAR_MAX = 10_000;

/** As callers give it and see it. */
export const plainAccount = z.object({ ...common, name, email: email.optional() }).meta({ id: 'Account' });

/** As it stands in the log: named in the clear (before 2026-11-26), sealed, or erased. */
export const account = z
  .object({
    ...common,
    name: name.optional(),
    email: email.optional(),
    sealed: sealed.optional(),
    erased: instant.optional().describe('When its personal data were destroyed: nobody can bring them back'),
    versionsInClear: z
      .array(z.int())
      .max(CLEAR_MAX)
      .optional()
      .describe(
        'Of an erased one: versions whose name, address or password hash the log has in the clear, or presumably has',
      ),
    tokensInClear: z
      .array(z.object({ uid: z.string(), versions: z.array(z.int()).max(CLEAR_MAX) }))
      .max(CLEAR_MAX)
      .optional()
      .describe('Of an erased one: the same of what was printed on its cards'),
  })
  .refine(({ name: clear, sealed: hidden, erased }) => Boolean(clear ?? hidden ?? erased), {
    path: ['name'],
    message: 'it has a name, sealed or not, unless it was erased',
  })
  .refine(
    ({ erased, name: clear, email: address, sealed: hidden, passwordHash, disabled }) =>
      erased === undefined || (disabled && !(clear ?? address ?? hidden ?? passwordHash)),
    { path: ['erased'], message: 'what was erased is disabled and names nobody' },
  )
  .meta({ id: 'KeptAccount' });
export type Account = z.infer<typeof account>;

/** A program's way in: the key itself is shown once and kept as a hash. */
export const apiKey = z
  .object({
    id,
    name: text(255),
    account: id.describe('It may do what this account may, or less'),
    role: z.enum(ROLES).optional().describe("Default: the account's"),
    stations: z
      .array(id)
      .max(1_000)
      .optional()
      .describe('Restricted to those of these stations that the account may see'),
    prefix: z.string().max(64).optional().describe('How the key begins, to recognise it by'),
    keyHash: z.string().min(1).max(255),
    expiresAt: z.iso.datetime({ offset: true }).optional(),
    disabled: z.boolean().default(false),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof apiKey>;
