/**
 * Commands from the queue to the chargers of this gateway, at most once each.
 *
 *     taken ──> repeated                                 (an id it has had: dropped)
 *       ├──> offline                                     (another connection than the one it is meant for)
 *       ├──> timed-out, not-delivered                    (past its deadline)
 *       └──> waits its turn ──> sent ──> accepted | rejected | failed | timed-out, delivery-unknown
 *                 └──> offline | timed-out, not-delivered
 *
 * `command.sent` is confirmed in the events' log, and the frame in `ocpp.frames`, before the first byte is written: what
 * a charger may have done is never missing from either. The other steps are published when they are known (an answer,
 * when its frame is confirmed), and waited for by nobody here: while RabbitMQ is away the publisher keeps them. If this
 * process dies with them, an api closes the command after its deadline.
 */
import { commandStepOf } from '../domain/commands/steps.js';
import type { CommandStep } from '../domain/messages/charging-events.js';
import type { ChargingCommand, HeldCharger } from '../domain/messages/commands.js';
import { judgeAnswer } from '../domain/ocpp/commands/actions.js';
import { isObject, NOTHING } from '../domain/ocpp/payload.js';
import { redactedPayload } from '../domain/ocpp/redact.js';
import { validateResult } from '../domain/ocpp/schemas.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import type { CommandHandler, CommandReceiver, EventPublisher } from '../queues/ports.js';
import { Bindings } from './bindings.js';
import { CallFailure, type ChargerAnswer } from './calls.js';
import { CLOSE, type Clock, type Connection } from './connection.js';
import type { Gateway, GatewayListener } from './gateway.js';
import type { CommandOutcome, IngestMetrics } from './metrics.js';

/** What reaches the queues. */
export interface CommandParts {
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  /** Opens this gateway's queue. Returns at once, also while the broker is away. */
  receive(handler: CommandHandler): CommandReceiver;
}

export interface CommandDeskOptions extends CommandParts {
  readonly gatewayId: string;
  readonly gateway: () => Pick<Gateway, 'connectionOf'>;
  readonly clock: Clock;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
}

/** Ids remembered before the first look for those that are past their deadline. */
const REMEMBERED = 10_000;

export class CommandDesk implements CommandHandler {
  readonly listener: GatewayListener;
  private readonly bindings: Bindings;
  private readonly receiver: CommandReceiver;
  /** Ids it has had, and until when they count: past its deadline a command is dropped for that. */
  private readonly had = new Map<string, number>();
  private tidyAt = REMEMBERED;

  constructor(private readonly options: CommandDeskOptions) {
    this.receiver = options.receive(this);
    this.bindings = new Bindings({
      receiver: this.receiver,
      isHere: (id) => this.connectionOf(id) !== undefined,
      bound: (id) => {
        const held = this.locate(id);
        if (held !== undefined) this.receiver.announce(held);
      },
      log: options.log,
    });
    const changed = ({ chargePointId }: Connection): void => this.bindings.changed(chargePointId);
    this.listener = { connected: changed, disconnected: changed };
  }

  get bound(): number {
    return this.bindings.size;
  }

  /** From now on nothing comes: whoever asks is told that the chargers are offline. */
  async close(): Promise<void> {
    this.bindings.close();
    await this.receiver.close();
  }

  locate(chargePointId: string): HeldCharger | undefined {
    const connection = this.connectionOf(chargePointId);
    return connection === undefined
      ? undefined
      : {
          chargePointId,
          gateway: this.options.gatewayId,
          connection: connection.id,
          protocol: connection.protocol,
          since: new Date(connection.since).toISOString(),
          ...(connection.keyName === undefined ? {} : { keyName: connection.keyName }),
        };
  }

  /** A charger that lost its network comes back, to another gateway, long before its old socket is known to be dead. */
  held({ chargePointId, connection, since }: HeldCharger): void {
    const ours = this.connectionOf(chargePointId);
    if (ours === undefined || ours.id === connection) return;
    // Clocks that differ cost the charger a reconnect at worst.
    const isGhost = ours.since < Date.parse(since);
    this.options.metrics.ghosts.add(isGhost ? 'closed' : 'kept');
    if (isGhost) ours.close(CLOSE.replaced, 'replaced by a newer connection to another gateway');
  }

