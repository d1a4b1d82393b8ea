/**
 * What any api process does for the keys by itself, so that nothing waits for the one that died: it finishes rewrites, sees
 * that keys of erased accounts are destroyed, and then seals what was written in the clear before data were sealed.
 *
 * Each waits a while, and not equally long: mostly it is done by then by whoever began it, or by another one. Two at once
 * do no harm.
 */
import type { EntityKind } from '../../domain/messages/cms-events.js';
import { KINDS, type Kind } from '../../domain/registry/kinds.js';
import { isErased, ownerOf } from '../../domain/registry/personal.js';
import { type Entity, isLive, type Live, mapOf } from '../../domain/registry/state.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import { withTimeout } from '../../platform/retry.js';
import type { RegistryStore } from '../store.js';

export interface CaretakerOptions {
  readonly store: RegistryStore;
  readonly logger: Logger;
  /** Wait before each round; up to twice as long. Default 5 000. */
  readonly waitMs?: number;
}

const ACTOR = 'wattstream sealing';
const LONGEST_WAIT_MS = 300_000;
/** What is under way is finished by whoever comes next. */
const CLOSE_MS = 2_000;

export class Caretaker {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private closed = false;
  private failures = 0;
  private readonly deaf: () => void;

  constructor(private readonly options: CaretakerOptions) {
    const { store } = options;
    this.deaf = store.replica.onJudged(({ event, verdict }) => {
      const isErasure = event.kind === 'account' && event.state?.erased !== undefined;
      if (verdict.verdict === 'applied' && (event.kind === 'key-book' || isErasure)) this.later();
    });
    void store.replica.level.then(() => this.later());
  }

  async close(): Promise<void> {
    this.closed = true;
    this.deaf();
    clearTimeout(this.timer);
    await withTimeout(this.working, CLOSE_MS, 'Looking after keys').catch(() => {});
  }

  /** One round, now. Rejects with what stood in its way. */
  async round(): Promise<void> {
    const { store } = this.options;
    if (store.replica.ready() !== undefined) return;
    // First what somebody has asked for; sealing a big registry takes long, and may be in the way of itself.
    await store.keys?.destroyed();
    await this.sealOld();
  }

  private later(): void {
    if (this.closed || this.timer !== undefined) return;
    const { waitMs = 5_000 } = this.options;
    const wait = Math.min(LONGEST_WAIT_MS, waitMs * 2 ** Math.min(this.failures, 10)) * (1 + Math.random());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.working = this.round().then(
        () => {
          this.failures = 0;
        },
        (error: unknown) => this.failed(error),
      );
    }, wait);
    this.timer.unref();
  }

  private failed(error: unknown): void {
    if (this.closed) return;
    this.failures += 1;
    this.options.logger.warn(
      {
        code: error instanceof WattstreamError ? error.code : 'KEYS_UNTENDED',
        error: messageOf(error),
        remedy: error instanceof WattstreamError ? error.remedy : undefined,
      },
      'keys of personal data could not be looked after; trying again',
    );
    this.later();
  }

  /** The next event of each has its data sealed; the one before stays as it is. */
  private async sealOld(): Promise<void> {
    const { store, logger } = this.options;
    let count = 0;
    for (const kind of ['account', 'token'] as const)
      for (const entity of mapOf(store.replica.state, kind).values() as Iterable<Entity>) {
        if (this.closed) return;
        if (!isLive(entity) || !isInClear(entity)) continue;
        if (isErased(store.replica.state, ownerOf(kind, entity.state as never) ?? '')) continue;
        const { id, state, version } = entity;
        await store
          .propose({ kind, id, change: 'updated', state: state as never, version, actor: ACTOR, quiet: true })
          .catch((error: unknown) => {
            // Somebody has changed it, and sealed it by that.
            if (!(error instanceof WattstreamError) || error.code !== 'CONFLICT') throw error;
          });
        count += 1;
      }
    if (count > 0) logger.info({ entities: count }, 'what stood in the clear is sealed from now on');
  }
}

function isInClear({ kind, state }: Live): boolean {
  const { personal = [] } = KINDS[kind] as Kind<EntityKind>;
  if (ownerOf(kind, state) === undefined) return false;
  return personal.some((field) => (state as unknown as Record<string, unknown>)[field] !== undefined);
}
