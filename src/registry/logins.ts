/**
 * Logins in the memory of this process, out of a log that forgets (`cms.logins.log`), and changing them: as in the registry
 * a change is a proposal, and is answered when it has come back through the log and was judged at its place there.
 *
 * 1. The event is published (a crash before: nothing happened).
 * 2. It comes back and is judged; the caller is told (a crash before: it applies and nobody was told. A login nobody has the
 *    tokens of, which passes; or a turn whose owner comes again with the token before, for which there is a leeway).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { evolveLogins, forget, type LoginVerdict } from '../domain/logins/evolve.js';
import { emptyLogins, type Login, type LoginsState } from '../domain/logins/state.js';
import { type LoginEvent, loginEvent } from '../domain/messages/login-events.js';
import { WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import type { EventPublisher } from '../queues/ports.js';
import { Judgements } from './judgements.js';
import { type LogModel, LogReplica, type LogReplicaOptions } from './replica.js';

/** Compiled: up to a million events are judged at every start. */
const SHAPE = z.compile(loginEvent);

const LOGINS: LogModel<LoginsState, LoginEvent, LoginVerdict> = {
  name: 'the log of logins',
  codes: { unreadable: 'LOGINS_UNREADABLE', eventUnreadable: 'LOGIN_EVENT_UNREADABLE' },
  empty: emptyLogins,
  eventOf({ body }) {
    try {
      return SHAPE.safeParse(JSON.parse(body)).data;
    } catch {
      return undefined;
    }
  },
  evolve: evolveLogins,
};

export class LoginReplica extends LogReplica<LoginsState, LoginEvent, LoginVerdict> {
  constructor(
    options: Omit<LogReplicaOptions<LoginsState>, 'newestSnapshot'> & { ready?(): Promise<unknown> },
  ) {
    const { ready, ...rest } = options;
    super(LOGINS, {
      ...rest,
      async newestSnapshot() {
        await ready?.();
        return undefined;
      },
    });
  }

  /** One that has passed is there for a while yet: who asks looks at the clock. */
  get(id: string): Login | undefined {
    return this.state.logins.get(id);
  }
}

export interface LoginStoreOptions {
  readonly replica: LoginReplica;
  readonly publisher: Pick<EventPublisher, 'publishLoginEvent'>;
  /** Longest wait for a judgement (WATTSTREAM_REGISTRY_WRITE_MS). */
  readonly writeMs: number;
  readonly now: () => number;
}

/** All reject with REGISTRY_UNANSWERED: it may have applied. */
export class LoginStore {
  readonly replica: LoginReplica;
  private readonly judgements: Judgements<LoginEvent, LoginVerdict>;

  constructor(private readonly options: LoginStoreOptions) {
    const { replica, publisher, writeMs } = options;
    this.replica = replica;
    this.judgements = new Judgements({
      replica,
      publish: (event) => publisher.publishLoginEvent(event),
      writeMs,
      remedy: 'Try again, and log in anew if it is refused. See whether RabbitMQ runs.',
    });
  }

  /** `lifeMs`: of the login, however often it is refreshed. */
  async begin({
    accountId,
    lifeMs,
    credential,
  }: {
    readonly accountId: string;
    readonly lifeMs: number;
    readonly credential: string;
  }): Promise<Login> {
    const now = this.options.now();
    const { verdict } = await this.judgements.of({
      ...this.head(now),
      type: 'login.begun',
      loginId: randomBytes(9).toString('base64url'),
      accountId,
      endsAt: new Date(now + lifeMs).toISOString(),
      credential,
    });
    if (verdict.verdict === 'applied') return verdict.login;
    throw new WattstreamError('LOGIN_ID_TAKEN', 'The id of a new login was another one’s.', {
      canRetry: true,
    });
  }

  /**
   * The login one turn further; undefined: another was first, or it is over. `presented`: turn of the refresh token that
   * somebody came with.
   */
  async turn({ id: loginId, accountId, version }: Login, presented = version): Promise<Login | undefined> {
    const { verdict } = await this.judgements.of({
      ...this.head(this.options.now()),
      type: 'login.turned',
      loginId,
      accountId,
      version: version + 1,
      ...(presented === version ? {} : { presented }),
    });
    return verdict.verdict === 'applied' ? verdict.login : undefined;
  }

  /** Whether it was this that ended it. It need not be known here. */
  async end({ id: loginId, accountId }: Pick<Login, 'id' | 'accountId'>): Promise<boolean> {
    const { verdict } = await this.judgements.of({
      ...this.head(this.options.now()),
      type: 'login.ended',
      loginId,
      accountId,
    });
    return verdict.verdict === 'applied';
  }

  private head(now: number): { id: string; schema: 1; at: string } {
    return { id: randomUUID(), schema: 1, at: new Date(now).toISOString() };
  }
}

export interface ForgettingOptions {
  readonly replica: LoginReplica;
  readonly log: { bounds(): Promise<{ readonly first: number | undefined }> };
  readonly everyMs: number;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Now and then forgets what can decide about nothing any more. Returns how to stop. */
export function forgetNowAndThen({ replica, log, everyMs, now, logger }: ForgettingOptions): () => void {
  const timer = setInterval(async () => {
    try {
      if (replica.ready() !== undefined) return;
      // The beginning of the log is asked for first: what begins meanwhile lies behind it.
      const { first = 0 } = await log.bounds();
      forget(replica.state, { now: now(), first });
    } catch (error) {
      logger.debug({ error: String(error) }, 'what can be forgotten is not known');
    }
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
