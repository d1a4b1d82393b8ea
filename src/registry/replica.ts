/**
 * The registry in the memory of this process: the newest whole snapshot, then the log after it, then whatever comes. What is
 * not the registry's alone is `LogReplica`, which the logins use too: their log forgets, and where it is not what was read
 * before they begin anew with what it keeps.
 *
 *   starting --snapshot, bounds--> reading --level--> level
 *       ^---- broker away, log is not the snapshot's ----/
 *
 * It is of use from `level` on: when it has reached the end that the log had when it began to look. What it refuses to
 * read (the log is another one, or its beginning is gone) it says again and again, and never becomes level: nobody is
 * admitted by half a registry. One that was level keeps what it knows, and wants its own log back.
 */
import { type CmsEvent, cmsEvent, type EntityKind, isRetired } from '../domain/messages/cms-events.js';
import { evolve, type Verdict } from '../domain/registry/evolve.js';
import { emptyState, isLive, type Live, lookUp, type RegistryState } from '../domain/registry/state.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import { type Backoff, backoffMs } from '../platform/retry.js';
import type { EventLog, EventRecord, Following } from '../streams/ports.js';

/** What a log is about, and how it is judged. */
export interface LogModel<State, Event extends { readonly id: string }, Judgement> {
  /** As a sentence has it, in the singular: 'the registry'. */
  readonly name: string;
  readonly codes: { readonly unreadable: string; readonly eventUnreadable: string };
  empty(): State;
  /** 'none': it is nothing any more, and nobody need hear of it. undefined: it is no event of ours. */
  eventOf(record: EventRecord): Event | 'none' | undefined;
  evolve(state: State, event: Event, offset: number): Judgement;
  /** What to say of a log that is not what was read before. Without it the log forgets: then all begins anew. */
  readonly refusals?: {
    beginningGone(first: number): WattstreamError;
    anotherLog(offset: number): WattstreamError;
  };
}

/** What a log up to an offset amounts to; the record at the offset has this id. */
export interface Kept<State> {
  readonly state: State;
  readonly offset: number;
  readonly eventId: string;
}

export interface LogReplicaOptions<State> {
  readonly log: EventLog;
  /** Where reading may begin; undefined: nowhere but at the first record. Rejects when the broker is away. */
  readonly newestSnapshot: () => Promise<Kept<State> | undefined>;
  readonly logger: Logger;
  readonly backoff?: Backoff;
}

/** `log` is `cms.events.log`. */
export type ReplicaOptions = LogReplicaOptions<RegistryState>;

/** An event that was judged at its place in the log. */
export interface JudgedIn<Event, Judgement> {
  readonly event: Event;
  readonly verdict: Judgement;
  readonly offset: number;
}
export type Judged = JudgedIn<CmsEvent, Verdict>;

export class LogReplica<State, Event extends { readonly id: string }, Judgement> {
  private held: State;
  private reached = -1;
  private lastId = '';
  private following: Following | undefined;
  /** Raised when following begins anew; what comes of an earlier one is dropped. */
  private epoch = 0;
  private timer: NodeJS.Timeout | undefined;
  private attempt = 0;
  private closed = false;
  private isLevel = false;
  private wasLevel = false;
  private trouble: string;
  private settleLevel!: () => void;
  private readonly listeners = new Set<(judged: JudgedIn<Event, Judgement>) => void>();
  private readonly waiting = new Set<{ readonly offset: number; readonly resolve: () => void }>();
  /** Resolves when it is level. */
  readonly level: Promise<void> = new Promise((resolve) => {
    this.settleLevel = resolve;
  });
  /** Records of the log that were read since the snapshot this process began with. */
  readSinceSnapshot = 0;

  constructor(
    private readonly model: LogModel<State, Event, Judgement>,
    private readonly options: LogReplicaOptions<State>,
  ) {
    this.held = model.empty();
    this.trouble = `${model.name} is being read`;
    void this.start();
  }

  /** undefined: it is level; else why it cannot be used yet. */
  ready(): string | undefined {
    return this.isLevel ? undefined : this.trouble;
  }

  /** Do not change it. */
  get state(): State {
    return this.held;
  }

  /** Offset of the newest record read; -1 before the first. */
  get position(): number {
    return this.reached;
  }

  get anchor(): { readonly offset: number; readonly eventId: string } {
    return { offset: this.reached, eventId: this.lastId };
  }

