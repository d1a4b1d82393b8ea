/**
 * Brings the local list of one charger up to date: asks what it has, computes what it lacks, tells it.
 *
 *     version known? ─> plan ─> nothing | differential | whole ─> sent in parts ─> up to date
 *                                             └──refused──> whole, once ──Failed──> with fewer entries, a few times
 *
 * A list in several parts begins with version 1 and ends with the real one, so a charger that was left in the middle (its
 * line, this process) says a number that no finished list has, and gets all of it again. A differential update that does
 * not fit into one message is sent as a whole list for the same reason.
 *
 * A charger that does not say how much room it has, and says Failed to the whole list, is given half of it, and half of
 * that: part of a list is of more use than none. What it takes is not exceeded while it is connected.
 */
import { randomUUID } from 'node:crypto';
import type { Command } from '../../domain/commands/command.js';
import type { HeldCharger } from '../../domain/messages/commands.js';
import type { Asked } from '../../domain/ocpp/commands/prepare.js';
import type { Protocol } from '../../domain/ocpp/record.js';
import {
  type ListChange,
  type ListEntry,
  type ListPlan,
  listVersionAt,
  planList,
  scopeOf,
  timeOfListVersion,
} from '../../domain/registry/local-list.js';
import { lookUp } from '../../domain/registry/state.js';
import type { CommandSender } from '../../queues/ports.js';
import type { Replica } from '../../registry/replica.js';
import type { CommandClock } from '../commands/ports.js';
import type { CommandService } from '../commands/service.js';
import {
  ASK_VERSION,
  askLimits,
  bytesOf,
  LIST_ACTOR,
  limitsIn,
  type Said,
  type SaidLimits,
  saidBy,
  TOKEN_LENGTH,
  tellList,
  versionIn,
} from './conversation.js';
import { fewerThan, HALVINGS, roomOf } from './room.js';
import type { TouchedNow } from './touched.js';

/** Frames of ours: ingest takes 256 KiB, chargers often less. */
const FRAME_BYTES = 60_000;

export interface ListSettings {
  readonly settleMs: number;
  /** Where the charger does not say. */
  readonly entries: number;
  readonly perMessage: number;
}

export interface ListUpdaterOptions {
  readonly replica: Pick<Replica, 'state' | 'caughtUp'>;
  readonly touched: Pick<TouchedNow, 'get'>;
  readonly commands: Pick<CommandService, 'start'>;
  readonly sender: Pick<CommandSender, 'locate'>;
  readonly clock: CommandClock;
  readonly settings: ListSettings;
}

export type ListOutcome =
  | { readonly outcome: 'up-to-date' | 'offline' | 'unsupported' | 'no-list' }
  | { readonly outcome: 'updated'; readonly version: number; readonly left: number }
  /** Again at this time: what it would be told is too new to be sure that nothing of then is still on its way here. */
  | { readonly outcome: 'too-early'; readonly at: number }
  | { readonly outcome: 'refused' | 'silent'; readonly detail: string; readonly status?: string }
  /** `goesOn` said no. */
  | { readonly outcome: 'stopped' };

/** What was learnt of a charger; true for one connection. */
interface Learnt {
  readonly connection: string;
  isUnsupported: boolean;
  /** undefined: to be asked. */
  version: number | undefined;
  limits: SaidLimits | undefined;
  /** Entries of the whole list that it took after it had refused longer ones. */
  room: number | undefined;
  /** It took none of the shorter ones either: room is not what it lacks. */
  isNoMatterOfRoom: boolean;
}

export interface UpdateRequest {
  /** Whatever was learnt of it, and though it said that it has no lists. */
  readonly anew?: boolean;
  /** The whole list. */
  readonly full?: boolean;
  /** Now, though it may have to be done again when the newest changes have settled. */
  readonly hurry?: boolean;
  /** Looked at before each command. */
  readonly goesOn: () => boolean;
}

export class ListUpdater {
  private readonly learnt = new Map<string, Learnt>();

  constructor(private readonly options: ListUpdaterOptions) {}

