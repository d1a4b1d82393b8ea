/**
 * From a request to what came of it.
 *
 *     known key? ─> locate ─> translate, validate ─> requested ─> (claim) ─> published ─> what the log says
 *                                  │ 400, 422                        └─> offline | kept
 *
 * What a crash of this process means, after each step:
 * 1. before `requested` is confirmed: the caller saw no answer; nothing was sent, whether or not it is in the log.
 * 2. `requested` in the log, not published: any api's sweep closes it as timed-out, not-delivered.
 * 3. published: the gateway says what came of it, or, if it dies too, a sweep does. GET /api/charger/commands/:id.
 */
import { randomBytes } from 'node:crypto';
import { type Command, isOpen, type Requested } from '../../domain/commands/command.js';
import { claimed, commandStepOf } from '../../domain/commands/steps.js';
import type { CommandStep } from '../../domain/messages/charging-events.js';
import type { HeldCharger } from '../../domain/messages/commands.js';
import type { Call } from '../../domain/ocpp/commands/operation.js';
import { type Asked, prepareCall } from '../../domain/ocpp/commands/prepare.js';
import type { Payload } from '../../domain/ocpp/payload.js';
import type { Protocol } from '../../domain/ocpp/record.js';
import { redactedPayload } from '../../domain/ocpp/redact.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { CommandSender, EventPublisher, KeptCommands } from '../../queues/ports.js';
import { FieldErrors } from '../field-errors.js';
import type { CommandBook } from './book.js';
import { dispatch } from './dispatch.js';
import { commandIdOf, digestOf } from './identity.js';
import type { CommandClock, CommandHistory } from './ports.js';

/** For a confirm or for the log to be read, beyond the deadline, before a caller is told to look it up. */
const PATIENCE_MS = 10_000;

/** How often a silent gateway is asked. */
const LOCATES = 3;

export interface CommandRequest {
  readonly chargePointId: string;
  readonly asked: Asked;
  readonly actor: string;
  readonly timeoutSeconds?: number | undefined;
  /** UTC, ISO 8601: kept until then when the charger is away. */
  readonly queueUntil?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Made by a caller who has made sure that it is used once (a customer's request has its id); no key then. */
  readonly commandId?: string | undefined;
}

export interface CommandLimits {
  readonly seconds: number;
  readonly maxSeconds: number;
  readonly graceSeconds: number;
  readonly keptHours: number;
}

export interface CommandServiceOptions {
  readonly sender: CommandSender;
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly kept: Pick<KeptCommands, 'keep'>;
  readonly book: CommandBook;
  readonly history?: CommandHistory | undefined;
  readonly clock: CommandClock;
  readonly limits: CommandLimits;
  readonly logger: Logger;
}

/** A command that is on its way, or was already. */
export interface Started {
  readonly commandId: string;
  /** As it stands in the log; undefined: it has not been read in time. */
  recorded(): Promise<Command | undefined>;
  /** Waits for what the log says: the command at its end, or as it stands when it is kept or the wait was in vain. */
  outcome(): Promise<Command | undefined>;
}

export class CommandService {
  constructor(private readonly options: CommandServiceOptions) {}

  /**
   * Resolves when the command is on record and on its way. Rejects with COMMANDS_STARTING, TIMEOUT_TOO_LONG,
   * QUEUE_UNTIL_WRONG, a code of `prepareCall`, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_UNKNOWN, GATEWAY_SILENT,
   * BROKER_UNREACHABLE: then nothing was sent.
   */
  async start(request: CommandRequest): Promise<Started> {
    const { book, clock } = this.options;
    const { chargePointId, asked, actor, idempotencyKey } = request;
    const began = clock.now();
    const seconds = this.secondsOf(request);
    const queueUntil = this.queueUntilOf(request, began);
    const commandId = request.commandId ?? commandIdOf(actor, idempotencyKey);
    const digest = digestOf(
      { chargePointId, asked, seconds: request.timeoutSeconds, queueUntil },
      idempotencyKey,
    );
    if (idempotencyKey !== undefined) {
      // What is in the log and not yet read here cannot be told from what is not there.
      if (!book.level) throw starting();
      const before = await this.find(commandId).catch((error: unknown) => {
        throw new WattstreamError(
          'IDEMPOTENCY_UNKNOWN',
          `It cannot be told now whether this Idempotency-Key was used before: ${messageOf(error)}`,
          { canRetry: true, cause: error },
        );
      });
      if (before !== undefined) return this.again(before, digest);
    }

    const held = await this.locate(chargePointId, began + seconds * 1_000);
    const { protocol, call } = await this.prepare(request, commandId, held, began);
    const deadline = began + seconds * 1_000;
    const requested = claimed(
      commandStepOf('command.requested', { id: commandId, chargePointId }, began, {
        ...shownOf(asked, call),
        protocol: protocol ?? '',
        digest,
        actor,
        deadline: new Date(deadline).toISOString(),
        queueUntil: queueUntil ?? null,
      }),
      randomBytes(6).toString('base64url'),
    );
    // Beyond the deadline too, when the question took all the time: then it is on record as overdue.
    await this.confirmed(requested, Math.max(deadline, clock.now()) + PATIENCE_MS);
    if (idempotencyKey !== undefined) {
      // Of several that came at once with this key, the first in the log goes on.
      const read = await book.until(commandId, () => true, deadline - clock.now() + PATIENCE_MS);
      if (read !== undefined && read.requested.id !== requested.id) return this.again(read, digest);
      if (read === undefined) return this.started(commandId);
    }

    const fate =
      held === undefined || call === undefined
        ? 'offline'
        : await dispatch(this.options.sender, clock, { commandId, held, call, deadline });
    if (fate === 'offline') await this.onOffline(request, requested, queueUntil, seconds);
    return this.started(commandId);
  }

