/** Can names and e-mail addresses be read, and is anybody erased whose key is still there? Declares and writes nothing. */
import { messageNames } from '../../domain/messages/names.js';
import type { KeyBook } from '../../domain/registry/key-book.js';
import { isErased } from '../../domain/registry/personal.js';
import { type Settings, streamAddress } from '../../platform/config.js';
import { WattstreamError } from '../../platform/errors.js';
import { silentLogger } from '../../platform/logger.js';
import { withTimeout } from '../../platform/retry.js';
import { QueueConnection } from '../../queues/rabbitmq/connection.js';
import { KeyRing } from '../../registry/keys/key-ring.js';
import { createRabbitKeyBooks } from '../../registry/keys/rabbitmq/key-books.js';
import { Replica } from '../../registry/replica.js';
import { newestSnapshot } from '../../registry/snapshots.js';
import { createRabbitEventLog } from '../../streams/rabbitmq/event-log.js';
import { type Finding, ok, unknown, wrongBy } from './check.js';

const LIMIT_MS = 5_000;
/** For reading a large registry on a busy machine. */
const READ_MS = 30_000;
const CHECK = 'personal data';

export async function checkKeys(settings: Settings): Promise<Finding> {
  const { WATTSTREAM_PREFIX: prefix, RABBITMQ_URL: amqpUrl } = settings;
  const address = streamAddress(settings);
  const { streams } = messageNames(prefix);
  const log = createRabbitEventLog({ address, stream: streams.cmsEvents, timeoutMs: LIMIT_MS });
  const snapshots = createRabbitEventLog({ address, stream: streams.cmsSnapshots, timeoutMs: LIMIT_MS });
  const connection = new QueueConnection({ amqpUrl, name: 'wattstream doctor' });
  const books = createRabbitKeyBooks({ address, connection, prefix, log: silentLogger });
  let replica: Replica | undefined;
  try {
    const kept = await withTimeout(log.bounds(), LIMIT_MS, 'Asking for the registry').catch(() => undefined);
    if (kept === undefined)
      return unknown(
        CHECK,
        'the registry does not answer, or is not there yet',
        'Start an api: it declares it.',
      );
    replica = new Replica({ log, newestSnapshot: () => newestSnapshot(snapshots), logger: silentLogger });
    await withTimeout(replica.level, READ_MS, 'Reading the registry');
    const ring = new KeyRing({ books, replica });
    const { state } = ring;
    const lost = await ring.tagKey().then(
      () => undefined,
      (error: unknown) => error,
    );
    await ring.refresh().catch(() => {});
    const { state: registry } = replica;
    const erased = [...ring.ownersIn(state?.book ?? 0)].filter((owner) => isErased(registry, owner)).length;
    const clear = [...registry.entities.account.values()].filter(
      (one) => one.state?.name !== undefined,
    ).length;
    return judgeKeys({ state, lost, erased, clear });
  } catch (error) {
    return unknown(CHECK, `could not be looked at: ${(error as Error).message}`, 'Run the doctor again.');
  } finally {
    await replica?.close();
    await books.close();
    await Promise.allSettled([log.close(), snapshots.close(), connection.close()]);
  }
}

export interface KeysFound {
  /** undefined: nothing was ever sealed. */
  readonly state: KeyBook | undefined;
  /** Why the current book cannot be read. */
  readonly lost: unknown;
  /** Erased accounts that have a key in the current book. */
  readonly erased: number;
  /** Accounts whose newest event is in the clear. */
  readonly clear: number;
}

export function judgeKeys({ state, lost, erased, clear }: KeysFound): Finding {
  const inClear = clear === 0 ? '' : `; ${clear} accounts stand in the clear until an api has sealed them`;
  if (state === undefined) return ok(CHECK, `nothing was sealed so far${inClear}`);
  if (lost instanceof WattstreamError && lost.code === 'KEY_BOOK_LOST')
    return wrongBy(CHECK, lost, 'Restore the stream from a backup of the broker.');
  if (lost !== undefined) return unknown(CHECK, `key book ${state.book} does not answer`);
  const book = `key book ${state.book} is the current one`;
  const remedy = 'A running api finishes it by itself, within a minute: run the doctor again; see its log.';
  if (state.from !== null)
    return unknown(
      CHECK,
      `${book}, book ${state.from} is being copied into it: unfinished${inClear}`,
      remedy,
    );
  if (erased > 0)
    return unknown(CHECK, `${book}; keys of ${erased} erased accounts are still to be destroyed`, remedy);
  return ok(CHECK, `${book}${inClear}`);
}
