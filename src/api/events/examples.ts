/** One example of every message there is, by type: what /docs/events shows. A test holds each to its schema. */
import type { ChargingEventMessage, SessionView } from '../../domain/messages/charging-events.js';
import { type CmsEvent, ENTITY_KINDS, type EntityKind } from '../../domain/messages/cms-events.js';
import type { LoginEvent } from '../../domain/messages/login-events.js';
import type { Notification } from '../../domain/messages/notifications.js';
import { EVENT_RULES } from '../../domain/registry/evolve.js';
import { RESOURCES } from '../cms/resources.js';

const at = '2026-11-25T12:00:00.000Z';
const session: SessionView = {
  sessionId: '5f0c2b52-6a53-5d7c-9f0e-0a1b2c3d4e5f',
  chargePointId: 'CP-1',
  evseId: 1,
  connectorId: 1,
  transactionId: '43274597',
  status: 'active',
  held: false,
  authStatus: 'Accepted',
  stationId: 'st-7',
  accountId: 'ac-9',
  tariff: 'day@3',
  startedAt: '2026-11-25T11:30:00.000Z',
  stoppedAt: null,
  lastSeenAt: at,
  energyWh: 5_312.5,
  energyExportWh: null,
  powerW: 10_980,
  maxPowerW: 11_040,
  socPercent: 47,
  stopReason: '',
  estimated: false,
  anomalies: [],
  remoteStartId: null,
};
const version = 281474976725331;
const head = (type: string) => ({ id: `${type}:1:3:14675:CP-1`, schema: 1 as const, at });
const where = { chargePointId: 'CP-1', stationId: 'st-7', accountId: 'ac-9' };
const charger = { connection: 'g1-42', gateway: 'g1', protocol: 'ocpp1.6', address: '10.0.0.17' };
const news = { version, previous: version - 31 };
const commandId = 'b2a7e1d0-9f3c-4e57-8a61-3c0d5e7f9a12';
const step = (n: string) => ({
  id: `${commandId}:${n}`,
  schema: 1 as const,
  at,
  chargePointId: 'CP-1',
  commandId,
});
const held = { gateway: 'g1', connection: 'g1-42' };
const letter = {
  id: '0d6fcf4c-0a5c-5d4e-9a0e-5b7a4b1a9d3f',
  type: 'session.updated',
  reason: 'the receiver answered 500',
  attempts: 25,
  queue: 'webhooks',
  exchange: 'notifications',
  routingKey: 'operator.session.updated',
  deadAt: at,
};
const access = (n: string) => ({
  id: `0b1f6a7e-4c3d-4e2f-8a9b-00000000000${n}`,
  schema: 1 as const,
  at,
  actor: 'ac-1',
  accountId: 'ac-1',
  loginId: 'f3b1c2d4e5a6',
  emailHash: 'q3Z7l0pX2mB9v1Nc',
  address: '192.0.2.17',
  detail: '',
});

/** A type may be one of several that share a shape. */
type Of<T, M = ChargingEventMessage> = M extends { type: infer Types }
  ? T extends Types
    ? M & { type: T }
    : never
  : never;
