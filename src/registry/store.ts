/**
 * Changing the registry. A change is a proposal in the log, and this process answers for it when it has judged it at its
 * place there: whoever was told that it applied finds it in every process, sooner or later, and here at once.
 *
 * 0. What names a person is sealed (`keys/personal-data.ts`); under another key book than the current one it is void, and
 *    is sealed again.
 * 1. What this process knows to be void is not published; what may only look so because it lags behind is judged again
 *    when it has caught up.
 * 2. The event is published and comes back through the log (a crash before: nothing happened, or it applies and
 *    nobody was told).
 * 3. It is judged. Applied: it is announced, and the caller is told (a crash before: it applied, nobody was told;
 *    whoever tries again with the version they had gets CONFLICT and sees it).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { CmsEvent, EntityKind } from '../domain/messages/cms-events.js';
import { type Complaint, EVENT_RULES, judge, type Verdict } from '../domain/registry/evolve.js';
import { KINDS, type Kind, type StateOf, withoutSecrets } from '../domain/registry/kinds.js';
import { withoutPersonal } from '../domain/registry/personal.js';
import {
  type Change,
  type Entity,
  type Live,
  lastState,
  lookUp,
  type RegistryState,
} from '../domain/registry/state.js';
import { messageOf, WattstreamError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import { backoffMs, withTimeout } from '../platform/retry.js';
import type { EventPublisher } from '../queues/ports.js';
import { Judgements } from './judgements.js';
import { KeyKeeper } from './keys/key-keeper.js';
import { type FieldComplaint, PersonalData } from './keys/personal-data.js';
import type { KeyBooks } from './keys/ports.js';
import type { Replica } from './replica.js';

export interface Proposal<K extends EntityKind = EntityKind> {
  readonly kind: K;
  readonly id: string;
  readonly change: Change;
  /** The whole new state; null for a deletion. */
  readonly state: StateOf[K] | null;
  /** The version that is to be changed. Default: the one this process has. */
  readonly version?: number;
  readonly actor: string;
  /** It is nobody's news: no notification. */
  readonly quiet?: boolean;
}

export interface StoreOptions {
  readonly replica: Replica;
  readonly publisher: Pick<EventPublisher, 'publishCMSEvent' | 'publishNotification'>;
  /** Longest wait for a judgement (WATTSTREAM_REGISTRY_WRITE_MS). */
  readonly writeMs: number;
  readonly now: () => number;
  readonly logger: Logger;
  /** Where keys of personal data are kept. Absent: nothing personal can be written, and nothing sealed be read. */
  readonly keyBooks?: KeyBooks | undefined;
}

/** Times that a change is sealed anew because the key book was rewritten meanwhile. */
const SEALINGS = 10;

export class RegistryStore {
  private readonly judgements: Judgements<CmsEvent, Verdict>;
  /** In the clear, for who may see it. */
  readonly people: PersonalData;
  /** Absent where there are no key books. */
  readonly keys: KeyKeeper | undefined;

  constructor(private readonly options: StoreOptions) {
    const { keyBooks: books, replica, publisher, writeMs, logger } = options;
    this.judgements = new Judgements({
      replica,
      publish: (event) => publisher.publishCMSEvent(event),
      writeMs,
      remedy: 'Read the entity again: its version says whether it applied. See whether RabbitMQ runs.',
    });
    this.people = new PersonalData({ books, replica, logger, begin: async () => this.keys?.begin() });
    const { ring } = this.people;
    if (books !== undefined && ring !== undefined)
      this.keys = new KeyKeeper({ books, ring, replica, logger, propose: (one) => this.propose(one) });
  }

  get replica(): Replica {
    return this.options.replica;
  }

