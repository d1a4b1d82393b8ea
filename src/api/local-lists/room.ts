/**
 * How many entries a charger can be given. Its own word counts (`limitsIn`); one that does not say is given what the settings
 * say; never more than the registry has for it; and never more than it was found to take.
 *
 * OCPP 2.x says how many it can hold in `variableCharacteristics.maxLimit` of LocalAuthListCtrlr.Entries (2.0.1 Part 2,
 * D01.FR.12 and appendix), which is in a base report alone: most do not answer when they are asked. A list that is too long
 * is Failed, as anything else that goes wrong with it.
 */
import type { Command } from '../../domain/commands/command.js';
import { OLDEST_VERSION } from '../../domain/registry/local-list.js';
import { type SaidLimits, versionIn } from './conversation.js';

/** A thousand entries are 15 after so many. */
export const HALVINGS = 6;

export interface Room {
  readonly said: SaidLimits | undefined;
  /** `localListEntries` of the charging point. */
  readonly registered: number | undefined;
  /** Entries of the list that it took after it had refused longer ones. */
  readonly found: number | undefined;
  /** Where nobody says. */
  readonly usual: number;
}

export const roomOf = ({ said, registered, found, usual }: Room): number =>
  Math.min(said?.entries ?? registered ?? usual, registered ?? Infinity, found ?? Infinity);

/**
 * Of a list that was refused: how many entries to try next; undefined: there is nothing to try. `taken`: entries of the
 * parts that it took before it refused, so it has room for these.
 */
export function fewerThan(length: number, taken: number): number | undefined {
  const next = taken > 0 ? taken : Math.floor(length / 2);
  return next > 0 && next < length ? next : undefined;
}

/**
 * Out of what was told to a charger, newest first: entries of its newest whole list, if more of them were Failed just before.
 */
export function foundRoom(commands: readonly Command[]): number | undefined {
  const sends = commands.filter(({ requested }) => requested.action === 'SendLocalList').reverse();
  let found: number | undefined;
  /** Entries of the whole list that is being told, as far as it was told. */
  let told: number | undefined;
  /** Of the whole list before, with the part at which it was Failed. */
  let failedAt: number | undefined;
  for (const { requested, outcome } of sends) {
    const { updateType, localAuthorizationList: list } = requested.payload;
    if (updateType === 'Full') told = 0;
    if (told === undefined) continue;
    told += Array.isArray(list) ? list.length : 0;
    if (outcome?.type !== 'command.accepted') {
      failedAt = outcome?.type === 'command.rejected' && outcome.status === 'Failed' ? told : undefined;
      told = undefined;
    } else if ((versionIn(requested.payload) ?? 0) >= OLDEST_VERSION) {
      found = failedAt !== undefined && told < failedAt ? told : undefined;
      failedAt = undefined;
      told = undefined;
    }
  }
  return found;
}
