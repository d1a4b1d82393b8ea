/**
 * What happens to chargers, sessions and commands: exchange `charging.events`, routing key = `type`, kept in the
 * stream `charging.events.log`.
 *
 * - `session.*`, `connector.*`, `charger.*`, `anomaly.*` come from analytics, computed from the log. Their ids are
 *   made of the log position, so a second reader of the same records publishes the same messages.
 * - `command.*` come from the api (requested, kept, released, offline, timed-out) and from the gateway that holds the
 *   charger (sent, and what the charger answered).
 * - `charging.*` come from the api, for a customer's start and stop: requested, then started, stopped or failed.
 * - `ops.dead-letter.*` come from whoever an operator told to do something: they are its audit.
 * - `ops.login.*` and `ops.key.*` come from the api: who came in, and who could not.
 */
import { z } from 'zod';
import { chargePointId, instant, messageHead, wattHours, watts } from './message.js';

/**
 * Where in the log a fact about one subject (session, connector, charger) stands. `version` rises with the log;
 * `previous` is the version of the announcement before it about the same subject, null for the first. Whoever has
 * seen neither `previous` nor anything newer has missed something.
 */
const versioned = {
  version: z.int().nonnegative().describe('epoch * 2^48 + offset, as in the tables'),
  previous: z.int().nonnegative().nullable(),
};

export const sessionView = z
  .object({
    sessionId: z.uuid(),
    chargePointId,
    evseId: z.int().nullable().describe('In OCPP 1.6 the connector'),
    connectorId: z.int().nullable(),
    transactionId: z.string(),
    status: z.enum(['active', 'completed', 'abandoned', 'orphan']),
    held: z.boolean().describe('Not to be billed before somebody has looked at it'),
    authStatus: z.string(),
    stationId: z.string(),
    accountId: z.string(),
    tariff: z.string().describe('<id>@<version>'),
    startedAt: instant,
    stoppedAt: instant.nullable(),
    lastSeenAt: instant,
    energyWh: wattHours.nullable(),
    energyExportWh: wattHours.nullable(),
    powerW: watts.nullable().describe('The newest sample'),
    maxPowerW: watts.nullable(),
    socPercent: z.number().nullable(),
    stopReason: z.string(),
    estimated: z.boolean(),
    anomalies: z.array(z.string()).describe('Kinds'),
    remoteStartId: z.int().nullable(),
    idTokenHash: z
      .string()
      .optional()
      .describe(
        'First 16 digits of the SHA-256 of the upper-case token, as in the tables; empty without one. By it a session is tied to the start that somebody asked for',
      ),
  })
  .meta({ id: 'SessionView' });
export type SessionView = z.infer<typeof sessionView>;

const charger = { ...messageHead, chargePointId, stationId: z.string(), accountId: z.string() };

export const sessionEvent = z.object({
  ...charger,
  ...versioned,
  type: z.enum(['session.started', 'session.updated', 'session.stopped']),
  session: sessionView,
});

/** A session that turned out to be none (an orphan stop that found its session): whoever shows it takes it away. */
export const sessionVanishedEvent = z.object({
  ...charger,
  ...versioned,
  type: z.literal('session.vanished'),
  sessionId: z.uuid(),
});

export const connectorEvent = z.object({
  ...charger,
  ...versioned,
  type: z.literal('connector.status'),
  evseId: z.int().describe('0 with connector 0: the charge point as a whole'),
  connectorId: z.int(),
  status: z.string(),
  errorCode: z.string(),
  vendorCode: z.string(),
  since: instant,
});

export const chargerEvent = z.object({
  ...charger,
  ...versioned,
  type: z.enum(['charger.online', 'charger.offline']),
  connection: z.string(),
  gateway: z.string(),
  protocol: z.string(),
  address: z.string(),
  closeCode: z.int().nullable().describe('WebSocket close code; null when nobody saw it close'),
});

export const anomalyEvent = z.object({
  ...charger,
  type: z.literal('anomaly.found'),
  sessionId: z.uuid().nullable(),
  kind: z.string(),
  detail: z.string(),
});