const charging: { readonly [T in ChargingEventMessage['type']]: Of<T> } = {
  'session.started': {
    ...head('session.started'),
    ...where,
    ...news,
    previous: null,
    type: 'session.started',
    session: { ...session, energyWh: 0, startedAt: at },
  },
  'session.updated': { ...head('session.updated'), ...where, ...news, type: 'session.updated', session },
  'session.stopped': {
    ...head('session.stopped'),
    ...where,
    ...news,
    type: 'session.stopped',
    session: { ...session, status: 'completed', stoppedAt: at, powerW: null, stopReason: 'EVDisconnected' },
  },
  'session.vanished': {
    ...head('session.vanished'),
    ...where,
    ...news,
    type: 'session.vanished',
    sessionId: session.sessionId,
  },
  'connector.status': {
    ...head('connector.status'),
    ...where,
    ...news,
    type: 'connector.status',
    evseId: 1,
    connectorId: 1,
    status: 'Charging',
    errorCode: 'NoError',
    vendorCode: '',
    since: at,
  },
  'charger.online': {
    ...head('charger.online'),
    ...where,
    ...news,
    ...charger,
    type: 'charger.online',
    closeCode: null,
  },
  'charger.offline': {
    ...head('charger.offline'),
    ...where,
    ...news,
    ...charger,
    type: 'charger.offline',
    closeCode: 1006,
  },
  'anomaly.found': {
    ...head('anomaly.found'),
    ...where,
    type: 'anomaly.found',
    sessionId: session.sessionId,
    kind: 'meter_jump',
    detail: '41 kWh within 60 s',
  },
  'command.requested': {
    ...step('requested'),
    type: 'command.requested',
    action: 'RemoteStartTransaction',
    operation: 'remote-start',
    protocol: 'ocpp1.6',
    payload: { connectorId: 1, idTag: '04A2B3C4' },
    digest: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    actor: 'eve',
    deadline: '2026-11-25T12:00:30.000Z',
    queueUntil: null,
  },
  'command.kept': { ...step('kept'), type: 'command.kept', queueUntil: '2026-11-25T14:00:00.000Z' },
  'command.released': {
    ...step('released'),
    type: 'command.released',
    deadline: '2026-11-25T12:00:30.000Z',
  },
  'command.sent': { ...step('sent'), ...held, type: 'command.sent' },
  'command.accepted': {
    ...step('accepted'),
    ...held,
    type: 'command.accepted',
    status: 'Accepted',
    response: { status: 'Accepted' },
  },
  'command.rejected': {
    ...step('rejected'),
    ...held,
    type: 'command.rejected',
    status: 'Rejected',
    response: { status: 'Rejected' },
  },
  'command.failed': {
    ...step('failed'),
    type: 'command.failed',
    code: 'NotSupported',
    description: 'The charge point does not know this action',
    details: {},
  },
  'command.timed-out': {
    ...step('timed-out'),
    type: 'command.timed-out',
    delivery: 'delivery-unknown',
    detail: 'No answer within 30 s',
  },
  'command.offline': { ...step('offline'), type: 'command.offline', detail: 'No gateway holds CP-1' },
  'charging.requested': {
    ...head('charging.requested'),
    ...where,
    type: 'charging.requested',
    requestId: commandId,
    kind: 'start',
    evseId: null,
    connectorId: 1,
    sessionId: null,
    idTokenHash: 'f75c5d1b3a0e9d27',
    remoteStartId: 1784203,
    deadline: '2026-11-25T12:03:00.000Z',
    digest: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    actor: 'account:ac-1',
  },
  'charging.failed': {
    ...head('charging.failed'),
    ...where,
    type: 'charging.failed',
    requestId: commandId,
    kind: 'start',
    code: 'CONNECTION_TIMEOUT',
    detail: 'Nobody plugged in before 2026-11-25T12:03:00.000Z.',
  },
  'charging.receipt': {
    ...head('charging.receipt'),
    ...where,
    type: 'charging.receipt',
    sessionId: session.sessionId,
    number: 'R-2Z1GNN4TJK-BNY9Y3GA-3CP3TKJZ',
    corrects: null,
    receipt: { number: 'R-2Z1GNN4TJK-BNY9Y3GA-3CP3TKJZ', total: { exclVat: '2.12', inclVat: '2.52' } },
  },
  'charging.started': {
    ...head('charging.started'),
    ...where,
    type: 'charging.started',
    sessionId: session.sessionId,
    transactionId: session.transactionId,
    requestId: commandId,
  },
  'charging.stopped': {
    ...head('charging.stopped'),
    ...where,
    type: 'charging.stopped',
    sessionId: session.sessionId,
    transactionId: session.transactionId,
    requestId: commandId,
  },
  'ops.dead-letter.redriven': {
    id: `${letter.id}:redriven`,
    schema: 1,
    at,
    type: 'ops.dead-letter.redriven',
    actor: 'eve',
    letter,
  },
  'ops.dead-letter.dropped': {
    id: `${letter.id}:dropped`,
    schema: 1,
    at,
    type: 'ops.dead-letter.dropped',
    actor: 'eve',
    letter,
  },
  'ops.login.succeeded': { ...access('1'), type: 'ops.login.succeeded' },
  'ops.login.failed': {
    ...access('2'),
    type: 'ops.login.failed',
    loginId: null,
    detail: 'password',
  },
  'ops.login.locked': {
    ...access('3'),
    type: 'ops.login.locked',
    actor: '',
    accountId: '',
    loginId: null,
    detail: 'for 900 s',
  },
  'ops.login.refreshed': { ...access('4'), type: 'ops.login.refreshed' },
  'ops.login.reused': {
    ...access('5'),
    type: 'ops.login.reused',
    detail: 'a refresh token came a second time: the login was ended',
  },
  'ops.login.ended': { ...access('6'), type: 'ops.login.ended', detail: 'logout' },
  'ops.key.used': {
    ...access('7'),
    id: 'key-used:5f0c2b526a53:2026-11-25',
    type: 'ops.key.used',
    actor: 'key:5f0c2b526a53',
    loginId: null,
  },
};

export const CMS_CHANGES = ['created', 'updated', 'deleted'] as const;

