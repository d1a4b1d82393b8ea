/**
 * Commands that wait for their charger. They lie in the queue `commands.kept`; the one active consumer of all apis hands
 * them here, and they stay in the queue until they are settled: released, or ended without it.
 *
 *     waiting ──charger is back──> released (confirmed, and read in the log) ──settled──> sent like any other
 *        └──queueUntil──> offline
 *
 * What a crash means: before `released` is in the log, the next active consumer has the command and does it. After it,
 * whoever finds the command in the queue again only settles it: it may have been sent, and is never sent twice.
 */
import { randomBytes } from 'node:crypto';
import { type Command, evolveCommand, idOfStep, isOpen } from '../../domain/commands/command.js';
import { claimed, commandStepOf } from '../../domain/commands/steps.js';
import type { CommandStep } from '../../domain/messages/charging-events.js';
import type { HeldCharger, KeptCommand } from '../../domain/messages/commands.js';
import { type Asked, prepareCall } from '../../domain/ocpp/commands/prepare.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { CommandSender, Consumer, EventPublisher, KeptCommands } from '../../queues/ports.js';
import type { CommandBook } from './book.js';
import { dispatch } from './dispatch.js';
import type { CommandClock } from './ports.js';
import type { CommandService } from './service.js';

/** A charger that has just come sends its BootNotification first, and some take no command before it is answered. */
const SETTLE_MS = 2_000;
/** `charger.online` may be missed; so each charger is asked for now and then. */
const LOOK_EVERY_MS = 10_000;
const TICK_MS = 1_000;
const READ_MS = 10_000;

interface Waiting {
  readonly kept: KeptCommand;
  readonly settle: () => void;
}

interface Queue {
  readonly commands: Waiting[];
  /** Epoch milliseconds of the next look. */
  lookAt: number;
  busy: boolean;
}

export interface KeptDeskOptions {
  readonly kept: KeptCommands;
  readonly sender: CommandSender;
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly book: CommandBook;
  readonly service: Pick<CommandService, 'find' | 'lastListVersion'>;
  readonly clock: CommandClock;
  readonly logger: Logger;
  readonly settleMs?: number;
  readonly tickMs?: number;
}

export class KeptDesk {
  private readonly queues = new Map<string, Queue>();
  private readonly consumer: Consumer;
  private readonly timer: NodeJS.Timeout;
  private readonly deaf: () => void;
  private closed = false;

  constructor(private readonly options: KeptDeskOptions) {
    this.deaf = options.book.onOnline((chargePointId) => {
      const queue = this.queues.get(chargePointId);
      if (queue !== undefined) queue.lookAt = Math.min(queue.lookAt, options.clock.now() + this.settleMs);
    });
    this.consumer = options.kept.consume((kept, settle) => this.take({ kept, settle }));
    this.timer = setInterval(() => this.tick(), options.tickMs ?? TICK_MS).unref();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    this.deaf();
    await this.consumer.close();
  }

  private get settleMs(): number {
    return this.options.settleMs ?? SETTLE_MS;
  }

  private take(waiting: Waiting): void {
    const { chargePointId, id } = waiting.kept;
    const queue = this.queues.get(chargePointId) ?? { commands: [], lookAt: 0, busy: false };
    this.queues.set(chargePointId, queue);
    const again = queue.commands.findIndex(({ kept }) => kept.id === id);
    // After a reconnect of the consumer: the older way to settle it leads nowhere.
    if (again === -1) queue.commands.push(waiting);
    else queue.commands[again] = waiting;
    queue.lookAt = 0;
  }

  private tick(): void {
    if (this.closed || !this.options.book.level) return;
    const now = this.options.clock.now();
    for (const [chargePointId, queue] of this.queues) {
      if (queue.busy || (queue.lookAt > now && !queue.commands.some(({ kept }) => isOver(kept, now))))
        continue;
      queue.busy = true;
      queue.lookAt = now + LOOK_EVERY_MS;
      void this.work(queue)
        .catch((error: unknown) =>
          this.options.logger.warn(
            { chargePointId, error: messageOf(error) },
            'kept commands must wait; again soon',
          ),
        )
        .finally(() => {
          queue.busy = false;
          if (queue.commands.length === 0) this.queues.delete(chargePointId);
        });
    }
  }

