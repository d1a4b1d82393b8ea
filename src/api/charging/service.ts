/**
 * A customer's start and stop, from the request to the command.
 *
 *     known key? ─> checks ─> charging.requested ─> (claim) ─> token ─> command ─> what the log says
 *                     │ 4xx: nothing is recorded
 *
 * What a crash of this process means, after each step:
 * 1. before `charging.requested` is confirmed: the caller saw no answer; nothing was done, whether or not it is in the log.
 * 2. `charging.requested` in the log: any api ends it as failed when its time is up (NOT_SENT), and the token, if there is
 *    one already, is good for nothing but this start.
 * 3. the command is on its way: gateway, log and the other apis do the rest. GET /api/user/charging/requests/:id.
 */
import { randomBytes } from 'node:crypto';
import { tokenHash } from '../../domain/charging/token-hash.js';
import {
  chooseOutlet,
  type Outlet,
  outletsOf,
  type Taken,
  type Wanted,
  wantedOutlets,
} from '../../domain/customers/outlets.js';
import { type ChargingRequest, isOver } from '../../domain/customers/request.js';
import type { ChargingFailed, ChargingRequested } from '../../domain/messages/charging-events.js';
import { numberOf } from '../../domain/ocpp/commands/numbers.js';
import type { Asked } from '../../domain/ocpp/commands/prepare.js';
import type { Protocol } from '../../domain/ocpp/record.js';
import type { Point } from '../../domain/registry/point.js';
import { parseRef, refOf } from '../../domain/registry/state.js';
import { isOneTime, type Token, tokenIdOf } from '../../domain/registry/token.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { CommandSender, EventPublisher } from '../../queues/ports.js';
import { registrySource } from '../../registry/source.js';
import type { RegistryStore } from '../../registry/store.js';
import { digestOf, requestIdOf } from '../commands/identity.js';
import type { CommandClock } from '../commands/ports.js';
import type { CommandService } from '../commands/service.js';
import type { ChargingBook } from './book.js';
import type { Herald } from './herald.js';
import { newIdTag, registerOneTime, tidyOneTime, tokensOf, withdrawOneTime } from './one-time-token.js';
import type { ChargingHistory, OwnSession } from './ports.js';

/** For the log to be read, beyond what a charger has. */
const PATIENCE_MS = 10_000;

export interface ChargingLimits {
  readonly startSeconds: number;
  readonly stopSeconds: number;
  /** That a charger has to answer. */
  readonly commandSeconds: number;
}

export interface ChargingServiceOptions {
  readonly store: RegistryStore;
  readonly commands: Pick<CommandService, 'start'>;
  readonly sender: Pick<CommandSender, 'locate'>;
  readonly events: Pick<EventPublisher, 'publishChargingEvent'>;
  readonly book: ChargingBook;
  readonly herald: Pick<Herald, 'adopt'>;
  readonly history: ChargingHistory;
  readonly clock: CommandClock;
  readonly limits: ChargingLimits;
  readonly logger: Logger;
}

export interface Who {
  readonly accountId: string;
  readonly idempotencyKey?: string | undefined;
}

export interface StartAsked extends Wanted {
  readonly chargePointId?: string | undefined;
  readonly stationId?: string | undefined;
  /** One of the customer's own, whose price and group count. */
  readonly token?: string | undefined;
}

/** A request that is under way, or was already. */
export interface Placed {
  readonly requestId: string;
  /** As it stands; undefined: the log has not been read in time. */
  recorded(): Promise<ChargingRequest | undefined>;
  /** When the charger has spoken, or as it stands when that takes too long. */
  outcome(): Promise<ChargingRequest | undefined>;
}

export class ChargingService {
  private readonly tokens: ReturnType<typeof registrySource>;

  constructor(private readonly options: ChargingServiceOptions) {
    this.tokens = registrySource(options.store.replica);
  }

