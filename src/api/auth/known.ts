/**
 * What the registry in this process's memory says of accounts and keys; and what to do where another process may
 * have written what is not here yet: read on to the end of the log.
 */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { isLive, type Live, lookUp, parseRef } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import { withTimeout } from '../../platform/retry.js';
import type { Replica } from '../../registry/replica.js';

const ASK_EVERY_MS = 1_000;
const ASK_MS = 2_000;

export class Known {
  private asking: Promise<void> | undefined;

  constructor(private readonly replica: Pick<Replica, 'ready' | 'get' | 'state' | 'caughtUp'>) {}

  /** Throws REGISTRY_NOT_READY. */
  refuseUnready(): void {
    refuseUnready(this.replica);
  }

  get<K extends EntityKind>(kind: K, id: string): Live<K> | undefined {
    return this.replica.get(kind, id);
  }

  /** Whatever the case of the address. */
  accountByEmail(email: string): Live<'account'> | undefined {
    const ref = this.replica.state.claims.get(`email ${email.toLowerCase()}`);
    if (ref === undefined) return undefined;
    const entity = lookUp(this.replica.state, 'account', parseRef(ref).id);
    return isLive(entity) ? entity : undefined;
  }

  /** Neither disabled nor gone. */
  openAccount(id: string): Live<'account'> | undefined {
    const found = this.replica.get('account', id);
    return found === undefined || found.state.disabled ? undefined : found;
  }

  /**
   * `find`, and once more when what others have written has been read: a stranger's guesses make us ask the broker once a
   * second, not once each.
   */
  async lookTwice<T>(find: () => T | undefined): Promise<T | undefined> {
    this.refuseUnready();
    const here = find();
    if (here !== undefined) return here;
    await this.caughtUpNowAndThen();
    return find();
  }

  caughtUp(): Promise<void> {
    return caughtUp(this.replica);
  }

  private async caughtUpNowAndThen(): Promise<void> {
    this.asking ??= this.caughtUp().finally(() => {
      setTimeout(() => {
        this.asking = undefined;
      }, ASK_EVERY_MS).unref();
    });
    await this.asking;
  }
}

/** Throws REGISTRY_NOT_READY. */
export function refuseUnready(replica: { ready(): string | undefined }): void {
  const reason = replica.ready();
  if (reason !== undefined)
    throw new WattstreamError('REGISTRY_NOT_READY', `Nobody can be known yet: ${reason}`, {
      canRetry: true,
    });
}

/** Never rejects: with the broker away, what is known here is what there is. */
export const caughtUp = (replica: { caughtUp(): Promise<void> }): Promise<void> =>
  withTimeout(replica.caughtUp(), ASK_MS, 'Reading what others have written').catch(() => {});