  /** In their order. Rejects when something is away: then they wait on. */
  private async work(queue: Queue): Promise<void> {
    for (const waiting of [...queue.commands]) {
      if (this.closed) return;
      if (!(await this.settled(waiting, queue))) continue;
      waiting.settle();
      const index = queue.commands.findIndex(({ kept }) => kept.id === waiting.kept.id);
      if (index !== -1) queue.commands.splice(index, 1);
    }
  }

  /** Whether the queue need not keep it any longer. */
  private async settled({ kept }: Waiting, queue: Queue): Promise<boolean> {
    const { service, sender, clock, book } = this.options;
    const command = (await service.find(kept.id)) ?? evolveCommand(undefined, kept.requested);
    if (command !== undefined) book.adopt(command);
    if (command !== undefined && (!isOpen(command) || idOfStep(command, 'command.released') !== undefined))
      return true;
    if (isOver(kept, clock.now())) {
      await this.say(
        commandStepOf('command.offline', kept, clock.now(), {
          detail: 'the charger did not come back in time',
        }),
      );
      return true;
    }
    const held = await sender.locate(kept.chargePointId);
    if (held === undefined) return false;
    const readyAt = Date.parse(held.since) + this.settleMs;
    if (readyAt > clock.now()) {
      queue.lookAt = Math.min(queue.lookAt, readyAt);
      return false;
    }
    return this.release(kept, held);
  }

  private async release(kept: KeptCommand, held: HeldCharger): Promise<boolean> {
    const { service, sender, clock, book } = this.options;
    const now = clock.now();
    const asked = kept.asked as Asked;
    const prepared = prepareCall(asked, {
      protocol: held.protocol,
      commandId: kept.id,
      now: new Date(now).toISOString(),
      lastListVersion: await service.lastListVersion(kept.chargePointId, asked),
    });
    if ('impossible' in prepared) {
      const { code, message } = prepared.impossible;
      await this.say(commandStepOf('command.failed', kept, now, { code, description: message, details: {} }));
      return true;
    }
    const deadline = now + kept.timeoutSeconds * 1_000;
    const released = claimed(
      commandStepOf('command.released', kept, now, { deadline: new Date(deadline).toISOString() }),
      randomBytes(6).toString('base64url'),
    );
    await this.say(released);
    // A consumer that lost its connection may not know yet that it is not the active one any more: the log decides.
    const isReleased = (command: Command): boolean => idOfStep(command, 'command.released') !== undefined;
    const read = await book.until(kept.id, (command) => isReleased(command) || !isOpen(command), READ_MS);
    // Not read, and so not sent: a sweep closes it.
    if (read === undefined || idOfStep(read, 'command.released') !== released.id || !isOpen(read))
      return true;
    void this.send(kept, held, prepared.call, deadline, sender);
    return true;
  }

  /** After it was settled: from here on it is like any other. */
  private async send(
    kept: KeptCommand,
    held: HeldCharger,
    call: Parameters<typeof dispatch>[2]['call'],
    deadline: number,
    sender: CommandSender,
  ): Promise<void> {
    const { clock, logger } = this.options;
    await new Promise((resolve) => setImmediate(resolve));
    try {
      const fate = await dispatch(sender, clock, { commandId: kept.id, held, call, deadline });
      if (fate === 'offline')
        await this.say(
          commandStepOf('command.offline', kept, clock.now(), {
            detail: 'the charger went away as it was released',
          }),
        );
    } catch (error) {
      logger.warn({ command: kept.id, error: messageOf(error) }, 'a released command was not sent');
    }
  }

  private say(step: CommandStep): Promise<void> {
    return this.options.events.publishChargingEvent(step);
  }
}

const isOver = ({ queueUntil }: KeptCommand, now: number): boolean => Date.parse(queueUntil) <= now;
