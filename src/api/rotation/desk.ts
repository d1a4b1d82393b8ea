/**
 * The change of a charger's key, as one operation that no crash leaves half done.
 *
 * 1. The registry holds the hash of the new key beside the old one (`rotating.ts`), and every gateway lets the charger in
 *    with either. The command's id stands with it.
 * 2. The command goes out, once, like any other. The key is in it and nowhere else: it is redacted in every record, and
 *    not kept for a charger that is away.
 * 3. What the log says of the command is put into the registry: one key again, or both as long as nobody can tell.
 *
 * A crash after 1: no command is in the log, and none will be (its deadline has passed): the new key is taken away. After
 * 2, or of the gateway: the log, or the charger's next connection, tells which key it has. Every api looks after the
 * rotations of all, some time after whoever began it would have: two that settle the same do it under the same
 * version, so one of them does.
 */
import { randomUUID } from 'node:crypto';
import type { Command } from '../../domain/commands/command.js';
import type { HeldCharger } from '../../domain/messages/commands.js';
import type { Point } from '../../domain/registry/point.js';
import {
  afterAnswer,
  afterConnection,
  hasRoom,
  isOpen,
  isUnsettled,
  keysOf,
  type RotationAnswer,
  withRotationBegun,
} from '../../domain/registry/rotating.js';
import type { Rotation } from '../../domain/registry/rotation.js';
import type { Live } from '../../domain/registry/state.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { CommandSender } from '../../queues/ports.js';
import { hashPassword, nameOfKey } from '../../registry/passwords.js';
import type { RegistryStore } from '../../registry/store.js';
import type { CommandBook } from '../commands/book.js';
import type { CommandClock } from '../commands/ports.js';
import type { CommandService, Started } from '../commands/service.js';
import { FieldErrors } from '../field-errors.js';
import { answerOf } from './answer.js';
import { complaintAbout, randomPassword, tellPassword } from './password.js';

/** Who settles what somebody else began. */
const ACTOR = 'system:rotation';
const TICK_MS = 1_000;
const LOOK_EVERY_MS = 10_000;
/** Between the registry and the command: a process that was halted for longer does not send it any more. */
const SEND_WITHIN_MS = 10_000;
/** More than clocks differ. */
const NEVER_SENT_AFTER_MS = 120_000;
/** Times the charger's time to answer, after which another rotation may begin beside one that nothing is heard of. */
const AGAIN_AFTER = 10;

export interface RotationDeskOptions {
  readonly store: RegistryStore;
  readonly commands: Pick<CommandService, 'start' | 'find'>;
  readonly book: Pick<CommandBook, 'level' | 'onOnline'>;
  readonly sender: Pick<CommandSender, 'locate'>;
  readonly clock: CommandClock;
  /** Time the charger has to answer (WATTSTREAM_COMMAND_SECONDS). */
  readonly seconds: number;
  /** How long the log of events is remembered. */
  readonly rememberMs: number;
  /** 0..1: spreads processes, so that mostly one of them settles. */
  readonly spread: number;
  readonly logger: Logger;
  readonly tickMs?: number;
  /** Before another process settles what one has begun. */
  readonly patienceMs?: number;
}

export interface RotationRequest {
  readonly pointId: string;
  readonly actor: string;
  /** Default: a random one. */
  readonly password?: string | undefined;
}

export interface StartedRotation {
  readonly commandId: string;
  /** As it begins. */
  readonly rotation: Rotation;
  /** As it stands when the command has been answered, or cannot be waited for any longer. */
  outcome(): Promise<{ readonly rotation: Rotation; readonly command: Command | undefined }>;
}

export class RotationDesk {
  /** Points whose rotation is not settled, and when to look at them. */
  private readonly watched = new Map<string, number>();
  private readonly busy = new Set<string>();
  private readonly deaf: (() => void)[];
  private readonly timer: NodeJS.Timeout;
  private scanned = false;
  private closed = false;