  /**
   * Rejects with ACCOUNT_UNKNOWN, ACCOUNT_DISABLED, TOKEN_UNKNOWN, TOKEN_BLOCKED, CHARGER_UNKNOWN, CHARGER_AMBIGUOUS,
   * CHARGER_OFFLINE, a refusal of `chooseOutlet`, IDEMPOTENCY_KEY_REUSED: then nothing was recorded, and nothing sent.
   */
  async start(who: Who, asked: StartAsked): Promise<Placed> {
    const { clock, limits, sender, store } = this.options;
    const requestId = requestIdOf(who.accountId, who.idempotencyKey);
    const digest = digestOf({ kind: 'start', ...asked }, who.idempotencyKey);
    const before = await this.before(requestId, who, digest);
    if (before !== undefined) return before;

    const inherits = this.admit(who, asked.token);
    const point = this.pointOf(who, asked);
    const held = await sender.locate(point.id);
    if (held === undefined)
      throw new WattstreamError(
        'CHARGER_OFFLINE',
        `Charger ${point.id} is not connected; nothing was sent.`,
        {
          remedy: 'Try another one, or this one later.',
        },
      );
    const outlet = await this.outletOf(point, asked, held.protocol, requestId);

    const idTag = newIdTag();
    const now = clock.now();
    const requested: ChargingRequested = {
      ...this.requestedOf(who, requestId, point.id, point.station, now, digest),
      kind: 'start',
      evseId: outlet.evseId,
      connectorId: outlet.connectorId,
      sessionId: null,
      idTokenHash: tokenHash(idTag),
      remoteStartId: held.protocol === 'ocpp1.6' ? null : numberOf(requestId),
      deadline: new Date(now + limits.startSeconds * 1_000).toISOString(),
    };
    return this.place(who, requested, async () => {
      const { accountId } = who;
      await registerOneTime(store, { idTag, accountId, requestId, inherits, actor: actorOf(who), now });
      // Nobody waits for it: what is left now goes at the next start.
      void tidyOneTime(store, { accountId, actor: actorOf(who), now }).catch(() => {});
      return { operation: 'remote-start', body: bodyOf(idTag, outlet, held.protocol) };
    });
  }

  /** Rejects with ACCOUNT_UNKNOWN, SESSION_UNKNOWN (also another's), SESSION_ENDED, IDEMPOTENCY_KEY_REUSED. */
  async stop(who: Who, sessionId: string): Promise<Placed> {
    const { clock, limits } = this.options;
    const requestId = requestIdOf(who.accountId, who.idempotencyKey);
    const digest = digestOf({ kind: 'stop', sessionId }, who.idempotencyKey);
    const before = await this.before(requestId, who, digest);
    if (before !== undefined) return before;

    const session = await this.ownSession(who.accountId, sessionId);
    if (session.status !== 'active')
      throw new WattstreamError('SESSION_ENDED', `Session ${sessionId} has ended already.`);
    const now = clock.now();
    const requested: ChargingRequested = {
      ...this.requestedOf(who, requestId, session.chargePointId, session.stationId, now, digest),
      kind: 'stop',
      evseId: null,
      connectorId: null,
      sessionId,
      idTokenHash: '',
      remoteStartId: null,
      deadline: new Date(now + limits.stopSeconds * 1_000).toISOString(),
    };
    return this.place(who, requested, async () => ({
      operation: 'remote-stop',
      body: { transactionId: session.transactionId },
    }));
  }

  /** Rejects with REQUEST_UNKNOWN, also for another's. */
  async find(accountId: string, requestId: string): Promise<ChargingRequest> {
    const { book, history } = this.options;
    const request = book.get(requestId) ?? (await history.request(requestId));
    if (request === undefined || request.requested.accountId !== accountId)
      throw new WattstreamError('REQUEST_UNKNOWN', `You have made no request ${requestId}.`, {
        remedy: 'One that was made a moment ago, at another process, may take a second to appear.',
      });
    return request;
  }

  /** A start came to nothing: its token goes. */
  async withdraw({ requested: { kind, accountId, requestId, actor } }: ChargingRequest): Promise<void> {
    if (kind !== 'start') return;
    await withdrawOneTime(this.options.store, { accountId, requestId, actor }).catch((error: unknown) =>
      this.options.logger.warn(
        { request: requestId, error: messageOf(error) },
        'the token of a start that failed could not be taken away; it ends by itself',
      ),
    );
  }

  private async place(
    who: Who,
    requested: ChargingRequested,
    prepare: () => Promise<Asked>,
  ): Promise<Placed> {
    const { book, herald, commands, clock, limits } = this.options;
    const { requestId, chargePointId, digest } = requested;
    await this.within(this.options.events.publishChargingEvent(requested), PATIENCE_MS);
    if (who.idempotencyKey !== undefined) {
      // Of several that came at once with this key, the first in the log goes on.
      const read = await book.until(requestId, () => true, PATIENCE_MS);
      if (read === undefined) return this.placed(requestId);
      if (read.requested.id !== requested.id) return this.again(read, digest);
    }
    herald.adopt(requestId);
    try {
      const asked = await prepare();
      const left = Math.floor((Date.parse(requested.deadline) - clock.now()) / 1_000);
      await commands.start({
        chargePointId,
        asked,
        actor: actorOf(who),
        commandId: requestId,
        timeoutSeconds: Math.max(1, Math.min(limits.commandSeconds, left)),
      });
    } catch (error) {
      await this.notSent(requested, error);
      throw error;
    }
    return this.placed(requestId);
  }

