/** What announcements say, out of rows and state: amounts as plain numbers of Wh and W, times as text. */

import type { z } from 'zod';
import type { chargerEvent, connectorEvent, SessionView } from '../messages/charging-events.js';
import type { SessionFigures } from './project.js';
import type { ConnectionState, OutletState, StatusStretch } from './state.js';
import { tokenHash } from './token-hash.js';

type ConnectorContent = Pick<
  z.infer<typeof connectorEvent>,
  'type' | 'evseId' | 'connectorId' | 'status' | 'errorCode' | 'vendorCode' | 'since'
>;
type ChargerContent = Pick<
  z.infer<typeof chargerEvent>,
  'connection' | 'gateway' | 'protocol' | 'address' | 'closeCode'
>;

const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Epoch milliseconds -> UTC with milliseconds, of the years that such a text can have. */
export const instantText = (at: number): string =>
  new Date(Number.isFinite(at) ? Math.min(Math.max(at, 0), LAST) : 0).toISOString();

const whole = (milli: number | null): number | null => (milli === null ? null : milli / 1_000);

export function sessionContent({ row, powerMilli }: SessionFigures): SessionView {
  return {
    sessionId: row.sessionId,
    chargePointId: row.chargePointId,
    evseId: row.evseId,
    connectorId: row.connectorId,
    transactionId: row.transactionId,
    status: row.status,
    held: row.held,
    authStatus: row.authStatus,
    stationId: row.stationId,
    accountId: row.accountId,
    tariff: row.tariff,
    startedAt: instantText(row.startedAt),
    stoppedAt: row.stoppedAt === null ? null : instantText(row.stoppedAt),
    lastSeenAt: instantText(row.lastSeenAt),
    energyWh: whole(row.energyMilli),
    energyExportWh: whole(row.exportMilli),
    powerW: whole(powerMilli),
    maxPowerW: whole(row.maxPowerMilli),
    socPercent: whole(row.socEndMilli),
    stopReason: row.stopReason,
    estimated: row.estimated,
    anomalies: [...new Set(row.anomalies.map(({ kind }) => kind))],
    remoteStartId: row.remoteStartId,
    idTokenHash: tokenHash(row.idToken),
  };
}

export const connectorContent = (outlet: OutletState, now: StatusStretch): ConnectorContent => ({
  type: 'connector.status',
  evseId: outlet.evseId,
  connectorId: outlet.connectorId,
  status: now.status,
  errorCode: now.errorCode,
  vendorCode: now.vendorCode,
  since: instantText(now.from),
});

export const chargerContent = (connection: ConnectionState): ChargerContent => ({
  connection: connection.connection,
  gateway: connection.gateway,
  protocol: connection.protocol,
  address: connection.address,
  closeCode: connection.closeCode,
});
