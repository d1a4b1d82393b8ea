/** The commands that nothing final has been heard of, as the steps of the last while tell. */
import { type CommandStep, isTerminal } from '../../domain/messages/charging-events.js';

export interface RunningCommand {
  readonly commandId: string;
  readonly chargePointId: string;
  /** '' and null where the request itself was before our time. */
  readonly action: string;
  readonly operation: string | null;
  readonly actor: string;
  /** The newest step without `command.`: requested, kept, released, sent. */
  readonly state: string;
  readonly at: string;
  readonly deadline: string | null;
}

/** A step that comes late must not take a command back to an earlier state. */
const ORDER = ['command.requested', 'command.kept', 'command.released', 'command.sent'];
/** A command whose end we missed is shown no longer than this after its deadline. */
const GRACE_MS = 60_000;

export class RunningCommands {
  private readonly running = new Map<string, RunningCommand & { until: number }>();
  private readonly ended = new Map<string, true>();
  constructor(
    private readonly capacity: number,
    private readonly now: () => number,
  ) {}

  take(step: CommandStep): void {
    const { commandId: id } = step;
    if (isTerminal(step.type)) {
      this.running.delete(id);
      this.ended.set(id, true);
      if (this.ended.size > this.capacity) this.ended.delete(this.ended.keys().next().value as string);
      return;
    }
    if (this.ended.has(id)) return;
    const known = this.running.get(id);
    const later = known === undefined || ORDER.indexOf(step.type) > ORDER.indexOf(`command.${known.state}`);
    const base = step.type === 'command.requested' ? step : known;
    const until = untilOf(step);
    this.running.set(id, {
      commandId: id,
      chargePointId: step.chargePointId,
      action: base?.action ?? '',
      operation: base?.operation ?? null,
      actor: base?.actor ?? '',
      state: later ? step.type.slice('command.'.length) : known.state,
      at: later ? step.at : known.at,
      deadline: 'deadline' in step ? step.deadline : (known?.deadline ?? null),
      until: Math.max(until, known?.until ?? 0),
    });
    if (this.running.size > this.capacity) this.running.delete(this.running.keys().next().value as string);
  }

  list(): RunningCommand[] {
    const now = this.now();
    const commands: RunningCommand[] = [];
    for (const [id, { until, ...command }] of this.running)
      if (until < now) this.running.delete(id);
      else commands.push(command);
    return commands;
  }
}

function untilOf(step: CommandStep): number {
  const times = [step.at];
  if ('deadline' in step) times.push(step.deadline);
  if ('queueUntil' in step && step.queueUntil !== null) times.push(step.queueUntil);
  return Math.max(...times.map((time) => Date.parse(time))) + GRACE_MS;
}
