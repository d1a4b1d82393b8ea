/**
 * The outlets of a charging point as customers choose them, and whether one can be had now. The registry names an outlet
 * by EVSE and connector; OCPP 1.6 numbers connectors through the whole charger, 2.x as the registry does.
 */
import type { Protocol } from '../ocpp/record.js';
import type { Connector, Point } from '../registry/point.js';

export interface Outlet {
  readonly evseId: number;
  readonly connectorId: number;
  /** Its number in OCPP 1.6. */
  readonly number16: number | undefined;
  /** eMI3 id of the EVSE. */
  readonly printedId: string | undefined;
  readonly connector: Connector;
}

/** As tables and `connector.status` have it; of 1.6 the EVSE is the connector's number too. */
export interface OutletStatus {
  readonly evseId: number;
  readonly connectorId: number;
  readonly status: string;
  readonly version: number;
}

/** A session that goes on. */
export interface Taken {
  readonly evseId: number | null;
  readonly connectorId: number | null;
}

/** `plugged`: a cable is in and nothing has begun. `unknown`: nobody has said anything of it. */
export type Occupancy = 'free' | 'plugged' | 'occupied' | 'unavailable' | 'offline' | 'unknown';

export function outletsOf(point: Pick<Point, 'evses'>): Outlet[] {
  const all = point.evses.flatMap(({ evseId, evse_id: printedId, connectors }) =>
    connectors.map((connector) => ({ evseId, printedId, connector })),
  );
  const isNumbered = all.some(({ connector }) => connector.ocpp16ConnectorId !== undefined);
  return all.map(({ evseId, printedId, connector }, index) => ({
    evseId,
    connectorId: connector.connectorId,
    number16: isNumbered ? connector.ocpp16ConnectorId : index + 1,
    printedId,
    connector,
  }));
}

/**
 * The newest that was said of it. What EVSE 2 connector 2 means depends on the version of OCPP that the charger speaks:
 * in 1.6 the second connector of all, in 2.x the second of the second EVSE.
 */
export function statusOf(
  { evseId, connectorId, number16 }: Outlet,
  statuses: readonly OutletStatus[],
  protocol: Protocol | undefined,
): OutletStatus | undefined {
  const own = protocol === 'ocpp1.6' ? { evseId: number16, connectorId: number16 } : { evseId, connectorId };
  let newest: OutletStatus | undefined;
  for (const one of statuses)
    if (
      one.evseId === own.evseId &&
      one.connectorId === own.connectorId &&
      (newest === undefined || one.version > newest.version)
    )
      newest = one;
  return newest;
}

const OCCUPANCY: Readonly<Record<string, Occupancy>> = {
  Available: 'free',
  Preparing: 'plugged',
  // 2.x says no more of a cable that is in; with a transaction it is refined, and the session shows.
  Occupied: 'plugged',
  Charging: 'occupied',
  SuspendedEV: 'occupied',
  SuspendedEVSE: 'occupied',
  Finishing: 'occupied',
  Reserved: 'occupied',
  Unavailable: 'unavailable',
  Faulted: 'unavailable',
  Offline: 'offline',
};

export const occupancyOf = (status: string | undefined): Occupancy => OCCUPANCY[status ?? ''] ?? 'unknown';

export interface Wanted {
  readonly evseId?: number | undefined;
  readonly connectorId?: number | undefined;
  /** eMI3 id as it is printed; separators and case do not matter. */
  readonly printedId?: string | undefined;
}

export const samePrintedId = (one: string | undefined, other: string): boolean =>
  one !== undefined && plain(one) === plain(other);
const plain = (id: string): string => id.replaceAll('*', '').toUpperCase();

/** Those that are meant. Where only a connector is named, 1.6 means its own number by it. */
export function wantedOutlets(
  outlets: readonly Outlet[],
  { evseId, connectorId, printedId }: Wanted,
  protocol?: Protocol,
): Outlet[] {
  const byNumber16 = protocol === 'ocpp1.6' && evseId === undefined && printedId === undefined;
  return outlets.filter(
    (one) =>
      (evseId === undefined || one.evseId === evseId) &&
      (printedId === undefined || samePrintedId(one.printedId, printedId)) &&
      (connectorId === undefined || (byNumber16 ? one.number16 : one.connectorId) === connectorId),
  );
}

export type Choice =
  | { readonly outlet: Outlet }
  | {
      readonly refused: 'OUTLET_UNKNOWN' | 'OUTLET_AMBIGUOUS' | 'OUTLET_OCCUPIED' | 'OUTLET_UNAVAILABLE';
      readonly detail: string;
    };

/**
 * The one outlet at which a session can begin. Of several nobody guesses: at the other one somebody else's car may stand.
 * What nobody knows anything of, or thinks offline, is left to the charger to refuse.
 */
export function chooseOutlet(
  outlets: readonly Outlet[],
  wanted: Wanted,
  protocol: Protocol,
  now: { readonly statuses: readonly OutletStatus[]; readonly sessions: readonly Taken[] },
): Choice {
  const meant = wantedOutlets(outlets, wanted, protocol);
  if (meant.length === 0) return { refused: 'OUTLET_UNKNOWN', detail: 'The charger has no such outlet.' };
  const states = meant.map((outlet) => ({
    outlet,
    occupancy: now.sessions.some((session) => isAt(outlet, session, protocol))
      ? 'occupied'
      : occupancyOf(statusOf(outlet, now.statuses, protocol)?.status),
  }));
  const possible = states.filter(({ occupancy }) => occupancy !== 'occupied' && occupancy !== 'unavailable');
  const [only] = possible;
  if (only !== undefined && possible.length === 1) return { outlet: only.outlet };
  if (possible.length > 1)
    return {
      refused: 'OUTLET_AMBIGUOUS',
      detail: `Say at which: ${possible.map(({ outlet: { evseId, connectorId } }) => `EVSE ${evseId} connector ${connectorId}`).join(', ')}.`,
    };
  return states.some(({ occupancy }) => occupancy === 'occupied')
    ? {
        refused: 'OUTLET_OCCUPIED',
        detail: 'Somebody is charging there, or it is reserved or not unplugged yet.',
      }
    : { refused: 'OUTLET_UNAVAILABLE', detail: 'The outlet is out of order.' };
}

const isAt = (outlet: Outlet, { evseId, connectorId }: Taken, protocol: Protocol): boolean =>
  protocol === 'ocpp1.6'
    ? connectorId === outlet.number16
    : evseId === outlet.evseId && (connectorId === null || connectorId === outlet.connectorId);
