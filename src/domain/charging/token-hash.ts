/** A token as those see it who must not know it: the tables' `id_token_hash` and announcements say it alike. */
import { createHash } from 'node:crypto';

/** First 16 digits of the SHA-256 of the upper-case token; '' without one. */
export const tokenHash = (token: string): string =>
  token === '' ? '' : createHash('sha256').update(token.toUpperCase()).digest('hex').slice(0, 16);
