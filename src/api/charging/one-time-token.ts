/**
 * The token that is made for one start: 20 characters, which is what OCPP 1.6 takes (section 7.28, IdToken), and 95 bits
 * of chance, so that nobody can guess one. It stands in the registry as the account's before the charger hears of it:
 * so ingest finds it accepted, and finds whose the session is, as with any token.
 *
 * It is taken away when the start comes to nothing: a charger that begins after all, when the customer has been told that
 * it did not, is refused. Else it ends by itself, long after the session: chargers show it again while they charge.
 */
import { randomBytes } from 'node:crypto';
import { parseRef, refOf } from '../../domain/registry/state.js';
import { isOneTime, START_ISSUER, type Token } from '../../domain/registry/token.js';
import type { Replica } from '../../registry/replica.js';
import type { RegistryStore } from '../../registry/store.js';

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 20;
const LASTS_MS = 7 * 86_400_000;

export const newIdTag = (): string =>
  `W${[...randomBytes(LENGTH - 1)].map((byte) => DIGITS[byte & 31]).join('')}`;

export interface OneTimeToken {
  readonly idTag: string;
  readonly accountId: string;
  readonly requestId: string;
  /** The customer's own that was named: its price and group count. */
  readonly inherits: Token | undefined;
  readonly actor: string;
  readonly now: number;
}

/** Rejects as `RegistryStore.propose` does. */
export async function registerOneTime(
  store: RegistryStore,
  { idTag, accountId, requestId, inherits, actor, now }: OneTimeToken,
): Promise<void> {
  await store.propose({
    kind: 'token',
    id: idTag,
    change: 'created',
    state: {
      uid: idTag,
      type: 'AD_HOC_USER',
      account: accountId,
      status: 'Accepted',
      whitelist: 'NEVER',
      issuer: START_ISSUER,
      contract_id: requestId,
      expiresAt: new Date(now + LASTS_MS).toISOString(),
      ...(inherits?.tariff === undefined ? {} : { tariff: inherits.tariff }),
      ...(inherits?.group_id === undefined ? {} : { group_id: inherits.group_id }),
    },
    actor,
  });
}

/** Of the account; those made for one start included. */
export function tokensOf(replica: Pick<Replica, 'state' | 'get'>, accountId: string): Token[] {
  return [...(replica.state.referrers.get(refOf('account', accountId)) ?? [])].flatMap((ref) => {
    const { kind, id } = parseRef(ref);
    return kind === 'token' ? (replica.get('token', id)?.state ?? []) : [];
  });
}

/** Whoever says that a start came to nothing takes its token away; it is no matter when it is gone already. */
export async function withdrawOneTime(
  store: RegistryStore,
  { accountId, requestId, actor }: { accountId: string; requestId: string; actor: string },
): Promise<void> {
  for (const token of tokensOf(store.replica, accountId))
    if (isOneTime(token) && token.contract_id === requestId)
      await store.propose({ kind: 'token', id: token.uid, change: 'deleted', state: null, actor });
}

/** Those that have ended by themselves hold nothing but the account, which cannot be deleted while they are there. */
export async function tidyOneTime(
  store: RegistryStore,
  { accountId, actor, now }: { accountId: string; actor: string; now: number },
): Promise<void> {
  for (const token of tokensOf(store.replica, accountId))
    if (isOneTime(token) && Date.parse(token.expiresAt ?? '') < now)
      await store.propose({ kind: 'token', id: token.uid, change: 'deleted', state: null, actor });
}
