/**
 * The course of a session out of what the tables have: its row and its samples, by the rules that made the row. What is
 * paid for is the row's energy, to the mWh; the samples only say when it was taken.
 *
 * It ends with the stop, not with the unplugging: when somebody unplugs is often told later, or never, and a receipt
 * must not change by it. While it goes on: with the last evidence.
 */
import { energyOf } from '../charging/energy.js';
import { addSample, pick, type SeriesSet } from '../charging/series.js';
import type { Course, Reading } from '../charging/tariff/course.js';

export interface MeteredSession {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly stoppedAt: number | null;
  readonly lastSeenAt: number;
  /** mWh, as in the tables. */
  readonly energyMilli: number | null;
  readonly meterStartMilli: number | null;
  readonly meterStopMilli: number | null;
}

/** A sample as `meter_values` has it: base units. */
export interface MeteredSample {
  readonly at: number;
  readonly measurand: string;
  readonly phase: string;
  readonly location: string;
  readonly context: string;
  readonly milli: number;
}

const CURRENT = 'Current.Import';
const OF_ALL = 'Outlet';

export function courseOf(session: MeteredSession, samples: readonly MeteredSample[]): Course {
  const { startedAt, stoppedAt, lastSeenAt, energyMilli } = session;
  const endAt = Math.max(startedAt, stoppedAt ?? lastSeenAt);
  const set: SeriesSet = {};
  for (const sample of samples) if (sample.at <= endAt) addSample(set, sample, sample.at);
  const power = pick(set, 'power').map(({ at, milli }): Reading => ({ at, milli }));
  const current = currentOf(samples, endAt);
  return {
    startAt: startedAt,
    endAt,
    curve: energyMilli === null ? null : curveOf(session, set, endAt, energyMilli),
    ...(power.length > 0 ? { power } : {}),
    ...(current.length > 0 ? { current } : {}),
  };
}

function curveOf(session: MeteredSession, set: SeriesSet, endAt: number, energyMilli: number) {
  const { startedAt, stoppedAt, meterStartMilli, meterStopMilli } = session;
  const read = energyOf({
    startAt: startedAt,
    endAt: stoppedAt ?? undefined,
    cutAt: endAt,
    meterStart: meterStartMilli ?? undefined,
    meterStop: meterStopMilli ?? undefined,
    tagged: set,
    untagged: {},
  }).curve();
  // Where the two differ (a signed pair, samples of which not all are here) the row stands.
  const curve = read
    .filter(({ at }) => at < endAt)
    .map(({ at, milli }) => ({ at, milli: Math.min(milli, energyMilli) }));
  return [...curve, { at: endAt, milli: energyMilli }];
}

/** Amperes of all phases together, at the times when all that were ever read were read. */
function currentOf(samples: readonly MeteredSample[], endAt: number): Reading[] {
  const own = samples.filter(
    ({ measurand, location, at }) =>
      measurand === CURRENT && at <= endAt && (location === '' || location === OF_ALL),
  );
  const total = own.filter(({ phase }) => phase === '');
  if (total.length > 0) return total.map(({ at, milli }) => ({ at, milli }));
  const phases = new Set(own.map(({ phase }) => phase).filter((phase) => /^L[123]$/.test(phase)));
  const sums = new Map<number, Map<string, number>>();
  for (const { at, phase, milli } of own) {
    if (!phases.has(phase)) continue;
    sums.set(at, (sums.get(at) ?? new Map()).set(phase, milli));
  }
  return [...sums]
    .filter(([, read]) => read.size === phases.size)
    .map(([at, read]) => ({ at, milli: [...read.values()].reduce((sum, one) => sum + one, 0) }))
    .sort((a, b) => a.at - b.at);
}
