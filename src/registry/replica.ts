/**
 * The registry in the memory of this process: the newest whole snapshot, then the log after it, then whatever comes.
 *
 *   starting --snapshot, bounds--> reading --level--> level
 *       ^---- broker away, log is not the snapshot's ----/
 *
 * It is of use from `level` on: when it has reached the end that the log had when it began to look. What it refuses to
 * read (the log is another one, or its beginning is gone) it says again and again, and never becomes level: nobody is
 * admitted by half a registry.
 */
import { type CmsEvent, cmsEvent, type EntityKind } from '../domain/messages/cms-events.js';
import { evolve, type Verdict } from '../domain/registry/evolve.js';
import { emptyState, isLive, type Live, lookUp, type RegistryState } from '../domain/registry/state.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import { type Backoff, backoffMs } from '../platform/retry.js';
import type { EventLog, EventRecord, Following } from '../streams/ports.js';
import type { Snapshot } from './snapshot.js';

export interface ReplicaOptions {
  /** `cms.events.log`. */
  readonly log: EventLog;
  /** The newest whole snapshot; undefined: there is none. Rejects when the broker is away. */
  readonly newestSnapshot: () => Promise<Snapshot | undefined>;
  readonly logger: Logger;
  readonly backoff?: Backoff;
}

/** An event that was judged at its place in the log. */
export interface Judged {
  readonly event: CmsEvent;
  readonly verdict: Verdict;
  readonly offset: number;
}

export class Replica {
  private held: RegistryState = emptyState();
  private reached = -1;
  private lastId = '';
  private following: Following | undefined;
  /** Raised when following begins anew; what comes of an earlier one is dropped. */
  private epoch = 0;
  private timer: NodeJS.Timeout | undefined;
  private attempt = 0;
  private closed = false;
  private isLevel = false;
  private trouble = 'the registry is being read';
  private settleLevel!: () => void;
  private readonly listeners = new Set<(judged: Judged) => void>();
  private readonly waiting = new Set<{ readonly offset: number; readonly resolve: () => void }>();
  /** Resolves when it is level. */
  readonly level: Promise<void> = new Promise((resolve) => {
    this.settleLevel = resolve;
  });
  /** Records of the log that were read since the snapshot this process began with. */
  readSinceSnapshot = 0;

  constructor(private readonly options: ReplicaOptions) {
    void this.start();
  }

  /** undefined: it is level; else why it cannot be used yet. */
  ready(): string | undefined {
    return this.isLevel ? undefined : this.trouble;
  }

  /** Do not change it. */
  get state(): RegistryState {
    return this.held;
  }

  /** Offset of the newest record read; -1 before the first. */
  get position(): number {
    return this.reached;
  }

  get anchor(): { readonly offset: number; readonly eventId: string } {
    return { offset: this.reached, eventId: this.lastId };
  }

  get<K extends EntityKind>(kind: K, id: string): Live<K> | undefined {
    const entity = lookUp(this.held, kind, id);
    return isLive(entity) ? entity : undefined;
  }