const states: Partial<Record<EntityKind, Record<string, unknown>>> = {
  webhook: { id: 'wh-1', url: 'https://example.org/hooks', patterns: ['session.*'], enabled: true },
  'api-key': { id: '5f0c2b526a53', name: 'Billing', account: 'ac-1', prefix: 'wsk_5f0c2b526a53' },
  ...Object.fromEntries(RESOURCES.map(({ kind, example }) => [kind, example])),
};

function cmsExample(kind: EntityKind, change: (typeof CMS_CHANGES)[number]): CmsEvent {
  const state = states[kind] ?? {};
  return {
    id: '3c9d1a54-7b1e-4f60-9d8e-2f4a6b8c0d1e',
    schema: 1,
    at,
    type: `cms.${kind}.${change}`,
    kind,
    entityId: String(state.id ?? state.uid ?? '1'),
    version: { created: 1, updated: 2, deleted: 3 }[change],
    actor: 'eve',
    rules: EVENT_RULES,
    state: change === 'deleted' ? null : state,
  };
}

const login = {
  id: '1f0e9c1a-52f3-4c0e-8f5b-0d7c7a7f3b21',
  schema: 1,
  at,
  loginId: 'Zx3kPq0aLw1B',
  accountId: 'ac-1',
} as const;
const logins: readonly LoginEvent[] = [
  { ...login, type: 'login.begun', endsAt: '2026-12-09T12:00:00.000Z', credential: 'mZ0bq1c2r3s4t5u6' },
  { ...login, type: 'login.turned', version: 2 },
  { ...login, type: 'login.ended' },
];

/** By type. */
export const EXAMPLES: Readonly<Record<string, ChargingEventMessage | CmsEvent | LoginEvent>> = {
  ...charging,
  ...Object.fromEntries(logins.map((event) => [event.type, event])),
  ...Object.fromEntries(
    ENTITY_KINDS.flatMap((kind) =>
      CMS_CHANGES.map((change) => [`cms.${kind}.${change}`, cmsExample(kind, change)]),
    ),
  ),
};

const updated = charging['session.updated'];
export const NOTIFICATION: Notification = {
  id: updated.id,
  schema: 1,
  at,
  type: updated.type,
  audience: { stationId: 'st-7', accountId: 'ac-9' },
  event: updated,
};

const chargePointId = 'CP-1';
export const COMMAND_EXAMPLES = {
  command: {
    id: commandId,
    schema: 1,
    at,
    type: 'command',
    chargePointId,
    connection: 'g1-42',
    protocol: 'ocpp1.6',
    action: 'Reset',
    payload: { type: 'Soft' },
    deadline: '2026-11-25T12:00:30.000Z',
  },
  locate: { id: 'q-1', schema: 1, at, type: 'locate', chargePointId },
  located: { chargePointId, ...held, protocol: 'ocpp1.6', since: '2026-11-25T08:00:00.000Z' },
  held: {
    id: 'h-1',
    schema: 1,
    at,
    type: 'held',
    chargePointId,
    ...held,
    protocol: 'ocpp1.6',
    since: '2026-11-25T08:00:00.000Z',
  },
  kept: {
    id: commandId,
    schema: 1,
    at,
    type: 'kept',
    chargePointId,
    asked: { operation: 'reset', body: { type: 'Soft' } },
    requested: charging['command.requested'],
    queueUntil: '2026-11-25T14:00:00.000Z',
    timeoutSeconds: 30,
  },
} as const;

const room = 'station:st-7';
const epoch = 'q1w2e3r4t5y6';
const place = { room, epoch, seq: 17 };
export const LIVE_EXAMPLES = {
  subscribe: { room },
  resume: place,
  unsubscribe: { room },
  subscribed: {
    ok: true,
    ...place,
    live: true,
    snapshot: {
      chargers: [
        {
          chargePointId,
          stationId: 'st-7',
          online: true,
          protocol: 'ocpp1.6',
          gateway: 'g1',
          address: '10.0.0.17',
          since: '2026-11-25T08:00:00.000Z',
          version: version - 900,
        },
      ],
      connectors: [
        {
          chargePointId,
          evseId: 1,
          connectorId: 1,
          status: 'Charging',
          errorCode: 'NoError',
          vendorCode: '',
          since: '2026-11-25T11:30:00.000Z',
          version: version - 600,
        },
      ],
      sessions: [
        { ...session, version, cost: { currency: 'EUR', exclVat: '2.12', inclVat: '2.52', final: false } },
      ],
      commands: [],
      truncated: false,
    },
  },
  refused: { ok: false, code: 'ROOM_FORBIDDEN', detail: 'You may not be in operator.', canRetry: false },
  change: { ...place, seq: 18, notification: NOTIFICATION },
  stale: { room, reason: 'feed-interrupted' },
  feed: { live: true },
  bye: { code: 'TOO_SLOW', detail: 'More than 8388608 bytes waited for this connection.' },
} as const;
