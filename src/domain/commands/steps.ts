/**
 * Steps of commands, made. A command takes each step once, so a step's id is made of the command and the kind of step:
 * where two processes say the same (an api and a gateway that both find it overdue), it is one message.
 *
 * Two kinds are claims: of several processes that publish `requested` (one Idempotency-Key, two apis) or `released`, the
 * one whose step is the first in the log goes on and sends the command. Theirs have a word of their own in the id.
 */
import type { CommandStep } from '../messages/charging-events.js';

type Type = CommandStep['type'];
type StepOf<T extends Type> = Extract<CommandStep, { type: T }>;

export const stepId = (commandId: string, type: Type): string =>
  `${commandId}:${type.slice('command.'.length)}`;

export function commandStepOf<T extends Type>(
  type: T,
  of: { readonly id: string; readonly chargePointId: string },
  at: number,
  more: Omit<StepOf<T>, 'id' | 'schema' | 'at' | 'type' | 'chargePointId' | 'commandId'>,
): StepOf<T> {
  return {
    id: stepId(of.id, type),
    schema: 1,
    at: new Date(at).toISOString(),
    type,
    chargePointId: of.chargePointId,
    commandId: of.id,
    ...more,
  } as unknown as StepOf<T>;
}

/** The same step as a claim of one process. */
export const claimed = <S extends CommandStep>(step: S, claim: string): S => ({
  ...step,
  id: `${step.id}:${claim}`,
});
