/**
 * What somebody who is restricted to stations has of the CMS: what belongs to those. Of everything else they do not learn
 * whether it is there: it is as unknown (404) as what has never been.
 *
 * | kind    | belongs to                  | they                                                                  |
 * | ------- | --------------------------- | --------------------------------------------------------------------- |
 * | station | itself                      | read and change it; who makes and deletes stations has all of them    |
 * | point   | the station it stands at    | do everything, but not take it elsewhere, not choose who pays or whose tokens it is given |
 * | outage  | the station of its point    | do everything                                                         |
 * | tariff  | no station: they assign it  | read it                                                               |
 * | token, account | no station: a person | see none                                                              |
 *
 * What cannot be hidden: an id is one for all stations, so who may make a charging point learns that its id is taken.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EntityKind } from '../../domain/messages/cms-events.js';
import type { StateOf } from '../../domain/registry/kinds.js';
import {
  type Change,
  type Entity,
  type Live,
  lastState,
  lookUp,
  type Past,
  type RegistryState,
} from '../../domain/registry/state.js';
import { WattstreamError } from '../../platform/errors.js';
import { fieldErrors } from '../../registry/store.js';
import type { Access } from '../auth/access.js';
import type { Principal, Role } from '../auth/principal.js';
import { factsOf } from '../problem.js';

interface Belonging<K extends EntityKind> {
  /** The station of a state; undefined: of none. Absent: it is nobody's, and everybody may read it. */
  readonly station?: (state: StateOf[K], registry: RegistryState) => string | undefined;
  /** The field that says so. */
  readonly by?: string;
  readonly changes: readonly Change[];
  /** Fields that stay as they are. */
  readonly fixed?: readonly string[];
}

const BELONGING: { readonly [K in EntityKind]?: Belonging<K> } = {
  station: { station: ({ id }) => id, by: 'id', changes: ['updated'] },
  // Who stands there as `account` pays for every session of anybody. What the charger is given as its local list are
  // tokens, which whoever keeps the station reads in its frames.
  point: {
    station: ({ station }) => station,
    by: 'station',
    changes: ['created', 'updated', 'deleted'],
    fixed: ['account', 'localList'],
  },
  outage: {
    station: ({ point }, registry) => lastState(lookUp(registry, 'point', point))?.station,
    by: 'point',
    changes: ['created', 'updated', 'deleted'],
  },
  tariff: { changes: [] },
};

const belongingOf = <K extends EntityKind>(kind: K): Belonging<K> | undefined =>
  BELONGING[kind] as Belonging<K> | undefined;

/** Who may do this with a kind. `change` undefined: read. */
export function accessTo(kind: EntityKind, roles: readonly Role[], ...changes: readonly Change[]): Access {
  const belonging = belongingOf(kind);
  if (belonging === undefined)
    return { roles, reason: `${capital(kind)}s belong to people, not to stations.` };
  if (changes.length > 0 && !changes.some((change) => belonging.changes.includes(change)))
    return { roles, reason: `${capital(kind)}s are ${changes.join(' and ')} for all stations.` };
  return { roles, restricted: 'admitted' };
}

export class Scope<K extends EntityKind> {
  private readonly belonging: Belonging<K>;

  constructor(
    private readonly kind: K,
    private readonly principal: Pick<Principal, 'stations'>,
    private readonly registry: RegistryState,
  ) {
    this.belonging = belongingOf(kind) ?? { station: () => undefined, changes: [] };
  }

  get isRestricted(): boolean {
    return this.principal.stations !== null;
  }

  sees(entity: Entity<K>): boolean {
    const state = lastState(entity);
    if (state !== undefined) return this.owns(state);
    // Of a deleted station the id is all that is known, and all that is needed.
    const { stations } = this.principal;
    return stations === null || (this.kind === 'station' && stations.includes(entity.id));
  }

  /** Whether it was theirs at any time: a page may begin after it. */
  hasSeen(entity: Entity<K>): boolean {
    return this.sees(entity) || entity.past.some(({ state }) => state && this.owns(state));
  }

  /** The versions that are theirs, oldest first: not what it was before it came to their stations. */
  versions(entity: Entity<K>): Past<K>[] {
    const all: Past<K>[] = [...entity.past, entity];
    if (!this.isRestricted || this.belonging.station === undefined) return all;
    let theirs: Past<K>[] = [];
    // Behind a change of what it belongs to, a version without its state may be anybody's until an older one tells.
    let doubtful: Past<K>[] = [];
    let isDoubtful = false;
    for (const version of all.reverse()) {
      if (version.state) {
        if (!this.owns(version.state)) break;
        theirs = [...doubtful, ...theirs];
        doubtful = [];
        isDoubtful = false;
      }
      if (isDoubtful) doubtful.unshift(version);
      else theirs.unshift(version);
      isDoubtful ||= version.change === 'created' || version.changed.includes(this.belonging.by ?? '');
    }
    return theirs;
  }

  /**
   * Throws STATION_FORBIDDEN. `current`: what they see of it; undefined: nothing, be it there or not.
   */
  admit(change: Change, state: StateOf[K] | null, current: Live<K> | undefined): void {
    if (!this.isRestricted) return;
    const { changes, by = '', fixed = [] } = this.belonging;
    if (!changes.includes(change))
      throw forbidden(`A ${this.kind} is ${change} by those who have all stations.`);
    if (state !== null && !this.owns(state))
      throw forbidden(`You keep what is at your stations; this is at none of them.`, by);
    for (const field of fixed) {
      const [before, after] = [current?.state, state].map(
        (one) => (one as Fields | null | undefined)?.[field],
      );
      // Deleted and made again without it would be a change too.
      if (!isDeepStrictEqual(before, after))
        throw forbidden(`${field} is set by those who have all stations.`, field);
    }
  }

  /** Does it, and tells of what went wrong without naming what is not theirs. */
  async quietly<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!this.isRestricted || !(error instanceof WattstreamError) || !error.message.startsWith('TAKEN'))
        throw error;
      const errors = factsOf(error).errors ?? [];
      throw new WattstreamError('REGISTRY_RULE', error.message, {
        cause: fieldErrors(errors.map(({ field }) => ({ field, message: 'something else has it' }))),
      });
    }
  }

  private owns(state: StateOf[K]): boolean {
    const { stations } = this.principal;
    if (stations === null || this.belonging.station === undefined) return true;
    const station = this.belonging.station(state, this.registry);
    return station !== undefined && stations.includes(station);
  }
}

type Fields = Record<string, unknown>;

const forbidden = (message: string, field?: string): WattstreamError =>
  new WattstreamError('STATION_FORBIDDEN', message, {
    ...(field === undefined ? {} : { cause: fieldErrors([{ field, message: 'is not yours to choose' }]) }),
  });

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
