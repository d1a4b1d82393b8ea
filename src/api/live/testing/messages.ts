/** Notifications for tests of whatever shows them; each names only what it is about. */
import type { ChargingEventMessage, SessionView } from '../../../domain/messages/charging-events.js';
import type { Notification } from '../../../domain/messages/notifications.js';

export const AT = '2026-11-25T12:00:00.000Z';
export const sessionId = (n: number): string => `00000000-0000-5000-8000-${String(n).padStart(12, '0')}`;

let made = 0;
const nextId = (type: string): string => `${type}/${made++}`;

export const notificationOf = (event: ChargingEventMessage): Notification => {
  const { stationId, accountId } = event as { stationId?: string; accountId?: string };
  return {
    id: event.id,
    schema: 1,
    at: event.at,
    type: event.type,
    audience: { stationId: stationId || null, accountId: accountId || null },
    event,
  };
};

interface About {
  id?: string;
  chargePointId?: string;
  stationId?: string;
  accountId?: string;
  version?: number;
  previous?: number | null;
}

const head = (type: string, { id = nextId(type), ...about }: About) => ({
  id,
  schema: 1 as const,
  at: AT,
  chargePointId: about.chargePointId ?? 'CP-1',
  stationId: about.stationId ?? '',
  accountId: about.accountId ?? '',
});

export const sessionNews = (
  type: 'session.started' | 'session.updated' | 'session.stopped',
  about: About & { session?: Partial<SessionView> } = {},
): Notification => {
  const common = head(type, about);
  const { chargePointId, stationId, accountId } = common;
  const session: SessionView = {
    sessionId: sessionId(1),
    chargePointId,
    evseId: 1,
    connectorId: 1,
    transactionId: '101',
    status: type === 'session.stopped' ? 'completed' : 'active',
    held: false,
    authStatus: 'Accepted',
    stationId,
    accountId,
    tariff: '',
    startedAt: AT,
    stoppedAt: type === 'session.stopped' ? AT : null,
    lastSeenAt: AT,
    energyWh: 100,
    energyExportWh: null,
    powerW: 7_000,
    maxPowerW: 7_000,
    socPercent: null,
    stopReason: '',
    estimated: false,
    anomalies: [],
    remoteStartId: null,
    ...about.session,
  };
  return notificationOf({
    ...common,
    type,
    version: about.version ?? 1,
    previous: about.previous === undefined ? null : about.previous,
    session,
  });
};

export const chargerNews = (type: 'charger.online' | 'charger.offline', about: About = {}): Notification =>
  notificationOf({
    ...head(type, about),
    type,
    version: about.version ?? 1,
    previous: about.previous ?? null,
    connection: 'c1',
    gateway: 'g1',
    protocol: 'ocpp1.6',
    address: '10.0.0.1',
    closeCode: null,
  });

export const connectorNews = (status: string, about: About = {}): Notification =>
  notificationOf({
    ...head('connector.status', about),
    type: 'connector.status',
    version: about.version ?? 1,
    previous: about.previous ?? null,
    evseId: 0,
    connectorId: 1,
    status,
    errorCode: 'NoError',
    vendorCode: '',
    since: AT,
  });

export const anomalyNews = (about: About = {}): Notification =>
  notificationOf({
    ...head('anomaly.found', about),
    type: 'anomaly.found',
    sessionId: null,
    kind: 'meter_glitch',
    detail: 'dip of 3 Wh',
  });
