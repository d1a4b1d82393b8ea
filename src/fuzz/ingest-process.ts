/** The role `ingest` as it is, and a neighbour in its process that collects garbage and weighs it when asked to. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes, after everything that nobody needs was collected. */
export interface Weight {
  readonly heap: number;
  readonly external: number;
  readonly rss: number;
}

const { gc } = globalThis as { gc?: () => void };

process.on('message', async () => {
  // What a collection finalizes may let go of more.
  for (let round = 0; round < 4; round++) {
    gc?.();
    await sleep(20);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ heap: heapUsed, external, rss } satisfies Weight);
});

/** Whoever started it is gone. */
process.once('disconnect', () => process.exit(1));
await import('../ingest/main.js');
