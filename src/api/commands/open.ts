/** The commands of one api process, put together from parts that are given, and the order in which they are let go of. */
import type { Settings } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { CommandSender, EventPublisher, KeptCommands } from '../../queues/ports.js';
import type { EventLog } from '../../streams/ports.js';
import { CommandBook } from './book.js';
import { KeptDesk } from './kept.js';
import type { CommandClock, CommandHistory } from './ports.js';
import { CommandService } from './service.js';
import { startSweep } from './sweep.js';

export interface OpenCommandsOptions {
  readonly settings: Pick<
    Settings,
    | 'WATTSTREAM_COMMAND_SECONDS'
    | 'WATTSTREAM_COMMAND_SECONDS_MAX'
    | 'WATTSTREAM_COMMAND_GRACE_SECONDS'
    | 'WATTSTREAM_COMMAND_KEPT_HOURS'
    | 'WATTSTREAM_COMMAND_MEMORY_MINUTES'
  >;
  readonly sender: CommandSender;
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly kept: KeptCommands;
  readonly log: Pick<EventLog, 'follow'>;
  readonly history?: CommandHistory;
  readonly logger: Logger;
  readonly clock?: CommandClock;
}

export interface OpenCommands {
  readonly service: CommandService;
  readonly book: CommandBook;
  /** The publisher of events and the log are their owner's to close. */
  close(): Promise<void>;
}

export function openCommands(options: OpenCommandsOptions): OpenCommands {
  const { settings, sender, events, kept, log, history, logger } = options;
  const clock = options.clock ?? { now: () => Date.now() };
  const limits = {
    seconds: settings.WATTSTREAM_COMMAND_SECONDS,
    maxSeconds: settings.WATTSTREAM_COMMAND_SECONDS_MAX,
    graceSeconds: settings.WATTSTREAM_COMMAND_GRACE_SECONDS,
    keptHours: settings.WATTSTREAM_COMMAND_KEPT_HOURS,
  };
  const rememberMs = settings.WATTSTREAM_COMMAND_MEMORY_MINUTES * 60_000;
  const book = new CommandBook({ log, clock, rememberMs, logger });
  const service = new CommandService({ sender, events, kept, book, history, clock, limits, logger });
  const graceMs = limits.graceSeconds * 1_000;
  const sweep = startSweep({ book, events, clock, graceMs, spread: Math.random(), logger });
  const desk = new KeptDesk({ kept, sender, events, book, service, clock, logger });
  return {
    service,
    book,
    async close() {
      sweep.close();
      await desk.close();
      await kept.close();
      await sender.close();
      await book.close();
    },
  };
}
