/** The shape of personal data that stand sealed in a state. */
import { z } from 'zod';

export const sealed = z
  .object({
    book: z.int().positive().describe('Key book in which the key was found kept when this was written'),
    key: z.string().min(1).max(64).describe('Which key'),
    data: z.string().max(4_096).describe('AES-256-GCM: nonce, ciphertext, tag; base64url'),
    email: z.string().max(64).optional().describe('Tag of the e-mail address: the same for the same address'),
  })
  .describe('Personal fields, sealed under a key of the account');
export type Sealed = z.infer<typeof sealed>;