const step = { ...messageHead, chargePointId, commandId: z.uuid() };
const held = { gateway: z.string(), connection: z.string() };

/** What the charger said. */
const answered = {
  status: z.string().describe("The charger's own word, '' when its answer has none"),
  response: z.record(z.string(), z.unknown()).describe('Secrets redacted'),
  complaint: z
    .string()
    .optional()
    .describe('What of the answer is not as the official schema says; it was used all the same'),
};

/** The steps of a command's life. The first terminal one in the log is what came of it. */
export const commandEvents = {
  requested: z.object({
    ...step,
    type: z.literal('command.requested'),
    action: z.string().describe('OCPP action'),
    operation: z.string().nullable().describe('Name of the friendly route it came by'),
    protocol: z.string().describe("'' when the charger is away and it is not known what it speaks"),
    payload: z
      .record(z.string(), z.unknown())
      .describe('Secrets redacted; without a protocol what was asked for, in the words of the route'),
    digest: z
      .string()
      .describe(
        'HMAC-SHA-256 of what was asked for under the Idempotency-Key, by which the key is held to it (so nobody can try passwords against it); without a key a SHA-256, secrets redacted',
      ),
    actor: z.string(),
    deadline: instant,
    queueUntil: instant.nullable(),
  }),
  /** It waits for the charger to come back. */
  kept: z.object({ ...step, type: z.literal('command.kept'), queueUntil: instant }),
  /** It leaves the queue of kept commands, once: what is found there again after this is not sent again. */
  released: z.object({ ...step, type: z.literal('command.released'), deadline: instant }),
  /** Confirmed before the first byte is written. */
  sent: z.object({ ...step, ...held, type: z.literal('command.sent') }),
  accepted: z.object({ ...step, ...held, type: z.literal('command.accepted'), ...answered }),
  rejected: z.object({ ...step, ...held, type: z.literal('command.rejected'), ...answered }),
  /** The charger answered with a CALLERROR, or it could not be sent for a reason of ours. */
  failed: z.object({
    ...step,
    type: z.literal('command.failed'),
    code: z.string(),
    description: z.string(),
    details: z.record(z.string(), z.unknown()),
  }),
  timedOut: z.object({
    ...step,
    type: z.literal('command.timed-out'),
    delivery: z
      .enum(['not-delivered', 'delivery-unknown'])
      .describe('not-delivered: certainly never written to the charger'),
    detail: z.string(),
  }),
  offline: z.object({ ...step, type: z.literal('command.offline'), detail: z.string() }),
} as const;

export const commandStep = z.discriminatedUnion('type', [
  commandEvents.requested,
  commandEvents.kept,
  commandEvents.released,
  commandEvents.sent,
  commandEvents.accepted,
  commandEvents.rejected,
  commandEvents.failed,
  commandEvents.timedOut,
  commandEvents.offline,
]);
export type CommandStep = z.infer<typeof commandStep>;

/** Of a customer's request. A start's or stop's id is also that of its command. */
const asked = {
  ...messageHead,
  chargePointId,
  accountId: z.string(),
  stationId: z.string(),
  requestId: z.uuid(),
  kind: z.enum(['start', 'stop']),
};

/** A customer wants to begin or end. In the log before anything is done about it. */
export const chargingRequestedEvent = z.object({
  ...asked,
  type: z.literal('charging.requested'),
  evseId: z.int().nullable().describe('As the registry numbers it'),
  connectorId: z.int().nullable().describe('Within its EVSE'),
  sessionId: z.uuid().nullable().describe('stop: the session'),
  idTokenHash: z
    .string()
    .describe('start: of the token made for it, as in SessionView; by it the session is known (1.6)'),
  remoteStartId: z.int().nullable().describe('start: by it the session is known (2.x)'),
  deadline: instant.describe('By then the session has begun or ended, or the request has failed'),
  digest: z.string().describe('Of what was asked for: by it an Idempotency-Key is held to its request'),
  actor: z.string(),
});
export type ChargingRequested = z.infer<typeof chargingRequestedEvent>;

