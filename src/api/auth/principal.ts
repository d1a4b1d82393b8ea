/** Who is asking. Routes and rooms decide by this alone; where it came from (a token, a key) is forgotten here. */
import { ROLES, type Role } from '../../domain/registry/account.js';

export { ROLES, type Role };

export interface Principal {
  /** Stands as `actor` in the record of what somebody did. */
  readonly id: string;
  readonly role: Role;
  /** The customer's own; a customer always has one. */
  readonly accountId?: string;
  /** null = all stations. */
  readonly stations: readonly string[] | null;
  /** Epoch milliseconds at which what proved it ends: open sockets end with it. */
  readonly expiresAt?: number;
}

/** Everybody, where WATTSTREAM_AUTH is `off`. */
export const ANONYMOUS: Principal = { id: 'anonymous', role: 'admin', stations: null };
