/** Subscriptions as the registry has them. */
import { isLive, mapOf } from '../../domain/registry/state.js';
import type { Webhook } from '../../domain/registry/webhook.js';
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { RegistryStore } from '../../registry/store.js';
import type { Subscriptions } from './runner.js';

export function subscriptionsOf(store: RegistryStore, log: Logger): Subscriptions {
  const { replica } = store;
  // Asked for at every notification, changed now and then.
  let all: ReadonlyMap<string, Webhook> | undefined;
  replica.onJudged(({ event }) => {
    if (event.kind === 'webhook') all = undefined;
  });
  return {
    level: replica.level,
    all() {
      if (replica.ready() !== undefined) all = undefined;
      all ??= new Map(
        [...mapOf(replica.state, 'webhook')].flatMap(([id, entity]) =>
          isLive(entity) ? [[id, entity.state] as const] : [],
        ),
      );
      return all;
    },
    onChange: (listener) =>
      replica.onJudged(({ event }) => {
        if (event.kind === 'webhook') listener();
      }),
    async disable(id, reason) {
      const found = replica.get('webhook', id);
      if (found === undefined || !found.state.enabled) return;
      log.warn({ webhook: id, reason }, 'a webhook is disabled');
      await store
        .propose({
          kind: 'webhook',
          id,
          change: 'updated',
          state: { ...found.state, enabled: false },
          version: found.version,
          actor: 'wattstream',
        })
        .catch((error: unknown) => {
          // Several messages may find out at once; whoever changed it otherwise has the last word.
          log.info({ webhook: id, error: messageOf(error) }, 'a webhook was not disabled by this');
        });
    },
  };
}
