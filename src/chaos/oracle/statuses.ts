/**
 * The statuses of a charger's connectors out of what it delivered (rules, "Status and availability"). Whether it
 * was connected only the log can say: those stretches are given.
 */
import { type DeliveredCall, object, text, time } from './delivered.js';

export interface ExpectedStatus {
  readonly chargePointId: string;
  readonly evseId: number;
  readonly connectorId: number;
  readonly from: number;
  readonly to: number | null;
  readonly status: string;
  readonly errorCode: string;
}

export interface Connected {
  readonly from: number;
  readonly to: number | null;
}

interface Told {
  readonly at: number;
  /** What the connector reported. */
  readonly status?: string;
  readonly errorCode?: string;
  /** What a transaction says of an Occupied connector; '' = nothing any more. */
  readonly occupiedBy?: string;
}

interface Outlet {
  readonly evseId: number;
  readonly connectorId: number;
  readonly told: Told[];
}

/**
 * @param calls of one charge point, in the order of the log: of equal times the later one counts
 * @param connections of the same
 */
export function statusesOf(
  calls: readonly DeliveredCall[],
  connections: readonly Connected[],
): ExpectedStatus[] {
  const outlets = outletsOf(calls);
  const station = outlets.find((outlet) => outlet.evseId === 0);
  return outlets.flatMap((outlet) => {
    const chargePointId = (calls[0] as DeliveredCall).chargePointId;
    const { evseId, connectorId } = outlet;
    const overlay = outlet === station ? undefined : station;
    const first = Math.min(...outlet.told.map(({ at }) => at));
    const times = [...outlet.told, ...(overlay?.told ?? [])].map(({ at }) => at);
    for (const { from, to } of connections) times.push(from, ...(to === null ? [] : [to]));
    const stretches: ExpectedStatus[] = [];
    for (const from of [...new Set(times)].filter((at) => at >= first).sort((a, b) => a - b)) {
      const now = effective(outlet, overlay, connections, from);
      const before = stretches.at(-1);
      if (now === undefined) continue;
      if (before?.status === now.status && before.errorCode === now.errorCode) continue;
      if (before !== undefined) stretches[stretches.length - 1] = { ...before, to: from };
      stretches.push({ chargePointId, evseId, connectorId, from, to: null, ...now });
    }
    return stretches;
  });
}

function outletsOf(calls: readonly DeliveredCall[]): Outlet[] {
  const outlets: Outlet[] = [];
  const transactions = new Map<string, { evseId?: number; connectorId?: number; chargedAt?: number }>();
  for (const { action, payload, protocol, receivedAt } of calls) {
    if (action === 'StatusNotification') {
      const at = time(payload.timestamp) ?? receivedAt;
      if (at === undefined) continue;
      const evseId = Number(payload.evseId ?? payload.connectorId);
      const connectorId = Number(payload.connectorId);
      let outlet = outlets.find((one) => one.evseId === evseId && one.connectorId === connectorId);
      if (outlet === undefined) {
        outlet = { evseId, connectorId, told: [] };
        outlets.push(outlet);
      }
      outlet.told.push({
        at,
        status: text(protocol === 'ocpp1.6' ? payload.status : payload.connectorStatus),
        errorCode: text(payload.errorCode),
      });
    }
    if (action !== 'TransactionEvent') continue;
    const info = object(payload.transactionInfo);
    const at = time(payload.timestamp) as number;
    const id = text(info.transactionId);
    const transaction = transactions.get(id) ?? {};
    transactions.set(id, transaction);
    const evse = object(payload.evse);
    if (evse.id !== undefined) transaction.evseId ??= Number(evse.id);
    if (evse.connectorId !== undefined) transaction.connectorId ??= Number(evse.connectorId);
    const state = text(info.chargingState);
    if (state === 'Charging') transaction.chargedAt = Math.min(transaction.chargedAt ?? at, at);
    // What was queued says nothing live.
    if (payload.offline === true || state === '' || transaction.evseId === undefined) continue;
    const charged = transaction.chargedAt !== undefined && transaction.chargedAt <= at;
    const ended = payload.eventType === 'Ended';
    const occupiedBy = ended && state !== 'EVConnected' ? '' : wordFor(state, charged);
    for (const outlet of outlets) {
      const same = outlet.evseId === transaction.evseId;
      if (same && (transaction.connectorId ?? outlet.connectorId) === outlet.connectorId)
        outlet.told.push({ at, occupiedBy });
    }
  }
  return outlets;
}

/** 2.x chargingState: Idle or EVConnected is Preparing before the first energy and Finishing after. */
function wordFor(state: string, charged: boolean): string {
  if (['Charging', 'SuspendedEV', 'SuspendedEVSE'].includes(state)) return state;
  return charged ? 'Finishing' : 'Preparing';
}

type Condition = Pick<ExpectedStatus, 'status' | 'errorCode'>;

function effective(
  outlet: Outlet,
  station: Outlet | undefined,
  connections: readonly Connected[],
  at: number,
): Condition | undefined {
  const own = reported(outlet, at);
  if (own === undefined) return undefined;
  const known = connections.some(({ from }) => from <= at);
  const connected = connections.some(({ from, to }) => from <= at && (to === null || at < to));
  if (known && !connected) return { status: 'Offline', errorCode: '' };
  const over = station === undefined ? undefined : reported(station, at);
  return over?.status === 'Faulted' || over?.status === 'Unavailable' ? over : own;
}

function reported(outlet: Outlet, at: number): Condition | undefined {
  let last: Condition | undefined;
  let occupiedBy = '';
  // A stable sort: of equal times the order of the log holds.
  for (const told of [...outlet.told].sort((a, b) => a.at - b.at)) {
    if (told.at > at) break;
    if (told.occupiedBy !== undefined) occupiedBy = told.occupiedBy;
    else {
      last = { status: told.status ?? '', errorCode: told.errorCode ?? '' };
      // Whoever is Occupied after this is somebody else.
      if (last.status !== 'Occupied') occupiedBy = '';
    }
  }
  if (last === undefined) return undefined;
  return last.status === 'Occupied' && occupiedBy !== '' ? { ...last, status: occupiedBy } : last;
}
