import type { LoadReport } from '../simulator/load.js';
import type { StormReport } from '../simulator/storm.js';

export type LoadRound = LoadReport;

export interface StormRound extends StormReport {
  /** Answers to one that stayed, while the others came back. */
  readonly bystanderMs: LoadReport['latencyMs'];
}

export interface ReadRound {
  readonly perSecond: number;
  readonly seconds: number;
}

export interface BenchReport {
  readonly answered: {
    readonly barePerSecond: number;
    readonly ingestPerSecond: number;
    readonly ingestLatencyMs: LoadReport['latencyMs'] | undefined;
    readonly callErrors: number;
  };
  readonly processed: {
    readonly records: number;
    readonly barePerSecond: number;
    readonly analyticsPerSecond: number;
  };
  readonly storm: StormRound | undefined;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

const line = (name: string, bare: number, ours: number): string =>
  `${name.padEnd(20)}${String(Math.round(bare)).padStart(12)}${String(Math.round(ours)).padStart(12)}${(ours / bare).toFixed(2).padStart(8)}`;

const stormLines = (storm: StormRound): string[] => {
  const { connections, seconds, backMs, refused, failed, intervals, bystanderMs } = storm;
  const turnedAway = Object.entries(refused).map(([status, times]) => `${times} with ${status}`);
  const ms = (value: number) => `${Math.round(value)} ms`;
  return [
    '',
    `reconnect storm: ${connections} chargers cut off at once are all back after ${seconds.toFixed(1)} s ` +
      `(half of them after ${(backMs.p50 / 1_000).toFixed(1)} s)`,
    `  turned away on the way: ${turnedAway.join(', ') || 'nobody'}; failed otherwise: ${failed}`,
    `  heartbeat intervals told: ${intervals.least} to ${intervals.most} s, ${intervals.different} different`,
    `  one that stayed was answered ${bystanderMs.count} times meanwhile: half within ${ms(bystanderMs.p50)}, all within ${ms(bystanderMs.max)}`,
  ];
};

export const reportText = ({ answered, processed, storm }: BenchReport): string =>
  [
    '',
    `${''.padEnd(20)}${'bare'.padStart(12)}${'wattstream'.padStart(12)}${'ratio'.padStart(8)}`,
    line('answered CALLs/s', answered.barePerSecond, answered.ingestPerSecond),
    line('processed frames/s', processed.barePerSecond, processed.analyticsPerSecond),
    '',
    `answers of ingest, ms: ${JSON.stringify(answered.ingestLatencyMs)}; CALLERRORs: ${answered.callErrors}`,
    ...(storm === undefined ? [] : stormLines(storm)),
  ].join('\n');
