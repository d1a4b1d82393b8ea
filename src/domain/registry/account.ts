/** Somebody who may log in, or pays: customers and staff. */
import { z } from 'zod';
import { id, text } from './shape.js';

export const ROLES = ['customer', 'operator', 'analyst', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const account = z
  .object({
    id,
    role: z.enum(ROLES),
    name: text(255),
    email: z.email().max(254).optional().describe('For logging in; one account each, whatever the case'),
    passwordHash: z.string().max(255).optional().describe('Kept, never shown'),
    disabled: z.boolean().default(false).describe('Nothing works under it any more'),
    stations: z
      .array(id)
      .max(1_000)
      .optional()
      .describe('Restricted to these stations (operators); without it: to none'),
    language: z.string().length(2).optional(),
  })
  .meta({ id: 'Account' });
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