  /** From memory, else from what is older. */
  async find(commandId: string): Promise<Command | undefined> {
    return this.options.book.get(commandId) ?? (await this.options.history?.find(commandId));
  }

  /** Newest first; of those charge points alone that `isShown` says so of. */
  recent(
    chargePointId: string | undefined,
    limit: number,
    isShown: (chargePointId: string) => boolean,
  ): Command[] {
    return this.options.book.recent(
      (id) => (chargePointId === undefined || id === chargePointId) && isShown(id),
      limit,
    );
  }

  private again(command: Command, digest: string): Started {
    if (command.requested.digest !== digest)
      throw new WattstreamError(
        'IDEMPOTENCY_KEY_REUSED',
        `This Idempotency-Key was used for another request: command ${command.requested.commandId}.`,
        { remedy: 'Send each new command with a new key; repeat a request unchanged.' },
      );
    return isOpen(command)
      ? this.started(command.requested.commandId)
      : {
          commandId: command.requested.commandId,
          recorded: async () => command,
          outcome: async () => command,
        };
  }

  private started(commandId: string): Started {
    const { book, clock, limits } = this.options;
    const recorded = (): Promise<Command | undefined> => book.until(commandId, () => true, PATIENCE_MS);
    return {
      commandId,
      recorded,
      outcome: async () => {
        const known = await recorded();
        if (known === undefined) return undefined;
        const waitMs = Date.parse(known.deadline) - clock.now() + limits.graceSeconds * 1_000 + PATIENCE_MS;
        const settled = (command: Command): boolean => !isOpen(command) || command.state === 'kept';
        return (await book.until(commandId, settled, waitMs)) ?? book.get(commandId);
      },
    };
  }

