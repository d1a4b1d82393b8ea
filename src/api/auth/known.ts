/**
 * What the registry in this process's memory says of accounts and keys; and what to do where another process may
 * have written what is not here yet: read on to the end of the log.
 */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import type { Live } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import { withTimeout } from '../../platform/retry.js';
import type { Replica } from '../../registry/replica.js';

const ASK_EVERY_MS = 1_000;
const ASK_MS = 2_000;

/** Reading a log on to its end, for who must not be told "there is none" by a process that does not hear of anything. */
export class ReadingOn {
  private failedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly replica: { caughtUp(): Promise<void> }) {}

  /**
   * Whether all that was in the log is known here now. Never rejects, and waits for ASK_MS at most; where it has just
   * failed it says so at once, so that nobody can make requests pile up here while the broker is away.
   */
  async toTheEnd(): Promise<boolean> {
    if (performance.now() - this.failedAt < ASK_EVERY_MS) return false;
    try {
      await withTimeout(this.replica.caughtUp(), ASK_MS, 'Reading what others have written');
      return true;
    } catch {
      this.failedAt = performance.now();
      return false;
    }
  }
}

export class Known {
  private readonly reading: ReadingOn;
  private asking: Promise<boolean> | undefined;

  constructor(private readonly replica: Pick<Replica, 'ready' | 'get' | 'caughtUp'>) {
    this.reading = new ReadingOn(replica);
  }

  /** Throws REGISTRY_NOT_READY. */
  refuseUnready(): void {
    refuseUnready(this.replica);
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
   * `find`, and once more when what others have written has been read: a stranger's guesses make us ask the broker once a
   * second, not once each. Rejects with REGISTRY_NOT_READY where that could not be read: it may be there.
   */
  async lookTwice<T>(find: () => T | undefined): Promise<T | undefined> {
    this.refuseUnready();
    const here = find();
    if (here !== undefined) return here;
    const isAll = await this.readOnNowAndThen();
    return find() ?? unlessUnread(isAll);
  }

  /** Whether all that was in the log is known here now. Never rejects. */
  readOn(): Promise<boolean> {
    return this.reading.toTheEnd();
  }

  private readOnNowAndThen(): Promise<boolean> {
    this.asking ??= this.readOn().finally(() => {
      setTimeout(() => {
        this.asking = undefined;
      }, ASK_EVERY_MS).unref();
    });
    return this.asking;
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

/** That there is none is only so where all has been read. Throws REGISTRY_NOT_READY. */
export function unlessUnread(isAll: boolean): undefined {
  if (isAll) return undefined;
  throw new WattstreamError(
    'REGISTRY_NOT_READY',
    'It is not known here, and what other processes have written cannot be read now.',
    { canRetry: true, remedy: 'Try again in a moment, with the same token. See whether RabbitMQ runs.' },
  );
}
