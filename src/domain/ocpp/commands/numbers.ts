/**
 * The numbers of OCPP that the central system gives out: reservation ids, charging profile ids, request ids,
 * remoteStartIds, versions of local lists. All but the last are made of the command's id, so that they need no counter
 * that several processes would have to share, and so that whoever sees one in a frame can find its command.
 */
import { isObject, type Payload } from '../payload.js';
import type { Protocol } from '../record.js';
import { commandActions, type OwnNumber } from './actions.js';

/**
 * A positive 31-bit number out of a command id: int32 is what 1.6 and 2.x give these fields. The ids are random (UUIDv4)
 * or hashes (UUIDv5) from the first bit on; two of the same charger have the same number once in two thousand million.
 */
export const numberOf = (commandId: string): number =>
  Number.parseInt(commandId.replaceAll('-', '').slice(0, 8), 16) & 0x7fffffff || 1;

export interface Numbering {
  readonly commandId: string;
  /** Version of the local list that this charger has accepted last; undefined: none that we know of. */
  readonly lastListVersion?: number | undefined;
}

/** The payload with the numbers the caller left out. What he gave stands. */
export function withOwnNumbers(
  protocol: Protocol,
  action: string,
  payload: Payload,
  numbering: Numbering,
): Payload {
  const own = commandActions(protocol).get(action)?.own ?? [];
  return own.reduce<Payload>(
    (filled, { what, path }) =>
      fill(filled, path, () =>
        what === 'local-list' ? (numbering.lastListVersion ?? 0) + 1 : numberOf(numbering.commandId),
      ),
    payload,
  );
}

/** The numbers that a command carries, given or made: what a reservation, profile, list or job is known by. */
export function ownNumbers(
  protocol: Protocol,
  action: string,
  payload: Payload,
): { what: OwnNumber['what']; number: number }[] {
  return (commandActions(protocol).get(action)?.own ?? []).flatMap(({ what, path }) => {
    const number = path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), payload);
    return typeof number === 'number' ? [{ what, number }] : [];
  });
}

function fill(payload: Payload, [key, ...rest]: readonly string[], make: () => number): Payload {
  if (key === undefined) return payload;
  if (rest.length === 0) return payload[key] === undefined ? { ...payload, [key]: make() } : payload;
  const inner = payload[key];
  return isObject(inner) ? { ...payload, [key]: fill(inner, rest, make) } : payload;
}