  command(command: ChargingCommand): void {
    try {
      this.take(command);
    } catch (error) {
      this.options.metrics.commands.add('defect');
      this.options.log.error(
        { code: 'COMMAND_DEFECT', command: command.id, error: messageOf(error) },
        'a command could not be handled',
      );
    }
  }

  private take(command: ChargingCommand): void {
    const now = this.options.clock.now();
    const deadline = Date.parse(command.deadline);
    if (this.had.has(command.id)) {
      this.options.metrics.commands.add('repeated');
      return;
    }
    this.remember(command.id, deadline, now);
    const connection = this.connectionOf(command.chargePointId);
    if (connection?.id !== command.connection) {
      this.end('offline', command, { detail: 'the connection it was meant for is gone' });
    } else if (now >= deadline) {
      this.end('timed-out', command, {
        delivery: 'not-delivered',
        detail: 'its deadline had passed when it reached the gateway',
      });
    } else {
      connection
        .call(command.action, command.payload, {
          messageId: command.id,
          timeoutMs: deadline - now,
          beforeWrite: () =>
            this.say(commandStepOf('command.sent', command, this.now(), this.where(command))),
        })
        .then(
          (answer) => this.answered(command, answer),
          (error: unknown) => this.unanswered(command, error),
        )
        .catch((error: unknown) => {
          this.options.metrics.commands.add('defect');
          this.options.log.error(
            { code: 'COMMAND_DEFECT', command: command.id, error: messageOf(error) },
            'the answer to a command could not be handled',
          );
        });
    }
  }

  /** The answer is in `ocpp.frames`. */
  private answered(command: ChargingCommand, answer: ChargerAnswer): void {
    if (answer.type === 'CallError') {
      const { errorCode: code, description, details } = answer;
      this.end('failed', command, {
        code,
        ...redactedPayload({ description, details: isObject(details) ? details : NOTHING }),
      });
      return;
    }
    const { protocol, action } = command;
    const { accepted, status } = judgeAnswer(protocol, action, answer.payload);
    const complaint = validateResult(protocol, action, answer.payload);
    this.end(accepted ? 'accepted' : 'rejected', command, {
      ...this.where(command),
      status,
      response: redactedPayload(answer.payload),
      ...(complaint === undefined ? {} : { complaint: complaint.description }),
    });
  }

  private unanswered(command: ChargingCommand, error: unknown): void {
    if (!(error instanceof CallFailure)) throw error;
    const detail = error.message;
    if (error.code === 'CALL_UNANSWERED')
      this.end('timed-out', command, { delivery: 'delivery-unknown', detail });
    else if (error.why === 'overdue') this.end('timed-out', command, { delivery: 'not-delivered', detail });
    else if (error.why === 'gone') this.end('offline', command, { detail });
    else {
      const cause = error.options.cause;
      this.end('failed', command, {
        code: cause instanceof WattstreamError ? cause.code : error.code,
        description: `${detail} (${messageOf(cause)})`,
        details: {},
      });
    }
  }

  private end<O extends Exclude<CommandOutcome, 'repeated' | 'defect'>>(
    outcome: O,
    command: ChargingCommand,
    more: Parameters<typeof commandStepOf<`command.${O}`>>[3],
  ): void {
    this.options.metrics.commands.add(outcome);
    this.say(commandStepOf(`command.${outcome}`, command, this.now(), more)).catch((error: unknown) =>
      this.options.log.warn(
        { code: 'STEP_NOT_PUBLISHED', command: command.id, outcome, error: messageOf(error) },
        'a step of a command could not be published; an api closes the command after its deadline',
      ),
    );
  }

  private say(step: CommandStep): Promise<void> {
    return this.options.events.publishChargingEvent(step);
  }

  private where({ connection }: ChargingCommand): { gateway: string; connection: string } {
    return { gateway: this.options.gatewayId, connection };
  }

  private remember(id: string, deadline: number, now: number): void {
    this.had.set(id, deadline);
    if (this.had.size < this.tidyAt) return;
    for (const [known, until] of this.had) if (until < now) this.had.delete(known);
    this.tidyAt = Math.max(REMEMBERED, this.had.size * 2);
  }

  private connectionOf(chargePointId: string): Connection | undefined {
    return this.options.gateway().connectionOf(chargePointId);
  }

  private now(): number {
    return this.options.clock.now();
  }
}
