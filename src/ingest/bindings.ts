/**
 * Which chargers' commands come to this gateway. A charger is bound after its handshake, beside its frames and never
 * before them: one binding takes a broker 0.2 ms (a cluster of three 1.4 ms), and after a power cut five thousand
 * chargers come back at once. Until its binding stands a charger counts as offline for commands, for nothing else.
 *
 * Only the newest wish counts: a charger that comes and goes ten times while the broker is slow is bound or unbound once.
 */
import { messageOf } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import type { CommandReceiver } from '../queues/ports.js';

/** Requests under way; the broker answers them in order, so more would only make a queue of them there. */
const AT_ONCE = 64;
const AGAIN_MS = 1_000;

export interface BindingsOptions {
  readonly receiver: Pick<CommandReceiver, 'bind' | 'unbind'>;
  isHere(chargePointId: string): boolean;
  /** The binding stands: called after each `changed` of a charger that is here. */
  bound(chargePointId: string): void;
  readonly log: Logger;
}

export class Bindings {
  private readonly standing = new Set<string>();
  /** Ids to look at, in the order in which they came. */
  private readonly waiting = new Set<string>();
  private readonly busy = new Set<string>();
  private readonly again = new Set<NodeJS.Timeout>();
  private closed = false;

  constructor(private readonly options: BindingsOptions) {}

  get size(): number {
    return this.standing.size;
  }

  /** The charger has come or gone. */
  changed(chargePointId: string): void {
    if (this.closed) return;
    this.waiting.add(chargePointId);
    this.pump();
  }

  close(): void {
    this.closed = true;
    this.waiting.clear();
    for (const timer of this.again) clearTimeout(timer);
  }

  private pump(): void {
    for (const id of this.waiting) {
      if (this.busy.size >= AT_ONCE) return;
      if (this.busy.has(id)) continue;
      this.waiting.delete(id);
      this.busy.add(id);
      void this.settle(id).finally(() => {
        this.busy.delete(id);
        this.pump();
      });
    }
  }

  /** Never rejects. */
  private async settle(id: string): Promise<void> {
    const { receiver, isHere, bound, log } = this.options;
    const wanted = isHere(id);
    try {
      if (wanted && !this.standing.has(id)) {
        await receiver.bind(id);
        this.standing.add(id);
      } else if (!wanted && this.standing.has(id)) {
        await receiver.unbind(id);
        this.standing.delete(id);
      }
    } catch (error) {
      if (this.closed) return;
      log.warn(
        { chargePointId: id, wanted, error: messageOf(error) },
        'a binding for commands failed; again soon',
      );
      this.later(id);
      return;
    }
    if (this.closed) return;
    if (isHere(id) !== wanted) this.waiting.add(id);
    else if (wanted) bound(id);
  }

  private later(id: string): void {
    const timer = setTimeout(() => {
      this.again.delete(timer);
      this.changed(id);
    }, AGAIN_MS).unref();
    this.again.add(timer);
  }
}