  /** Called in the order of the log; may not throw. Returns how to stop listening. */
  onJudged(listener: (judged: JudgedIn<Event, Judgement>) => void): () => void {
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
    const { refusals } = this.model;
    try {
      const isOwn = this.wasLevel && refusals !== undefined;
      const known = isOwn ? this.own() : await this.options.newestSnapshot();
      const { first, last } = await this.options.log.bounds();
      if (this.closed) return;
      if (refusals !== undefined) {
        if (known === undefined && first !== undefined && first > 0) throw refusals.beginningGone(first);
        if (known !== undefined) {
          if (last === undefined || last < known.offset) throw refusals.anotherLog(known.offset);
          if (first !== undefined && first > known.offset) throw refusals.beginningGone(first);
        }
      }
      this.held = known?.state ?? this.model.empty();
      this.reached = known?.offset ?? -1;
      this.lastId = known?.eventId ?? '';
      this.follow(known);
    } catch (error) {
      this.again(error);
    }
  }

  /** undefined: the log was empty. */
  private own(): Kept<State> | undefined {
    return this.reached < 0 ? undefined : { state: this.held, offset: this.reached, eventId: this.lastId };
  }

  private follow(snapshot: Kept<State> | undefined): void {
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
          if (!proven) this.giveUp(this.differs(snapshot?.offset ?? 0));
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
    const { model } = this;
    const event = model.eventOf(record);
    this.reached = record.offset;
    this.lastId = eventIdOf(record);
    this.readSinceSnapshot += 1;
    if (event === undefined)
      this.options.logger.warn(
        { code: model.codes.eventUnreadable, offset: record.offset },
        `a record of ${model.name} is no event of ours; it is passed over`,
      );
    else if (event !== 'none') {
      const verdict = model.evolve(this.held, event, record.offset);
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
    this.wasLevel = true;
    this.attempt = 0;
    this.options.logger.info(
      { position: this.reached, read: this.readSinceSnapshot },
      `${this.model.name} has been read`,
    );
    this.settleLevel();
  }

  private differs(offset: number): WattstreamError {
    const { refusals, codes } = this.model;
    if (refusals !== undefined) return refusals.anotherLog(offset);
    return new WattstreamError(codes.unreadable, `At offset ${offset} lies another record than before`, {
      canRetry: true,
    });
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
    const { name, codes } = this.model;
    const code = error instanceof WattstreamError ? error.code : codes.unreadable;
    this.trouble = `${name} cannot be read: ${messageOf(error)}`;
    const isFinal = error instanceof WattstreamError && !error.canRetry;
    this.options.logger[isFinal ? 'error' : 'warn'](
      { code, error: messageOf(error), remedy: error instanceof WattstreamError ? error.remedy : undefined },
      `${name} cannot be read; trying again`,
    );
    const wait = backoffMs(this.attempt++, this.options.backoff ?? { firstMs: 500, maxMs: 10_000 });
    this.timer = setTimeout(() => void this.start(), wait);
  }
}

/** Of anything at all: what is no event of ours has its place in the log too. */
const eventIdOf = ({ id, offset }: EventRecord): string => (id === '' ? `offset ${offset}` : id);

export class Replica extends LogReplica<RegistryState, CmsEvent, Verdict> {
  constructor(options: ReplicaOptions) {
    super(REGISTRY, options);
  }

  get<K extends EntityKind>(kind: K, id: string): Live<K> | undefined {
    const entity = lookUp(this.state, kind, id);
    return isLive(entity) ? entity : undefined;
  }
}

const REGISTRY: LogModel<RegistryState, CmsEvent, Verdict> = {
  name: 'the registry',
  codes: { unreadable: 'REGISTRY_UNREADABLE', eventUnreadable: 'CMS_EVENT_UNREADABLE' },
  empty: emptyState,
  eventOf({ body, routingKey }) {
    // Written by former versions, and of no consequence for anything else.
    if (isRetired(routingKey)) return 'none';
    try {
      const json: unknown = JSON.parse(body);
      const parsed = cmsEvent.safeParse(json);
      if (parsed.success) return parsed.data;
      return isRetired((json as { type?: unknown } | null)?.type) ? 'none' : undefined;
    } catch {
      return undefined;
    }
  },
  evolve,
  refusals: {
    beginningGone: (first) =>
      new WattstreamError(
        'REGISTRY_LOG_CUT',
        `The log of the registry begins at offset ${first}, and no snapshot reaches so far`,
        {
          remedy:
            'cms.events.log is kept for ever: take the retention off it (a policy?), and restore it from a backup.',
        },
      ),
    anotherLog: (offset) =>
      new WattstreamError(
        'REGISTRY_LOG_DIFFERS',
        `What is known stands for the log up to offset ${offset}, where this log has something else or nothing`,
        {
          remedy:
            'The stream cms.events.log was created again or lost records. Restore it; or, if what it holds now is what you want, delete the stream cms.snapshots and start all processes again.',
        },
      ),
  },
};
