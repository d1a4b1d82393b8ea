/** Webhooks, put together out of their parts and the settings. */
import type { Settings } from '../../platform/config.js';
import type { Logger } from '../../platform/logger.js';
import type { WebhookQueues } from '../../queues/ports.js';
import type { RegistryStore } from '../../registry/store.js';
import type { EventLog } from '../../streams/ports.js';
import type { WebhookRoutesOptions } from '../routes/webhooks.js';
import { RecentDeliveries } from './deliveries.js';
import { createPost } from './post.js';
import { attemptOf, recordOf, startRunner } from './runner.js';
import { secretKeeper } from './secret.js';
import { subscriptionsOf } from './subscriptions.js';

export interface WebhooksOptions {
  readonly settings: Pick<
    Settings,
    | 'WATTSTREAM_WEBHOOK_ALLOW_HTTP'
    | 'WATTSTREAM_WEBHOOK_ALLOW_ADDRESSES'
    | 'WATTSTREAM_WEBHOOK_TIMEOUT_MS'
    | 'WATTSTREAM_WEBHOOK_RETRY_SECONDS'
    | 'WATTSTREAM_WEBHOOK_FIRST_RETRY_MS'
    | 'WATTSTREAM_WEBHOOK_CONCURRENCY'
    | 'WATTSTREAM_WEBHOOK_ROTATION_SECONDS'
    | 'WATTSTREAM_WEBHOOKS_MAX'
    | 'WATTSTREAM_SECRETS_KEY'
  >;
  readonly store: RegistryStore;
  readonly queues: WebhookQueues;
  /** The stream of attempts. */
  readonly attempts: EventLog;
  readonly log: Logger;
  readonly now?: () => number;
}

const LONGEST_PAUSE_MS = 3_600_000;
const RECENT_MS = 24 * 3_600_000;

export interface Webhooks {
  readonly routes: WebhookRoutesOptions;
  close(): Promise<void>;
}

/** Takes part at once: as soon as the registry is known and the broker is there. */
export function createWebhooks({
  settings,
  store,
  queues,
  attempts,
  now = Date.now,
  ...rest
}: WebhooksOptions): Webhooks {
  const log = rest.log.child({ part: 'webhooks' });
  const allowHttp = settings.WATTSTREAM_WEBHOOK_ALLOW_HTTP;
  const keeper = secretKeeper(settings.WATTSTREAM_SECRETS_KEY);
  const runner = {
    subscriptions: subscriptionsOf(store, log),
    queues,
    keeper,
    log,
    post: createPost({
      allowHttp,
      allowAddresses: settings.WATTSTREAM_WEBHOOK_ALLOW_ADDRESSES,
      timeoutMs: settings.WATTSTREAM_WEBHOOK_TIMEOUT_MS,
      now,
    }),
    lanes: {
      concurrency: settings.WATTSTREAM_WEBHOOK_CONCURRENCY,
      retry: {
        firstMs: settings.WATTSTREAM_WEBHOOK_FIRST_RETRY_MS,
        maxMs: LONGEST_PAUSE_MS,
        giveUpMs: settings.WATTSTREAM_WEBHOOK_RETRY_SECONDS * 1_000,
      },
      now,
      random: Math.random,
    },
  };
  const running = startRunner(runner);
  const recent = new RecentDeliveries(attempts, now() - RECENT_MS);
  return {
    routes: {
      store,
      keeper,
      allowHttp,
      max: settings.WATTSTREAM_WEBHOOKS_MAX,
      rotationMs: settings.WATTSTREAM_WEBHOOK_ROTATION_SECONDS * 1_000,
      now,
      recent: (id) => recent.of(id),
      async tryOut(id, notification) {
        const posted = await attemptOf(runner, id, notification);
        queues.record(recordOf(id, notification, 1, posted, now()));
        return posted;
      },
      removed: (id) => queues.remove(id),
    },
    async close() {
      await running.close();
      await recent.close();
      await queues.close();
    },
  };
}
