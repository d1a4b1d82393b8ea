/**
 * Keys of programs: `wsk_<id>_<secret>`. The id is the entity's, so a key is found without a search; the secret is 256
 * random bits, of which a plain hash is kept: there is nothing to try that could be found. A key may at most what its
 * account may, at the moment at which it is used.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Account, ApiKey } from '../../domain/registry/account.js';
import { WattstreamError } from '../../platform/errors.js';
import type { Audit } from './audit.js';
import type { Authenticator } from './authenticator.js';
import type { Known } from './known.js';
import type { Principal, Role } from './principal.js';

const FORM = /^wsk_([0-9a-f]{12})_([\w-]{43})$/;

export interface MadeKey {
  readonly id: string;
  /** Shown once. */
  readonly key: string;
  readonly prefix: string;
  readonly keyHash: string;
}

export function makeKey(): MadeKey {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const prefix = `wsk_${id}`;
  return { id, key: `${prefix}_${secret}`, prefix, keyHash: hashOf(secret) };
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** What a key of an account with the role may be. */
const WITHIN: Readonly<Record<Role, readonly Role[]>> = {
  customer: ['customer'],
  analyst: ['analyst'],
  operator: ['operator'],
  admin: ['admin', 'operator', 'analyst'],
};
export const isWithin = (key: Role, account: Role): boolean => WITHIN[account].includes(key);

/** Of the account, and of these those that the key names; null = all. */
export const stationsOf = (account: Account, key: Pick<ApiKey, 'stations'>): readonly string[] | null => {
  const { stations } = account;
  if (key.stations === undefined) return stations ?? null;
  return stations === undefined ? key.stations : key.stations.filter((one) => stations.includes(one));
};

export interface KeysOptions {
  readonly known: Known;
  readonly now: () => number;
}

/** Undefined: there is none, or it does not hold (any more). */
export function principalOfKey(id: string, { known, now }: KeysOptions): Principal | undefined {
  const key = known.get('api-key', id)?.state;
  if (key === undefined || key.disabled) return undefined;
  const expiresAt = key.expiresAt === undefined ? undefined : Date.parse(key.expiresAt);
  if (expiresAt !== undefined && expiresAt <= now()) return undefined;
  const account = known.openAccount(key.account)?.state;
  const role = key.role ?? account?.role;
  if (account === undefined || role === undefined || !isWithin(role, account.role)) return undefined;
  return {
    id: `key:${id}`,
    role,
    accountId: account.id,
    stations: stationsOf(account, key),
    by: { kind: 'key', id },
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

export const apiKeys = (options: KeysOptions): Authenticator => ({
  name: 'keys of programs',
  recognises: (token) => token.startsWith('wsk_'),
  async authenticate(token) {
    const [, id, secret] = FORM.exec(token) ?? [];
    if (id === undefined || secret === undefined) throw noKey();
    const key = await options.known.lookTwice(() => options.known.get('api-key', id)?.state);
    if (key === undefined || !isEqual(hashOf(secret), key.keyHash)) throw noKey();
    const principal = principalOfKey(id, options);
    if (principal === undefined) throw noKey();
    return principal;
  },
});

const isEqual = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

const noKey = (): WattstreamError =>
  new WattstreamError('TOKEN_INVALID', 'This key is none, or holds no longer.', {
    remedy: 'POST /api/auth/keys makes one.',
  });

/** Says of each key, once a day (UTC), that it is used. The event's id is the same in every process. */
export function watchKeys(audit: Audit, now: () => number): (principal: Principal, address: string) => void {
  let day = '';
  const seen = new Set<string>();
  return ({ id, by, accountId }, address) => {
    if (by?.kind !== 'key') return;
    const today = new Date(now()).toISOString().slice(0, 10);
    if (today !== day) {
      day = today;
      seen.clear();
    }
    if (seen.has(by.id)) return;
    seen.add(by.id);
    audit({
      type: 'ops.key.used',
      id: `key-used:${by.id}:${today}`,
      actor: id,
      ...(accountId === undefined ? {} : { accountId }),
      address,
    });
  };
}
