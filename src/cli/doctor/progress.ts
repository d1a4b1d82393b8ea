/** Are the tables following the log, and would a restart be able to continue? */
import type { Checkpoints } from '../../analytics/pipeline/ports.js';
import type { Queries } from '../../analytics/ports.js';
import { type CheckpointRow, type PartitionProgress, progressOf } from '../../api/progress.js';
import type { Settings } from '../../platform/config.js';
import type { LogInspector } from '../../streams/ports.js';
import { acceptedGaps } from '../../streams/start.js';
import { type Finding, ok, unknown, wrong, wrongBy } from './check.js';
import { checkRestart, refusalFinding, startOf } from './restart.js';

type Limits = Pick<
  Settings,
  | 'WATTSTREAM_PARTITIONS'
  | 'WATTSTREAM_CHECKPOINT_MS'
  | 'WATTSTREAM_GENERATION'
  | 'WATTSTREAM_EPOCH'
  | 'WATTSTREAM_ACCEPT_GAP'
>;

/** Judged is the generation and epoch that analytics with these settings writes. */
export async function checkProgress(
  settings: Limits,
  queries: Queries,
  saved: Pick<Checkpoints, 'load'>,
  inspector: LogInspector,
): Promise<Finding[]> {
  const { WATTSTREAM_GENERATION: generation, WATTSTREAM_EPOCH: epoch } = settings;
  try {
    // The log's end after the checkpoint: the other way round a fresh checkpoint could seem to lie beyond it.
    const checkpoints = (await queries.ask('checkpoints', {})).rows as unknown as CheckpointRow[];
    const refusals = (await queries.ask('refusals', {})).rows as unknown as RefusalRow[];
    const starts = await Promise.all(
      Array.from({ length: settings.WATTSTREAM_PARTITIONS }, (_, partition) => startOf(partition, saved)),
    );
    const bounds = await inspector.bounds();
    const written = checkpoints.filter((row) => row.generation === generation);
    const ours = written.filter((row) => row.epoch === epoch).map((row) => ({ ...row, active: true }));
    const accepted = acceptedGaps(settings.WATTSTREAM_ACCEPT_GAP);
    const atStart = await checkRestart(starts, bounds, inspector, accepted);
    // Those of streams of events are judged with them (doctor/events.ts).
    const refused = refusals.filter(
      (row) => row.stream === 'ocpp.frames' && row.generation === generation && row.epoch === epoch,
    );
    const judged = progressOf(bounds, ours).map((one) =>
      judgeProgress(one, settings.WATTSTREAM_CHECKPOINT_MS),
    );
    return [
      ...judged,
      ...atStart,
      ...judgeRefusals(refused, atStart),
      ...judgeEpoch(epoch, written),
      await checkGeneration(generation, queries),
    ];
  } catch (error) {
    return [wrongBy('progress', error, 'See the checks above.')];
  }
}

/** A row of the question `refusals`. */
export interface RefusalRow {
  readonly generation: number;
  readonly epoch: number;
  readonly partition: number;
  readonly stream: string;
  readonly standing: boolean;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly refused_at: string;
}

/** What analytics wrote down when it stopped a partition; what a restart would meet again is not said twice. */
export function judgeRefusals(rows: readonly RefusalRow[], atStart: readonly Finding[]): Finding[] {
  const check = 'refusals';
  const standing = rows.filter((row) => row.standing);
  if (standing.length === 0) return [ok(check, 'no partition was stopped since its last checkpoint')];
  const known = new Set(
    atStart.filter(({ verdict }) => verdict === 'wrong').map(({ found }) => /\d+/.exec(found)?.[0]),
  );
  const others = standing.filter(({ partition }) => !known.has(String(partition)));
  if (others.length === 0) return [unknown(check, 'those named above')];
  return others.map((row) =>
    refusalFinding(check, {
      ...row,
      message: `${row.message} (${row.refused_at}, and no checkpoint since)`,
    }),
  );
}

function judgeEpoch(epoch: number, checkpoints: readonly CheckpointRow[]): Finding[] {
  const newest = Math.max(0, ...checkpoints.map((row) => row.epoch));
  return newest <= epoch
    ? []
    : [
        wrong(
          'epoch',
          `there are checkpoints of epoch ${newest}, WATTSTREAM_EPOCH says ${epoch}`,
          `Set WATTSTREAM_EPOCH=${newest}, here and for analytics: rows of an older epoch never win.`,
        ),
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
            'Is analytics running? If it refuses the partition, restart or refusals below say why.',
          )
        : ok(check, `${behind} offsets after the checkpoint of ${age} s ago`);
    }
    case 'lost':
      return wrong(
        check,
        `the log begins at ${firstOffset}, the checkpoint wants ${nextOffset}: what lay between was never processed`,
        'See restart below.',
      );
    case 'ahead':
      return wrong(
        check,
        `the checkpoint wants ${nextOffset}, the log ends at ${lastOffset ?? 'nothing'}: this is another log`,
        'See restart below.',
      );
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
