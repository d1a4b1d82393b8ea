/**
 * What an api process sends to the gateway that holds a charger: exchange `charging.commands`, routing key = charge
 * point id, published `mandatory`: the broker gives it back at once when no gateway holds the charger.
 *
 * First it asks who holds it (`locate`); the answer names the connection and its OCPP version. Then it sends the
 * command to that very connection: a gateway drops what is meant for a connection it no longer holds, so that a
 * charger that moves in between two gateways never gets it twice.
 */
import { z } from 'zod';
import { PROTOCOLS } from '../ocpp/record.js';
import { commandEvents } from './charging-events.js';
import { chargePointId, instant, messageHead } from './message.js';

export const chargingCommand = z.object({
  ...messageHead,
  id: z.uuid().describe('The command id; also the OCPP message id of its CALL'),
  type: z.literal('command'),
  chargePointId,
  connection: z.string().min(1).describe('The connection it is meant for, and no other'),
  protocol: z.enum(PROTOCOLS),
  action: z.string().min(1),
  payload: z.record(z.string(), z.unknown()),
  deadline: instant.describe('Not written to the charger after this; an answer after this comes too late'),
});
export type ChargingCommand = z.infer<typeof chargingCommand>;

/**
 * A command that waits for its charger, in the queue `commands.kept` (routing key: charge point id). It holds the real
 * payload, secrets included: it is the only place from which the charger can get it.
 */
export const keptCommand = z.object({
  ...messageHead,
  id: z.uuid().describe('The command id'),
  type: z.literal('kept'),
  chargePointId,
  asked: z
    .union([
      z.object({ operation: z.string(), body: z.record(z.string(), z.unknown()) }),
      z.object({
        operation: z.null(),
        action: z.string(),
        payload: z.record(z.string(), z.unknown()),
      }),
    ])
    .describe('Said in the words of the version that the charger speaks when it is back'),
  requested: commandEvents.requested.describe('As it is in the log, which may be days back by then'),
  queueUntil: instant,
  timeoutSeconds: z.number().positive().describe('From its release on'),
});
export type KeptCommand = z.infer<typeof keptCommand>;

/** Answered over RabbitMQ's direct reply-to. */
export const locateQuestion = z.object({ ...messageHead, type: z.literal('locate'), chargePointId });
export type LocateQuestion = z.infer<typeof locateQuestion>;

export const heldCharger = z.object({
  chargePointId,
  gateway: z.string(),
  connection: z.string(),
  protocol: z.enum(PROTOCOLS),
  since: instant.describe('Of two gateways that both hold it (one has a ghost) the newer connection counts'),
  keyName: z
    .string()
    .optional()
    .describe(
      'Names the key by which it was let in, and says nothing of it; absent: by none, or an older gateway',
    ),
});
export type HeldCharger = z.infer<typeof heldCharger>;

/**
 * A gateway says so to whoever is bound to the charge point too, over `charging.commands` (not mandatory) when its own
 * binding stands: an older connection there is a ghost, whose charger has come here.
 */
export const chargerHeld = z.object({ ...messageHead, type: z.literal('held'), ...heldCharger.shape });
export type ChargerHeld = z.infer<typeof chargerHeld>;
