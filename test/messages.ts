/** Messages of each kind, for tests. */
import { randomUUID } from 'node:crypto';
import type { ChargingEventMessage } from '../src/domain/messages/charging-events.js';
import type { CmsEvent } from '../src/domain/messages/cms-events.js';
import type { ChargingCommand, HeldCharger, KeptCommand } from '../src/domain/messages/commands.js';
import type { LoginEvent } from '../src/domain/messages/login-events.js';
import type { Notification } from '../src/domain/messages/notifications.js';

const at = '2026-11-25T10:00:00.250Z';

export const anomaly = (id: string, chargePointId = 'CP-1'): ChargingEventMessage => ({
  id,
  schema: 1,
  at,
  type: 'anomaly.found',
  chargePointId,
  stationId: 'S1',
  accountId: 'A1',
  sessionId: null,
  kind: 'meter_jump',
  detail: `anomaly ${id}`,
});

export const online = (chargePointId: string): ChargingEventMessage => ({
  id: `charger.online/${chargePointId}`,
  schema: 1,
  at,
  type: 'charger.online',
  chargePointId,
  stationId: 'S1',
  accountId: '',
  version: 1,
  previous: null,
  connection: `${chargePointId}/1`,
  gateway: 'gateway-1',
  protocol: 'ocpp1.6',
  address: '',
  closeCode: null,
});

export const tokenDeleted = (id: string, entityId: string): CmsEvent => ({
  id,
  schema: 1,
  at,
  type: 'cms.token.deleted',
  kind: 'token',
  entityId,
  version: 2,
  actor: 'test',
  state: null,
});

/** As each customer's start makes one. */
export const startTokenCreated = (id: string, uid = 'W0'): CmsEvent => ({
  ...tokenDeleted(id, uid),
  type: 'cms.token.created',
  version: 1,
  state: {
    uid,
    type: 'AD_HOC_USER',
    status: 'Accepted',
    whitelist: 'NEVER',
    issuer: 'wattstream start',
  },
});

export const stationCreated = (id: string, entityId = 'S1'): CmsEvent => ({
  id,
  schema: 1,
  at,
  type: 'cms.station.created',
  kind: 'station',
  entityId,
  version: 1,
  actor: 'test',
  state: { name: 'Harbour' },
});

export const loginBegun = (id: string, loginId = 'f3b1c2d4e5a6', accountId = 'ac-1') =>
  ({
    id,
    schema: 1 as const,
    at,
    type: 'login.begun' as const,
    loginId,
    accountId,
    endsAt: '2026-12-09T10:00:00.250Z',
    credential: 'mZ0bq1c2r3s4t5u6',
  }) satisfies LoginEvent;

export const notice = (id: string, audience: Partial<Notification['audience']> = {}): Notification => ({
  id,
  schema: 1,
  at,
  type: 'anomaly.found',
  audience: { stationId: 'S1', accountId: 'A1', ...audience },
  event: anomaly(id),
});

export const command = (chargePointId: string, more: Partial<ChargingCommand> = {}): ChargingCommand => ({
  id: randomUUID(),
  schema: 1,
  at: new Date().toISOString(),
  type: 'command',
  chargePointId,
  connection: `${chargePointId}/1`,
  protocol: 'ocpp1.6',
  action: 'Reset',
  payload: { type: 'Soft' },
  deadline: new Date(Date.now() + 60_000).toISOString(),
  ...more,
});

export const held = (chargePointId: string, more: Partial<HeldCharger> = {}): HeldCharger => ({
  chargePointId,
  gateway: 'gateway-1',
  connection: `${chargePointId}/1`,
  protocol: 'ocpp1.6',
  since: '2026-11-25T09:00:00.000Z',
  ...more,
});

const queueUntil = '2099-01-01T00:00:00.000Z';

export const keptCommand = (chargePointId: string, more: Partial<KeptCommand> = {}): KeptCommand => {
  const id = more.id ?? randomUUID();
  return {
    id,
    schema: 1,
    at,
    type: 'kept',
    chargePointId,
    asked: { operation: 'reset', body: { type: 'Soft' } },
    requested: {
      id: `${id}:requested`,
      schema: 1,
      at,
      type: 'command.requested',
      chargePointId,
      commandId: id,
      action: 'Reset',
      operation: 'reset',
      protocol: 'ocpp1.6',
      payload: { type: 'Soft' },
      digest: '',
      actor: 'somebody',
      deadline: '2026-11-25T10:01:00.000Z',
      queueUntil,
    },
    queueUntil,
    timeoutSeconds: 30,
    ...more,
  };
};
