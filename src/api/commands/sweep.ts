/**
 * Closes what nobody else does: commands whose deadline has passed, by some grace, without a terminal step in the log. So
 * the death of whoever asked, of a gateway or of the broker leaves none open. Every api does this; the step's id is the
 * same for all, and the first terminal step in the log counts, whoever it is from.
 */
import { type Command, endsBy } from '../../domain/commands/command.js';
import { commandStepOf } from '../../domain/commands/steps.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { EventPublisher } from '../../queues/ports.js';
import type { CommandBook } from './book.js';
import type { CommandClock } from './ports.js';

const EVERY_MS = 1_000;
/** Said once and still not in the log: said again after this. */
const AGAIN_MS = 60_000;

export interface SweepOptions {
  readonly book: Pick<CommandBook, 'open' | 'level'>;
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly clock: CommandClock;
  readonly graceMs: number;
  /** 0..1: spreads processes, so that mostly one of them speaks. */
  readonly spread: number;
  readonly logger: Logger;
  readonly everyMs?: number;
}

export function startSweep(options: SweepOptions): { close(): void } {
  const said = new Map<string, number>();
  const sweep = (): void => {
    const { book, events, clock, graceMs, spread, logger } = options;
    // What lies in the log unread may have ended them.
    if (!book.level) return;
    const now = clock.now();
    for (const [id, at] of said) if (at < now - AGAIN_MS) said.delete(id);
    for (const command of book.open()) {
      const { commandId } = command.requested;
      if (said.has(commandId) || now < endsBy(command) + graceMs * (1 + spread / 2)) continue;
      said.set(commandId, now);
      events
        .publishChargingEvent(closing(command, now))
        .catch((error: unknown) =>
          logger.warn(
            { command: commandId, error: messageOf(error) },
            'an overdue command could not be closed',
          ),
        );
    }
  };
  const timer = setInterval(sweep, options.everyMs ?? EVERY_MS).unref();
  return { close: () => clearInterval(timer) };
}

function closing({ requested, state }: Command, now: number) {
  const of = { id: requested.commandId, chargePointId: requested.chargePointId };
  if (state === 'kept')
    return commandStepOf('command.offline', of, now, { detail: 'the charger did not come back in time' });
  return commandStepOf('command.timed-out', of, now, {
    delivery: state === 'sent' ? 'delivery-unknown' : 'not-delivered',
    detail: 'its deadline passed without a word from the gateway',
  });
}