  /** A gateway that was killed a moment ago still has its queue in the broker, and answers nothing: asked again. */
  private async locate(chargePointId: string, until: number): Promise<HeldCharger | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.options.sender.locate(chargePointId);
      } catch (error) {
        const silent = error instanceof WattstreamError && error.code === 'GATEWAY_SILENT';
        if (!silent || attempt >= LOCATES || this.options.clock.now() >= until) throw error;
      }
    }
  }

  private async prepare(
    { chargePointId, asked, queueUntil }: CommandRequest,
    commandId: string,
    held: HeldCharger | undefined,
    now: number,
  ): Promise<{ protocol: Protocol | undefined; call: Call | undefined }> {
    const protocol = held?.protocol ?? (await this.lastProtocol(chargePointId));
    // Away, and never seen: its words are found when it comes, or never.
    if (protocol === undefined) return { protocol, call: undefined };
    const prepared = prepareCall(asked, {
      protocol,
      commandId,
      now: new Date(now).toISOString(),
      lastListVersion: await this.lastListVersion(chargePointId, asked),
    });
    if ('call' in prepared) return { protocol, call: prepared.call };
    const { code, message, remedy, fields = [] } = prepared.impossible;
    // It may come back with another version (a new firmware): then that decides.
    if (held === undefined && queueUntil !== undefined && code === 'NOT_IN_THIS_VERSION')
      return { protocol: undefined, call: undefined };
    throw new FieldErrors(code, message, fields, remedy === undefined ? {} : { remedy });
  }

  private async lastProtocol(chargePointId: string): Promise<Protocol | undefined> {
    const { book, history } = this.options;
    return book.protocol(chargePointId) ?? (await history?.protocol(chargePointId).catch(() => undefined));
  }

  async lastListVersion(chargePointId: string, asked: Asked): Promise<number | undefined> {
    const wanted = asked.operation ?? asked.action;
    if (wanted !== 'send-local-list' && wanted !== 'SendLocalList') return undefined;
    const given = asked.operation === null ? asked.payload : asked.body;
    // Who says the version needs no other: the tables may be away.
    if ([given.version, given.listVersion, given.versionNumber].some((one) => one !== undefined))
      return undefined;
    const { book, history } = this.options;
    return book.listVersion(chargePointId) ?? (await history?.listVersion(chargePointId));
  }

  private async onOffline(
    { chargePointId, asked }: CommandRequest,
    requested: Requested,
    queueUntil: string | undefined,
    seconds: number,
  ): Promise<void> {
    const { clock, kept } = this.options;
    const { commandId } = requested;
    const of = { id: commandId, chargePointId };
    const now = clock.now();
    if (queueUntil === undefined) {
      await this.confirmed(
        commandStepOf('command.offline', of, now, { detail: 'no gateway holds the charger' }),
        now + PATIENCE_MS,
      );
      return;
    }
    await this.confirmed(commandStepOf('command.kept', of, now, { queueUntil }), now + PATIENCE_MS);
    // A crash here leaves a command that is said to be kept and is not: a sweep closes it after queueUntil.
    await within(
      kept.keep({
        id: commandId,
        schema: 1,
        at: new Date(now).toISOString(),
        type: 'kept',
        chargePointId,
        asked:
          asked.operation === null
            ? { operation: null, action: asked.action, payload: asked.payload }
            : { operation: asked.operation, body: asked.body },
        requested,
        queueUntil,
        timeoutSeconds: seconds,
      }),
      PATIENCE_MS,
      commandId,
    );
  }

  /** Published for certain, sooner or later; waited for only as long as the caller would. */
  private async confirmed(step: CommandStep, until: number): Promise<void> {
    const published = this.options.events.publishChargingEvent(step);
    await within(published, until - this.options.clock.now(), step.commandId);
  }

  private secondsOf({ timeoutSeconds }: CommandRequest): number {
    const { seconds, maxSeconds } = this.options.limits;
    if (timeoutSeconds !== undefined && timeoutSeconds > maxSeconds)
      throw new FieldErrors('TIMEOUT_TOO_LONG', `A command may take ${maxSeconds} s at most.`, [
        { field: 'timeoutSeconds', message: `must be at most ${maxSeconds}` },
      ]);
    return timeoutSeconds ?? seconds;
  }

  private queueUntilOf({ queueUntil }: CommandRequest, now: number): string | undefined {
    if (queueUntil === undefined) return undefined;
    const until = Date.parse(queueUntil);
    const { keptHours } = this.options.limits;
    const wrong =
      until <= now
        ? 'must lie in the future'
        : until > now + keptHours * 3_600_000
          ? `must lie within ${keptHours} hours`
          : undefined;
    if (wrong !== undefined)
      throw new FieldErrors('QUEUE_UNTIL_WRONG', `queueUntil ${wrong}.`, [
        { field: 'queueUntil', message: wrong },
      ]);
    return new Date(until).toISOString();
  }
}

/** What the record shows: the CALL, or (its version unknown) what was asked for. Secrets redacted. */
const shownOf = (
  asked: Asked,
  call: Call | undefined,
): { action: string; operation: string | null; payload: Payload } => ({
  operation: asked.operation,
  action: call?.action ?? (asked.operation === null ? asked.action : asked.operation),
  payload: redactedPayload(call?.payload ?? (asked.operation === null ? asked.payload : asked.body)),
});

const starting = (): WattstreamError =>
  new WattstreamError('COMMANDS_STARTING', 'This process is still reading what became of earlier commands.', {
    canRetry: true,
  });

/** Rejects with BROKER_UNREACHABLE when it takes longer; what was promised then still happens, later. */
async function within(promise: Promise<unknown>, ms: number, commandId: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  promise.catch(() => {});
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new WattstreamError(
            'BROKER_UNREACHABLE',
            `RabbitMQ has not confirmed the command ${commandId} in time; nothing was sent to the charger.`,
            { canRetry: true, remedy: 'Whether it was recorded can be seen at /api/charger/commands/<id>.' },
          ),
        ),
      Math.max(0, ms),
    );
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