  /** Rejects when the broker is away. */
  async update(
    pointId: string,
    { anew = false, full = false, hurry = false, goesOn }: UpdateRequest,
  ): Promise<ListOutcome> {
    const { sender } = this.options;
    const held = await sender.locate(pointId);
    if (held === undefined) {
      this.learnt.delete(pointId);
      return { outcome: 'offline' };
    }
    const learnt = this.learntOf(pointId, held, anew);
    if (learnt.isUnsupported) return { outcome: 'unsupported' };
    const run = new Run(this.options, pointId, held, learnt, goesOn);
    const asked = await run.askVersion();
    if (asked !== undefined) return asked;
    await this.options.replica.caughtUp();
    let first = full ? undefined : this.plan(pointId, held.protocol, learnt, learnt.version);
    if (first !== undefined && first.plan.kind !== 'up-to-date' && learnt.limits === undefined) {
      const unknown = await run.askLimits();
      if (unknown !== undefined) return unknown;
      first = this.plan(pointId, held.protocol, learnt, learnt.version);
    }
    if (first?.plan.kind === 'up-to-date') return { outcome: 'up-to-date' };
    const settledAt = this.settledAt(pointId);
    if (!hurry && settledAt > this.options.clock.now()) return { outcome: 'too-early', at: settledAt };
    if (first?.plan.kind === 'differential') {
      const { plan, version } = first;
      if (version <= (learnt.version ?? 0))
        return { outcome: 'too-early', at: this.whenMade((learnt.version ?? 0) + 1) };
      if (run.partsOf(plan.changes).length === 1) {
        const sent = await run.tell('Differential', version, plan.changes);
        if (sent === undefined) return { outcome: 'updated', version, left: 0 };
        if (sent.outcome !== 'refused') return sent;
        learnt.version = undefined;
      }
    }
    const limits = await run.askLimits();
    if (limits !== undefined) return limits;
    return this.whole(run, pointId, held.protocol, learnt);
  }

  private async whole(run: Run, pointId: string, protocol: Protocol, learnt: Learnt): Promise<ListOutcome> {
    // A list that was withdrawn is told by what the charger had; the whole of one that stands is told in any case.
    const wanted = this.plan(pointId, protocol, learnt, undefined);
    const { plan, version } =
      wanted.plan.kind === 'full' ? wanted : this.plan(pointId, protocol, learnt, learnt.version);
    if (plan.kind !== 'full') return { outcome: 'no-list' };
    const left = plan.left + plan.tooLong;
    const told = await this.tellWhole(run, plan, version);
    if (told === undefined) return { outcome: 'updated', version, left };
    learnt.version = undefined;
    const mayLackRoom =
      told.end.outcome === 'refused' && told.end.status === 'Failed' && learnt.limits?.entries === undefined;
    if (!mayLackRoom || learnt.isNoMatterOfRoom) return told.end;
    return this.wholeWithFewer(run, { pointId, protocol, learnt, length: plan.entries.length, ...told });
  }

  /** After the whole list of this length was Failed. */
  private async wholeWithFewer(
    run: Run,
    first: { pointId: string; protocol: Protocol; learnt: Learnt; length: number } & Refusal,
  ): Promise<ListOutcome> {
    const { pointId, protocol, learnt } = first;
    const before = learnt.room;
    let { length, taken, end } = first;
    for (let tries = 0; tries < HALVINGS; tries++) {
      const room = fewerThan(length, taken);
      if (room === undefined) break;
      learnt.room = room;
      const { plan, version } = this.plan(pointId, protocol, learnt, undefined);
      if (plan.kind !== 'full') break;
      const told = await this.tellWhole(run, plan, version);
      if (told === undefined) return { outcome: 'updated', version, left: plan.left + plan.tooLong };
      learnt.version = undefined;
      ({ taken, end } = told);
      length = plan.entries.length;
      if (end.outcome !== 'refused' || end.status !== 'Failed') {
        learnt.room = before;
        return end;
      }
    }
    learnt.room = before;
    learnt.isNoMatterOfRoom = true;
    return end;
  }

  /** undefined: it has all of it. */
  private async tellWhole(
    run: Run,
    { entries }: { readonly entries: readonly ListEntry[] },
    version: number,
  ): Promise<Refusal | undefined> {
    const parts = run.partsOf(entries.map((entry) => ({ uid: entry.uid, type: entry.type, entry })));
    let taken = 0;
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const end = await run.tell(index === 0 ? 'Full' : 'Differential', isLast ? version : index + 1, part);
      if (end !== undefined) return { taken, end };
      taken += part.length;
    }
    return undefined;
  }

  private plan(
    pointId: string,
    protocol: Protocol,
    { limits, room }: Learnt,
    version: number | undefined,
  ): { plan: ListPlan; version: number } {
    const { replica, clock, settings } = this.options;
    const made = listVersionAt(clock.now() - settings.settleMs / 2);
    const point = lookUp(replica.state, 'point', pointId);
    if (point === undefined) return { plan: { kind: 'up-to-date' }, version: made };
    const plan = planList(replica.state, point, {
      version,
      at: timeOfListVersion(made),
      limits: {
        entries: roomOf({
          said: limits,
          registered: point.state?.localListEntries,
          found: room,
          usual: settings.entries,
        }),
        tokenLength: TOKEN_LENGTH[protocol],
      },
      touched: this.options.touched.get(),
    });
    return { plan, version: made };
  }

  private learntOf(pointId: string, { connection }: HeldCharger, anew: boolean): Learnt {
    const known = this.learnt.get(pointId);
    if (known !== undefined && known.connection === connection && !anew) return known;
    const learnt: Learnt = {
      connection,
      isUnsupported: false,
      version: undefined,
      limits: undefined,
      room: undefined,
      isNoMatterOfRoom: false,
    };
    this.learnt.set(pointId, learnt);
    return learnt;
  }

  /** When a list can be made that has the newest change in it, epoch milliseconds. */
  private settledAt(pointId: string): number {
    const { state } = this.options.replica;
    const point = lookUp(state, 'point', pointId);
    if (!point?.state) return 0;
    const scope = scopeOf(point.state);
    const changed = scope === undefined ? undefined : this.options.touched.get().newest(state, scope);
    return this.whenMade(listVersionAt(Math.max(changed ?? 0, Date.parse(point.at))) + 1);
  }

  private whenMade(version: number): number {
    return timeOfListVersion(version) + this.options.settings.settleMs / 2;
  }
}

