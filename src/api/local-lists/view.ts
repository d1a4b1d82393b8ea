/**
 * How the local list of a charger stands, as any api can tell: what it should hold, out of the registry; what it said, out
 * of the log of commands (the newest hour in memory, what is older in the tables).
 */
import { z } from 'zod';
import type { Queries } from '../../analytics/ports.js';
import type { Command } from '../../domain/commands/command.js';
import { isObject } from '../../domain/ocpp/payload.js';
import { PROTOCOLS } from '../../domain/ocpp/record.js';
import {
  hasHadList,
  listVersionAt,
  planList,
  scopeOf,
  timeOfListVersion,
} from '../../domain/registry/local-list.js';
import { LOCAL_LISTS } from '../../domain/registry/point.js';
import { type Entity, lookUp } from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import type { CommandSender, ListWakes } from '../../queues/ports.js';
import type { Replica } from '../../registry/replica.js';
import type { CommandBook } from '../commands/book.js';
import type { CommandClock } from '../commands/ports.js';
import { limitsIn, type SaidLimits, TOKEN_LENGTH, versionIn } from './conversation.js';
import { foundRoom, roomOf } from './room.js';
import type { TouchedNow } from './touched.js';

const instant = z.string().nullable();

export const localListView = z
  .object({
    chargingPointId: z.string(),
    localList: z.enum(LOCAL_LISTS),
    wanted: z.object({
      entries: z.int().describe('What the charger should hold'),
      left: z.int().describe('Tokens for which it has no room: not Accepted ones first, then by uid'),
      tooLong: z.int().describe('Tokens that are too long for its version of OCPP'),
      room: z.int().describe('Entries that it is given at most'),
      roomIs: z
        .enum(['said', 'registered', 'found', 'usual'])
        .describe(
          'Who says so: the charger; `localListEntries` of the charging point; it refused longer lists (set localListEntries, so that it need not be tried); or the settings, since nobody does',
        ),
      version: z
        .int()
        .nullable()
        .describe(
          'A list of this version or newer has the newest change in it: seconds since 2020-01-01T00:00:00Z',
        ),
      changedAt: instant.describe(
        'Of the newest change of a token, account or parent group that concerns it',
      ),
    }),
    charger: z
      .object({ version: z.int().describe('0: it has no list'), at: z.string() })
      .nullable()
      .describe('The version that the charger said or accepted last'),
    upToDate: z.boolean().nullable().describe('null: it has not said what it has'),
    last: z
      .object({
        action: z.string(),
        updateType: z.string().nullable(),
        entries: z.int().nullable(),
        state: z.string(),
        status: z.string().nullable(),
        at: z.string(),
        commandId: z.string(),
      })
      .nullable()
      .describe('What came of the newest command about its list'),
  })
  .meta({ id: 'LocalList' });
export type LocalListView = z.infer<typeof localListView>;

export interface ListShelfOptions {
  readonly replica: Pick<Replica, 'state' | 'get' | 'ready'>;
  readonly touched: Pick<TouchedNow, 'get'>;
  readonly book: Pick<CommandBook, 'recent' | 'protocol'>;
  readonly sender: Pick<CommandSender, 'locate'>;
  readonly wakes: Pick<ListWakes, 'push'>;
  /** For what is older than memory. */
  readonly queries?: Pick<Queries, 'ask'>;
  readonly clock: CommandClock;
  readonly settings: { readonly settleMs: number; readonly entries: number };
}

const ABOUT = new Set(['SendLocalList', 'GetLocalListVersion']);
const RECENT = 1_000;

/** What the log says of a charger's list. */
interface Known {
  charger: LocalListView['charger'];
  last: LocalListView['last'];
  limits: SaidLimits;
  /** Entries of the list that it took after it had refused longer ones. */
  found: number | undefined;
}

export class ListShelf {
  constructor(private readonly options: ListShelfOptions) {}

  /** Rejects with ENTITY_UNKNOWN, REGISTRY_NOT_READY. */
  async show(pointId: string): Promise<LocalListView> {
    const point = this.pointOf(pointId);
    const { replica, book, clock, settings } = this.options;
    const { state } = replica;
    const scope = scopeOf(point.state ?? {});
    const { charger, last, limits: said, found } = await this.knownOf(pointId);
    const protocol = book.protocol(pointId) ?? 'ocpp1.6';
    const registered = point.state?.localListEntries;
    const room = roomOf({ said, registered, found, usual: settings.entries });
    const limits = { entries: room, tokenLength: TOKEN_LENGTH[protocol] };
    const at = timeOfListVersion(listVersionAt(clock.now()));
    const touched = this.options.touched.get();
    const { entries, left, tooLong } =
      scope === undefined ? { entries: [], left: 0, tooLong: 0 } : touched.wanted(state, scope, limits, at);
    const changed = scope === undefined ? undefined : touched.newest(state, scope);
    const plan =
      charger === null
        ? undefined
        : planList(state, point, { version: charger.version, limits, at, touched });
    return {
      chargingPointId: pointId,
      localList: point.state?.localList ?? 'none',
      wanted: {
        entries: entries.length,
        left,
        tooLong,
        room,
        roomIs:
          found === room
            ? 'found'
            : said.entries === room
              ? 'said'
              : registered === room
                ? 'registered'
                : 'usual',
        version: changed === undefined ? null : listVersionAt(changed) + 1,
        changedAt: changed === undefined ? null : new Date(changed).toISOString(),
      },
      charger,
      upToDate: plan === undefined ? null : plan.kind === 'up-to-date',
      last,
    };
  }

