/**
 * The first account there is, and the way back in for who has lost the password: both write to the registry, so that what
 * applies is what every process knows.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from '../domain/registry/account.js';
import { type Live, mapOf } from '../domain/registry/state.js';
import { WattstreamError } from '../platform/errors.js';
import { type Backoff, backoffMs } from '../platform/retry.js';
import { hashPersonsPassword, madeUpPassword, PersonsPasswords } from './people.js';
import type { RegistryStore } from './store.js';

export interface MadePassword {
  readonly accountId: string;
  readonly email: string;
  /** Nobody else has it, and it is kept nowhere. */
  readonly password: string;
}

/** Always this one: of several processes that make it at once the registry lets one through. */
const ADMIN = 'admin';

/**
 * When the registry, read to its end, has never had an account; else undefined, also when another process was faster. A
 * process that dies before it has told the password leaves an admin whose password nobody has: `resetPassword`.
 */
export async function makeFirstAdmin(
  store: RegistryStore,
  email: string,
  password = madeUpPassword(),
): Promise<MadePassword | undefined> {
  await store.replica.caughtUp();
  // Deleted ones count: whoever took all accounts away did not want one back.
  if (mapOf(store.replica.state, 'account').size > 0) return undefined;
  try {
    await store.propose({
      kind: 'account',
      id: ADMIN,
      change: 'created',
      state: {
        id: ADMIN,
        role: 'admin',
        name: 'Administrator',
        email,
        passwordHash: await hashPersonsPassword(password),
        disabled: false,
      },
      version: 0,
      actor: 'first start',
    });
  } catch (error) {
    if (error instanceof WattstreamError && error.code === 'CONFLICT') return undefined;
    throw error;
  }
  return { accountId: ADMIN, email, password };
}

export interface Persistence {
  readonly signal?: AbortSignal;
  readonly backoff?: Backoff;
  /** Of each attempt after which there will be another. `maybeMade`: it may be there all the same, now or later. */
  onFailure(error: WattstreamError, maybeMade: boolean): void;
}

/**
 * As `makeFirstAdmin`, again and again while the error can be retried: with the broker away at the first start nobody could
 * log in otherwise until the next one. The password is the same each time, so that one which was made without an answer is
 * known as ours, and told. Rejects as `makeFirstAdmin` with what cannot be retried, and when the signal aborts.
 */
export async function makeFirstAdminAtLast(
  store: RegistryStore,
  email: string,
  { signal, backoff = { firstMs: 500, maxMs: 15_000 }, onFailure }: Persistence,
): Promise<MadePassword | undefined> {
  const password = madeUpPassword();
  let maybeMade = false;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      const made = await makeFirstAdmin(store, email, password);
      if (made !== undefined || !maybeMade) return made;
      const hash = await store.people.passwordHash(store.replica.get('account', ADMIN));
      const isOurs = hash !== undefined && (await new PersonsPasswords().matches(password, hash));
      return isOurs ? { accountId: ADMIN, email, password } : undefined;
    } catch (error) {
      if (!(error instanceof WattstreamError) || !error.canRetry) throw error;
      maybeMade ||= error.code === 'REGISTRY_UNANSWERED';
      onFailure(error, maybeMade);
    }
    await sleep(backoffMs(attempt, backoff), undefined, signal === undefined ? {} : { signal });
  }
}

/** Where the first admin may be there and nobody was told the password, or is not there. */
export const LOST_FIRST_PASSWORD =
  'wattstream admin reset-password makes another password, or the admin where there is none yet.';

/**
 * Another password for the account with this e-mail address or id; all its logins end. An account that was disabled is open
 * again. `given` is an address for one that has none, or whose address cannot be read any more. Rejects with
 * ACCOUNT_UNKNOWN, ACCOUNT_ERASED, ACCOUNT_WITHOUT_EMAIL.
 */
export async function resetPassword(
  store: RegistryStore,
  who: string,
  actor: string,
  given?: string,
): Promise<MadePassword> {
  await store.replica.caughtUp();
  const account = await accountOf(store, who);
  if (account === undefined)
    throw new WattstreamError('ACCOUNT_UNKNOWN', `There is no account '${who}'.`, {
      remedy: 'Name it by its e-mail address or its id.',
    });
  if (account.state.erased !== undefined)
    throw new WattstreamError(
      'ACCOUNT_ERASED',
      `The account '${who}' was erased; nobody logs in with it again.`,
    );
  const [seen = account] = await store.seen([account]);
  const email = given ?? seen.state.email;
  if (email === undefined)
    throw new WattstreamError(
      'ACCOUNT_WITHOUT_EMAIL',
      `The account '${who}' has no e-mail address to log in with, or none that can be read.`,
      { remedy: 'Give it one: --email <address>.' },
    );
  const password = madeUpPassword();
  await store.propose({
    kind: 'account',
    id: account.id,
    change: 'updated',
    state: {
      ...(given === undefined ? account.state : { ...withoutSealed(seen.state), email: given }),
      passwordHash: await hashPersonsPassword(password),
      disabled: false,
    },
    version: account.version,
    actor,
  });
  return { accountId: account.id, email, password };
}

/** Whose name cannot be read any more is called by the id. */
const withoutSealed = ({ sealed: _, ...state }: Account): Account => ({
  ...state,
  name: state.name ?? state.id,
});

/** By what it looks like first: an id may look like an address, and without keys nothing but ids can be looked for. */
async function accountOf(store: RegistryStore, who: string): Promise<Live<'account'> | undefined> {
  const byId = () => store.replica.get('account', who);
  const byEmail = () => store.people.accountByEmail(who);
  return who.includes('@') ? ((await byEmail()) ?? byId()) : (byId() ?? (await byEmail()));
}

/** Told once. */
export const firstAdminText = ({ email, password }: MadePassword): string =>
  [
    '',
    '  The first admin was made. This is shown once:',
    `    e-mail    ${email}`,
    `    password  ${password}`,
    '  To log in: the page at /, or POST /api/auth/login. Lost it: wattstream admin reset-password',
    '',
    '',
  ].join('\n');
