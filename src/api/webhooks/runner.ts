/**
 * From the durable queue of notifications to each subscription's own, and from there to the receivers.
 *
 *   notifications --fan out--> webhooks.<id> --lanes--> POST
 *
 * 1. One process at a time takes from `notifications` (single active consumer), in order. A notification is acknowledged
 *    when every subscription that wants it has it in its own queue, confirmed. A crash in between: some get it twice.
 * 2. One process at a time takes from a subscription's queue. A message is acknowledged when it was delivered, or lies
 *    among the dead letters. A crash in between: it is delivered once more (receivers go by `webhook-id`).
 * A receiver that is dead costs others nothing but its own queue.
 */
import { type Notification, notification as notificationShape } from '../../domain/messages/notifications.js';
import type { Webhook } from '../../domain/registry/webhook.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { Consumer, Delivery, Outcome, WebhookQueues } from '../../queues/ports.js';
import { presentable } from '../live/presentable.js';
import type { DeliveryRecord } from './deliveries.js';
import { Lanes, type LanesOptions } from './lanes.js';
import { laneOf, wants } from './patterns.js';
import type { Post, Posted } from './post.js';
import { inForce, type SecretKeeper } from './secret.js';

export interface Subscriptions {
  /** All there are, by id. */
  all(): ReadonlyMap<string, Webhook>;
  /** Called after any of them may have changed. Returns how to stop listening. */
  onChange(listener: () => void): () => void;
  /** Until somebody enables it again. */
  disable(id: string, reason: string): Promise<void>;
  /** Resolves when `all` is what the registry says. */
  readonly level: Promise<void>;
}

export interface RunnerOptions {
  readonly subscriptions: Subscriptions;
  readonly queues: WebhookQueues;
  readonly post: Post;
  readonly keeper: SecretKeeper;
  readonly lanes: LanesOptions;
  readonly log: Logger;
}

/** Messages of one subscription held here; a lane that fails for long fills it with what is behind it. */
const HELD = 1_000;
const FANNED = 500;
const REMEMBERED = 5_000;

export interface Runner {
  close(): Promise<void>;
}

export function startRunner(options: RunnerOptions): Runner {
  const { subscriptions, queues, log } = options;
  const running = new Map<string, { consumer: Consumer; lanes: Lanes }>();
  let fan: Consumer | undefined;
  let closed = false;
  let levelling: Promise<void> = Promise.resolve();

  /** Queues and consumers as subscriptions are; one change after the other. */
  const level = (): void => {
    levelling = levelling.then(async () => {
      if (closed) return;
      const all = subscriptions.all();
      for (const [id, { consumer, lanes }] of running) {
        if (all.get(id)?.enabled) continue;
        running.delete(id);
        lanes.close();
        await consumer.close(0);
      }
      for (const [id, { enabled }] of all) {
        if (!enabled || running.has(id)) continue;
        await queues.ensure(id);
        const lanes = new Lanes(options.lanes);
        const seen = new Delivered();
        const handle = (delivery: Delivery) => deliver(options, id, lanes, seen, delivery);
        const consumer = queues.work(id).consume({ prefetch: HELD, attempts: 1, handle });
        running.set(id, { consumer, lanes });
      }
    });
    levelling = levelling.catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'queues of webhooks are not as they should be; tried again');
      setTimeout(level, 1_000).unref();
    });
  };
  const unlisten = subscriptions.onChange(level);
  void subscriptions.level.then(() => {
    if (closed) return;
    level();
    // Before the subscriptions are known there is nobody to hand anything to, and it would be gone.
    void levelling.then(() => {
      if (closed) return;
      fan = queues.incoming().consume({
        prefetch: FANNED,
        attempts: 1,
        handle: (delivery) => fanOut(options, delivery),
      });
    });
  });

  return {
    async close() {
      closed = true;
      unlisten();
      // Not waited for: the next consumer must begin where this one was, not behind it.
      await fan?.close(0);
      await levelling;
      for (const { consumer, lanes } of running.values()) {
        lanes.close();
        await consumer.close(0);
      }
    },
  };
}

/** Starts all its publishing in the turn in which it is called, so that the order of calls is that of the queues. */
async function fanOut({ subscriptions, queues }: RunnerOptions, { body }: Delivery): Promise<Outcome> {
  const parsed = notificationShape.safeParse(body);
  if (!parsed.success) return { outcome: 'dead-letter', reason: `no notification: ${parsed.error.message}` };
  const wanting = [...subscriptions.all()].filter(([, webhook]) => wants(webhook, parsed.data));
  if (wanting.length > 0) {
    const shown = presentable(parsed.data);
    await Promise.all(wanting.map(([id]) => queues.hand(id, shown)));
  }
  return { outcome: 'ack' };
}

async function deliver(
  options: RunnerOptions,
  id: string,
  lanes: Lanes,
  seen: Delivered,
  { body, publishedAt }: Delivery,
): Promise<Outcome> {
  const told = body as Notification;
  const ended = await lanes.push({
    lane: laneOf(told),
    accepted: publishedAt,
    async attempt(attempt) {
      // The process that fanned out died in between: the same notification is there twice.
      if (seen.has(told.id)) return { outcome: 'delivered', status: null, detail: 'repeated', elapsedMs: 0 };
      const posted = await attemptOf(options, id, told);
      if (posted.outcome === 'delivered') seen.add(told.id);
      options.queues.record(recordOf(id, told, attempt, posted, options.lanes.now()));
      return posted;
    },
  });
  switch (ended.ended) {
    case 'delivered':
      return { outcome: 'ack' };
    case 'gone':
      await options.subscriptions
        .disable(id, 'its receiver answers 410 Gone')
        .catch((error: unknown) =>
          options.log.warn({ webhook: id, error: messageOf(error) }, 'a webhook could not be disabled'),
        );
      return { outcome: 'dead-letter', reason: 'the receiver answers 410 Gone: the webhook is disabled' };
    case 'given-up':
      return { outcome: 'dead-letter', reason: ended.reason };
    case 'closed':
      // It stays in the queue: whoever consumes it next has it.
      return new Promise(() => {});
  }
}

/** Never rejects: what cannot be signed or sent is a failed attempt. */
export async function attemptOf(
  { subscriptions, keeper, post, lanes }: Pick<RunnerOptions, 'subscriptions' | 'keeper' | 'post' | 'lanes'>,
  id: string,
  told: Notification,
): Promise<Posted> {
  const webhook = subscriptions.all().get(id);
  if (webhook === undefined)
    return { outcome: 'failed', status: null, detail: 'it was deleted', elapsedMs: 0 };
  try {
    const secrets = inForce(keeper.open(id, webhook.secret), lanes.now());
    return await post({ id: told.id, url: webhook.url, body: JSON.stringify(told), secrets });
  } catch (error) {
    return { outcome: 'failed', status: null, detail: messageOf(error), elapsedMs: 0 };
  }
}

export const recordOf = (
  webhookId: string,
  { id, type }: Notification,
  attempt: number,
  { outcome, status, detail, elapsedMs }: Posted,
  now: number,
): DeliveryRecord => ({
  webhookId,
  notificationId: id,
  type,
  attempt,
  at: new Date(now).toISOString(),
  outcome,
  status,
  detail,
  elapsedMs,
});

/** Ids delivered lately. */
class Delivered {
  private readonly ids = new Set<string>();
  has(id: string): boolean {
    return this.ids.has(id);
  }
  add(id: string): void {
    this.ids.add(id);
    if (this.ids.size > REMEMBERED) this.ids.delete(this.ids.values().next().value as string);
  }
}
