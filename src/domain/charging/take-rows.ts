/** The rows of whatever was touched, as the evidence stands when they are taken. */
import { type ChargePoint, untouched } from './charge-point.js';
import { figuresOf, projectSession, vanishedSession } from './project.js';
import type { ConnectionRow, Rows } from './rows.js';
import type { Session } from './sessions.js';
import type { ConnectionState } from './state.js';
import { statusRows } from './status.js';

/** Rows of everything touched since the last call. */
export function takeRows(point: ChargePoint): Rows {
  const { touched, state } = point;
  for (const [sessionId, offset] of touched.sessions) {
    const session = point.sessions.get(sessionId);
    if (session !== undefined) takeSession(point, session, offset);
  }
  for (const [sessionId, { offset, shown }] of touched.vanished) {
    const { row, quarters } = vanishedSession(state.core.id, offset, sessionId, shown);
    touched.rows.sessions.push(row);
    touched.rows.quarters.push(...quarters);
  }
  for (const key of touched.outlets.keys()) takeOutlet(point, key);
  for (const [connection, offset] of touched.connections)
    touched.rows.connections.push(connectionRow(state.core.id, offset, connection));
  point.touched = untouched();
  return touched.rows;
}

export function takeSession(point: ChargePoint, session: Session, offset: number): void {
  const { rows } = point.touched;
  const known = point.figures.get(session.sessionId);
  // Whatever changes a session touches it: computed at its last touch, nothing has changed since.
  const figures = known?.offset === offset ? known : figuresOf(point.state, session, offset);
  const { row, quarters } = projectSession(point.state, figures);
  rows.sessions.push(row);
  rows.quarters.push(...quarters);
}

export function takeOutlet({ state: { core }, touched }: ChargePoint, key: string): void {
  const outlet = core.outlets[key];
  const change = touched.outlets.get(key);
  if (outlet === undefined || change === undefined) return;
  touched.rows.statusIntervals.push(...statusRows(core, outlet, change.offset, change.from));
}

export const hasRows = ({ touched }: ChargePoint): boolean =>
  touched.sessions.size + touched.vanished.size + touched.outlets.size + touched.connections.size > 0 ||
  touched.rows.meterValues.length + touched.rows.anomalies.length + touched.rows.sessions.length > 0;

const connectionRow = (
  chargePointId: string,
  offset: number,
  connection: ConnectionState,
): ConnectionRow => ({
  chargePointId,
  offset,
  connection: connection.connection,
  gateway: connection.gateway,
  protocol: connection.protocol,
  address: connection.address,
  from: connection.from,
  to: connection.to,
  closeCode: connection.closeCode,
});
