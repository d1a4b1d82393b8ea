/**
 * The first account there is, and the way back in for who has lost the password: both write to the registry, so that what
 * applies is what every process knows.
 */
import { isLive, type Live, lookUp, mapOf, parseRef } from '../domain/registry/state.js';
import { WattstreamError } from '../platform/errors.js';
import { hashPersonsPassword, madeUpPassword } from './people.js';
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
export async function makeFirstAdmin(store: RegistryStore, email: string): Promise<MadePassword | undefined> {
  await store.replica.caughtUp();
  // Deleted ones count: whoever took all accounts away did not want one back.
  if (mapOf(store.replica.state, 'account').size > 0) return undefined;
  const password = madeUpPassword();
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

/**
 * Another password for the account with this e-mail address or id; all its logins end. An account that was disabled is open
 * again. Rejects with ACCOUNT_UNKNOWN, ACCOUNT_WITHOUT_EMAIL.
 */
export async function resetPassword(store: RegistryStore, who: string, actor: string): Promise<MadePassword> {
  await store.replica.caughtUp();
  const account = accountOf(store, who);
  if (account === undefined)
    throw new WattstreamError('ACCOUNT_UNKNOWN', `There is no account '${who}'.`, {
      remedy: 'Name it by its e-mail address or its id.',
    });
  const { email } = account.state;
  if (email === undefined)
    throw new WattstreamError(
      'ACCOUNT_WITHOUT_EMAIL',
      `The account '${who}' has no e-mail address to log in with.`,
    );
  const password = madeUpPassword();
  await store.propose({
    kind: 'account',
    id: account.id,
    change: 'updated',
    state: { ...account.state, passwordHash: await hashPersonsPassword(password), disabled: false },
    version: account.version,
    actor,
  });
  return { accountId: account.id, email, password };
}

function accountOf({ replica }: RegistryStore, who: string): Live<'account'> | undefined {
  const ref = replica.state.claims.get(`email ${who.toLowerCase()}`);
  const entity = lookUp(replica.state, 'account', ref === undefined ? who : parseRef(ref).id);
  return isLive(entity) ? entity : undefined;
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
