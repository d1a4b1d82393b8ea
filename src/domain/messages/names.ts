/** What exchanges, queues and event streams are called. All names begin with `prefix` (WATTSTREAM_PREFIX). */

export interface MessageNames {
  readonly exchanges: {
    /** Direct, by charge point id. */
    readonly commands: string;
    /** Topic, by type. */
    readonly chargingEvents: string;
    readonly cmsEvents: string;
    readonly logins: string;
    /** Topic, by audience and type (`routingKeys`). */
    readonly notifications: string;
    readonly deadLetters: string;
  };
  readonly streams: {
    /** All that was published to the exchange of the same name. */
    readonly chargingEvents: string;
    readonly cmsEvents: string;
    readonly logins: string;
    /** Published to by its name, over the default exchange. */
    readonly cmsSnapshots: string;
    /** What became of attempts to deliver to webhooks. */
    readonly webhookAttempts: string;
  };
  readonly queues: {
    readonly notifications: string;
    /** Commands that wait for their charger to come back. */
    readonly keptCommands: string;
    /** Reasons to look whether a charger's local list is up to date. */
    readonly localLists: string;
    readonly deadLetters: string;
  };
  /** Where commands for the chargers of one gateway arrive; it vanishes with the gateway. */
  gatewayCommands(gateway: string): string;
  /** What one subscription is still to be told. */
  webhook(id: string): string;
  /** Where a message waits before it goes back to the working queue. */
  retry(queue: string, delay: RetryDelay): string;
}

/** How long a message waits after its first, second, and every further failure. */
export const RETRY_DELAYS = ['1s', '10s', '1m'] as const;
export type RetryDelay = (typeof RETRY_DELAYS)[number];
export const RETRY_MS: Readonly<Record<RetryDelay, number>> = { '1s': 1_000, '10s': 10_000, '1m': 60_000 };

export function messageNames(prefix: string): MessageNames {
  return {
    exchanges: {
      commands: `${prefix}charging.commands`,
      chargingEvents: `${prefix}charging.events`,
      cmsEvents: `${prefix}cms.events`,
      logins: `${prefix}cms.logins`,
      notifications: `${prefix}notifications`,
      deadLetters: `${prefix}dead-letters`,
    },
    streams: {
      chargingEvents: `${prefix}charging.events.log`,
      cmsEvents: `${prefix}cms.events.log`,
      logins: `${prefix}cms.logins.log`,
      cmsSnapshots: `${prefix}cms.snapshots`,
      webhookAttempts: `${prefix}webhooks.attempts`,
    },
    queues: {
      notifications: `${prefix}notifications`,
      keptCommands: `${prefix}commands.kept`,
      localLists: `${prefix}local-lists`,
      deadLetters: `${prefix}dead-letters`,
    },
    gatewayCommands: (gateway) => `${prefix}gateway.${gateway}.commands`,
    webhook: (id) => `${prefix}webhooks.${id}`,
    retry: (queue, delay) => `${queue}.retry.${delay}`,
  };
}
