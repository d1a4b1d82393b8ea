/**
 * Erasing the person behind an account (GDPR, article 17). The account stays, by its id alone: sessions and receipts refer
 * to it, and those have to be kept (article 17(3)(b)). Step by step:
 *
 * 1. Nothing of theirs may be running, and somebody else must be left who can let people in.
 * 2. The erasure goes through the log: from its place there on nothing shows the name, and nothing works under the account:
 *    no login, no key, no card. (A crash: any api goes on with 4 by itself; asking again does 3 and 4.)
 * 3. API keys of the account are deleted, and what its cards said about it is taken away.
 * 4. Its keys are destroyed: the key book is rewritten without them. Only now are the log's copies unreadable.
 */
import type { Account } from '../../domain/registry/account.js';
import { accountInClear, tokensInClear } from '../../domain/registry/in-clear.js';
import { KINDS } from '../../domain/registry/kinds.js';
import { type Entity, isLive, lookUp, parseRef, refOf } from '../../domain/registry/state.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { withTimeout } from '../../platform/retry.js';
import type { RegistryStore } from '../../registry/store.js';

export interface ErasureDeskOptions {
  readonly store: RegistryStore;
  /** Whether a session of this account runs. Rejects when it cannot be told now. */
  readonly isCharging: (accountId: string) => Promise<boolean>;
  /** How long an answer waits for keys to be destroyed; they are all the same, a little later. */
  readonly patienceMs: number;
  readonly now: () => number;
  readonly logger: Logger;
}

export interface Erasure {
  readonly accountId: string;
  readonly version: number;
  readonly erasedAt: string;
  readonly erasedBy: string;
  /** false: they are destroyed by whichever process comes to it; asking again tells. */
  readonly keysDestroyed: boolean;
  /**
   * Versions whose events were written in the clear, before data were sealed, or presumably were: the log keeps those as
   * they are.
   */
  readonly versionsInClear: readonly number[];
  /** The same of cards. */
  readonly tokensInClear: readonly { readonly uid: string; readonly versions: readonly number[] }[];
  /** Charging points of the account, whose names and addresses are the operator's text: to be looked at. */
  readonly points: readonly string[];
}

export class ErasureDesk {
  constructor(private readonly options: ErasureDeskOptions) {}

  /**
   * @param entity as it was read; also of a deleted account. Rejects with ERASES_ONESELF, SESSION_GOES_ON, CONFLICT,
   * LAST_ADMIN, or as `RegistryStore.propose` does.
   */
  async erase(
    entity: Entity<'account'>,
    by: { readonly actor: string; readonly accountId: string | undefined },
  ) {
    const { store, isCharging } = this.options;
    if (by.accountId === entity.id)
      throw new WattstreamError('ERASES_ONESELF', 'Nobody erases the account that they are here with.', {
        remedy: 'Another admin does it.',
      });
    const before = entity.state as Account | null;
    let erased = entity;
    if (before?.erased === undefined) {
      if (await isCharging(entity.id))
        throw new WattstreamError('SESSION_GOES_ON', 'A session of this account is running.', {
          remedy: 'Stop it, or wait until it has ended: what it costs is still to be settled.',
        });
      // Later nobody can tell: an erased account's former states are forgotten.
      const clear = accountInClear(store.replica.state, entity);
      const cards = tokensInClear(store.replica.state, entity.id);
      erased = await store.propose({
        kind: 'account',
        id: entity.id,
        change: before === null ? 'created' : 'updated',
        state: {
          id: entity.id,
          role: before?.role ?? roleBefore(entity),
          disabled: true,
          erased: new Date(this.options.now()).toISOString(),
          ...(clear.length === 0 ? {} : { versionsInClear: [...clear] }),
          ...(cards.length === 0
            ? {}
            : { tokensInClear: cards.map(({ uid, versions }) => ({ uid, versions: [...versions] })) }),
        },
        version: entity.version,
        actor: by.actor,
      });
    }
    await this.tidy(entity.id, by.actor);
    return this.told(erased, await this.keysDestroyed(entity.id));
  }

  private async tidy(accountId: string, actor: string): Promise<void> {
    const { store } = this.options;
    for (const ref of [...(store.replica.state.referrers.get(refOf('account', accountId)) ?? [])]) {
      const { kind, id } = parseRef(ref);
      if (kind === 'api-key') await gone(store.propose({ kind, id, change: 'deleted', state: null, actor }));
      if (kind !== 'token') continue;
      const token = store.replica.get('token', id);
      const personal = ['sealed', ...(KINDS.token.personal ?? [])];
      if (token === undefined || KINDS.token.ownerOf?.(token.state) !== accountId) continue;
      const rest = Object.fromEntries(
        Object.entries(token.state).filter(([field]) => !personal.includes(field)),
      ) as typeof token.state;
      if (Object.keys(rest).length < Object.keys(token.state).length)
        await gone(
          store.propose({ kind, id, change: 'updated', state: rest, version: token.version, actor }),
        );
    }
  }

  private async keysDestroyed(accountId: string): Promise<boolean> {
    const { store, patienceMs, logger } = this.options;
    try {
      await withTimeout(store.keys?.destroyed() ?? Promise.resolve(), patienceMs, 'Destroying keys');
      return true;
    } catch (error) {
      logger.warn(
        { code: 'KEYS_NOT_DESTROYED_YET', account: accountId, error: messageOf(error) },
        'an account was erased; its keys are destroyed as soon as that is possible',
      );
      return false;
    }
  }

  private told(erased: Entity<'account'>, keysDestroyed: boolean): Erasure {
    const { state } = this.options.store.replica;
    const { erased: at, versionsInClear = [], tokensInClear: cards } = erased.state as Account;
    const referrers = [...(state.referrers.get(refOf('account', erased.id)) ?? [])].map(parseRef);
    return {
      accountId: erased.id,
      version: erased.version,
      erasedAt: at as string,
      erasedBy: erased.actor,
      keysDestroyed,
      versionsInClear,
      // Who was erased before cards were looked at: as far as it is still known.
      tokensInClear: cards ?? tokensInClear(state, erased.id),
      points: referrers
        .filter(({ kind, id }) => kind === 'point' && isLive(lookUp(state, 'point', id)))
        .map(({ id }) => id),
    };
  }
}

/** Somebody else has changed or deleted it meanwhile: asked again, the erasure finds what is left. */
async function gone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof WattstreamError) || error.code !== 'CONFLICT') throw error;
  });
}

/** Of a deleted one what it last was. */
const roleBefore = ({ past }: Entity<'account'>): Account['role'] =>
  past.findLast(({ state }) => state)?.state?.role ?? 'customer';
