/** The registry for a command on the machine itself: straight at the broker, whether an api runs or not. */
import { hostname, userInfo } from 'node:os';
import { readSettings, type Settings, streamAddress } from '../platform/config.js';
import { WattstreamError } from '../platform/errors.js';
import { silentLogger } from '../platform/logger.js';
import { withTimeout } from '../platform/retry.js';
import { openQueues } from '../queues/rabbitmq/open.js';
import { openRegistry } from '../registry/rabbitmq/open.js';
import type { RegistryStore } from '../registry/store.js';

const LEVEL_MS = 60_000;

export const whoAmI = (): string => `cli:${userInfo().username}@${hostname()}`;

/** Runs `work` when the registry has been read to its end, and closes it whatever happens. Rejects with REGISTRY_UNREACHABLE. */
export async function withRegistry<T>(
  env: NodeJS.ProcessEnv,
  work: (store: RegistryStore, settings: Settings) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const settings = readSettings(env);
  const log = silentLogger;
  const queues = openQueues(settings, 'wattstream registry', log);
  const registry = openRegistry({
    address: streamAddress(settings),
    topology: queues.topology,
    connection: queues.connection,
    publisher: queues.events,
    writeMs: settings.WATTSTREAM_REGISTRY_WRITE_MS,
    // A command is short: snapshots are written by those who stay.
    snapshotEvents: Number.MAX_SAFE_INTEGER,
    log,
  });
  const { store } = registry;
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(new WattstreamError('STOPPED', 'It was asked to stop.'));
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
  stopped.catch(() => {});
  try {
    await Promise.race([withTimeout(store.replica.level, LEVEL_MS, 'Reading the registry'), stopped]).catch(
      (cause: unknown) => {
        if ((cause as { code?: unknown }).code !== 'TIMEOUT') throw cause;
        throw new WattstreamError(
          'REGISTRY_UNREACHABLE',
          `The registry cannot be read: ${store.replica.ready()}`,
          { canRetry: true, cause, remedy: 'See whether RabbitMQ runs: wattstream doctor.' },
        );
      },
    );
    return await work(store, settings);
  } finally {
    await registry.close();
    await queues.close(0);
  }
}
