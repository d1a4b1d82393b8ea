/** Are the streams of events being stored, and would a restart go on? By the functions that decide it in analytics. */
import type { EventPositions, EventTable } from '../../analytics/events/ports.js';
import { EVENT_TABLES } from '../../analytics/events/readers.js';
import {
  EventGuard,
  type EventPosition,
  followFrom,
  isAcceptedGap,
  refuseEventStart,
} from '../../analytics/events/start.js';
import type { Settings } from '../../platform/config.js';
import { withTimeout } from '../../platform/retry.js';
import type { EventLog, EventRecord } from '../../streams/ports.js';
import { type Finding, ok, unknown, wrong, wrongBy } from './check.js';

const LIMIT_MS = 5_000;
/** Positions that may be missed while a process restarts; beyond that nobody is reading. */
const MISSED = 6;

type Limits = Pick<Settings, 'WATTSTREAM_CHECKPOINT_MS' | 'WATTSTREAM_ACCEPT_GAP'>;

/** One finding for each stream. `open` names it without a prefix; what it opens is closed. */
export const checkEvents = (
  settings: Limits,
  positions: Pick<EventPositions, 'load'>,
  open: (stream: string) => EventLog,
  now: () => number = Date.now,
): Promise<Finding[]> =>
  Promise.all(
    EVENT_TABLES.map(async (table) => {
      const log = open(table.stream);
      try {
        return await checkStream(table, settings, positions, log, now);
      } finally {
        await log.close().catch(() => {});
      }
    }),
  );

async function checkStream(
  table: EventTable,
  settings: Limits,
  positions: Pick<EventPositions, 'load'>,
  log: EventLog,
  now: () => number,
): Promise<Finding> {
  const check = table.stream;
  let stored: EventPosition | undefined;
  try {
    // The end of the stream after the position: the other way round a fresh one could seem to lie beyond it.
    stored = await positions.load(table);
  } catch (error) {
    return wrongBy(check, error, 'See the check of the tables.');
  }
  const kept = await withTimeout(log.bounds(), LIMIT_MS, `Asking for ${check}`).catch(() => undefined);
  if (kept === undefined)
    return unknown(check, 'does not answer, or is not there yet', 'Start analytics: it declares it.');
  const refusal = refuseEventStart(table.stream, stored, kept);
  if (refusal !== undefined && !isAcceptedGap(settings.WATTSTREAM_ACCEPT_GAP, refusal))
    return wrong(check, `is refused, ${refusal.code}: ${refusal.message}`, refusal.remedy);
  if (kept.last === undefined) return ok(check, 'empty');
  const behind = Math.max(0, kept.last - (stored?.offset ?? (kept.first ?? 0) - 1));
  const guard = new EventGuard(table.stream, refusal === undefined ? stored : undefined);
  let oldest: EventRecord | undefined;
  for (const record of await firstTwo(log, refusal === undefined ? stored : undefined, kept.last)) {
    const verdict = guard.judge(record);
    if (verdict === 'fresh') oldest ??= record;
    else if (verdict !== 'stored')
      return wrong(check, `is refused, ${verdict.code}: ${verdict.message}`, verdict.remedy);
  }
  return judgeEvents(check, { last: kept.last, behind, oldest }, settings, now());
}

/** `oldest`: the first record that no saved position covers. */
export function judgeEvents(
  check: string,
  found: { readonly last: number; readonly behind: number; readonly oldest: EventRecord | undefined },
  settings: Pick<Settings, 'WATTSTREAM_CHECKPOINT_MS'>,
  now: number,
): Finding {
  const { last, behind, oldest } = found;
  if (behind === 0 || oldest === undefined) return ok(check, `stored through its end at offset ${last}`);
  const age = Math.max(0, Math.round((now - oldest.publishedAt) / 1_000));
  return age * 1_000 > MISSED * settings.WATTSTREAM_CHECKPOINT_MS
    ? wrong(
        check,
        `${behind} offsets behind, the oldest of ${age} s ago`,
        'Is analytics running? If it refuses the stream, refusals say why.',
      )
    : ok(check, `${behind} offsets after what is known to be stored, the oldest of ${age} s ago`);
}

/** The record that is stored already and the one after it, as far as there are such. */
async function firstTwo(
  log: EventLog,
  stored: EventPosition | undefined,
  last: number,
): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  let following: ReturnType<EventLog['follow']> | undefined;
  const found = new Promise<void>((resolve) => {
    following = log.follow({
      from: followFrom(stored),
      accept(record) {
        if (records.length < 2) records.push(record);
        if (records.length === 2 || record.offset >= last) resolve();
      },
      onLevel: resolve,
      refused: () => resolve(),
    });
  });
  await withTimeout(found, LIMIT_MS, 'Reading the first records').catch(() => {});
  await following?.close();
  return records;
}
