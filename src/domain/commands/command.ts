/**
 * A command as its steps in `charging.events.log` tell it. Pure, and the same for whoever folds the same log:
 *
 *     requested ──> sent ──> accepted | rejected | failed | timed-out
 *       │  └──> kept ──> released ──> sent ...
 *       └──> offline | timed-out            (never written)
 *
 * The first terminal step in the log is what came of it; whatever follows changes nothing. A step that was there
 * already changes nothing either, so repeats and overlaps are harmless.
 */
import type { CommandStep } from '../messages/charging-events.js';

type StepOf<T extends CommandStep['type']> = Extract<CommandStep, { type: T }>;
export type Requested = StepOf<'command.requested'>;
export type TerminalStep = StepOf<
  'command.accepted' | 'command.rejected' | 'command.failed' | 'command.timed-out' | 'command.offline'
>;

export const COMMAND_STATES = [
  'requested',
  'kept',
  'released',
  'sent',
  'accepted',
  'rejected',
  'failed',
  'timed-out',
  'offline',
] as const;
export type CommandStateName = (typeof COMMAND_STATES)[number];

export interface Command {
  readonly requested: Requested;
  readonly state: CommandStateName;
  /** UTC; that of the release, once it was kept. */
  readonly deadline: string;
  readonly sent: StepOf<'command.sent'> | undefined;
  readonly outcome: TerminalStep | undefined;
  /** In the order of the log, up to the terminal one. */
  readonly steps: readonly Pick<CommandStep, 'type' | 'at' | 'id'>[];
}

/** undefined: nothing is known of a command whose `requested` is not among what was read. */
export function evolveCommand(command: Command | undefined, step: CommandStep): Command | undefined {
  if (step.type === 'command.requested')
    return (
      command ?? {
        requested: step,
        state: 'requested',
        deadline: step.deadline,
        sent: undefined,
        outcome: undefined,
        steps: [taken(step)],
      }
    );
  if (command === undefined || command.outcome !== undefined) return command;
  if (command.steps.some(({ type }) => type === step.type)) return command;
  const next = {
    ...command,
    state: step.type.slice('command.'.length) as CommandStateName,
    steps: [...command.steps, taken(step)],
  };
  switch (step.type) {
    case 'command.kept':
      return next;
    case 'command.released':
      return { ...next, deadline: step.deadline };
    case 'command.sent':
      return { ...next, sent: step };
    default:
      return { ...next, outcome: honest(step, command.sent !== undefined) };
  }
}

const taken = ({ type, at, id }: CommandStep): Command['steps'][number] => ({ type, at, id });

/**
 * "Certainly not written" may be said by an api that has not read of `sent` yet. Once both are in the log, nobody can be
 * certain.
 */
function honest(step: TerminalStep, sent: boolean): TerminalStep {
  return step.type === 'command.timed-out' && step.delivery === 'not-delivered' && sent
    ? { ...step, delivery: 'delivery-unknown' }
    : step;
}

export const isOpen = (command: Command): boolean => command.outcome === undefined;

/** Epoch milliseconds by which it must have come to an end, a kept one's waiting included. */
export const endsBy = ({ state, deadline, requested: { queueUntil } }: Command): number =>
  Date.parse(queueUntil !== null && state === 'kept' ? queueUntil : deadline);

/**
 * Whose step stands in the log, when several processes tried to take it: theirs differ in their id, and the first one
 * counts. undefined: none yet.
 */
export const idOfStep = (command: Command | undefined, type: CommandStep['type']): string | undefined =>
  command?.steps.find((step) => step.type === type)?.id;
