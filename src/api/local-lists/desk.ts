/**
 * Which chargers' local lists are looked at, and when. One api at a time does this: the active consumer of the queue
 * `local-lists`. What it is handed stays in the queue until each charger that it concerns has been looked at once, so whoever
 * takes over after a crash does that again; a look at a list that is up to date changes nothing. Further attempts at a
 * charger that refuses or is silent are in memory alone: they take 20 minutes, in which one broken charger would hold up
 * what all others wait for.
 *
 *     charger.online ───────────────> settled in ──> look ──> done
 *     change of the registry ──> gathered ──> its chargers ──^   └─refused, silent─> settled; again later, a few times
 *     push ──────────────────────────────────────────────────^
 *
 * A change that came into the log late (its writer was cut off from the broker for a while, or its clock is behind) has the
 * whole list sent: what the versions of lists say is not true of it. That is seen where the log is followed; how long a
 * message lay in the queue says nothing. Changes are gathered until none has come for a while
 * (WATTSTREAM_LOCAL_LIST_SETTLE_MS): a bulk import is one look at each charger. One charger is worked on by one look at a time. A charger that refuses is left alone after a few attempts,
 * until something changes or it comes again.
 */
import { hasHadList, scopeOf } from '../../domain/registry/local-list.js';
import { type Entity, isOneTimeOnly, lookUp, mapOf } from '../../domain/registry/state.js';
import { tokenIdOf } from '../../domain/registry/token.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { Consumer, ListWake, ListWakes } from '../../queues/ports.js';
import type { Judged, Replica } from '../../registry/replica.js';
import type { CommandClock } from '../commands/ports.js';
import type { ListOutcome, ListUpdater } from './update.js';

/** A charger that has just come sends its BootNotification first, and some take no command before it is answered. */
const SETTLE_IN_MS = 3_000;
/** Changes that never stop do not keep chargers waiting for longer than so many settling times. */
const LONGEST_GATHERING = 6;
const TICK_MS = 250;
/** After a charger refused, said nothing, or something was away. */
const AGAIN_MS = [30_000, 300_000, 900_000];
/** Beyond so many late changes that are not dealt with yet all are called late. */
const MOST_LATE = 10_000;

type Settle = () => void;

interface Due {
  at: number;
  readonly settles: Settle[];
  readonly since: number;
  /** Looks that came to nothing. */
  attempts: number;
  anew: boolean;
  full: boolean;
  /** It was said to be online; its gateway may not have told the broker yet. */
  isOnline: boolean;
  /** Somebody waits for it. */
  hurry: boolean;
}

export interface ListDeskOptions {
  readonly wakes: ListWakes;
  readonly replica: Pick<Replica, 'state' | 'get' | 'ready' | 'caughtUp' | 'onJudged'>;
  readonly updater: Pick<ListUpdater, 'update'>;
  readonly clock: CommandClock;
  readonly settleMs: number;
  readonly atOnce: number;
  readonly logger: Logger;
  readonly tickMs?: number;
  readonly settleInMs?: number;
  readonly againMs?: readonly number[];
}

export class ListDesk {
  private readonly due = new Map<string, Due>();
  private readonly running = new Set<string>();
  /** Changes that wait for the last one of them. */
  private gathered = new Map<string, Settle[]>();
  /** Changes that came into the log later than a settling time allows for: their writer was cut off, or its clock is behind. */
  private readonly late = new Set<string>();
  private allLate = false;
  /** Charging points that were away when the whole list was due. */
  private readonly owed = new Set<string>();
  private gathering: { since: number; last: number } | undefined;
  /** Charging points that get a list, or had one. */
  private readonly opted = new Set<string>();
  private scanned = false;
  private concerning = false;
  /** Raised when what was handed over is another's. */
  private epoch = 0;
  private closed = false;
  private readonly consumer: Consumer;
  private readonly timer: NodeJS.Timeout;
  private readonly deaf: () => void;

  constructor(private readonly options: ListDeskOptions) {
    this.deaf = options.replica.onJudged((judged) => this.hear(judged));
    this.consumer = options.wakes.consume(
      (wake, settle) => this.take(wake, settle),
      () => this.drop(),
    );
    this.timer = setInterval(() => this.tick(), options.tickMs ?? TICK_MS).unref();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    this.deaf();
    // Whoever is next need not wait until something changes; killed, this is not done.
    for (const [id, { attempts, full }] of this.due)
      if (attempts > 0) void this.options.wakes.push(id, full || this.owed.has(id)).catch(() => {});
    this.drop();
    await this.consumer.close();
  }

