/**
 * Connections: opened by `Connected`, closed by `Disconnected`; by a newer connection, a restart of the
 * gateway or its missed liveness at their last frame, since a killed gateway writes no `Disconnected`
 * (rules, "Status and availability").
 */
import type { ChargePointCore, ConnectionState } from './state.js';

/** Gateways report every 30 s; three missed reports and some slack. */
export const LIVENESS_MS = 100_000;

/** Opens a connection, closing the ones before it. Returns those that changed. */
export function openConnection(
  core: ChargePointCore,
  opened: Pick<ConnectionState, 'connection' | 'gateway' | 'protocol' | 'address'>,
  at: number,
): ConnectionState[] {
  const known = core.connections.find((connection) => connection.connection === opened.connection);
  if (known !== undefined) return [];
  const closed = core.connections.filter((connection) => connection.to === null);
  for (const connection of closed) connection.to = connection.lastAt;
  const state: ConnectionState = { ...opened, from: at, to: null, closeCode: null, lastAt: at };
  core.connections.push(state);
  return [...closed, state];
}

/** A frame on a connection: proves that it lives. Reopens one that was closed for want of liveness. */
export function seenConnection(
  core: ChargePointCore,
  connection: string,
  at: number,
): ConnectionState | undefined {
  const known = core.connections.findLast((candidate) => candidate.connection === connection);
  if (known === undefined) return undefined;
  known.lastAt = Math.max(known.lastAt, at);
  const newest = core.connections[core.connections.length - 1] === known;
  if (known.to === null || known.closeCode !== null || !newest) return undefined;
  core.takenBack.push(known.to);
  known.to = null;
  return known;
}

export function closeConnection(
  core: ChargePointCore,
  connection: string,
  at: number,
  code: number,
): ConnectionState | undefined {
  const known = core.connections.findLast((candidate) => candidate.connection === connection);
  if (known === undefined || known.closeCode !== null) return undefined;
  known.closeCode = code;
  known.to ??= Math.max(at, known.from);
  return known;
}

/** The gateway is gone or has begun anew: its open connections ended with their last frame. */
export function closeGateway(core: ChargePointCore, gateway: string): ConnectionState[] {
  const closed = core.connections.filter(
    (connection) => connection.gateway === gateway && connection.to === null,
  );
  for (const connection of closed) connection.to = connection.lastAt;
  return closed;
}