  /** Rejects with CHARGER_OFFLINE, LOCAL_LIST_NONE too; else the look is in the queue. */
  async push(pointId: string, full: boolean): Promise<LocalListView> {
    const point = this.pointOf(pointId);
    if (!hasHadList(point))
      throw new WattstreamError('LOCAL_LIST_NONE', `${pointId} gets no local list.`, {
        remedy: 'PUT the charging point with localList "account" or "all".',
      });
    if ((await this.options.sender.locate(pointId)) === undefined)
      throw new WattstreamError('CHARGER_OFFLINE', `${pointId} is not connected.`, {
        remedy: 'Nothing needs to be done: its list is looked at when it comes.',
      });
    await this.options.wakes.push(pointId, full);
    return this.show(pointId);
  }

  private pointOf(pointId: string): Entity<'point'> {
    const { replica } = this.options;
    const notReady = replica.ready();
    if (notReady !== undefined)
      throw new WattstreamError('REGISTRY_NOT_READY', `Nothing can be said yet: ${notReady}`, {
        canRetry: true,
      });
    const point = lookUp(replica.state, 'point', pointId);
    if (!point?.state)
      throw new WattstreamError('ENTITY_UNKNOWN', `There is no charging point '${pointId}'.`);
    return point;
  }

  private async knownOf(pointId: string): Promise<Known> {
    // Newest first.
    const recent = this.options.book.recent((id) => id === pointId, RECENT);
    const about = recent.filter(({ requested }) => ABOUT.has(requested.action));
    const limits = recent.map(saidLimits).find((one) => one.entries !== undefined) ?? {};
    const found = limits.entries === undefined ? foundRoom(about) : undefined;
    const charger = about.map(versionSaid).find((one) => one !== undefined) ?? null;
    const last = about[0] === undefined ? null : lastOf(about[0]);
    if (charger !== null || this.options.queries === undefined) return { charger, last, limits, found };
    const older = await this.olderOf(pointId);
    return { charger: older.charger, last: last ?? older.last, limits, found };
  }

  /** The tables may be away, or behind: then nothing is known beyond memory. */
  private async olderOf(pointId: string): Promise<Pick<Known, 'charger' | 'last'>> {
    const nothing = { charger: null, last: null };
    const answer = await this.options.queries
      ?.ask('local-lists', { charge_point_id: pointId })
      .catch(() => undefined);
    const row = answer?.rows[0];
    if (row === undefined) return nothing;
    const [accepted, reported] = [
      { version: row.version, at: row.updated_at },
      { version: row.reported_version, at: row.reported_at },
    ].map(({ version, at }) =>
      typeof version === 'number' && typeof at === 'string' ? { version, at } : undefined,
    );
    const newest = [accepted, reported]
      .filter((one) => one !== undefined)
      .sort((a, b) => (a.at < b.at ? 1 : -1))[0];
    if (accepted === undefined) return { charger: newest ?? null, last: null };
    return {
      charger: newest ?? null,
      last: {
        action: 'SendLocalList',
        updateType: String(row.update_type),
        entries: typeof row.entries === 'number' ? row.entries : null,
        state: 'accepted',
        status: 'Accepted',
        at: accepted.at,
        commandId: String(row.command_id),
      },
    };
  }
}

function versionSaid({ requested, outcome }: Command): LocalListView['charger'] | undefined {
  if (outcome?.type !== 'command.accepted') return undefined;
  const from = requested.action === 'SendLocalList' ? requested.payload : outcome.response;
  const version = versionIn(from);
  return version === undefined ? undefined : { version, at: outcome.at };
}

function saidLimits({ requested, outcome }: Command): SaidLimits {
  const isAnswer = outcome?.type === 'command.accepted' || outcome?.type === 'command.rejected';
  const asks = requested.action === 'GetConfiguration' || requested.action === 'GetVariables';
  const known = PROTOCOLS.some((one) => one === requested.protocol);
  return isAnswer && asks && known && isObject(outcome.response) ? limitsIn(outcome.response) : {};
}

function lastOf({ requested, state, outcome }: Command): NonNullable<LocalListView['last']> {
  const list = requested.payload.localAuthorizationList;
  const sends = requested.action === 'SendLocalList';
  return {
    action: requested.action,
    updateType: sends ? String(requested.payload.updateType) : null,
    entries: sends ? (Array.isArray(list) ? list.length : 0) : null,
    state,
    status: outcome !== undefined && 'status' in outcome ? outcome.status : null,
    at: outcome?.at ?? requested.at,
    commandId: requested.commandId,
  };
}