/** Why a customer's request came to nothing. */
export const REQUEST_FAILURES = [
  'CHARGER_OFFLINE',
  'REJECTED_BY_CHARGER',
  'CONNECTION_TIMEOUT',
  'STOP_TIMEOUT',
  'NOT_SENT',
] as const;
export type RequestFailure = (typeof REQUEST_FAILURES)[number];

export const chargingFailedEvent = z.object({
  ...asked,
  type: z.literal('charging.failed'),
  code: z.enum(REQUEST_FAILURES),
  detail: z.string(),
});
export type ChargingFailed = z.infer<typeof chargingFailedEvent>;

/** A receipt was made out: from now on it is this one, whatever else changes. The first of its number in the log counts. */
export const receiptEvent = z.object({
  ...messageHead,
  type: z.literal('charging.receipt'),
  chargePointId,
  sessionId: z.uuid(),
  accountId: z.string(),
  stationId: z.string(),
  number: z.string(),
  corrects: z.string().nullable().describe('Number of the receipt that it takes the place of'),
  receipt: z.record(z.string(), z.unknown()).describe('The whole of it, as the API shows it'),
});
export type ReceiptEvent = z.infer<typeof receiptEvent>;

/** A customer's start or stop that succeeded. */
export const customerEvent = z.object({
  ...messageHead,
  type: z.enum(['charging.started', 'charging.stopped']),
  chargePointId,
  sessionId: z.uuid().nullable(),
  transactionId: z.string().nullable(),
  accountId: z.string(),
  stationId: z.string(),
  requestId: z.uuid().describe('The request it answers'),
});
export type CustomerEvent = z.infer<typeof customerEvent>;

/** What somebody decided about a message that could not be worked on. In the log before it is done. */
export const deadLetterEvent = z.object({
  ...messageHead,
  type: z.enum(['ops.dead-letter.redriven', 'ops.dead-letter.dropped']),
  actor: z.string(),
  letter: z.object({
    id: z.string(),
    type: z.string(),
    reason: z.string(),
    attempts: z.int(),
    queue: z.string().describe('Where it could not be worked on'),
    exchange: z.string(),
    routingKey: z.string(),
    deadAt: z.string(),
  }),
});
export type DeadLetterEvent = z.infer<typeof deadLetterEvent>;

/** Who came in, and who could not. Neither passwords, tokens nor e-mail addresses are in it. */
export const accessEvent = z.object({
  ...messageHead,
  type: z.enum([
    'ops.login.succeeded',
    'ops.login.failed',
    'ops.login.locked',
    'ops.login.refreshed',
    'ops.login.reused',
    'ops.login.ended',
    'ops.key.used',
  ]),
  actor: z.string().describe("The principal's id; '' where nobody proved who they are"),
  accountId: z.string().describe("'' where the address is no account's"),
  loginId: z.string().nullable(),
  emailHash: z
    .string()
    .describe(
      "HMAC of the address that was tried, under a key of this installation; '' where none was: attempts at one address belong together, and the address cannot be found by trying",
    ),
  address: z.string().describe('IP address of the caller'),
  detail: z.string(),
});
export type AccessEvent = z.infer<typeof accessEvent>;

export const chargingEvent = z.discriminatedUnion('type', [
  sessionEvent,
  sessionVanishedEvent,
  connectorEvent,
  chargerEvent,
  anomalyEvent,
  ...commandStep.options,
  chargingRequestedEvent,
  chargingFailedEvent,
  receiptEvent,
  customerEvent,
  deadLetterEvent,
  accessEvent,
]);
export type ChargingEventMessage = z.infer<typeof chargingEvent>;
/** What analytics announces out of the log. */
export type Announcement = z.infer<
  | typeof sessionEvent
  | typeof sessionVanishedEvent
  | typeof connectorEvent
  | typeof chargerEvent
  | typeof anomalyEvent
>;

export const TERMINAL_STEPS = [
  'command.accepted',
  'command.rejected',
  'command.failed',
  'command.timed-out',
  'command.offline',
] as const satisfies readonly CommandStep['type'][];
export const isTerminal = (type: CommandStep['type']): boolean =>
  (TERMINAL_STEPS as readonly string[]).includes(type);
