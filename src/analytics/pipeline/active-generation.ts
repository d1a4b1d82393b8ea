/**
 * Is the generation that this process writes the one that people are shown? Asked again every few seconds, since a
 * swap is a row in `generations` and tells nobody.
 *
 * The answer turns to yes at once and to no a while later: for some moments after a swap both generations announce,
 * rather than neither.
 */
import { messageOf } from '../../platform/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { ClickHouseClient } from '../clickhouse.js';

const ASK_MS = 2_000;
/** The other one has asked by then, whatever the moment of the swap. */
const OFF_AFTER_MS = 3 * ASK_MS;
/** Shown by an installation that has named none. */
const FIRST = 1;

export interface ActiveGeneration {
  readonly isActive: boolean;
  /** Asks, and from then on again and again. Rejects when there is no answer. */
  start(): Promise<void>;
  close(): void;
}

export function watchActiveGeneration(
  client: ClickHouseClient,
  generation: number,
  log: Logger,
  { askMs = ASK_MS, offAfterMs = OFF_AFTER_MS }: { askMs?: number; offAfterMs?: number } = {},
): ActiveGeneration {
  let isActive = false;
  let lastActive = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function ask(): Promise<void> {
    const answer = await client.query({
      query: 'SELECT generation FROM active_generation',
      format: 'JSONEachRow',
    });
    const [row] = await answer.json<{ generation: number }>();
    const shown = (row?.generation || FIRST) === generation;
    const now = performance.now();
    if (shown) lastActive = now;
    const announces = shown || now - lastActive < offAfterMs;
    if (announces !== isActive)
      log.info({ generation, announces }, 'what is announced is the active generation');
    isActive = announces;
  }

  function askLater(): void {
    if (isClosed) return;
    timer = setTimeout(
      () =>
        void ask()
          .catch((error: unknown) =>
            log.debug(
              { error: messageOf(error) },
              'the active generation is not known; the last answer stands',
            ),
          )
          .finally(askLater),
      askMs,
    ).unref();
  }

  return {
    get isActive() {
      return isActive;
    },
    async start() {
      await ask();
      askLater();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
