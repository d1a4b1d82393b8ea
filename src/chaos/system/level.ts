/** Waiting until analytics has read all there is, and has said so in a checkpoint: its rows are stored then. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WattstreamError } from '../../platform/errors.js';
import type { LogInspector, StoredRecord } from '../../streams/ports.js';
import { createRabbitInspector } from '../../streams/rabbitmq/inspector.js';
import type { System } from './system.js';

/** Without any progress for this long, something is stuck. */
const STUCK_MS = 120_000;

export const inspect = ({ address, prefix, partitions }: System): LogInspector =>
  createRabbitInspector({ address, prefix, partitions });

/** Throws STUCK when the checkpoints of a generation stand still behind the end of the log. */
export async function untilLevel(
  system: System,
  generation: number,
  say: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  let best = Number.POSITIVE_INFINITY;
  for (let progressAt = Date.now(), saidAt = Date.now(); ; ) {
    const behind = await lag(system, generation).catch(() => undefined);
    const left = behind?.reduce((sum, one) => sum + one, 0) ?? Number.POSITIVE_INFINITY;
    if (left === 0) return;
    if (left < best) {
      best = left;
      progressAt = Date.now();
    }
    if (Date.now() - saidAt > 5_000) {
      saidAt = Date.now();
      say(`generation ${generation} has ${left} records to go`);
    }
    if (Date.now() - progressAt > STUCK_MS)
      throw new WattstreamError(
        'STUCK',
        `analytics (generation ${generation}) has stood still for ${STUCK_MS / 1_000} s; behind by ${behind?.join(', ') ?? 'an unknown number'}`,
      );
    await sleep(200, undefined, signal === undefined ? {} : { signal });
  }
}

/** Records between the newest checkpoint and the end of the log, by partition. */
async function lag(system: System, generation: number): Promise<number[]> {
  const inspector = inspect(system);
  try {
    const bounds = await inspector.bounds();
    const answer = await system.database.query({
      query: `SELECT partition, max(last_offset) AS last FROM checkpoints WHERE generation = ${generation} GROUP BY partition`,
      format: 'JSONEachRow',
    });
    const reached = new Map(
      (await answer.json<{ partition: number; last: number }>()).map((row) => [
        row.partition,
        Number(row.last),
      ]),
    );
    return bounds.map(({ partition, last }) =>
      last === undefined ? 0 : last - (reached.get(partition) ?? -1),
    );
  } finally {
    await inspector.close();
  }
}

/** The whole log, partition by partition. */
export async function readLog(system: System): Promise<StoredRecord[]> {
  const inspector = inspect(system);
  try {
    const records: StoredRecord[] = [];
    for (const { partition, first, last } of await inspector.bounds()) {
      if (first === undefined || last === undefined) continue;
      for await (const record of inspector.read(partition, first, last)) records.push(record);
    }
    return records;
  } finally {
    await inspector.close();
  }
}