  /** Called in the order of the log; may not throw. Returns how to stop listening. */
  onJudged(listener: (judged: Judged) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves when everything that is in the log now has been judged here. Rejects when the broker is away. */
  async caughtUp(): Promise<void> {
    const { last } = await this.options.log.bounds();
    if (last === undefined || last <= this.reached) return;
    await new Promise<void>((resolve) => this.waiting.add({ offset: last, resolve }));
  }

  async close(): Promise<void> {
    this.closed = true;
    this.epoch += 1;
    clearTimeout(this.timer);
    for (const { resolve } of this.waiting) resolve();
    this.waiting.clear();
    await this.following?.close();
  }

  private async start(): Promise<void> {
    try {
      const snapshot = await this.options.newestSnapshot();
      const { first, last } = await this.options.log.bounds();
      if (this.closed) return;
      if (snapshot === undefined && first !== undefined && first > 0) throw beginningGone(first);
      if (snapshot !== undefined) {
        if (last === undefined || last < snapshot.offset) throw anotherLog(snapshot.offset);
        if (first !== undefined && first > snapshot.offset) throw beginningGone(first);
      }
      this.held = snapshot?.state ?? emptyState();
      this.reached = snapshot?.offset ?? -1;
      this.lastId = snapshot?.eventId ?? '';
      this.follow(snapshot);
    } catch (error) {
      this.again(error);
    }
  }

  private follow(snapshot: Snapshot | undefined): void {
    let proven = snapshot === undefined;
    const epoch = ++this.epoch;
    this.following = this.options.log.follow({
      // From the snapshot's own event on, which shows whether it is the same log.
      from:
        snapshot === undefined || snapshot.offset === 0 ? { from: 'first' } : { after: snapshot.offset - 1 },
      accept: (record) => {
        if (this.epoch !== epoch) return;
        if (!proven) {
          proven = record.offset === snapshot?.offset && eventIdOf(record) === snapshot.eventId;
          if (!proven) this.giveUp(anotherLog(snapshot?.offset ?? 0));
          return;
        }
        this.take(record);
      },
      onLevel: () => {
        if (this.epoch === epoch) this.becomeLevel();
      },
      refused: (error) => {
        if (this.epoch === epoch) this.giveUp(error);
      },
    });
  }

  private take(record: EventRecord): void {
    if (record.offset <= this.reached) return;
    const event = eventOf(record);
    this.reached = record.offset;
    this.lastId = eventIdOf(record);
    this.readSinceSnapshot += 1;
    if (event === undefined)
      this.options.logger.warn(
        { code: 'CMS_EVENT_UNREADABLE', offset: record.offset },
        'a record of the registry is no event of ours; it is passed over',
      );
    else {
      const verdict = evolve(this.held, event);
      for (const listener of this.listeners) listener({ event, verdict, offset: record.offset });
    }
    for (const one of this.waiting)
      if (one.offset <= this.reached) {
        this.waiting.delete(one);
        one.resolve();
      }
  }

  private becomeLevel(): void {
    if (this.isLevel) return;
    this.isLevel = true;
    this.attempt = 0;
    this.options.logger.info(
      { position: this.reached, read: this.readSinceSnapshot },
      'the registry has been read',
    );
    this.settleLevel();
  }

  private giveUp(error: WattstreamError): void {
    const { following } = this;
    this.following = undefined;
    this.epoch += 1;
    this.isLevel = false;
    void following?.close();
    this.again(error);
  }

  private again(error: unknown): void {
    if (this.closed) return;
    const code = error instanceof WattstreamError ? error.code : 'REGISTRY_UNREADABLE';
    this.trouble = `the registry cannot be read: ${messageOf(error)}`;
    const isFinal = error instanceof WattstreamError && !error.canRetry;
    this.options.logger[isFinal ? 'error' : 'warn'](
      { code, error: messageOf(error), remedy: error instanceof WattstreamError ? error.remedy : undefined },
      'the registry cannot be read; trying again',
    );
    const wait = backoffMs(this.attempt++, this.options.backoff ?? { firstMs: 500, maxMs: 10_000 });
    this.timer = setTimeout(() => void this.start(), wait);
  }
}

function eventOf({ body }: EventRecord): CmsEvent | undefined {
  try {
    const parsed = cmsEvent.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Of anything at all: what is no event of ours has its place in the log too. */
const eventIdOf = ({ id, offset }: EventRecord): string => (id === '' ? `offset ${offset}` : id);

const beginningGone = (first: number): WattstreamError =>
  new WattstreamError(
    'REGISTRY_LOG_CUT',
    `The log of the registry begins at offset ${first}, and no snapshot reaches so far`,
    {
      remedy:
        'cms.events.log is kept for ever: take the retention off it (a policy?), and restore it from a backup.',
    },
  );

const anotherLog = (offset: number): WattstreamError =>
  new WattstreamError(
    'REGISTRY_LOG_DIFFERS',
    `The newest snapshot stands for the log up to offset ${offset}, where this log has something else or nothing`,
    {
      remedy:
        'The stream cms.events.log was created again or lost records. Restore it; or, if what it holds now is what you want, delete the stream cms.snapshots.',
    },
  );
