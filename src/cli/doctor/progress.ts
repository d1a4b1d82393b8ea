/** Are the tables following the log, and would a restart be able to continue? */
import type { Queries } from '../../analytics/ports.js';
import { type CheckpointRow, type PartitionProgress, progressOf } from '../../api/progress.js';
import type { Settings } from '../../platform/config.js';
import { recordHash } from '../../streams/codec.js';
import type { LogInspector } from '../../streams/ports.js';
import { type Finding, ok, unknown, wrong, wrongBy } from './check.js';

type Limits = Pick<Settings, 'WATTSTREAM_CHECKPOINT_MS' | 'WATTSTREAM_GENERATION'>;

export async function checkProgress(
  settings: Limits,
  queries: Queries,
  inspector: LogInspector,
): Promise<Finding[]> {
  let checkpoints: CheckpointRow[];
  let progress: PartitionProgress[];
  try {
    checkpoints = (await queries.ask('checkpoints', {})).rows as unknown as CheckpointRow[];
    progress = progressOf(await inspector.bounds(), checkpoints);
  } catch (error) {
    return [wrongBy('progress', error, 'See the checks above.')];
  }
  return [
    ...progress.map((partition) => judgeProgress(partition, settings.WATTSTREAM_CHECKPOINT_MS)),
    await checkSameLog(progress, checkpoints, inspector),
    await checkGeneration(settings.WATTSTREAM_GENERATION, queries),
  ];
}

/** Several checkpoints may be missed while a process restarts; beyond that nobody is reading. */
const MISSED = 6;

export function judgeProgress(partition: PartitionProgress, checkpointMs: number): Finding {
  const { state, behind, firstOffset, lastOffset, nextOffset, checkpointAgeSeconds: age } = partition;
  const check = `partition ${partition.partition}`;
  switch (state) {
    case 'empty':
      return ok(check, 'empty');
    case 'level':
      return ok(check, `level at offset ${lastOffset}`);
    case 'unread':
      return unknown(check, `${behind} offsets and no checkpoint yet`, 'Is analytics running? See its log.');
    case 'behind': {
      const stale = (age ?? 0) * 1_000 > MISSED * checkpointMs;
      return stale
        ? wrong(
            check,
            `${behind} offsets behind, and no checkpoint for ${age} s`,
            'Is analytics running? A partition it refuses is named in its log and in wattstream_refusals_total.',
          )
        : ok(check, `${behind} offsets after the checkpoint of ${age} s ago`);
    }
    case 'lost':
      return wrong(
        check,
        `the log begins at ${firstOffset}, the checkpoint wants ${nextOffset}: what lay between was never processed`,
        'RETENTION_PASSED_CHECKPOINT: rebuild from the archive, or accept the loss by starting a new generation.',
      );
    case 'ahead':
      return wrong(
        check,
        `the checkpoint wants ${nextOffset}, the log ends at ${lastOffset ?? 'nothing'}: this is another log`,
        'Is it the right broker? If the stream was created again, raise WATTSTREAM_EPOCH.',
      );
  }
}

/** Reads the last record of each checkpoint again and compares its hash, as a restart would. */
async function checkSameLog(
  progress: readonly PartitionProgress[],
  checkpoints: readonly CheckpointRow[],
  inspector: LogInspector,
): Promise<Finding> {
  const check = 'same log';
  const kept = new Map(progress.map((partition) => [partition.partition, partition]));
  const readable = checkpoints.filter(({ active, partition, last_hash, last_offset }) => {
    const bounds = kept.get(partition);
    const { firstOffset = null, lastOffset = null } = bounds ?? {};
    const retained =
      firstOffset !== null && lastOffset !== null && last_offset >= firstOffset && last_offset <= lastOffset;
    return active && last_hash !== '' && retained;
  });
  if (readable.length === 0) return unknown(check, 'no checkpoint whose last record is still kept');
  try {
    const differing: number[] = [];
    for (const { partition, last_offset, last_hash } of readable) {
      let hash = '';
      for await (const record of inspector.read(partition, last_offset, last_offset))
        hash = recordHash(record);
      if (hash !== last_hash) differing.push(partition);
    }
    return differing.length === 0
      ? ok(check, `the last record of ${readable.length} checkpoints is the one they were taken at`)
      : wrong(
          check,
          `in partition ${differing.join(', ')} another record lies where the checkpoint was taken`,
          'LOG_DIFFERS_FROM_CHECKPOINT: the stream was created again, or this is another broker. Raise WATTSTREAM_EPOCH, or correct RABBITMQ_URL.',
        );
  } catch (error) {
    return wrongBy(check, error, 'The log could not be read; see the log of RabbitMQ.');
  }
}

async function checkGeneration(written: number, queries: Queries): Promise<Finding> {
  const check = 'generation';
  try {
    const { rows } = await queries.ask('generations', {});
    const shown = Number(rows.find(({ active }) => active === true)?.generation);
    return shown === written
      ? ok(check, `${shown} is written and shown`)
      : unknown(
          check,
          `${written} is written, ${shown} is shown`,
          'Right while a rebuild catches up; then activate it.',
        );
  } catch (error) {
    return wrongBy(check, error, 'See the check of the tables.');
  }
}
