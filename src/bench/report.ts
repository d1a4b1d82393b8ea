import type { LoadReport } from '../simulator/load.js';

export type LoadRound = LoadReport;

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

export const reportText = ({ answered, processed }: BenchReport): string =>
  [
    '',
    `${''.padEnd(20)}${'bare'.padStart(12)}${'wattstream'.padStart(12)}${'ratio'.padStart(8)}`,
    line('answered CALLs/s', answered.barePerSecond, answered.ingestPerSecond),
    line('processed frames/s', processed.barePerSecond, processed.analyticsPerSecond),
    '',
    `answers of ingest, ms: ${JSON.stringify(answered.ingestLatencyMs)}; CALLERRORs: ${answered.callErrors}`,
  ].join('\n');