  /** It is on record and nothing was sent: said at once, instead of when its time is up. */
  private async notSent(requested: ChargingRequested, error: unknown): Promise<void> {
    const { chargePointId, accountId, stationId, requestId, kind } = requested;
    const failed: ChargingFailed = {
      id: `${requestId}:failed`,
      schema: 1,
      at: new Date(this.options.clock.now()).toISOString(),
      type: 'charging.failed',
      chargePointId,
      accountId,
      stationId,
      requestId,
      kind,
      code: 'NOT_SENT',
      detail: messageOf(error),
    };
    await this.within(this.options.events.publishChargingEvent(failed), PATIENCE_MS).catch(() => {});
    if (kind === 'start') await withdrawOneTime(this.options.store, requested).catch(() => {});
  }

  private requestedOf(
    who: Who,
    requestId: string,
    chargePointId: string,
    stationId: string,
    now: number,
    digest: string,
  ) {
    return {
      // One's own: of several processes with one key, the first in the log goes on.
      id: `${requestId}:requested:${randomBytes(6).toString('base64url')}`,
      schema: 1 as const,
      at: new Date(now).toISOString(),
      type: 'charging.requested' as const,
      chargePointId,
      accountId: who.accountId,
      stationId,
      requestId,
      digest,
      actor: actorOf(who),
    };
  }

  private async before(requestId: string, who: Who, digest: string): Promise<Placed | undefined> {
    if (who.idempotencyKey === undefined) return undefined;
    const { book, history } = this.options;
    // What is in the log and not yet read here cannot be told from what is not there.
    if (!book.level)
      throw new WattstreamError(
        'COMMANDS_STARTING',
        'This process is still reading what became of earlier requests.',
        { canRetry: true },
      );
    const known =
      book.get(requestId) ??
      (await history.request(requestId).catch((error: unknown) => {
        throw new WattstreamError(
          'IDEMPOTENCY_UNKNOWN',
          `It cannot be told now whether this Idempotency-Key was used before: ${messageOf(error)}`,
          { canRetry: true, cause: error },
        );
      }));
    return known === undefined ? undefined : this.again(known, digest);
  }

  private again(request: ChargingRequest, digest: string): Placed {
    const { requestId } = request.requested;
    if (request.requested.digest !== digest)
      throw new WattstreamError(
        'IDEMPOTENCY_KEY_REUSED',
        `This Idempotency-Key was used for another request: ${requestId}.`,
        { remedy: 'Make each new request with a new key; repeat a request unchanged.' },
      );
    return isOver(request)
      ? { requestId, recorded: async () => request, outcome: async () => request }
      : this.placed(requestId);
  }

  private placed(requestId: string): Placed {
    const { book, limits } = this.options;
    const recorded = (): Promise<ChargingRequest | undefined> =>
      book.until(requestId, () => true, PATIENCE_MS);
    return {
      requestId,
      recorded,
      outcome: async () => {
        const settled = (one: ChargingRequest): boolean => isOver(one) || one.state === 'accepted';
        const waitMs = limits.commandSeconds * 1_000 + PATIENCE_MS;
        return (await book.until(requestId, settled, waitMs)) ?? book.get(requestId);
      },
    };
  }

  private admit({ accountId }: Who, named: string | undefined): Token | undefined {
    const { store, clock } = this.options;
    const notReady = store.replica.ready();
    if (notReady !== undefined)
      throw new WattstreamError('REGISTRY_NOT_READY', `Nothing can be started yet: ${notReady}`, {
        canRetry: true,
      });
    const account = store.replica.get('account', accountId)?.state;
    if (account === undefined)
      throw new WattstreamError('ACCOUNT_UNKNOWN', `There is no account ${accountId}.`);
    if (account.disabled) throw new WattstreamError('ACCOUNT_DISABLED', 'Your account is disabled.');
    const isGood = ({ uid }: Token): boolean => this.tokens.tokenAt(uid, clock.now())?.status === 'Accepted';
    if (named === undefined) {
      const own = tokensOf(store.replica, accountId).filter((token) => !isOneTime(token));
      if (own.length > 0 && !own.some(isGood)) throw blocked('None of your tokens is accepted any more.');
      return undefined;
    }
    const token = store.replica.get('token', tokenIdOf(named))?.state;
    if (token === undefined || token.account !== accountId)
      throw new WattstreamError('TOKEN_UNKNOWN', `You have no token ${named}.`);
    if (!isGood(token)) throw blocked(`Token ${named} is not accepted any more.`);
    return token;
  }

