/**
 * Status of connectors over time (rules, "Status and availability"). What a connector reported is overlaid
 * by the station's own Faulted or Unavailable (connector 0) and by being offline; when the overlay ends the
 * status before it is in force again. Recent history is kept as events and computed anew when one comes in
 * late; what lies before the floor is final.
 */
import type { StatusIntervalRow } from './rows.js';
import type { ChargePointCore, ConnectionState, OutletState, StatusEvent, StatusStretch } from './state.js';

export const OFFLINE = 'Offline';
/** Events and connections remembered per charge point; beyond it the older half becomes final. */
const HISTORY = 256;

const STATION = '0/0';
export const outletKey = (evseId: number, connectorId: number): string => `${evseId}/${connectorId}`;

export function outletOf(core: ChargePointCore, evseId: number, connectorId: number): OutletState {
  const key = outletKey(evseId, connectorId);
  let outlet = core.outlets[key];
  if (outlet === undefined) {
    outlet = { evseId, connectorId, events: [] };
    core.outlets[key] = outlet;
  }
  return outlet;
}

/** Puts an event in its place (of equal times the later in the log counts); false when its time is already final. */
export function addStatus(core: ChargePointCore, outlet: OutletState, event: StatusEvent): boolean {
  if (event.at < core.statusFloor) return false;
  let index = outlet.events.length;
  while (index > 0 && (outlet.events[index - 1] as StatusEvent).at > event.at) index--;
  const before = outlet.events[index - 1];
  const supersedes =
    before?.at === event.at && (before.status === undefined) === (event.status === undefined);
  outlet.events.splice(supersedes ? index - 1 : index, supersedes ? 1 : 0, event);
  return true;
}

/** OCPP 2.x chargingState -> what an Occupied connector is doing. */
export function refinement(chargingState: string, hasCharged: boolean): string {
  switch (chargingState) {
    case 'Charging':
    case 'SuspendedEV':
    case 'SuspendedEVSE':
      return chargingState;
    default:
      return hasCharged ? 'Finishing' : 'Preparing';
  }
}

/** The connector's stretches from the floor on; the last one is open. Empty before its first report. */
export function stretchesOf(core: ChargePointCore, outlet: OutletState): StatusStretch[] {
  const stretches: StatusStretch[] = outlet.base === undefined ? [] : [outlet.base];
  const statusAt = effective(core, outlet);
  for (const at of changeTimes(core, outlet)) {
    const now = statusAt(at);
    if (now === undefined) continue;
    const before = stretches[stretches.length - 1];
    const same =
      before !== undefined &&
      before.status === now.status &&
      before.errorCode === now.errorCode &&
      before.vendorCode === now.vendorCode;
    if (!same) stretches.push({ from: at, ...now });
  }
  return stretches;
}

/** What the connector is like now: its newest stretch, as `status_intervals` has it. */
export const newestStretch = (core: ChargePointCore, outlet: OutletState): StatusStretch | undefined => {
  const stretches = stretchesOf(core, outlet);
  return stretches[stretches.length - 1];
};

/**
 * Rows of the connector's stretches as far as something may have changed: from the one in force before `from` on.
 * @param offset of the last record that touched it: the rows' version
 */
export function statusRows(
  core: ChargePointCore,
  outlet: OutletState,
  offset: number,
  from: number,
): StatusIntervalRow[] {
  const stretches = stretchesOf(core, outlet);
  const common = {
    chargePointId: core.id,
    offset,
    evseId: outlet.evseId,
    connectorId: outlet.connectorId,
  };
  const rows: StatusIntervalRow[] = [];
  stretches.forEach((stretch, index) => {
    const to = stretches[index + 1]?.from ?? null;
    if (to === null || to >= from) rows.push({ ...common, ...stretch, to, deleted: false });
  });
  const begun = new Set(stretches.map((stretch) => stretch.from));
  for (const at of [...changeTimes(core, outlet), ...core.takenBack]) {
    if (at < from || begun.has(at)) continue;
    begun.add(at);
    rows.push({ ...common, from: at, to: null, status: '', errorCode: '', vendorCode: '', deleted: true });
  }
  return rows;
}

