/**
 * What names a person, and how it stands in the log, which is kept for ever: sealed under a key of the account that it
 * belongs to. Whoever destroys the key has made every copy of it unreadable (`src/registry/keys`).
 *
 * Judging needs no key. A sealed state says under which key book its writer has found the key kept: it applies only while
 * that book is the current one, so that a key cannot be lost to a book that is rewritten meanwhile. That an e-mail
 * address is one account's alone is judged by its tag, which is the same for the same address.
 */
import type { z } from 'zod';
import type { EntityKind } from '../messages/cms-events.js';
import { KINDS, type Kind, type StateOf } from './kinds.js';
import { type Entity, isLive, lookUp, type RegistryState } from './state.js';

/** The one entity of the kind `key-book`. */
export const KEY_BOOK = 'keys';

/** What a name looks like from outside: neither fields of people nor what they are sealed in. */
export function withoutPersonal(kind: EntityKind, state: object): Record<string, unknown> {
  const { personal = [] } = KINDS[kind];
  return Object.fromEntries(
    Object.entries(state).filter(([field]) => field !== 'sealed' && !personal.includes(field)),
  );
}

/** Account under whose key a state's personal fields belong; undefined: it names nobody. */
export const ownerOf = <K extends EntityKind>(kind: K, state: StateOf[K]): string | undefined =>
  (KINDS[kind] as Kind<K>).ownerOf?.(state);

/** Its name is gone for good; its id stays for sessions and money. */
export function isErased(state: RegistryState, accountId: string): boolean {
  const account = lookUp(state, 'account', accountId);
  return isLive(account) && account.state.erased !== undefined;
}

/** The shape in which callers give it and see it: personal fields in the clear. */
export const plainShapeOf = <K extends EntityKind>(kind: K): z.ZodType<StateOf[K]> =>
  (KINDS[kind] as Kind<K>).plainShape ?? (KINDS[kind] as Kind<K>).shape;

/** Of an account that is being erased: what is remembered of its former versions names nobody either. */
export const scrubbed = (past: Entity['past']): Entity['past'] =>
  past.map((one) =>
    one.state ? { ...one, state: withoutCredentials(withoutPersonal('account', one.state)) as never } : one,
  );

const withoutCredentials = ({ passwordHash: _, ...rest }: Record<string, unknown>) => rest;