  /** A charger at somebody's home is there for nobody else: whoever charges there, its owner pays. */
  private pointOf({ accountId }: Who, asked: StartAsked): Point {
    const { replica } = this.options.store;
    const isOpen = ({ account }: Point): boolean => account === undefined || account === accountId;
    if (asked.chargePointId !== undefined) {
      const point = replica.get('point', asked.chargePointId)?.state;
      const isThere = asked.stationId === undefined || point?.station === asked.stationId;
      if (point !== undefined && isOpen(point) && isThere) return point;
      throw new WattstreamError('CHARGER_UNKNOWN', `There is no charger ${asked.chargePointId} for you.`);
    }
    const { stationId = '' } = asked;
    const points = [...(replica.state.referrers.get(refOf('station', stationId)) ?? [])].flatMap((ref) => {
      const { kind, id } = parseRef(ref);
      const point = kind === 'point' ? replica.get('point', id)?.state : undefined;
      return point !== undefined && isOpen(point) && wantedOutlets(outletsOf(point), asked).length > 0
        ? [point]
        : [];
    });
    const [only] = points;
    if (only === undefined)
      throw new WattstreamError('CHARGER_UNKNOWN', `There is no such outlet at station ${stationId}.`);
    if (points.length > 1)
      throw new WattstreamError(
        'CHARGER_AMBIGUOUS',
        `Station ${stationId} has several that may be meant: ${points.map(({ id }) => id).join(', ')}.`,
        { remedy: 'Say which by chargePointId, or by the EVSE id that is printed on it.' },
      );
    return only;
  }

  private async outletOf(
    point: Point,
    wanted: Wanted,
    protocol: Protocol,
    requestId: string,
  ): Promise<Outlet> {
    const { book, history, logger } = this.options;
    const outlets = outletsOf(point);
    // Without tables the charger itself judges: it refuses what is taken.
    const tables = await history.outlets(point.id).catch((error: unknown) => {
      logger.warn({ chargePoint: point.id, error: messageOf(error) }, 'the tables cannot say what is free');
      return { statuses: [], sessions: [] };
    });
    const asked = book
      .openFor(point.id)
      // Its own, when it came to two processes at once, is no other's.
      .filter(({ requested }) => requested.kind === 'start' && requested.requestId !== requestId)
      .map(({ requested }) => takenBy(requested, outlets, protocol));
    const choice = chooseOutlet(outlets, wanted, protocol, {
      statuses: [...tables.statuses, ...book.statusesOf(point.id)],
      sessions: [...tables.sessions, ...asked],
    });
    if ('outlet' in choice) return choice.outlet;
    throw new WattstreamError(choice.refused, `${point.id}: ${choice.detail}`);
  }

  private async ownSession(accountId: string, sessionId: string): Promise<OwnSession> {
    const { book, history } = this.options;
    const known = book.session(sessionId)?.session;
    const session = known ?? (await history.session(accountId, sessionId));
    if (session === undefined || (known !== undefined && known.accountId !== accountId))
      throw new WattstreamError('SESSION_UNKNOWN', `You have no session ${sessionId}.`);
    return session;
  }

  /** Rejects with BROKER_UNREACHABLE when it takes longer; what was promised may still happen. */
  private async within(promise: Promise<unknown>, ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    promise.catch(() => {});
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new WattstreamError('BROKER_UNREACHABLE', 'RabbitMQ has not confirmed the request in time.', {
              canRetry: true,
              remedy: 'Nothing was sent to the charger.',
            }),
          ),
        ms,
      );
    });
    try {
      await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** In the record of commands; keys of one account mean the same whichever of its tokens they come with. */
const actorOf = ({ accountId }: Who): string => `account:${accountId}`;

const blocked = (message: string): WattstreamError =>
  new WattstreamError('TOKEN_BLOCKED', message, { remedy: 'Ask your operator.' });

/** A start that waits for its car, as if it were a session already. */
function takenBy(requested: ChargingRequested, outlets: readonly Outlet[], protocol: Protocol): Taken {
  const { evseId, connectorId } = requested;
  if (protocol !== 'ocpp1.6') return { evseId, connectorId };
  const outlet = outlets.find((one) => one.evseId === evseId && one.connectorId === connectorId);
  return { evseId: null, connectorId: outlet?.number16 ?? null };
}

const bodyOf = (idTag: string, { evseId, number16 }: Outlet, protocol: Protocol): Record<string, unknown> =>
  protocol === 'ocpp1.6' ? { idTag, connectorId: number16 } : { idTag, evseId };