  private take(wake: ListWake, settle: Settle): void {
    const now = this.options.clock.now();
    switch (wake.kind) {
      case 'online':
        this.ask(wake.chargePointId, now + (this.options.settleInMs ?? SETTLE_IN_MS), [settle], {
          isOnline: true,
        });
        return;
      case 'push':
        this.ask(wake.chargePointId, now, [settle], { anew: true, full: wake.full, hurry: true });
        return;
      case 'changed': {
        const { entity, id } = wake;
        const key = `${entity}/${id}`;
        // On no list; that it is gone again must not keep others waiting for the last change.
        const token = entity === 'token' ? lookUp(this.options.replica.state, 'token', id) : undefined;
        if (token !== undefined && isOneTimeOnly(token)) {
          settle();
          return;
        }
        const settles = this.gathered.get(key);
        if (settles === undefined) this.gathered.set(key, [settle]);
        else settles.push(settle);
        this.gathering = { since: this.gathering?.since ?? now, last: now };
      }
    }
  }

  /** In the order of the log, as it comes, in every api: also in those to which nothing is handed over. */
  private hear({ event, verdict }: Judged): void {
    if (verdict.verdict !== 'applied') return;
    const { kind, entityId: id, at } = event;
    if (kind === 'point') this.opt(id);
    else if (kind !== 'account' && kind !== 'token') return;
    if (kind === 'token' && isOneTimeOnly(verdict.entity as Entity as Entity<'token'>)) return;
    const { replica, clock, settleMs } = this.options;
    // What was there before this process says nothing: it was read late.
    if (replica.ready() !== undefined || clock.now() - Date.parse(at) <= settleMs / 2) return;
    // Lists may have gone out meanwhile whose version says that they have it.
    if (this.late.size >= MOST_LATE) this.allLate = true;
    else this.late.add(`${kind}/${id}`);
  }

  /** Looks that run end at their next command. */
  private drop(): void {
    this.epoch++;
    this.due.clear();
    this.gathered = new Map();
    this.gathering = undefined;
  }

  private ask(pointId: string, at: number, settles: readonly Settle[], more: Partial<Due> = {}): void {
    const known = this.due.get(pointId);
    if (known === undefined) {
      const once = { attempts: 0, anew: false, full: false, isOnline: false, hurry: false };
      this.due.set(pointId, { since: this.options.clock.now(), ...once, ...more, at, settles: [...settles] });
      return;
    }
    known.at = Math.min(known.at, at);
    known.settles.push(...settles);
    known.anew ||= more.anew ?? false;
    known.full ||= more.full ?? false;
    known.isOnline ||= more.isOnline ?? false;
    known.hurry ||= more.hurry ?? false;
    known.attempts = Math.min(known.attempts, more.attempts ?? 0);
  }

  private tick(): void {
    const { replica, clock, settleMs } = this.options;
    if (this.closed || replica.ready() !== undefined) return;
    if (!this.scanned) {
      this.scanned = true;
      for (const id of mapOf(replica.state, 'point').keys()) this.opt(id);
    }
    const now = clock.now();
    const { gathering } = this;
    if (
      gathering !== undefined &&
      !this.concerning &&
      (now >= gathering.last + settleMs || now >= gathering.since + settleMs * LONGEST_GATHERING)
    )
      void this.askTheConcerned();
    this.work(now);
  }

  private async askTheConcerned(): Promise<void> {
    const { replica, clock, logger } = this.options;
    const { epoch } = this;
    this.concerning = true;
    const changes = this.gathered;
    this.gathered = new Map();
    this.gathering = undefined;
    try {
      await replica.caughtUp();
      if (epoch !== this.epoch) return;
      const keys = [...changes.keys()];
      const points = this.concernedBy(keys);
      const settleAll = afterAll(points.length, [...changes.values()].flat());
      for (const id of this.concernedBy(this.lateOf(keys))) this.owed.add(id);
      for (const id of points) this.ask(id, clock.now(), [settleAll]);
    } catch (error) {
      logger.warn(
        { error: messageOf(error) },
        'which local lists are concerned cannot be told yet; again soon',
      );
      if (epoch !== this.epoch) return;
      for (const [key, settles] of changes) {
        const others = this.gathered.get(key) ?? [];
        this.gathered.set(key, [...settles, ...others]);
      }
      this.gathering = { since: clock.now(), last: clock.now() };
    } finally {
      this.concerning = false;
    }
  }

  /** Those that came late; what is done about them is the taker's. */
  private lateOf(keys: readonly string[]): readonly string[] {
    if (!this.allLate) return keys.filter((key) => this.late.delete(key));
    this.allLate = false;
    this.late.clear();
    return keys;
  }