  constructor(private readonly options: RotationDeskOptions) {
    const { store, book, tickMs = TICK_MS } = options;
    this.deaf = [
      store.replica.onJudged(({ event, verdict }) => {
        if (event.kind === 'point' && verdict.verdict === 'applied') this.watch(event.entityId);
      }),
      book.onOnline((id) => {
        if (this.watched.has(id)) this.watched.set(id, options.clock.now());
      }),
    ];
    this.timer = setInterval(() => this.tick(), tickMs).unref();
  }

  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    for (const stop of this.deaf) stop();
  }

  /**
   * Rejects with ENTITY_UNKNOWN, ROTATION_IMPOSSIBLE, ROTATION_OPEN, CHARGER_OFFLINE, PASSWORD_UNFIT, CONFLICT, and what
   * the store and the command service reject with: then the charger has not got the key, and the old one stands.
   */
  async begin({ pointId, actor, password: given }: RotationRequest): Promise<StartedRotation> {
    const { store, sender, clock, commands, seconds } = this.options;
    const found = this.suited(pointId);
    const held = await sender.locate(pointId);
    if (held === undefined) throw offline(pointId);
    this.refuseForeignKey(found, held);
    const complaint = given === undefined ? undefined : complaintAbout(given, held.protocol);
    if (complaint !== undefined)
      throw new FieldErrors('PASSWORD_UNFIT', `This password cannot be given to ${pointId}.`, [
        { field: 'password', message: complaint },
      ]);
    const password = given ?? randomPassword(held.protocol);
    const commandId = randomUUID();
    const nextPasswordHash = await hashPassword(password);
    const began = clock.now();
    this.busy.add(pointId);
    try {
      const state = withRotationBegun(found.state, { nextPasswordHash, commandId, at: instant(began) });
      await store.propose({
        kind: 'point',
        id: pointId,
        change: 'updated',
        state,
        version: found.version,
        actor,
      });
      // From here on nothing is awaited until the command has its deadline: what is late is not sent at all.
      if (clock.now() - began > SEND_WITHIN_MS)
        throw new WattstreamError('ROTATION_LATE', 'The registry took too long; the key was not sent.', {
          canRetry: true,
        });
      const started = await commands.start({
        chargePointId: pointId,
        asked: tellPassword(password, held.protocol),
        actor,
        commandId,
        timeoutSeconds: seconds,
      });
      const ended = this.ended(pointId, started, actor).finally(() => this.release(pointId));
      // Also when nobody waits for it.
      ended.catch((error: unknown) =>
        this.options.logger.warn(
          { point: pointId, command: commandId, error: messageOf(error) },
          'see its rotation',
        ),
      );
      return { commandId, rotation: state.rotation, outcome: () => ended };
    } catch (error) {
      await this.settle(pointId, commandId, { outcome: 'not-sent', detail: messageOf(error) }, actor).catch(
        () => {},
      );
      this.release(pointId);
      throw error;
    }
  }

  private async ended(
    pointId: string,
    started: Started,
    actor: string,
  ): ReturnType<StartedRotation['outcome']> {
    const command = await started.outcome();
    const answer = command && answerOf(command);
    if (answer !== undefined) await this.settle(pointId, started.commandId, answer, actor);
    const rotation = this.suited(pointId, false).state.rotation;
    if (rotation === undefined)
      throw new WattstreamError('CONFLICT', `Somebody else changed the key of ${pointId} meanwhile.`, {
        remedy: 'Read the charging point.',
      });
    return { rotation, command };
  }

  private suited(pointId: string, toBegin = true): Live<'point'> {
    const { replica } = this.options.store;
    const notReady = replica.ready();
    if (notReady !== undefined)
      throw new WattstreamError('REGISTRY_NOT_READY', `Nothing can be changed yet: ${notReady}`, {
        canRetry: true,
      });
    const found = replica.get('point', pointId);
    if (found === undefined)
      throw new WattstreamError('ENTITY_UNKNOWN', `There is no charging point '${pointId}'.`);
    if (!toBegin) return found;
    const { securityProfile, rotation } = found.state;
    if (securityProfile !== 1 && securityProfile !== 2)
      throw new WattstreamError(
        'ROTATION_IMPOSSIBLE',
        securityProfile === 0
          ? `${pointId} has security profile 0: it comes without a key.`
          : `${pointId} has security profile 3: it comes with a certificate, and has no key.`,
        {
          remedy:
            securityProfile === 0
              ? 'Give it a key on site, and change the charging point to profile 1 or 2.'
              : 'Its certificate is renewed by CertificateSigned.',
        },
      );
    const { clock, seconds } = this.options;
    const againAfterMs = AGAIN_AFTER * seconds * 1_000;
    if (isOpen(rotation, { now: clock.now(), againAfterMs }))
      throw new WattstreamError(
        'ROTATION_OPEN',
        `The key of ${pointId} is being changed since ${rotation?.since} (${rotation?.state}).`,
        {
          remedy:
            rotation?.state === 'reboot-required'
              ? 'Reset the charger: it takes the new key with its next boot.'
              : `It ends by itself when the charger has answered or comes again; ${againAfterMs / 1_000} s after its deadline another one may begin beside it. If somebody has given it another key on site, PUT the charging point with that password.`,
        },
      );
    if (!hasRoom(found.state))
      throw new WattstreamError(
        'ROTATION_IMPOSSIBLE',
        `Several keys were sent to ${pointId}, and of none it is known whether it took it.`,
        {
          remedy:
            'Reset the charger: it is let in with each of them, and shows which one it has. Or give it a key on site, and PUT the charging point with that password.',
        },
      );
    return found;
  }

  /**
   * Gateways that say nothing of keys would turn the charger away with its new one; so would a file of charge points that
   * says another than the registry.
   */
  private refuseForeignKey({ id, state }: Live<'point'>, held: HeldCharger): void {
    const known = keysOf(state).map(nameOfKey);
    if (held.keyName !== undefined && known.includes(held.keyName)) return;
    throw new WattstreamError(
      'ROTATION_IMPOSSIBLE',
      `${id} was not let in by the key that the registry has, so it could not come back with a new one.`,
      {
        remedy:
          'Either its password was changed here since it came: let it come again. Or its gateway reads a file of charge points (WATTSTREAM_CHARGE_POINTS) that names it: take it out there. Or the gateway is of an older version.',
      },
    );
  }

  private async settle(
    pointId: string,
    commandId: string,
    answer: RotationAnswer,
    actor = ACTOR,
  ): Promise<void> {
    await this.change(
      pointId,
      (point) =>
        point.rotation?.commandId === commandId
          ? afterAnswer(point, answer, instant(this.options.clock.now()))
          : undefined,
      actor,
    );
  }

  /** Under the version that was looked at: when another came first, what there is is looked at again. */
  private async change(
    pointId: string,
    to: (point: Point) => Point | undefined,
    actor: string,
  ): Promise<void> {
    const { store } = this.options;
    for (let attempt = 1; ; attempt++) {
      const found = store.replica.get('point', pointId);
      const state = found && to(found.state);
      if (found === undefined || state === undefined) return;
      try {
        const { version } = found;
        await store.propose({ kind: 'point', id: pointId, change: 'updated', state, version, actor });
        return;
      } catch (error) {
        if (!(error instanceof WattstreamError) || error.code !== 'CONFLICT' || attempt === 5) throw error;
      }
    }
  }

  // ---- what somebody began and did not end ----

  private watch(pointId: string): void {
    const { replica } = this.options.store;
    const rotation = replica.get('point', pointId)?.state.rotation;
    if (!isUnsettled(rotation)) this.watched.delete(pointId);
    else if (!this.watched.has(pointId))
      this.watched.set(pointId, this.options.clock.now() + this.patienceMs * (1 + this.options.spread));
  }

  private get patienceMs(): number {
    return this.options.patienceMs ?? 3_000;
  }

  private release(pointId: string): void {
    this.busy.delete(pointId);
    this.watch(pointId);
  }

  private tick(): void {
    const { store, book, clock, logger } = this.options;
    if (this.closed || store.replica.ready() !== undefined || !book.level) return;
    if (!this.scanned) {
      this.scanned = true;
      for (const id of store.replica.state.entities.point.keys()) this.watch(id);
    }
    const now = clock.now();
    for (const [id, at] of this.watched) {
      if (at > now || this.busy.has(id)) continue;
      this.busy.add(id);
      this.watched.set(id, now + LOOK_EVERY_MS);
      void this.look(id)
        .catch((error: unknown) =>
          logger.warn(
            { point: id, error: messageOf(error) },
            'a change of a key could not be settled; again soon',
          ),
        )
        .finally(() => this.release(id));
    }
  }

  private async look(pointId: string): Promise<void> {
    const { store, commands, clock, seconds, rememberMs, sender } = this.options;
    const rotation = store.replica.get('point', pointId)?.state.rotation;
    if (!isUnsettled(rotation)) return;
    const { commandId, state } = rotation;
    const command = await commands.find(commandId);
    if (state === 'sent') {
      const age = clock.now() - Date.parse(rotation.since);
      const answer = command && answerOf(command);
      if (answer !== undefined) await this.settle(pointId, commandId, answer);
      // What is older than memory may have been sent and be missing from the tables: then the charger has to say.
      else if (command === undefined && age > seconds * 1_000 + NEVER_SENT_AFTER_MS)
        await this.settle(
          pointId,
          commandId,
          age < rememberMs
            ? { outcome: 'not-sent', detail: 'whoever asked for it died before it was sent' }
            : { outcome: 'unknown', detail: 'nothing is known of its command any more' },
        );
      if (command !== undefined && answer?.outcome !== 'unknown') return;
    }
    const held = await sender.locate(pointId);
    if (held === undefined) return;
    await this.change(
      pointId,
      (point) => {
        const shown = point.rotation?.commandId === commandId ? keyShown(point, held, command) : undefined;
        return shown === undefined ? undefined : afterConnection(point, shown, instant(clock.now()));
      },
      ACTOR,
    );
  }
}

/** Which key the connection shows; one from before says something only after the connection that the command went to. */
function keyShown(
  point: Point,
  held: HeldCharger,
  command: Command | undefined,
): { readonly hash: string; readonly isLater: boolean } | undefined {
  const hash = keysOf(point).find((one) => nameOfKey(one) === held.keyName);
  if (hash === undefined) return undefined;
  const sent = command?.sent;
  const isLater =
    sent === undefined ||
    (held.connection !== sent.connection && Date.parse(held.since) > Date.parse(sent.at));
  return { hash, isLater };
}

const instant = (at: number): string => new Date(at).toISOString();

const offline = (id: string): WattstreamError =>
  new WattstreamError('CHARGER_OFFLINE', `${id} is not connected: its key was not changed.`, {
    remedy: 'Ask again when it is back. A key is never kept for later: it would lie about in a queue.',
  });
