/**
 * What of a person the log has in the clear, from before data were sealed: whoever erases somebody has to know it. Pure.
 *
 * Named are the versions that are seen to be in the clear, and those whose state is not kept in memory any more, where they
 * may be from before there was a key book: nobody can tell, and an erasure must not promise too much.
 */
import { KINDS, type StateOf } from './kinds.js';
import { KEY_BOOK, ownerOf } from './personal.js';
import { type Entity, lookUp, mapOf, type Past, type RegistryState } from './state.js';

/** How a sealed password hash begins; what does not was written before hashes were sealed, or by a program of then. */
export const SEALED_HASH = 'sealed$';

/** Versions of an account with its name, its address or the hash of its password. */
export function accountInClear(state: RegistryState, account: Entity<'account'>): readonly number[] {
  return inClear(state, account, (one) => {
    const hash = one.passwordHash;
    return (
      KINDS.account.personal?.some((field) => Object.hasOwn(one, field)) === true ||
      (hash !== undefined && !hash.startsWith(SEALED_HASH))
    );
  });
}

/**
 * The same of all cards that are or were the account's: what is printed on them, also while a card that once was theirs
 * had no account. Another account's is that one's.
 */
export function tokensInClear(
  state: RegistryState,
  accountId: string,
): readonly { readonly uid: string; readonly versions: readonly number[] }[] {
  const found: { uid: string; versions: readonly number[] }[] = [];
  for (const token of mapOf(state, 'token').values()) {
    const isTheirs = [...token.past, token].some(
      (one) => one.state && ownerOf('token', one.state) === accountId,
    );
    if (!isTheirs) continue;
    const versions = inClear(
      state,
      token,
      (one) =>
        (ownerOf('token', one) ?? accountId) === accountId &&
        KINDS.token.personal?.some((field) => Object.hasOwn(one, field)) === true,
    );
    if (versions.length > 0) found.push({ uid: token.id, versions });
  }
  return found;
}

function inClear<K extends 'account' | 'token'>(
  state: RegistryState,
  entity: Entity<K>,
  isClear: (state: StateOf[K]) => boolean,
): number[] {
  const known: readonly Past<K>[] = [...entity.past, entity];
  const sealedSince = lookUp(state, 'key-book', KEY_BOOK)?.createdAt;
  const isOld = (at: string): boolean =>
    sealedSince === undefined || Date.parse(at) < Date.parse(sealedSince);
  // Of versions before those that are known not even the time is kept.
  const [first] = known;
  const forgotten = (first?.version ?? 1) - 1;
  const isForgottenOld = first !== undefined && (isOld(first.at) || isOld(entity.createdAt));
  return [
    ...(isForgottenOld ? Array.from({ length: forgotten }, (_, index) => index + 1) : []),
    ...known
      .filter(({ state: one, at, change }) => {
        if (one === null || change === 'deleted') return false;
        return one === undefined ? isOld(at) : isClear(one);
      })
      .map(({ version }) => version),
  ];
}