  /**
   * Resolves with the entity as it then is. Rejects with CONFLICT (another version came first), LAST_ADMIN, REGISTRY_RULE (the rule
   * is named in the message, the fields in the cause), REGISTRY_NOT_READY, REGISTRY_UNANSWERED (it may apply or not); where
   * it names a person also with ACCOUNT_ERASED, KEY_BOOK_LOST, or because no key can be kept now. Personal fields are given
   * in the clear, or as they stood; of the answer `people` makes them readable.
   */
  async propose<K extends EntityKind>(proposal: Proposal<K>): Promise<Entity<K>> {
    const { replica } = this.options;
    const notReady = replica.ready();
    if (notReady !== undefined)
      throw new WattstreamError('REGISTRY_NOT_READY', `Nothing can be changed yet: ${notReady}`, {
        canRetry: true,
      });
    for (let round = 1; ; round++)
      try {
        return await this.proposeSealed(proposal);
      } catch (error) {
        const isRewritten =
          error instanceof WattstreamError && ['KEY_BOOK_CHANGED', 'KEY_BOOK_MISSING'].includes(error.code);
        if (!isRewritten || round === SEALINGS) throw error;
        await this.judgements.withinTime(replica.caughtUp(), 'Reading which key book is current');
      }
  }

  /** One that is there, personal data in the clear. Rejects while key books cannot be read. */
  async get<K extends EntityKind>(kind: K, id: string): Promise<Live<K> | undefined> {
    const found = this.replica.get(kind, id);
    return found === undefined ? undefined : (await this.seen([found]))[0];
  }

  /** The same entities, personal data in the clear. Rejects while key books cannot be read. */
  async seen<K extends EntityKind>(entities: readonly Live<K>[]): Promise<Live<K>[]> {
    const [one] = entities;
    if (one !== undefined)
      await this.people.prepared(
        one.kind,
        entities.map(({ state }) => state),
      );
    return entities.map((entity) => this.people.opening(entity));
  }

  private async proposeSealed<K extends EntityKind>(proposal: Proposal<K>): Promise<Entity<K>> {
    const { replica, now } = this.options;
    const event = eventOf(await this.sealed(proposal), replica.state, now());
    const before = lookUp(replica.state, event.kind, event.entityId);
    await this.refuseWhatIsVoid(event);
    const { verdict } = await this.judgements.of(event);
    if (verdict.verdict === 'void') throw refusal(event, verdict);
    if (!(KINDS[event.kind] as Kind<EntityKind>).untold && !proposal.quiet)
      await this.announce(event, before);
    return verdict.entity as unknown as Entity<K>;
  }

  private async sealed<K extends EntityKind>(proposal: Proposal<K>): Promise<Proposal<K>> {
    const { kind, id, state } = proposal;
    if (state === null) return proposal;
    const errors = this.people.complaints(kind, id, state);
    if (errors.length > 0) throw wrongPerson(kind, id, errors);
    const current = lookUp(this.replica.state, kind, id)?.state as StateOf[K] | null | undefined;
    const { writeMs } = this.options;
    const until = performance.now() + writeMs;
    for (let attempt = 0; ; attempt++)
      try {
        return { ...proposal, state: await this.people.sealed(kind, state, current) };
      } catch (error) {
        // With the broker away it waits, as the change itself does. Nothing was done so far.
        const mayPass = error instanceof WattstreamError && error.canRetry && performance.now() < until;
        if (!mayPass) throw error;
        await sleep(backoffMs(attempt, { firstMs: 50, maxMs: 1_000 }));
      }
  }

  private async refuseWhatIsVoid(event: CmsEvent): Promise<void> {
    const { replica } = this.options;
    const first = judge(replica.state, event);
    if (first === undefined) return;
    // Its shape and a version that has passed are so for ever; the rest may be on its way here.
    const passed = event.version <= (lookUp(replica.state, event.kind, event.entityId)?.version ?? 0);
    if (first.reason !== 'SHAPE' && !passed) {
      await this.judgements.withinTime(replica.caughtUp(), 'Reading what others have written');
      const second = judge(replica.state, event);
      if (second === undefined) return;
      throw refusal(event, second);
    }
    throw refusal(event, first);
  }