  /** Charging points whose lists may be others, by what each change touches. */
  private concernedBy(changed: readonly string[]): string[] {
    const { state } = this.options.replica;
    const ids = (kind: string): Set<string> =>
      new Set(changed.flatMap((key) => (key.startsWith(`${kind}/`) ? [key.slice(kind.length + 1)] : [])));
    const [points, accounts, tokens] = [ids('point'), ids('account'), ids('token')];
    const accountsOf = (token: Entity<'token'> | undefined): string[] =>
      token === undefined
        ? []
        : [token.state, ...token.past.map((one) => one.state)].flatMap((one) => one?.account ?? []);
    for (const id of tokens)
      for (const account of accountsOf(lookUp(state, 'token', id))) accounts.add(account);
    if (tokens.size > 0)
      // A parent group's word is part of the entries of its tokens.
      for (const token of mapOf(state, 'token').values()) {
        const group = token.state?.group_id;
        if (group !== undefined && tokens.has(tokenIdOf(group)))
          for (const account of accountsOf(token)) accounts.add(account);
      }
    const anyToken = tokens.size > 0 || accounts.size > 0;
    return [...this.opted].filter((id) => {
      if (points.has(id)) return true;
      const point = lookUp(state, 'point', id)?.state;
      const scope = point == null ? undefined : scopeOf(point);
      if (scope === undefined || !anyToken) return false;
      return scope.mode === 'all' || (scope.account !== undefined && accounts.has(scope.account));
    });
  }

  private work(now: number): void {
    for (const [id, due] of this.due) {
      if (this.running.size >= this.options.atOnce) return;
      if (due.at > now || this.running.has(id)) continue;
      this.due.delete(id);
      if (!this.opted.has(id)) {
        for (const settle of due.settles) settle();
        continue;
      }
      this.running.add(id);
      const { epoch } = this;
      void this.look(id, due, epoch).finally(() => {
        this.running.delete(id);
        if (epoch === this.epoch) this.work(this.options.clock.now());
      });
    }
  }

  private async look(id: string, due: Due, epoch: number): Promise<void> {
    const { updater, clock, settleMs, logger } = this.options;
    const { settles, attempts } = due;
    const goesOn = (): boolean => epoch === this.epoch;
    // Changes that never stop must not keep a charger without any list.
    const hurry = due.hurry || clock.now() > due.since + settleMs * LONGEST_GATHERING;
    const full = due.full || this.owed.has(id);
    let outcome: ListOutcome;
    try {
      outcome = await updater.update(id, { anew: due.anew, full, hurry, goesOn });
    } catch (error) {
      outcome = { outcome: 'silent', detail: messageOf(error) };
    }
    if (!goesOn()) return;
    if (full && outcome.outcome === 'updated') this.owed.delete(id);
    else if (full && outcome.outcome !== 'too-early') this.owed.add(id);
    switch (outcome.outcome) {
      case 'too-early':
        this.ask(id, outcome.at, settles, { ...due, anew: false });
        return;
      case 'offline':
        if (due.isOnline) this.askAgain(id, due);
        break;
      case 'refused':
      case 'silent':
        logger.warn(
          { chargePointId: id, outcome: outcome.outcome, detail: outcome.detail, attempt: attempts + 1 },
          'the local list of a charger could not be brought up to date',
        );
        this.askAgain(id, due);
        break;
      case 'updated':
        if (outcome.left > 0)
          logger.warn(
            { chargePointId: id, left: outcome.left },
            'a local list is longer than the charger can hold (localListEntries of the charging point, where it does not say)',
          );
        else
          logger.info({ chargePointId: id, version: outcome.version }, 'a local list was brought up to date');
    }
    for (const settle of settles) settle();
  }

  /** Unless it has been tried often enough. */
  private askAgain(id: string, due: Due): void {
    const again = (this.options.againMs ?? AGAIN_MS)[due.attempts];
    if (again === undefined) return;
    const at = this.options.clock.now() + again;
    this.ask(id, at, [], { ...due, attempts: due.attempts + 1 });
  }

  private opt(id: string): void {
    const point = lookUp(this.options.replica.state, 'point', id);
    if (point !== undefined && hasHadList(point)) this.opted.add(id);
    else this.opted.delete(id);
  }
}

/** A settle that has to be called so many times before all of these are; at once when that is none. */
function afterAll(times: number, settles: readonly Settle[]): Settle {
  let left = times;
  const settle = (): void => {
    if (--left === 0) for (const one of settles) one();
  };
  if (times === 0) for (const one of settles) one();
  return settle;
}