/** A whole list that was not told to its end: entries of the parts that were taken, and what it came to. */
interface Refusal {
  readonly taken: number;
  readonly end: ListOutcome;
}

/** One charger, once. What it returns is why it cannot go on; undefined: it can. */
class Run {
  constructor(
    private readonly options: ListUpdaterOptions,
    private readonly pointId: string,
    private readonly held: HeldCharger,
    private readonly learnt: Learnt,
    private readonly goesOn: () => boolean,
  ) {}

  async askVersion(): Promise<ListOutcome | undefined> {
    if (this.learnt.version !== undefined) return undefined;
    const said = await this.ask(ASK_VERSION);
    if (said === undefined) return { outcome: 'stopped' };
    if (said.said !== 'accepted') return this.endOf(said);
    const version = versionIn(said.response);
    if (version === -1) return this.endOf({ said: 'unsupported', detail: 'the charger said version -1' });
    this.learnt.version = version ?? 0;
    return undefined;
  }

  /** Once for each connection. A charger that does not say gets what the settings say. */
  async askLimits(): Promise<ListOutcome | undefined> {
    if (this.learnt.limits !== undefined) return undefined;
    const said = await this.ask(askLimits(this.held.protocol));
    if (said === undefined) return { outcome: 'stopped' };
    if (said.said === 'offline' || said.said === 'silent') return this.endOf(said);
    // Of several variables one that it does not know is no acceptance; the others are said all the same.
    this.learnt.limits = said.said === 'unsupported' ? {} : limitsIn(said.response);
    return undefined;
  }

  /** At least one, which may be empty. */
  partsOf(changes: readonly ListChange[]): (readonly ListChange[])[] {
    const { protocol } = this.held;
    const { perMessage = this.options.settings.perMessage, bytesPerMessage = FRAME_BYTES } =
      this.learnt.limits ?? {};
    const most = Math.min(bytesPerMessage, FRAME_BYTES);
    const parts: ListChange[][] = [[]];
    let bytes = 0;
    for (const change of changes) {
      const size = bytesOf(protocol, change);
      const last = parts.at(-1) as ListChange[];
      if (last.length > 0 && (last.length >= perMessage || bytes + size > most)) {
        parts.push([change]);
        bytes = size;
      } else {
        last.push(change);
        bytes += size;
      }
    }
    return parts;
  }

  async tell(
    updateType: 'Full' | 'Differential',
    version: number,
    changes: readonly ListChange[],
  ): Promise<ListOutcome | undefined> {
    const said = await this.ask(tellList(this.held.protocol, { updateType, version, changes }));
    if (said === undefined) return { outcome: 'stopped' };
    if (said.said !== 'accepted') return this.endOf(said);
    this.learnt.version = version;
    return undefined;
  }

  /** undefined: it is not to be asked any more. */
  private async ask(asked: Asked): Promise<Said | undefined> {
    if (!this.goesOn()) return undefined;
    const started = await this.options.commands.start({
      chargePointId: this.pointId,
      asked,
      actor: LIST_ACTOR,
      commandId: randomUUID(),
    });
    const command: Command | undefined = await started.outcome();
    return saidBy(command);
  }

  private endOf(said: Exclude<Said, { said: 'accepted' }>): ListOutcome {
    switch (said.said) {
      case 'unsupported':
        this.learnt.isUnsupported = true;
        return { outcome: 'unsupported' };
      case 'offline':
        return { outcome: 'offline' };
      case 'silent':
      case 'refused':
        this.learnt.version = undefined;
        return {
          outcome: said.said,
          detail: said.detail,
          ...('status' in said && said.status !== undefined ? { status: said.status } : {}),
        };
    }
  }
}