/** Every time from the floor on at which the connector's effective status may change, in order. */
function changeTimes(core: ChargePointCore, outlet: OutletState): number[] {
  const first = outlet.base?.from ?? outlet.events[0]?.at;
  if (first === undefined) return [];
  const times = new Set<number>();
  for (const event of outlet.events) times.add(event.at);
  if (outlet !== core.outlets[STATION])
    for (const event of core.outlets[STATION]?.events ?? []) times.add(event.at);
  for (const connection of core.connections) {
    times.add(connection.from);
    if (connection.to !== null) times.add(connection.to);
  }
  return [...times].filter((at) => at >= core.statusFloor && at >= first).sort((a, b) => a - b);
}

type Condition = Omit<StatusStretch, 'from'>;

/** What the connector's status is under its overlays; to be asked for rising times. */
function effective(core: ChargePointCore, outlet: OutletState): (at: number) => Condition | undefined {
  const station = core.outlets[STATION];
  const ownAt = reported(outlet);
  const overlayAt = station === undefined || station === outlet ? undefined : reported(station);
  return (at) => {
    const own = ownAt(at);
    const overlay = overlayAt?.(at);
    if (own === undefined) return undefined;
    if (isOffline(core.connections, at)) return { status: OFFLINE, errorCode: '', vendorCode: '' };
    return overlay?.status === 'Faulted' || overlay?.status === 'Unavailable' ? overlay : own;
  };
}

/** What was reported, refined; to be asked for rising times. */
function reported(outlet: OutletState): (at: number) => Condition | undefined {
  let next = 0;
  let last: StatusEvent | undefined;
  let refine = '';
  return (at) => {
    for (; next < outlet.events.length && (outlet.events[next] as StatusEvent).at <= at; next++) {
      const event = outlet.events[next] as StatusEvent;
      if (event.status !== undefined) last = event;
      if (event.refine !== undefined) refine = event.refine;
      // Whoever is Occupied after this is somebody else.
      else if (event.status !== 'Occupied') refine = '';
    }
    if (last === undefined) return undefined;
    const status = last.status === 'Occupied' && refine !== '' ? refine : (last.status as string);
    return { status, errorCode: last.errorCode ?? '', vendorCode: last.vendorCode ?? '' };
  };
}

/** Between two connections, or after the last. Before the first one nothing is known, so nothing is overlaid. */
function isOffline(connections: readonly ConnectionState[], at: number): boolean {
  let known = false;
  for (const { from, to } of connections) {
    if (from > at) continue;
    known = true;
    if (to === null || at < to) return false;
  }
  return known;
}

/** Asked after every record, so that what becomes final when depends on the log alone. */
export function historyIsFull(core: ChargePointCore): boolean {
  let size = core.connections.length;
  for (const key in core.outlets) size += (core.outlets[key] as OutletState).events.length;
  return size > HISTORY;
}

/** Makes the older half of the history final. */
export function foldStatus(core: ChargePointCore): void {
  const outlets = Object.values(core.outlets);
  const times = [
    ...outlets.flatMap((outlet) => outlet.events.map((event) => event.at)),
    ...core.connections.map((connection) => connection.from),
  ].sort((a, b) => a - b);
  const floor = times[times.length >> 1] as number;
  if (floor <= core.statusFloor) return;
  const bases = outlets.map((outlet) =>
    stretchesOf(core, outlet).findLast((stretch) => stretch.from < floor),
  );
  outlets.forEach((outlet, index) => {
    const base = bases[index];
    if (base !== undefined) outlet.base = base;
    outlet.events = newestBefore(outlet.events, floor);
  });
  core.connections = keepFrom(core.connections, floor);
  core.statusFloor = floor;
  core.takenBack = core.takenBack.filter((at) => at >= floor);
}

/** Events from the floor on, and of those before it the ones that still say what is in force. */
function newestBefore(events: StatusEvent[], floor: number): StatusEvent[] {
  const before = events.filter((event) => event.at < floor);
  const inForce = [
    before.findLast((event) => event.status !== undefined),
    before.findLast((event) => event.refine !== undefined),
  ];
  return events.filter((event) => event.at >= floor || inForce.includes(event));
}

/** Open connections, those that reach over the floor, and the last before it (so that offline stays known). */
function keepFrom(connections: ConnectionState[], floor: number): ConnectionState[] {
  const last = connections.findLast((connection) => connection.from < floor);
  return connections.filter(
    (connection) => connection.to === null || connection.to >= floor || connection === last,
  );
}
