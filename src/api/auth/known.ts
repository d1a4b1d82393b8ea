/**
 * What the registry in this process's memory says of accounts, logins and keys; and what to do where another process may
 * have written what is not here yet: read on to the end of the log.
 */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import type { Live } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import { withTimeout } from '../../platform/retry.js';
import type { Replica } from '../../registry/replica.js';

const ASK_EVERY_MS = 1_000;
const ASK_MS = 2_000;

export class Known {
  private asking: Promise<void> | undefined;

  constructor(private readonly replica: Pick<Replica, 'ready' | 'get' | 'caughtUp'>) {}

  /** Rejects with REGISTRY_NOT_READY. */
  refuseUnready(): void {
    const reason = this.replica.ready();
    if (reason !== undefined)
      throw new WattstreamError('REGISTRY_NOT_READY', `Nobody can be known yet: ${reason}`, {
        canRetry: true,
      });
  }

  get<K extends EntityKind>(kind: K, id: string): Live<K> | undefined {
    return this.replica.get(kind, id);
  }

  /** Neither disabled nor gone. */
  openAccount(id: string): Live<'account'> | undefined {
    const found = this.replica.get('account', id);
    return found === undefined || found.state.disabled ? undefined : found;
  }

  /**
   * `find`, and once more when what others have written has been read. `proven`: who asks holds something that we have
   * signed; a stranger's guesses make us ask the broker once a second, not once each.
   */
  async lookTwice<T>(find: () => T | undefined, { proven }: { proven: boolean }): Promise<T | undefined> {
    this.refuseUnready();
    const here = find();
    if (here !== undefined) return here;
    await (proven ? this.caughtUp() : this.caughtUpNowAndThen());
    return find();
  }

  /** Never rejects: with the broker away, what is known here is what there is. */
  private caughtUp(): Promise<void> {
    return withTimeout(this.replica.caughtUp(), ASK_MS, 'Reading what others have written').catch(() => {});
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