  /** What is told is told before the writer is answered; when it cannot be told, the change stands all the same. */
  private async announce(event: CmsEvent, before: Entity | undefined): Promise<void> {
    const { publisher, replica, writeMs, logger } = this.options;
    const shown = event.state === null ? event : { ...event, state: told(event.kind, event.state) };
    const announced = publisher.publishNotification({
      id: `told-${event.id}`,
      schema: 1,
      at: event.at,
      type: event.type,
      audience: audienceOf(event, replica, before),
      event: shown,
    });
    await withTimeout(announced, writeMs, 'Its notification').catch((error: unknown) =>
      logger.warn(
        { code: 'CMS_NOTIFICATION_LOST', event: event.id, type: event.type, error: messageOf(error) },
        'a change of the registry applied and could not be announced',
      ),
    );
  }
}

/** The change as it is published. Without a version it is of the one that `state` has. */
export function eventOf(
  { kind, id, change, state, version, actor }: Proposal,
  known: RegistryState,
  now: number,
): CmsEvent {
  return {
    id: randomUUID(),
    schema: 1,
    at: new Date(now).toISOString(),
    type: `cms.${kind}.${change}`,
    kind,
    entityId: id,
    version: (version ?? lookUp(known, kind, id)?.version ?? 0) + 1,
    actor,
    rules: EVENT_RULES,
    state: state as Record<string, unknown> | null,
  };
}

/**
 * Who is told of a change, besides operators of all stations: those of the station that it is of, or was of before it was
 * deleted. Nobody hears as a customer: accounts, tokens and prices are the house's business until they are asked for.
 */
export function audienceOf(
  { kind, entityId, state }: CmsEvent,
  replica: Pick<Replica, 'state'>,
  before?: Entity | undefined,
): { stationId: string | null; accountId: null } {
  const whole = (state ?? before?.state ?? lastState(lookUp(replica.state, kind, entityId))) as
    | { station?: string; point?: string }
    | undefined;
  const stationId = (): string | null => {
    switch (kind) {
      case 'station':
        return entityId;
      case 'point':
        return whole?.station ?? null;
      case 'outage':
        return lastState(lookUp(replica.state, 'point', whole?.point ?? ''))?.station ?? null;
      default:
        return null;
    }
  };
  return { stationId: stationId(), accountId: null };
}

/** Notifications go to webhooks, and stay where they are sent: no secret, and nothing that names a person. */
const told = (kind: EntityKind, state: object): Record<string, unknown> =>
  withoutPersonal(kind, withoutSecrets(kind, state));

/** As the log's own rules would say it, could they see it. */
export const wrongPerson = (
  kind: EntityKind,
  id: string,
  errors: readonly FieldComplaint[],
): WattstreamError =>
  new WattstreamError(
    'REGISTRY_RULE',
    `${kind} ${id} cannot be so: ${errors[0]?.field} ${errors[0]?.message}`,
    {
      cause: fieldErrors(errors),
    },
  );

export function refusal(event: CmsEvent, { reason, detail, errors }: Complaint): WattstreamError {
  const what = `${event.kind} ${event.entityId}`;
  if (reason === 'VERSION' || reason === 'DUPLICATE')
    return new WattstreamError('CONFLICT', `Somebody else changed ${what} first. ${detail}`, {
      remedy: 'Read it again, and decide whether your change still makes sense.',
    });
  if (reason === 'LAST_ADMIN')
    return new WattstreamError('LAST_ADMIN', `${what} stays as it is. ${detail}`, {
      remedy:
        'Make another admin first: an account with the role admin, an e-mail address and a password. A lost password: wattstream admin reset-password.',
    });
  if (reason === 'KEY_BOOK')
    return new WattstreamError('KEY_BOOK_CHANGED', `${what}: ${detail}`, { canRetry: true });
  return new WattstreamError(
    'REGISTRY_RULE',
    `${reason}: ${what} cannot be ${event.type.split('.')[2]}. ${detail}`,
    {
      ...(errors.length === 0 ? {} : { cause: fieldErrors(errors) }),
    },
  );
}

/** As the rest of the program carries wrong fields. */
export const fieldErrors = (errors: readonly { field: string; message: string }[]): z.ZodError =>
  new z.ZodError(
    errors.map(({ field, message }) => ({
      code: 'custom',
      path: field.split('.'),
      message,
      input: undefined,
    })),
  );
