/** A command as the API shows it: one shape at every address, everything known of it so far. */
import { z } from 'zod';
import { COMMAND_STATES, type Command } from '../../domain/commands/command.js';

const text = z.string().nullable();

export const commandView = z
  .object({
    id: z.uuid(),
    chargePointId: z.string(),
    operation: text.describe('The friendly operation it was asked for by'),
    action: z.string().describe('OCPP action'),
    protocol: z.string().describe("'' while the charger is away and it is not known what it speaks"),
    payload: z
      .record(z.string(), z.unknown())
      .describe('Secrets redacted; numbers that were made for it included'),
    actor: z.string(),
    state: z.enum(COMMAND_STATES).describe('accepted, rejected, failed, timed-out and offline are final'),
    final: z.boolean(),
    status: text.describe("The charger's own word, where its answer has one"),
    response: z.record(z.string(), z.unknown()).nullable().describe("The charger's answer; secrets redacted"),
    complaint: text.describe(
      'What of the answer is not as the official schema says; it was used all the same',
    ),
    error: z
      .object({ code: z.string(), description: z.string(), details: z.record(z.string(), z.unknown()) })
      .nullable()
      .describe('failed: the CALLERROR, or why it could not be sent'),
    delivery: z
      .enum(['not-delivered', 'delivery-unknown'])
      .nullable()
      .describe('timed-out: whether the charger may have got it. offline: not-delivered'),
    detail: text,
    gateway: text,
    requestedAt: z.string(),
    deadline: z.string(),
    queueUntil: text,
    sentAt: text,
    endedAt: text,
    steps: z.array(z.object({ step: z.string(), at: z.string() })).describe('In the order of the log'),
  })
  .meta({ id: 'Command' });
export type CommandView = z.infer<typeof commandView>;

export function viewOf({ requested, state, deadline, sent, outcome, steps }: Command): CommandView {
  const answered =
    outcome?.type === 'command.accepted' || outcome?.type === 'command.rejected' ? outcome : undefined;
  const unanswered =
    outcome?.type === 'command.timed-out' || outcome?.type === 'command.offline' ? outcome : undefined;
  return {
    id: requested.commandId,
    chargePointId: requested.chargePointId,
    operation: requested.operation,
    action: requested.action,
    protocol: requested.protocol,
    payload: requested.payload,
    actor: requested.actor,
    state,
    final: outcome !== undefined,
    status: answered?.status ?? null,
    response: answered?.response ?? null,
    complaint: answered?.complaint ?? null,
    error:
      outcome?.type === 'command.failed'
        ? { code: outcome.code, description: outcome.description, details: outcome.details }
        : null,
    delivery:
      outcome?.type === 'command.timed-out'
        ? outcome.delivery
        : outcome?.type === 'command.offline'
          ? 'not-delivered'
          : null,
    detail: unanswered?.detail ?? null,
    gateway: answered?.gateway ?? sent?.gateway ?? null,
    requestedAt: requested.at,
    deadline,
    queueUntil: requested.queueUntil,
    sentAt: sent?.at ?? null,
    endedAt: outcome?.at ?? null,
    steps: steps.map(({ type, at }) => ({ step: type.slice('command.'.length), at })),
  };
}
