/**
 * Would analytics, started now, go on? Asked of the same functions that decide it there: the checkpoint that it
 * would load, what the log keeps, and the record that it would read again.
 */
import type { Checkpoints } from '../../analytics/pipeline/ports.js';
import { messageOf, WattstreamError } from '../../platform/errors.js';
import type { LogInspector, PartitionBounds, Refusal, StartAt } from '../../streams/ports.js';
import { type AcceptedGaps, beyondGap, refusal, refuseStart, StartGuard } from '../../streams/start.js';
import { type Finding, ok, unknown, wrong } from './check.js';

/** Where a partition would be begun, or why it would not. To be asked before the bounds of the log, which grow. */
export async function startOf(
  partition: number,
  checkpoints: Pick<Checkpoints, 'load'>,
): Promise<StartAt | Refusal> {
  try {
    const checkpoint = await checkpoints.load(partition);
    if (checkpoint === undefined) return { from: 'first' };
    return { after: checkpoint.marker.lastOffset, hash: checkpoint.marker.lastHash };
  } catch (error) {
    if (!(error instanceof WattstreamError) || error.code !== 'CHECKPOINTS_TORN') throw error;
    return refusal('CHECKPOINTS_TORN', partition, messageOf(error));
  }
}

/** Why it would be refused there; undefined when it would be read. */
export async function refusedAt(
  start: StartAt,
  { partition, first, last }: PartitionBounds,
  inspector: Pick<LogInspector, 'read'>,
  accepted: AcceptedGaps,
): Promise<Refusal | undefined> {
  if ('from' in start) return undefined;
  const refused = refuseStart(start, { first, last }, partition);
  if (refused) return beyondGap(start, refused, accepted) === undefined ? refused : undefined;
  const guard = new StartGuard(start, partition);
  for await (const record of inspector.read(partition, start.after, last ?? start.after)) {
    const verdict = guard.judge(record);
    return typeof verdict === 'string' ? undefined : verdict;
  }
  return undefined;
}

/** One finding for each partition that would be refused; if there is none, one for all. `starts` by partition. */
export async function checkRestart(
  starts: readonly (StartAt | Refusal)[],
  bounds: readonly PartitionBounds[],
  inspector: Pick<LogInspector, 'read'>,
  accepted: AcceptedGaps,
): Promise<Finding[]> {
  const check = 'restart';
  const asked = bounds.map((one) => {
    const start = starts[one.partition] ?? { from: 'first' };
    return 'code' in start ? start : refusedAt(start, one, inspector, accepted);
  });
  const refused = (await Promise.all(asked)).filter((one) => one !== undefined);
  if (refused.length > 0) return refused.map((why) => refusalFinding(check, why));
  const going = starts.filter((start) => 'after' in start).length;
  return [
    going === 0
      ? unknown(check, 'no checkpoint to go on from yet')
      : ok(check, `would go on from the checkpoints of ${going} partitions`),
  ];
}

export const refusalFinding = (
  check: string,
  { partition, code, message, remedy }: Pick<Refusal, 'partition' | 'message' | 'remedy'> & { code: string },
): Finding => wrong(check, `partition ${partition} is refused, ${code}: ${message}`, remedy);
