/** Who is asking. Routes and rooms decide by this alone; where it came from (a token, a key) is forgotten here. */
import { ROLES, type Role } from '../../domain/registry/account.js';

export { ROLES, type Role };

export interface Principal {
  /** Stands as `actor` in the record of what somebody did. */
  readonly id: string;
  readonly role: Role;
  /** Whose it is; a customer always has one. */
  readonly accountId?: string;
  /** null = all stations. */
  readonly stations: readonly string[] | null;
  /** What proved it, where not a token that stands for itself alone: a login, or a program's key. */
  readonly by?: { readonly kind: 'login' | 'key'; readonly id: string };
  /** Epoch milliseconds at which what proved it ends: open sockets end with it. */
  readonly expiresAt?: number;
}

/** Everybody, where WATTSTREAM_AUTH is `off`. */
export const ANONYMOUS: Principal = { id: 'anonymous', role: 'admin', stations: null };
